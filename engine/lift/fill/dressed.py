"""Dressed: what each Gaussian that the photo does not show is part of: skin, hair or which garment.

Hems, sleeve ends and waists are level lines around the resting body, and the back goes on from the sides:
each unseen point is what the seen points nearest to the rim are at its height. The head has rules of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ..labels import BOTTOM, HELD, NOTHING, SKIN, TOP
from ..parts import (
    LEFT_ARM,
    LEFT_HAND,
    LEFT_LEG,
    MIRRORED_PARTS,
    RIGHT_ARM,
    RIGHT_HAND,
    RIGHT_LEG,
    TRUNK,
)
from .bands import limb_metric
from .hair import dress_head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ..parse.expect import Landmarks

RIM_FACING = 0.75  # cosine below which a seen point lies at the side
_ACROSS = 0.15  # of a metre along the limb
_VOTERS = 15
_SETTLERS = 25
_LEVEL = 0.4  # of a metre along the limb: borders are smoothed along level lines
_FEW = 30
_LABELS = 9
_ROW = 0.02  # metres
_BARE = 0.5  # of a row of the trunk's front
_SKIRTS = 0.08  # metres of a coat below the hips
_HEM = 0.05  # quantile of heights
_UNEVEN = 0.2  # of the sides' points that a level waist may get wrong
_GLOVED = 0.25  # share of skin in a seen hand that wears something
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
    _cover_thighs(rest, part, label, result, teaches)
    _level_waist(rest, part, label, result, ~shown, np.flatnonzero(rim))
    _close_coat(rest, part, label, result, rim, ~shown)
    _settle(rest, part, result, ~shown)
    _end_sleeves(rest, part, label, result, ~shown, np.flatnonzero(teaches))
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
    """The trunk's back is bare only where most of its front is: not behind armholes, nor behind hands."""
    bare = np.flatnonzero(~shown & (part == TRUNK) & (result == SKIN))
    front = teaches & (part == TRUNK)
    worn = np.flatnonzero(front & (label != SKIN))
    if not len(bare) or len(worn) < _FEW:
        return
    lowest = rest[front, 1].min()
    row = np.floor((rest[:, 1] - lowest) / _ROW).astype(int).clip(0)
    count = row[front].max() + 1
    skin = np.bincount(row[front & (label == SKIN)], minlength=count) / np.maximum(
        np.bincount(row[front], minlength=count), 1
    )
    metric = np.array([1, 1, _ACROSS])
    everything = np.flatnonzero(front)
    _, nearest = KDTree(rest[everything] * metric).query(rest[bare] * metric)
    covered = (label[everything[nearest]] != SKIN) | (skin[row[bare].clip(0, count - 1)] < _BARE)
    covered &= row[bare] < count
    _, nearest = KDTree(rest[worn] * metric).query(rest[bare[covered]] * metric)
    result[bare[covered]] = label[worn[nearest]]


def _cover_thighs(
    rest: Float, part: Int, label: NDArray[np.uint8], result: NDArray[np.uint8], teaches: NDArray[np.bool_]
) -> None:
    """Above its hem a leg is clothed all around: skin there is a hand before it."""
    for leg in (LEFT_LEG, RIGHT_LEG):
        worn = np.flatnonzero(teaches & (part == leg) & np.isin(label, (TOP, BOTTOM)))
        if len(worn) < _FEW:
            continue
        hem = np.quantile(rest[worn, 1], _HEM) + _ROW
        bare = np.flatnonzero(~teaches & (part == leg) & (result == SKIN) & (rest[:, 1] > hem))
        if len(bare):
            result[bare] = _voted(rest, label, worn, rest[bare], leg)


