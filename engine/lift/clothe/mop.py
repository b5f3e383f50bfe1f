"""Mop: hair and hats are as full behind and above the brow as they are at both sides of the head.

A head is deeper than wide, and so is what it wears: the radius grows by the same share all around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...avatar.body import joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_ROW = 0.012  # metres of height
_NARROWEST = 0.045  # metres from the axis: nearer to it, at the crown, a share means nothing
_WIDEST = 1.3  # times the skull's radius: fuller hair and brims are turned from their slices (`lathe`)
_BROW = 0.05  # metres above the eyes: hair begins
_BLUR = 1.0  # rows


def mop(
    rest: Float, joints: Float, offsets: Float, rim: NDArray[np.int64], where: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """How far hair stands off the skull, by how far it does at the outline at the same height.

    Args:
        rest: Vertices in the rest pose, metres. [V, 3]
        joints: Rest joints. [55, 3]
        offsets: Metres off the skin, right where the outline is. [V]
        rim: Vertices that found the outline.
        where: Vertices of the head that hair or a hat may cover. [V]

    Returns:
        Metres; 0 where it says nothing. [V]
    """
    eyes = joints[[joint_index("left_eye"), joint_index("right_eye")]].mean(axis=0)
    middle = np.array([0.0, joints[joint_index("head"), 2]])
    radius = np.linalg.norm(rest[:, [0, 2]] - middle, axis=1)
    lowest, highest = rest[where, 1].min(), rest[where, 1].max()
    count = int((highest - lowest) / _ROW) + 1
    row = np.clip(((rest[:, 1] - lowest) / _ROW).astype(int), 0, count - 1)
    told = rim[where[rim] & (radius[rim] > _NARROWEST)]
    if not len(told):
        return np.zeros(len(rest))
    share = np.clip(1 + offsets[told] / radius[told], 1, _WIDEST)
    total, number = np.bincount(row[told], share, count), np.bincount(row[told], minlength=count)
    known = np.flatnonzero(number)
    mean = np.interp(np.arange(count), known, total[known] / number[known])
    growth = gaussian_filter1d(mean, _BLUR)[row] - 1
    behind = rest[:, 2] < middle[1] + 0.02
    above = rest[:, 1] > eyes[1] + _BROW
    return np.where(where & (behind | above) & (radius > _NARROWEST), growth * radius, 0.0)
