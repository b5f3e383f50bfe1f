"""The person's own colours at soft pixels: the background that a soft edge mixes in, taken out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..raster.jit import exact_kernel
from .boxes import resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMOOTH = 1e-5  # How much alike neighbours are where alpha is flat
_EDGE = 0.1  # and how much more so across a change of alpha.
_COARSE_SIDE = 32
_SWEEPS = (10, 3)  # On coarse and on fine levels.


def foreground_colors(
    rgb: NDArray[np.float32], alpha: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours of person and background such that alpha mixes them to the picture.

    Each level of a pyramid starts from the coarser one's result, so colours also reach far into where there
    is nothing of the person.

    Args:
        rgb: The picture, 0..1. [H, W, 3]
        alpha: 0..1. [H, W]

    Returns:
        Foreground and background, 0..1. [H, W, 3] each

    Source: Germer, Uelwer, Conrad and Harmeling, "Fast Multi-Level Foreground Estimation", 2020, equation 4
        and algorithm 1.
    """
    height, width = alpha.shape
    # The mean of what is surely one side; without any, of the whole picture.
    front = _mean(rgb, alpha > 0.9)
    back = _mean(rgb, alpha < 0.1)
    front, back = front[None, None], back[None, None]
    levels = max(1, int(np.ceil(np.log2(max(height, width)))))
    for level in range(levels + 1):
        size = tuple(max(1, round(side ** (level / levels))) for side in (width, height))
        image, share = resized(rgb, *size), resized(alpha, *size)
        front = cv2.resize(front, size, interpolation=cv2.INTER_NEAREST).reshape(size[1], size[0], 3)
        back = cv2.resize(back, size, interpolation=cv2.INTER_NEAREST).reshape(size[1], size[0], 3)
        front, back = np.ascontiguousarray(front, np.float32), np.ascontiguousarray(back, np.float32)
        sweeps = _SWEEPS[0] if max(size) <= _COARSE_SIDE else _SWEEPS[1]
        image, share = np.ascontiguousarray(image, np.float32), np.ascontiguousarray(share, np.float32)
        _sweep(image.reshape(size[1], size[0], 3), share.reshape(size[1], size[0]), front, back, sweeps)
    return front, back


def _mean(rgb: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    return (rgb[where] if where.any() else rgb.reshape(-1, 3)).mean(axis=0)


@exact_kernel
def _sweep(image, alpha, front, back, sweeps):
    """Gauss-Seidel: each pixel takes the pair of colours that is best beside its neighbours' as they are."""
    height, width = alpha.shape
    smooth, edge = np.float32(_SMOOTH), np.float32(_EDGE)
    for _ in range(sweeps):
        for y in range(height):
            for x in range(width):
                a = alpha[y, x]
                b = np.float32(1) - a
                total = np.float32(0)
                f0 = f1 = f2 = b0 = b1 = b2 = np.float32(0)
                for side in range(4):
                    i = min(max(y + (side == 0) - (side == 1), 0), height - 1)
                    j = min(max(x + (side == 2) - (side == 3), 0), width - 1)
                    weight = smooth + edge * abs(a - alpha[i, j])
                    total += weight
                    f0 += weight * front[i, j, 0]
                    f1 += weight * front[i, j, 1]
                    f2 += weight * front[i, j, 2]
                    b0 += weight * back[i, j, 0]
                    b1 += weight * back[i, j, 1]
                    b2 += weight * back[i, j, 2]
                # Neighbours' means, moved along (a, b) by what they leave unexplained of the pixel.
                scale = np.float32(1) / (total + a * a + b * b)
                f0, f1, f2 = f0 / total, f1 / total, f2 / total
                b0, b1, b2 = b0 / total, b1 / total, b2 / total
                r0 = (image[y, x, 0] - a * f0 - b * b0) * scale
                r1 = (image[y, x, 1] - a * f1 - b * b1) * scale
                r2 = (image[y, x, 2] - a * f2 - b * b2) * scale
                front[y, x, 0] = min(max(f0 + a * r0, np.float32(0)), np.float32(1))
                front[y, x, 1] = min(max(f1 + a * r1, np.float32(0)), np.float32(1))
                front[y, x, 2] = min(max(f2 + a * r2, np.float32(0)), np.float32(1))
                back[y, x, 0] = min(max(b0 + b * r0, np.float32(0)), np.float32(1))
                back[y, x, 1] = min(max(b1 + b * r1, np.float32(0)), np.float32(1))
                back[y, x, 2] = min(max(b2 + b * r2, np.float32(0)), np.float32(1))
