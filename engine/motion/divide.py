"""Divide: which values of a curve need keys, so that straight lines between them miss none by too much.

A key is set where the line between two others misses most, until none misses too much (Ramer, Douglas and
Peucker). All curves are divided together, one generation of parts at a time: there is no loop over keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import require_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..avatar.arrays import Float

    Bools = NDArray[np.bool_]
    Rows = NDArray[np.intp]

_TINY = 1e-12


def kept_turns(turns: Float, degrees: float) -> Bools:
    """Frames that need a key of all four components, for each joint. [F, J]

    Between keys the components go straight and the quaternion is normalised, as in Blender.

    Args:
        turns: Unit quaternions, each of the sign that is near the one before. [F, J, 4]
        degrees: Angle by which any frame may be missed.

    Raises:
        ValueError: If the shape is wrong.
    """
    turns = np.asarray(turns, np.float64)
    require_shape("turns", turns, (None, None, 4))
    count, joints = turns.shape[:2]
    flat = np.ascontiguousarray(turns.transpose(1, 0, 2)).reshape(-1, 4)

    def miss(low: Rows, row: Rows, high: Rows, parts: Rows, share: Float) -> Float:
        a, b, own = flat[low], flat[high], flat[row]
        between = (a * b).sum(axis=1)[parts]
        along = (1 - share) * np.einsum("ij,ij->i", a[parts], own)
        along += share * np.einsum("ij,ij->i", b[parts], own)
        size = (1 - share) ** 2 + share**2 + 2 * share * (1 - share) * between
        return 1.0 - np.abs(along) / np.sqrt(np.maximum(size, _TINY))

    return _divided(count, joints, miss, 1.0 - np.cos(np.radians(degrees) / 2)).reshape(joints, count).T


def kept_places(places: Float, distance: float) -> Bools:
    """Frames that need a key of all components, for each point. [F, P]

    Args:
        places: Of points. [F, P, C]
        distance: By which any frame may be missed.

    Raises:
        ValueError: If the shape is wrong.
    """
    places = np.asarray(places, np.float64)
    require_shape("places", places, (None, None, None))
    count, points = places.shape[:2]
    flat = np.ascontiguousarray(places.transpose(1, 0, 2)).reshape(count * points, places.shape[2])

    def miss(low: Rows, row: Rows, high: Rows, parts: Rows, share: Float) -> Float:
        start = flat[low]
        return np.linalg.norm(start[parts] + share[:, None] * (flat[high] - start)[parts] - flat[row], axis=1)

    return _divided(count, points, miss, distance).reshape(points, count).T


def between_keys(values: Float, kept: Bools) -> Float:
    """Curves as they run when only some frames have keys; quaternions are not normalised. [F, P, C]

    Args:
        values: At every frame. [F, P, C]
        kept: Frames with keys, the first and the last among them. [F, P]
    """
    values = np.asarray(values, np.float64)
    count, points = values.shape[:2]
    order = np.arange(count)[:, None]
    low = np.maximum.accumulate(np.where(kept, order, 0), axis=0)
    high = np.minimum.accumulate(np.where(kept, order, count - 1)[::-1], axis=0)[::-1]
    share = ((order - low) / np.maximum(high - low, 1))[..., None]
    column = np.arange(points)
    return (1 - share) * values[low, column] + share * values[high, column]


def _divided(
    count: int, curves: int, miss: Callable[[Rows, Rows, Rows, Rows, Float], Float], limit: float
) -> Bools:
    """Rows with keys, of curves that lie one after another. [curves * count]

    Args:
        count: Rows of each curve.
        curves: How many.
        miss: Gets first rows of parts, rows inside, last rows of parts, the part of each row inside and how
            far along it is from 0 to 1; gives how far each row is from the straight way.
        limit: What may be missed.
    """
    kept = np.zeros((curves, count), bool)
    kept[:, [0, -1]] = True
    kept = kept.ravel()
    low = np.arange(curves) * count
    high = low + count - 1
    while True:
        some = high - low > 1
        low, high = low[some], high[some]
        if not len(low):
            return kept
        inside = high - low - 1
        first = np.cumsum(inside) - inside
        parts = np.repeat(np.arange(len(low)), inside)
        along = np.arange(len(parts)) - first[parts] + 1
        row = low[parts] + along
        missed = miss(low, row, high, parts, along / (inside + 1)[parts])
        worst = np.maximum.reduceat(missed, first)
        where = np.flatnonzero(missed == worst[parts])
        places = row[where[np.unique(parts[where], return_index=True)[1]]]
        split = worst > limit
        low, high, places = low[split], high[split], places[split]
        kept[places] = True
        low, high = np.concatenate([low, places]), np.concatenate([places, high])
