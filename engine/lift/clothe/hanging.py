"""Hanging: cloth that does not cling spans the body's hollows, behind the knee as at the small of the back.

The outline shows how loose a garment is on two sides only. Loose cloth falls straight from what it rests on:
along each line down a limb it keeps to the outer envelope of the body below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...avatar.body import joint_index
from ..parts import LEFT_LEG, RIGHT_LEG, TRUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_ANGLES, _ROW = 32, 0.02  # bins around a limb, metres of height of a bin
_CLINGS, _HANGS = 0.004, 0.014  # metres off the skin: leggings, trousers
_MOST = 0.05  # metres that cloth may span
_BLUR = (1.0, 1.5)  # bins: heights, angles
_EVEN = 0.04  # metres over which looseness is evened out along a limb


def hanging(rest: Float, joints: Float, part: NDArray[np.int64], offsets: Float) -> NDArray[np.float64]:
    """How much farther than its offset each vertex has to move for its cloth to hang.

    Args:
        rest: Vertices in the rest pose, metres. [V, 3]
        joints: Rest joints. [55, 3]
        part: Body part of each vertex. [V]
        offsets: Metres off the skin, as the outline tells. [V]

    Returns:
        Metres along the normal, 0 or more. [V]
    """
    extra = np.zeros(len(rest))
    axes = {
        LEFT_LEG: ("left_hip", "left_knee", "left_ankle"),
        RIGHT_LEG: ("right_hip", "right_knee", "right_ankle"),
        TRUNK: ("spine3", "spine2", "spine1", "pelvis"),
    }
    for own, names in axes.items():
        rows = np.flatnonzero(part == own)
        if not len(rows):
            continue
        extra[rows] = _of_limb(
            rest[rows], joints[[joint_index(name) for name in names]], offsets[rows], ends=own != TRUNK
        )
    return extra


def _of_limb(points: Float, axis: Float, offsets: Float, *, ends: bool) -> NDArray[np.float64]:
    """The same for one limb, whose axis runs from top to bottom where a leg ends. [N]"""
    order = np.argsort(axis[:, 1])
    middle = np.stack([np.interp(points[:, 1], axis[order, 1], axis[order, k]) for k in (0, 2)], axis=1)
    away = points[:, [0, 2]] - middle
    radius = np.linalg.norm(away, axis=1) + offsets
    top, bottom = float(axis[:, 1].max()), float(axis[:, 1].min())  # cloth does not rest on the toes
    bottom = bottom if ends else float(points[:, 1].min())
    count = max(3, int((top - bottom) / _ROW))
    row = np.clip(((top - points[:, 1]) / _ROW).astype(int), 0, count - 1)
    turn = np.arctan2(away[:, 0], away[:, 1]) / (2 * np.pi) + 0.5
    column = np.minimum((turn * _ANGLES).astype(int), _ANGLES - 1)
    loose = _looseness(row, offsets, count)
    reaching = points[:, 1] > bottom
    table = _table(row[reaching], column[reaching], radius[reaching], count)
    worn = loose > 0
    gap = np.zeros_like(table)
    # A hem ends the envelope: bare shins below shorts have no share in it.
    for first, last in _runs(worn):
        part = table[first:last]
        gap[first:last] = np.stack([_envelope(line) for line in part.T], axis=1) - part
    gap = _blurred(gap * loose[:, None], _BLUR)
    # Above the axis' top the limb joins the next one: nothing hangs there.
    inside = (points[:, 1] < top) & (points[:, 1] > bottom)
    return np.where(inside, np.clip(gap[row, column], 0, _MOST), 0.0)


def _looseness(row: NDArray[np.int64], offsets: Float, count: int) -> NDArray[np.float64]:
    """How freely the cloth hangs at each height, 0..1. [R]"""
    total = np.bincount(row, offsets, count)
    number = np.bincount(row, minlength=count)
    blur = _EVEN / _ROW
    mean = gaussian_filter1d(total, blur) / np.maximum(gaussian_filter1d(number.astype(float), blur), 1e-6)
    return np.clip((mean - _CLINGS) / (_HANGS - _CLINGS), 0, 1)


def _table(
    row: NDArray[np.int64], column: NDArray[np.int64], radius: Float, count: int
) -> NDArray[np.float64]:
    """Largest radius in each bin, empty bins from those around. [R, C]"""
    table = np.zeros((count, _ANGLES))
    np.maximum.at(table, (row, column), radius)
    have = (table > 0).astype(float)
    around = _blurred(table, (1.0, 1.0)) / np.maximum(_blurred(have, (1.0, 1.0)), 1e-6)
    return np.where(have > 0, table, around)


def _blurred(table: Float, sigma: tuple[float, float]) -> NDArray[np.float64]:
    """Over heights, which end, and angles, which go round. [R, C]"""
    heights = gaussian_filter1d(table, sigma[0], axis=0, mode="nearest")
    return gaussian_filter1d(heights, sigma[1], axis=1, mode="wrap")


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one after the last of each run that is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return list(zip(edges[::2], edges[1::2], strict=True))


def _envelope(line: Float) -> NDArray[np.float64]:
    """Least concave function over evenly spaced values: the upper hull. [R]

    Source: Andrew 1979, monotone chain.
    """
    hull: list[int] = []
    for i in range(len(line)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (line[b] - line[a]) * (i - a) > (line[i] - line[a]) * (b - a):
                break
            hull.pop()
        hull.append(i)
    return np.interp(np.arange(len(line)), hull, line[hull])
