"""Bands: patterns that run around a limb or the trunk go on around it, lettering does not.

Along a stripe every colour of a row is alike, so the row's median explains the garment; along a row of letters it
does not. Which of the two holds is measured on the part of the garment that the photo shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from .parts import LEFT_ARM, RIGHT_ARM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int

_ACROSS = 0.06  # of a metre along the row, against a metre along the limb
_ROW = 40  # seen Gaussians of a row
_BETTER = 0.65  # share of the calm colours' error that rows must stay under
_PLAIN = 0.02  # mean error of calm colours below which there is no pattern worth the name


def limb_metric(part: int) -> Float:
    """Scale of distances in the rest pose: long along the limb (arms lie along x, all else along y). [3]"""
    return np.array([1.0, _ACROSS, _ACROSS]) if part in (LEFT_ARM, RIGHT_ARM) else np.array([_ACROSS, 1.0, _ACROSS])


def band_colors(
    rest: Float, part: Int, shown: NDArray[np.bool_], colors: Float, calm: Float
) -> tuple[Float, NDArray[np.bool_]]:
    """Calm colours, replaced by the row's median on parts with bands.

    Args:
        rest: Means in the rest pose, metres. [N, 3]
        part: Body part of each. [N]
        shown: Those that the photo shows. [N]
        colors: Their colours. [N, 3]
        calm: Their colours without lettering. [N, 3]

    Returns:
        Colours to copy, and whether each Gaussian belongs to a part with bands. [N, 3], [N]
    """
    copied, banded = calm.copy(), np.zeros(len(rest), np.bool_)
    for own in np.unique(part[shown]):
        rows = np.flatnonzero(shown & (part == own))
        if len(rows) < 4 * _ROW:
            continue
        spots = rest[rows] * limb_metric(int(own))
        _, nearest = KDTree(spots).query(spots, k=_ROW)
        median = np.median(colors[rows][nearest], axis=1)
        plain, row = (np.abs(guess - colors[rows]).mean() for guess in (calm[rows], median))
        if plain > _PLAIN and row < _BETTER * plain:
            copied[rows] = median
            banded |= part == own
    return copied, banded
