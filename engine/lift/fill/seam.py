"""Seam: unseen colours meet the photo's without a line, and have no blotches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_REACH = 0.05  # metres over which the photo's colours at the seam fade into the fill
_NEIGHBOURS = 10
_LONGEST = 0.05  # metres: what is farther is no neighbour
_LEAST = 1e-6
_EXACT, _STEPS = 1e-4, 100


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

    Source: the screened Poisson equation on the graph of neighbours, by conjugate gradients.
    """
    result = colors.copy()
    for own in np.unique(label[free]):
        inner = np.flatnonzero(free & (label == own))
        around = np.concatenate([inner, np.flatnonzero(fixed & ~free & (label == own))])
        if len(around) <= _NEIGHBOURS:
            continue
        gap, nearest = KDTree(rest[around]).query(rest[around], k=_NEIGHBOURS + 1)
        gap, nearest = np.asarray(gap)[:, 1:], np.asarray(nearest)[:, 1:]
        near = gap < _LONGEST
        rows = np.repeat(np.arange(len(around)), near.sum(axis=1))
        links = sparse.coo_matrix((np.ones(len(rows)), (rows, nearest[near])), shape=(len(around),) * 2)
        links = links.tocsr().maximum(links.T.tocsr())
        square = float((gap[near] ** 2).mean()) if near.any() else 0.0
        anchor = max(square / (4 * _REACH**2), _LEAST)  # so that a seam's colour falls to 1/e over the reach
        count = len(inner)
        degree = np.asarray(links.sum(axis=1)).ravel()[:count] + _LEAST
        links = sparse.csr_matrix(links)
        system = sparse.csr_matrix(sparse.diags(degree * (1 + anchor))) - links[:count, :count]
        right = (anchor * degree)[:, None] * colors[inner] + links[:count, count:] @ colors[around[count:]]
        start = colors[inner]
        steps = sparse.diags(1 / (degree * (1 + anchor)))
        for channel in range(3):
            result[inner, channel], _ = cg(
                system, right[:, channel], x0=start[:, channel], rtol=_EXACT, maxiter=_STEPS, M=steps
            )
    return result