def _level_waist(
    rest: Float,
    part: Int,
    label: NDArray[np.uint8],
    result: NDArray[np.uint8],
    free: NDArray[np.bool_],
    rim: Int,
) -> None:
    """One height at which the top ends and the bottom begins, if that is how the sides look."""
    sources = rim[(part[rim] == TRUNK) & np.isin(label[rim], (TOP, BOTTOM))]
    if len(sources) < _FEW or len(np.unique(label[sources])) < 2:
        return
    order = sources[np.argsort(rest[sources, 1])]
    best = _parting(label[order] != TOP)
    if best is None:
        return
    waist = rest[order[min(best, len(order) - 1)], 1]
    upper = (part == TRUNK) | (part == LEFT_LEG) | (part == RIGHT_LEG)
    rows = free & upper & np.isin(result, (TOP, BOTTOM))
    result[rows] = np.where(rest[rows, 1] > waist, TOP, BOTTOM)


def _end_sleeves(
    rest: Float,
    part: Int,
    label: NDArray[np.uint8],
    result: NDArray[np.uint8],
    free: NDArray[np.bool_],
    shown: Int,
) -> None:
    """Where a sleeve ends it ends all around, and a hand is bare unless the photo shows a glove."""
    for arm, hand in ((LEFT_ARM, LEFT_HAND), (RIGHT_ARM, RIGHT_HAND)):
        limb = shown[np.isin(part[shown], (arm, hand))]
        palm = part[limb] == hand
        gloved = palm.sum() >= _FEW and (label[limb[palm]] == SKIN).mean() < _GLOVED
        if gloved:
            continue
        result[free & (part == hand)] = SKIN
        bare = label[limb] == SKIN
        if min(bare.sum(), (~bare).sum()) < _FEW:
            continue
        order = limb[np.argsort(np.abs(rest[limb, 0]))]
        end = _parting(label[order] != SKIN)
        if end is None:
            continue
        sleeve = np.abs(rest[order[min(end, len(order) - 1)], 0])
        names, counts = np.unique(label[limb[~bare]], return_counts=True)
        rows = free & np.isin(part, (arm, hand))
        outer = np.abs(rest[:, 0]) > sleeve
        result[rows & outer] = SKIN
        result[rows & ~outer & (result == SKIN)] = names[counts.argmax()]


def _parting(first: NDArray[np.bool_]) -> int | None:
    """Where a row of points changes from one thing to another; None if it does so often."""
    wrong = np.r_[0, np.cumsum(~first)] + np.r_[np.cumsum(first[::-1])[::-1], 0]
    best = int(wrong.argmin())
    return None if wrong[best] > _UNEVEN * len(first) else best


def _close_coat(
    rest: Float,
    part: Int,
    label: NDArray[np.uint8],
    result: NDArray[np.uint8],
    rim: NDArray[np.bool_],
    free: NDArray[np.bool_],
) -> None:
    """Where a top hangs down outside both legs, it hangs behind them, too."""
    legs = (part == LEFT_LEG) | (part == RIGHT_LEG)
    if not (rim & legs & (label == TOP)).any():
        return
    row = np.floor((rest[:, 1] - rest[legs, 1].min()) / _ROW).astype(int)
    count = row[legs].max() + 1
    outside = rim & legs & (np.abs(rest[:, 0]) > np.median(np.abs(rest[legs, 0])))
    hangs = np.ones(count, bool)
    for leg in (LEFT_LEG, RIGHT_LEG):
        sides = outside & (part == leg)
        tops = np.bincount(row[sides & (label == TOP)], minlength=count)
        hangs &= tops > 0.5 * np.bincount(row[sides], minlength=count)
    wanted = np.flatnonzero(free & legs & np.isin(result, (BOTTOM, SKIN)))
    result[wanted[hangs[row[wanted]]]] = TOP
    if hangs.sum() * _ROW > _SKIRTS:
        result[free & (part == TRUNK) & (result == BOTTOM)] = TOP


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
    weight, nearest = 1.0 / (gap + 0.004), np.asarray(nearest)
    for column in range(_VOTERS):
        np.add.at(votes, (np.arange(len(spots)), label[sources[nearest[:, column]]]), weight[:, column])
    return votes.argmax(axis=1).astype(np.uint8)
