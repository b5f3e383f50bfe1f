"""The parts of a photo in which people are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .boxes import Box, clipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_LANDSCAPE, _PANORAMA = 1.5, 2.5  # Beyond such shapes people become small in the model's square input.


def windows(size: tuple[int, int]) -> Iterator[Box]:
    """The whole photo; if it is wide or tall, overlapping squares too; if it is very, those only."""
    width, height = size
    side, length = min(size), max(size)
    if length < _PANORAMA * side:
        yield Box(0, 0, width, height)
    if length > _LANDSCAPE * side:
        yield from _squares(size, side)


def tiles(size: tuple[int, int]) -> Iterator[Box]:
    """Overlapping squares of half the photo's shorter side."""
    yield from _squares(size, max(1, min(size) // 2))


def _squares(size: tuple[int, int], side: int) -> Iterator[Box]:
    """Squares that cover the photo, each overlapping the next by half or more."""
    starts = [np.linspace(0, n - side, int(np.ceil((n - side) / (side * 0.5))) + 1).astype(int) for n in size]
    for top in starts[1].tolist():
        for left in starts[0].tolist():
            yield Box(left, top, left + side, top + side)


def body_window(face: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """Where the body under a face box (left, top, right, bottom) should be."""
    left, top, right, bottom = face
    unit = max(right - left, bottom - top)
    middle = (left + right) / 2
    return clipped((middle - 3.5 * unit, top - 1.5 * unit, middle + 3.5 * unit, top + 8.5 * unit), size)
