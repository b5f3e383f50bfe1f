"""Dressed: what each Gaussian that the photo does not show is part of: skin, hair or which garment.

Hems, sleeve ends and waists are level lines around the resting body, and the back goes on from the sides:
each unseen point is what the seen points nearest to the rim are at its height. The head has rules of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from .bands import limb_metric
from .hair import dress_head
from .labels import HELD, NOTHING, SKIN
from .parts import MIRRORED_PARTS, TRUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from .expect import Landmarks

RIM_FACING = 0.75  # cosine below which a seen point lies at the side
_ACROSS = 0.15  # of a metre along the limb
_VOTERS = 15
_SETTLERS = 25
_LEVEL = 0.4  # of a metre along the limb: borders are smoothed along level lines
_FEW = 30
_LABELS = 9
_ROW = 0.02  # metres
_MIDDLE = 0.6  # of the trunk's half width
_ROUNDS = 3


def dressed(
    rest: Float,
    part: Int,
    label: NDArray[np.uint8],
    shown: NDArray[np.bool_],
    facing: Float,
    marks: Landmarks,
) -> NDArray[np.uint8]:
    """Labels for all.

    Args:
        rest: Means in the rest pose, metres. [N, 3]
        part: Body part of each. [N]
        label: What the photo shows there; counts where ``shown``. [N]
        shown: Whether the photo shows it. [N]
        facing: Cosine to the camera. [N]
        marks: Heights of the body.
    """
    shown = shown & (label != NOTHING)
    result = label.copy()
    result[~shown] = NOTHING
    teaches = shown & (label != NOTHING) & (label != HELD)
    rim = teaches & (facing < RIM_FACING) & ~_neckline(rest, part, label, teaches)
    for own in np.unique(part[~shown]):
        wanted = np.flatnonzero(~shown & (part == own))
        other = MIRRORED_PARTS[own]
        same, twin = part == own, part == other
        for source, sign in ((rim & same, 1), (teaches & same, 1), (rim & twin, -1), (teaches & twin, -1)):
            if source.sum() >= _FEW:
                result[wanted] = _voted(
                    rest, label, np.flatnonzero(source), rest[wanted] * [sign, 1, 1], int(own)
                )
                break
    _cover_back(rest, part, label, result, shown, teaches)
    _settle(rest, part, result, ~shown)
    dress_head(rest, part, result, shown, marks)
    return result


def _cover_back(
    rest: Float,
    part: Int,
    label: NDArray[np.uint8],
    result: NDArray[np.uint8],
    shown: NDArray[np.bool_],
    teaches: NDArray[np.bool_],
) -> None:
    """The trunk's back is bare only where its front is: not behind the armholes of a vest."""
    bare = np.flatnonzero(~shown & (part == TRUNK) & (result == SKIN))
    front = np.flatnonzero(teaches & (part == TRUNK))
    if len(bare) and len(front) >= _FEW:
        metric = np.array([1, 1, _ACROSS])
        _, nearest = KDTree(rest[front] * metric).query(rest[bare] * metric)
        result[bare] = label[front[nearest]]


def _neckline(
    rest: Float, part: Int, label: NDArray[np.uint8], teaches: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Skin in the middle of the chest, with a garment beside it: the back has none. [N]"""
    trunk = np.flatnonzero(teaches & (part == TRUNK))
    found = np.zeros(len(rest), bool)
    if len(trunk) < _FEW:
        return found
    row = np.floor((rest[trunk, 1] - rest[trunk, 1].min()) / _ROW).astype(int)
    width = np.zeros(row.max() + 1)
    np.maximum.at(width, row, np.abs(rest[trunk, 0]))
    found[trunk] = (label[trunk] == SKIN) & (np.abs(rest[trunk, 0]) < _MIDDLE * width[row])
    return found


def _settle(rest: Float, part: Int, label: NDArray[np.uint8], free: NDArray[np.bool_]) -> None:
    """Borders between unseen labels without fringes: each takes the label of most of its neighbours."""
    for own in np.unique(part[free]):
        rows, around = np.flatnonzero(free & (part == own)), np.flatnonzero(part == own)
        if len(around) < _SETTLERS:
            continue
        metric = np.where(limb_metric(int(own)) == 1.0, 1.0, _LEVEL)
        _, nearest = KDTree(rest[around] * metric).query(rest[rows] * metric, k=_SETTLERS)
        for _ in range(_ROUNDS):
            near = label[around[nearest]]
            label[rows] = np.stack([(near == one).sum(axis=1) for one in range(_LABELS)]).argmax(axis=0)


def _voted(rest: Float, label: NDArray[np.uint8], sources: Int, spots: Float, part: int) -> NDArray[np.uint8]:
    """The label that most of the sources at each spot's height have. [len(spots)]"""
    metric = np.where(limb_metric(part) == 1.0, 1.0, _ACROSS)
    gap, nearest = KDTree(rest[sources] * metric).query(spots * metric, k=_VOTERS)
    votes = np.zeros((len(spots), _LABELS))
    weight = 1.0 / (gap + 0.004)
    for column in range(_VOTERS):
        np.add.at(votes, (np.arange(len(spots)), label[sources[nearest[:, column]]]), weight[:, column])
    return votes.argmax(axis=1).astype(np.uint8)
