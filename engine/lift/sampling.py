"""Reading images between their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..avatar.arrays import Float


def sample(image: Float, pixels: Float) -> Float:
    """Read an image bilinearly; positions beyond the border read the border.

    Args:
        image: One value or several channels a pixel. [H, W] or [H, W, C]
        pixels: x and y, pixel centres at +0.5. [..., 2]

    Returns:
        [...] or [..., C]
    """
    height, width = image.shape[:2]
    x = np.clip(pixels[..., 0] - 0.5, 0, width - 1)
    y = np.clip(pixels[..., 1] - 0.5, 0, height - 1)
    x0, y0 = x.astype(int), y.astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    channels = (...,) + (None,) * (image.ndim - 2)
    u, v = (x - x0)[channels], (y - y0)[channels]
    top = image[y0, x0] * (1 - u) + image[y0, x1] * u
    bottom = image[y1, x0] * (1 - u) + image[y1, x1] * u
    return top * (1 - v) + bottom * v
