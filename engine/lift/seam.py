"""Seam: unseen colours meet the photo's without a line, and have no blotches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float

_REACH = 0.05  # metres over which the photo's colours at the seam fade into the fill
_NEIGHBOURS = 10
_LONGEST = 0.05  # metres: what is farther is no neighbour


def blend(
    rest: Float, label: NDArray[np.uint8], free: NDArray[np.bool_], fixed: NDArray[np.bool_], colors: Float
) -> Float:
    """Free colours drawn towards those of their neighbours with the same label.

    Args:
        rest: Means in the rest pose, metres. [N, 3]
        label: Colours never mix over the border of two labels. [N]
        free: Colours to change. [N]
        fixed: Colours to meet; what is neither has no say. [N]
        colors: [N, 3]

    Returns:
        [N, 3]

    Source: the screened Poisson equation on the graph of neighbours, by Jacobi's iteration.
    """
    result = colors.copy()
    for own in np.unique(label[free]):
        inner = np.flatnonzero(free & (label == own))
        around = np.flatnonzero((free | fixed) & (label == own))
        if len(around) <= _NEIGHBOURS:
            continue
        gap, nearest = KDTree(rest[around]).query(rest[inner], k=_NEIGHBOURS + 1)
        gap, nearest = gap[:, 1:], around[nearest[:, 1:]]
        near = (gap < _LONGEST).astype(float)
        weight = near / np.maximum(near.sum(axis=1, keepdims=True), 1.0)
        step = max(float(np.median(gap)), 1e-4)
        anchor = np.where(near.any(axis=1), min(1.0, (step / _REACH) ** 2), 1.0)[:, None]
        goal = colors[inner]
        for _ in range(round(3 * _REACH / step)):
            mean = np.einsum("nk,nkc->nc", weight, result[nearest])
            result[inner] = anchor * goal + (1 - anchor) * mean
    return result
