"""Tearing, as a number: how far neighbouring points of a garment come apart when it is posed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float

NEIGHBOURS = 0.015  # metres


def stretches(rest: Float, posed: Float, reach: float = NEIGHBOURS) -> NDArray[np.float64]:
    """Posed distance over rest distance, of every pair of neighbours.

    Args:
        rest: Metres. [N, 3]
        posed: The same points. [N, 3]
        reach: Rest distance below which two points are neighbours, metres.

    Returns:
        One number a pair; a point that coincides with another is not its neighbour. [P]
    """
    a, b = KDTree(rest).query_pairs(reach, output_type="ndarray").T
    before = np.linalg.norm(np.asarray(rest, np.float64)[a] - rest[b], axis=1)
    after = np.linalg.norm(np.asarray(posed, np.float64)[a] - posed[b], axis=1)
    apart = before > 1e-4 * reach
    return after[apart] / before[apart]


def tear(rest: Float, posed: Float, reach: float = NEIGHBOURS) -> float:
    """The stretch that one pair in a hundred exceeds; 1 is as it was."""
    return float(np.percentile(stretches(rest, posed, reach), 99))
