"""The head image as the official code cuts it: from the photo itself, background and all.

Source: measured on golden tensors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROOM = 1.65  # of the head's box
SIDE = 112  # pixels


def head_square(box: Sequence[float], room: float = ROOM) -> tuple[int, int, int, int]:
    """A square about a head's box.

    Args:
        box: Left, top, right, bottom, pixels.
        room: Its side over the geometric mean of the box's sides.

    Returns:
        Left, top, right, bottom, pixels; it may reach beyond the photo.
    """
    left, top, right, bottom = (float(side) for side in box)
    half = room * math.sqrt((right - left) * (bottom - top)) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    # int() cuts towards zero, on either side of it, as the official code does.
    return int(x - half), int(y - half), int(x + half), int(y + half)


def head_image(
    rgb: NDArray[np.uint8], square: tuple[int, int, int, int], side: int = SIDE
) -> NDArray[np.float32]:
    """Cut the head out.

    The official code answers with black where the square begins outside the photo; here it is cut at the
    border, which the released models cope with at the other two borders.

    Args:
        rgb: The photo, upright. [height, width, 3]
        square: Left, top, right, bottom, pixels.
        side: Of the answer, pixels.

    Returns:
        0..1. [side, side, 3]

    Raises:
        ValueError: If the square lies outside the photo.
    """
    left, top = (max(edge, 0) for edge in square[:2])
    crop = rgb[top : max(square[3], 0), left : max(square[2], 0)]
    if not crop.size:
        raise ValueError(
            f"the square {square} must touch the photo of {rgb.shape[1]} x {rgb.shape[0]} pixels"
        )
    return cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
