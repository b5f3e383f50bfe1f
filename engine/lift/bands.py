"""Bands: patterns that run around a limb or the trunk go on around it, lettering does not.

Along a stripe every colour of a row is alike, so the row's median explains the garment, and that of a line
along the limb does not; with letters neither is better. Which holds is measured where the photo shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from .parts import LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, TRUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int

_ACROSS = 0.06  # of a metre along the row, against a metre along the limb
_ROW = 60  # seen Gaussians of a row
_APART = 0.03  # metres
_SWAPPED = [1, 0, 2]  # along the limb instead of around it
_PATTERNED = (TRUNK, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG)  # hair over a face is no stripe
_BETTER = 0.65  # share of the error of calm colours, and of lines along the limb, that rows must stay under
_PLAIN = 0.02  # mean error of calm colours below which there is no pattern worth the name


def limb_metric(part: int) -> Float:
    """Scale of distances in the rest pose: long along the limb (arms lie along x, all else along y). [3]"""
    return (
        np.array([1.0, _ACROSS, _ACROSS])
        if part in (LEFT_ARM, RIGHT_ARM)
        else np.array([_ACROSS, 1.0, _ACROSS])
    )


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
    for own in _PATTERNED:
        rows = np.flatnonzero(shown & (part == own))
        if len(rows) < 4 * _ROW:
            continue
        across = limb_metric(own)
        around = _line_median(rest[rows], colors[rows], calm[rows], across)
        lengthwise = _line_median(rest[rows], colors[rows], calm[rows], across[_SWAPPED])
        plain, row, column = (
            np.abs(guess - colors[rows]).mean() for guess in (calm[rows], around, lengthwise)
        )
        if plain > _PLAIN and row < _BETTER * min(plain, column):
            copied[rows] = (
                calm[rows]
                + _line_median(rest[rows], colors[rows] - calm[rows], np.zeros((len(rows), 3)), across)
            ).clip(0, 1)
            banded |= part == own
    return copied, banded


def _line_median(rest: Float, colors: Float, alone: Float, metric: Float) -> Float:
    """What the others on a line through each point say about its colour. [N, 3]

    Args:
        rest: [N, 3]
        colors: [N, 3]
        alone: For points with no others on their line. [N, 3]
        metric: Scale of distances: what is near in it lies on the line. [3]

    A neighbour says the same of a stripe and of a letter, so only what is farther along the line counts.
    """
    _, nearest = KDTree(rest * metric).query(rest * metric, k=_ROW)
    apart = np.linalg.norm(rest[nearest] - rest[:, None], axis=-1) > _APART
    apart_colors = np.where(apart[..., None], colors[nearest], np.nan)
    lonely = ~apart.any(axis=1)
    apart_colors[lonely] = alone[lonely, None]
    return np.nanmedian(apart_colors, axis=1)
