"""Rows of an image: from where to where a part of the body goes, and how far the matte goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int


@dataclass(frozen=True)
class Spans:
    """First and last column of each row, not a number where there is none.

    Args:
        low: Pixels. [H]
        high: Pixels. [H]
    """

    low: Float
    high: Float

    @property
    def there(self) -> NDArray[np.bool_]:
        """Rows that have one. [H]"""
        return np.isfinite(self.low) & np.isfinite(self.high)


def row_spans(pixels: Float, faces: Int, height: int) -> Spans:
    """What triangles cover of each row, taken as one piece.

    Args:
        pixels: x and y. [V, 2]
        faces: [F, 3]
        height: Rows; pixel centres lie at +0.5.
    """
    low, high = np.full(height, np.inf), np.full(height, -np.inf)
    edges = np.unique(
        np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0
    )
    a, b = np.asarray(pixels, np.float64)[edges[:, 0]], np.asarray(pixels, np.float64)[edges[:, 1]]
    top, bottom = np.minimum(a[:, 1], b[:, 1]), np.maximum(a[:, 1], b[:, 1])
    first = np.clip(np.ceil(top - 0.5), 0, height).astype(int)
    count = np.maximum(np.clip(np.floor(bottom - 0.5), -1, height - 1).astype(int) - first + 1, 0)
    edge = np.repeat(np.arange(len(edges)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    rise = b[edge, 1] - a[edge, 1]
    share = np.where(np.abs(rise) > 1e-9, (row + 0.5 - a[edge, 1]) / np.where(rise == 0, 1, rise), 0.5)
    column = a[edge, 0] + share * (b[edge, 0] - a[edge, 0])
    np.minimum.at(low, row, column)
    np.maximum.at(high, row, column)
    return Spans(np.where(np.isfinite(low), low, np.nan), np.where(np.isfinite(high), high, np.nan))


def runs_outside(opaque: NDArray[np.bool_], spans: Spans) -> tuple[Float, Float]:
    """How far the matte goes on beyond each row's span, to the left and to the right, without a break.

    Args:
        opaque: [H, W]
        spans: Of each row.

    Returns:
        Pixels, 0 where it ends before; not a number where there is no span. [H], [H]
    """
    height, width = opaque.shape
    columns = np.arange(width)
    # The last clear column up to each column, and the first one from it on.
    before = np.maximum.accumulate(np.where(opaque, -1, columns), axis=1)
    after = np.minimum.accumulate(np.where(opaque, width, columns)[:, ::-1], axis=1)[:, ::-1]
    rows, there = np.arange(height), spans.there
    at_low = np.clip(np.nan_to_num(np.floor(spans.low)), 0, width - 1).astype(int)
    at_high = np.clip(np.nan_to_num(np.floor(spans.high)), 0, width - 1).astype(int)
    left = np.maximum(spans.low - before[rows, at_low] - 1, 0)
    right = np.maximum(after[rows, at_high] - spans.high, 0)
    return np.where(there, left, np.nan), np.where(there, right, np.nan)
