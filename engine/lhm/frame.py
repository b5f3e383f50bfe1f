"""Which part of the photo, and how much white about it, the network's body image shows.

The same rule as the official one (see ``network.body_image``), with the same rounding, so that both show the
person at the same place; but nobody is refused and nobody is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..network.body_image import ASPECT, LONGER_SIDE, PATCH, person_box

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """Where the body image lies in the photo.

    Args:
        rectangle: Left, top, right, bottom in pixels of the photo, often beyond its borders.
        box: The person's box with a tenth of room, whole pixels of the photo; it may pass its sides.
        padded: Columns of white on each side and rows on top that bring the box to the aspect, pixels.
    """

    rectangle: tuple[float, float, float, float]
    box: tuple[int, int, int, int]
    padded: tuple[int, int]


def image_size(width: int) -> tuple[int, int]:
    """Height and width of the body image of a model whose images are that wide, in whole patches."""
    return int(width * ASPECT / PATCH) * PATCH, int(width / PATCH) * PATCH


def frame(mask: NDArray[np.uint8]) -> Frame:
    """Frame a person.

    Args:
        mask: 0..255, the person is white. [H, W]

    Raises:
        AvatarError: If the mask is empty.
    """
    # Room on both sides comes first: someone at a side border stays in the middle all the same.
    room = mask.shape[1]
    left, top, right, bottom = person_box(np.pad(mask, ((0, 0), (room, room))))
    left, right = left - room, right - room
    width, height = right - left, bottom - top
    wanted = int(min(width * (height / width / ASPECT), height))  # in the official order of rounding
    columns, rows = ((wanted - width) // 2, 0) if wanted > width else (0, int(width * ASPECT - height))
    padded = (width + 2 * columns, height + rows)
    grid = tuple(round(side * LONGER_SIDE / max(padded)) for side in padded)
    xs, ys = (np.flatnonzero((mask > 127).any(axis=axis)) for axis in (0, 1))
    reach_x = _reach(int(xs[0]) - left + columns, int(xs[-1]) - left + columns, padded[0], grid[0])
    reach_y = _reach(int(ys[0]) - top + rows, int(ys[-1]) - top + rows, padded[1], grid[1])
    if reach_y / reach_x >= ASPECT:
        half_x, half_y = round(reach_y / ASPECT), reach_y
    else:
        half_x, half_y = reach_x, round(reach_x * ASPECT)
    x, y = padded[0] / grid[0], padded[1] / grid[1]
    middle_x, middle_y = grid[0] // 2, grid[1] // 2
    rectangle = (
        left - columns + (middle_x - half_x) * x,
        top - rows + (middle_y - half_y) * y,
        left - columns + (middle_x + half_x) * x,
        top - rows + (middle_y + half_y) * y,
    )
    return Frame(rectangle, (left, top, right, bottom), (max(columns, 0), max(rows, 0)))


def _reach(first: int, last: int, length: int, cells: int) -> int:
    """Farthest cell from the middle that a stretch of pixels touches, on a grid of so many cells."""
    middle = cells // 2
    touched = (first * cells // length, -(-(last + 1) * cells // length) - 1)
    return max(1, *(abs(middle - cell) for cell in touched))
