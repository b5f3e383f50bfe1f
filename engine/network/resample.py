"""How both image encoders bring a picture to their size: white square, blur, bicubic.

Source: the kernels are those of Keys 1981 (a = -0.75) and a Gaussian as wide as the reduction asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_SHARPEST = 0.001  # standard deviation, pixels
_NARROWEST = 3  # kernel, pixels


def pad_to_square(image: Tensor, value: float = 1.0) -> Tensor:
    """Put the image in the middle of a square; an odd pixel goes to the right or below.

    Args:
        image: [B, channels, height, width]
        value: Of the border; 1 is white.

    Returns:
        [B, channels, side, side]
    """
    height, width = image.shape[-2:]
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    return functional.pad(image, (left, side - width - left, top, side - height - top), value=value)


def resize_square(image: Tensor, side: int) -> Tensor:
    """Blur as much as the reduction asks for, then sample with a bicubic kernel, corners on corners.

    Args:
        image: Square. [B, channels, S, S]
        side: Target, pixels.

    Returns:
        Not clamped: a sharp edge over- and undershoots. [B, channels, side, side]
    """
    reduction = image.shape[-1] / side
    if reduction == 1:
        return image
    if reduction > 1:
        image = blurred(image, max((reduction - 1) / 2, _SHARPEST))
    return functional.interpolate(image, size=(side, side), mode="bicubic", align_corners=True)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Convolve with a Gaussian of four standard deviations' width; borders mirror.

    Args:
        image: [B, channels, height, width]
        sigma: Pixels.
    """
    size = int(max(4 * sigma, _NARROWEST)) | 1  # the next odd number
    offsets = torch.arange(size, dtype=image.dtype, device=image.device) - size // 2
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, 1, size)
    around = size // 2
    image = functional.pad(image, (around, around, around, around), mode="reflect")
    image = functional.conv2d(image, kernel, groups=image.shape[1])
    return functional.conv2d(image, kernel.transpose(2, 3), groups=image.shape[1])


def encoder_input(image: Tensor, side: int) -> Tensor:
    """The picture as an encoder gets it.

    Args:
        image: RGB, 0..1. [B, 3, height, width]
        side: Pixels along the encoder's square.

    Returns:
        [B, 3, side, side]
    """
    return resize_square(pad_to_square(image), side)
