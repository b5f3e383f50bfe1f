"""Reattach: scraps that tear off when the avatar leaves the photo's pose go with what they lie on.

Where two legs, or an arm and the trunk, touch in the photo, a strip of the one may have been given to the
other. It moves away from all that surrounds it and flies along as a sliver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_NEIGHBOURS = 8
_APART, _STRETCH = 0.02, 2.0  # metres, and times the distance in the photo, up to which neighbours stay such
_SCRAP = 0.012  # share of all below which a piece is no limb
_TOUCHES = 0.03  # metres


def scraps(means: Float, rest: Float, free: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which Gaussians are torn off, and for each the nearest that is not.

    Args:
        means: In the photo's pose, metres. [N, 3]
        rest: In the rest pose. [N, 3]
        free: Those that may be torn off: held things are pieces of their own. [N]
    """
    count = len(means)
    gap, near = KDTree(means).query(means, k=_NEIGHBOURS + 1)
    gap, near = np.asarray(gap)[:, 1:], np.asarray(near)[:, 1:]
    apart = np.linalg.norm(rest[:, None] - rest[near], axis=-1)
    rows, columns = np.nonzero(apart < _STRETCH * gap + _APART)
    links = coo_matrix((np.ones(len(rows)), (rows, near[rows, columns])), shape=(count, count))
    _, piece = connected_components(links, directed=False)
    small = np.bincount(piece)[piece] < _SCRAP * count
    whole = np.flatnonzero(~small & free)
    torn = np.flatnonzero(small & free)
    if not len(whole) or not len(torn):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    far, nearest = KDTree(means[whole]).query(means[torn])
    touches = np.asarray(far) < _TOUCHES
    return torn[touches], whole[np.asarray(nearest)[touches]]
