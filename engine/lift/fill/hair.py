"""Hair: the back of a head is no second face.

Hair goes on over the skull down to the nape, and down the back as far as it hangs at the sides; a hat goes on
at its own height; a bald head stays bare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ..labels import HAIR, HAT, SKIN
from ..parts import HEAD, TRUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ..parse.expect import Landmarks

_FEW = 25
_BROW = 0.045  # metres above the eyes: what is higher is never face
_CROWN = 0.06  # metres above the eyes
_HAIR_SHARE = 0.25  # of the crown that must be hair for the head to have any
_BEHIND = 0.03  # metres before the head's joint: about the ears
_LOCKS = 0.04  # metres below the eyes: hair that reaches there hides the ears
_EAR_TOP = 0.012  # metres above the eyes
_EAR_BACK = 0.018  # metres behind the head's joint
_NAPE = 0.35  # of the way from the neck's joint up to the eyes: where hair ends behind
_LONG = 0.04  # metres below the hairline from where hair is long
_NEAR = 0.012  # metres
_VOTERS = 7
_HAT_SIDE = 0.07  # metres off the middle


def dress_head(
    rest: Float, part: Int, label: NDArray[np.uint8], shown: NDArray[np.bool_], marks: Landmarks
) -> None:
    """Set the labels of the head's unseen side, and of the back where long hair hangs over it.

    Args:
        rest: Means in the rest pose, metres. [N, 3]
        part: Body part of each. [N]
        label: Changed in place. [N]
        shown: Whether the photo shows it. [N]
        marks: Heights of the body.
    """
    y = rest[:, 1]
    head = part == HEAD
    hair, hat = shown & (label == HAIR), shown & (label == HAT)
    crown = shown & head & (y > marks.eye + _CROWN)
    covered = hair | hat
    if covered.sum() < _FEW or (crown.any() and covered[crown].mean() < _HAIR_SHARE):
        label[head & ~shown & ((label == HAIR) | (label == HAT))] = SKIN
        return
    behind = rest[:, 2] < marks.head_z + _BEHIND
    if (hair & (y < marks.eye - _LOCKS)).sum() < _FEW:  # short hair leaves the ears bare
        behind &= (y > marks.eye + _EAR_TOP) | (rest[:, 2] < marks.head_z - _EAR_BACK)
    nape = marks.neck + _NAPE * (marks.eye - marks.neck)
    skull = ~shown & head & (y > nape) & (behind | (y > marks.eye + _BROW))
    label[skull] = HAIR
    if hair.sum() >= _FEW:
        _hang(rest, part, label, shown & (label == HAIR), shown, nape)
    if hat.sum() >= _FEW:
        sides = hat & (np.abs(rest[:, 0]) > _HAT_SIDE)
        rim = np.quantile(y[sides if sides.sum() >= _FEW else hat], 0.15)
        label[~shown & head & (y > rim) & (behind | (y > marks.eye + _BROW))] = HAT
    _meet(rest, label, np.flatnonzero(head & shown), np.flatnonzero(head & ~shown))


def _meet(rest: Float, label: NDArray[np.uint8], sources: Int, wanted: Int) -> None:
    """Next to what the photo shows, the unseen is the same: else hair and cheek would mix in specks."""
    if len(sources) < _FEW or not len(wanted):
        return
    gap, nearest = KDTree(rest[sources]).query(rest[wanted], k=_VOTERS)
    votes = label[sources[nearest]]
    most = np.stack([(votes == one).sum(axis=1) for one in range(int(label.max()) + 1)]).argmax(axis=0)
    near = gap[:, 0] < _NEAR
    label[wanted[near]] = most[near]


def _hang(
    rest: Float,
    part: Int,
    label: NDArray[np.uint8],
    hair: NDArray[np.bool_],
    shown: NDArray[np.bool_],
    nape: float,
) -> None:
    """Long hair: down the neck and the back as far as it reaches at the sides."""
    low = hair & (rest[:, 1] < nape - _LONG) & ((part == HEAD) | (part == TRUNK))
    if low.sum() < _FEW:
        return
    end = np.quantile(rest[low, 1], 0.05)
    width = np.quantile(np.abs(rest[low, 0]), 0.9)
    back = ~shown & ((part == HEAD) | (part == TRUNK)) & (np.abs(rest[:, 0]) < width)
    middle = np.median(rest[part == TRUNK, 2])
    label[back & (rest[:, 1] > end) & (rest[:, 1] <= nape) & (rest[:, 2] < middle)] = HAIR
