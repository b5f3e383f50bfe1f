"""Rectangles in a picture, and pictures cut along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Box:
    """Whole pixels; right and bottom are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels."""
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, share: float, size: tuple[int, int]) -> Box:
        """A box with a margin on each side, inside the picture.

        Args:
            share: Margin as a share of the longer side.
            size: Width and height of the picture.
        """
        margin = round(share * max(self.width, self.height))
        return clipped(
            (self.left - margin, self.top - margin, self.right + margin, self.bottom + margin), size
        )


def clipped(edges: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
    """Left, top, right, bottom rounded outwards and cut to a picture of that width and height.

    The result is never empty: a box beside the picture becomes the nearest pixel.
    """
    width, height = size
    left = int(np.clip(np.floor(edges[0]), 0, width - 1))
    top = int(np.clip(np.floor(edges[1]), 0, height - 1))
    right = int(np.clip(np.ceil(edges[2]), left + 1, width))
    bottom = int(np.clip(np.ceil(edges[3]), top + 1, height))
    return Box(left, top, right, bottom)


def mask_box(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box around what is true, or None if nothing is. [H, W]"""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def resized(image: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """A picture or mask at another size: area means when it shrinks, linear when it grows."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = width * height < image.shape[0] * image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def limited(image: NDArray[Any], longest: int) -> NDArray[Any]:
    """The picture itself, or a smaller one whose longer side is `longest` pixels."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    return (
        image if scale >= 1 else resized(image, max(1, round(width * scale)), max(1, round(height * scale)))
    )
