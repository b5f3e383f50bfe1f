"""Weave: a pattern that is all over a garment goes on around it, as cloth wound around the body would.

Every place of a garment has a height and a way around: metres from the middle of its front, on an ellipse at
that height. Beyond what the photo shows squarely the front's pattern runs back, as in a mirror, so that it
meets itself; where both ends come together, under one arm, is the garment's seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_ROW = 0.02  # metres
_SMOOTH = 1.5  # rows
_TURN = 256  # steps of the ellipse's table
_LEAST_ASPECT, _MOST_ASPECT = 0.4, 2.0
_NEIGHBOURS = 3
_OUTER = 0.99  # quantile of a row's extent
_FEWEST = 60  # sources


@dataclass(frozen=True)
class Around:
    """A garment unrolled.

    Args:
        along: Height of each point, metres. [N]
        way: From the middle of the front around to the left, negative to the right; metres. [N]
        girth: Metres all around at each point's height. [N]
    """

    along: Float
    way: Float
    girth: Float


def unrolled(along: Float, across: Float, depth: Float) -> Around:
    """Unroll points that lie all around something.

    Args:
        along: Metres along the limb. [N]
        across: Metres across it, seen from the front. [N]
        depth: Metres towards the front. [N]
    """
    row = ((along - along.min()) / _ROW).astype(int)
    middle, half = _extent(row, across)
    center, thick = _extent(row, depth)
    aspect = float(np.clip(np.median(thick / half), _LEAST_ASPECT, _MOST_ASPECT))
    angle = np.arctan2((across - middle) / half, (depth - center) / thick)
    turn = np.linspace(-np.pi, np.pi, _TURN + 1)
    step = np.hypot(np.cos(turn), aspect * np.sin(turn))
    length = np.r_[0, np.cumsum(0.5 * (step[1:] + step[:-1]))] * (2 * np.pi / _TURN)
    length -= length[_TURN // 2]
    return Around(along, half * np.interp(angle, turn, length), 2 * half * length[-1])


def _extent(row: NDArray[np.int64], values: Float) -> tuple[Float, Float]:
    """Middle and half width of each point's row, smooth along the limb. [N], [N]"""
    count = int(row.max()) + 1
    low, high = np.full(count, np.nan), np.full(count, np.nan)
    for one in np.unique(row):
        low[one], high[one] = np.quantile(values[row == one], [1 - _OUTER, _OUTER])
    known = np.flatnonzero(np.isfinite(low))
    low, high = (
        gaussian_filter1d(np.interp(np.arange(count), known, ends[known]), _SMOOTH, mode="nearest")
        for ends in (low, high)
    )
    return 0.5 * (low + high)[row], np.maximum(0.5 * (high - low)[row], 0.01)


def pixels_of_pattern(
    around: Around, shown: NDArray[np.bool_], pixels: Float, wanted: NDArray[np.int64]
) -> Float | None:
    """Where in the photo the pattern of places that it does not show is found.

    Args:
        around: The garment.
        shown: What the photo shows squarely. [N]
        pixels: Where. [N, 2]
        wanted: Rows to find.

    Returns:
        None if the photo shows too little. [len(wanted), 2]
    """
    sources = np.flatnonzero(shown)
    if len(sources) < _FEWEST:
        return None
    row = ((around.along - around.along.min()) / _ROW).astype(int)
    count = int(row.max()) + 1
    left = _edge(row[sources], around.way[sources], count)[row[wanted]]
    right = _edge(row[sources], -around.way[sources], count)[row[wanted]]
    way = around.way[wanted]
    # On from the left edge around the back, up to the right one.
    beyond = np.where(way > left, way - left, way + around.girth[wanted] - left)
    inside = (way <= left) & (way >= -right)
    width = np.maximum(left + right, _ROW)
    folded = np.abs((beyond + width) % (2 * width) - width)  # 0 .. width, there and back
    goal = np.where(inside, way, left - (width - np.abs(width - folded)))
    tree = KDTree(np.stack([around.along[sources], around.way[sources]], axis=1))
    gap, nearest = tree.query(np.stack([around.along[wanted], goal], axis=1), k=_NEIGHBOURS)
    weight = 1.0 / (gap + 0.001)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkc->nc", weight, pixels[sources[nearest]])


def _edge(row: NDArray[np.int64], way: Float, count: int) -> Float:
    """How far each row is shown to one side, smooth along the limb. [count]"""
    farthest = np.full(count, np.nan)
    for one in np.unique(row):
        farthest[one] = np.quantile(way[row == one], _OUTER)
    known = np.flatnonzero(np.isfinite(farthest))
    filled = np.interp(np.arange(count), known, farthest[known])
    return gaussian_filter1d(filled, _SMOOTH, mode="nearest")
