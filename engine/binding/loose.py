"""Loose cloth: a skirt or a coat hangs over both legs as one sheet and must not be torn by them.

Each of its points follows the leg on its own side, less so the nearer it is to the middle, and the pelvis
more the nearer it is to the waist.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import require_shape
from ..avatar.body import JOINT_COUNT, joint_index
from .legs import beside_legs, leg_lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float

_TOP, _FULL = -0.10, 0.20  # metres below the hips between which the legs take over from the trunk
_STEADY = 0.2  # share of the pelvis that the middle of a wholly loose hem keeps at least
_STRETCH = 2.3  # how far cloth may be pulled apart in the middle when each leg goes out by 45°
_SIDEWAYS = np.sqrt(0.5)
_SLOPE = 1.25  # of the change from left to right in the middle, against a straight line
_KNEE = 0.12  # metres above and below the knee over which the shin takes over
_STIFF_KNEE = 0.7  # of the shin's share goes to the thigh: cloth hardly bends with the knee
_NARROW = 0.15  # of the distance between the legs: the change from left to right of tight cloth
_WHOLE = 0.5  # looseness from which nothing is left of the weights that go with the nearer leg
_BIN = 0.03  # metres down the garment over which its width is measured
_WIDTH_SHARE = 0.98  # of a bin's points lie within the garment's width
_BLUR = 2.0  # bins
_ARMS = tuple(
    joint_index(f"{side}_{name}") for side in ("left", "right") for name in ("shoulder", "elbow", "wrist")
) + tuple(range(joint_index("left_index1"), JOINT_COUNT))
_LEGS = tuple(
    tuple(joint_index(f"{side}_{name}") for name in ("hip", "knee", "ankle", "foot"))
    for side in ("left", "right")
)


def loose_weights(
    points: Float, weights: Float, looseness: Float, joints: Float, strength: float = 1.0
) -> NDArray[np.float32]:
    """Joint weights of points of which some are loose cloth below the waist.

    Args:
        points: In the rest pose, or in any other as long as ``joints`` are in the same; metres. [N, 3]
        weights: What they would be without, one column per joint, rows sum to one. [N, 55]
        looseness: 0 for the body and what fits it closely, 1 for what hangs free. [N]
        joints: [55, 3]
        strength: 0 changes nothing, 1 as far as it goes.

    Returns:
        Rows sum to one; rows that are not loose are as they were. [N, 55]

    Raises:
        ValueError: If a shape is wrong, or looseness or strength does not lie within 0 to 1.
    """
    weights, looseness = np.asarray(weights, np.float32), np.asarray(looseness, np.float64)
    require_shape("weights", weights, (len(points), JOINT_COUNT))
    require_shape("looseness", looseness, (len(points),))
    for name, values in (("looseness", looseness), ("strength", np.array(strength))):
        if values.size and not 0 <= values.min() <= values.max() <= 1:
            raise ValueError(f"{name} must lie within 0 to 1, got {values.min()} to {values.max()}")
    amount = strength * looseness
    moved = np.flatnonzero(amount > 0)
    changed = weights.copy()
    if len(moved):
        own = weights[moved].astype(np.float64)
        # A hand on the skirt is none.
        amount = amount[moved] * np.clip(1.0 - 2.0 * own[:, _ARMS].sum(axis=1), 0, 1)
        hanging = _hanging(np.asarray(points)[moved], own, amount, joints)
        # What is half loose is already one sheet, if a narrow one: torn weights mixed in would tear it.
        changed[moved] = own + smooth_step(amount / _WHOLE)[:, None] * (hanging - own)
    return changed


def _hanging(points: Float, own: Float, amount: Float, joints: Float) -> NDArray[np.float64]:
    """Weights of cloth that hangs from the waist. [M, 55]"""
    at = beside_legs(points, joints)
    width = garment_width(at.down, at.left, amount)
    width = np.maximum(_NARROW * at.half + amount * (width - _NARROW * at.half), 1e-3)
    # Little steeper than a straight line from one side to the other, yet without a fold at the sides.
    t = np.clip(at.left / width, -1, 1)
    left = 0.5 + 0.5 * (_SLOPE * t - (_SLOPE - 1) * t**5)
    # The sides go with their legs, or those would come out of the cloth.
    steady = np.maximum(_STEADY * (1 - t**2), 1 - _most_of_legs(at.down, width))
    legs = smooth_step((at.down - _TOP) / (_FULL - _TOP)) * (1 - steady * amount)
    thigh, _ = leg_lengths(joints)
    shin = smooth_step((at.down - thigh + _KNEE) / (2 * _KNEE)) * (1 - _STIFF_KNEE * amount)
    weights = own.copy()
    for leg in _LEGS:
        weights[:, leg] = 0
    # Near the waist it goes with the trunk as it did; what was all leg goes with the pelvis.
    weights[:, joint_index("pelvis")] += 1e-6
    weights *= ((1 - legs) / weights.sum(axis=1))[:, None]
    for (hip, knee, _, _), share in zip(_LEGS, (left, 1 - left), strict=True):
        # In the middle neither knee has a share, or five joints would be more than most avatars keep.
        bent = shin * np.maximum(2 * share - 1, 0)
        weights[:, hip] += legs * (share - bent)
        weights[:, knee] += legs * bent
    return weights


def _most_of_legs(down: Float, width: Float) -> NDArray[np.float64]:
    """The legs' share with which the middle of the cloth just keeps to ``_STRETCH``. [M]

    When each leg goes out by 45°, a length in the middle becomes 1 - L + L cos 45° by the mean of both turns,
    and the two sides' ways, sin 45° times the depth each, add L times their difference over the width.
    """
    pull = _SLOPE * _SIDEWAYS * np.maximum(down, 0) / width - (1 - _SIDEWAYS)
    return np.where(pull > 0, (_STRETCH - 1) / np.maximum(pull, 1e-6), np.inf)


def garment_width(down: Float, left: Float, amount: Float) -> NDArray[np.float64]:
    """Metres from the middle to the garment's sides at each point's height.

    Args:
        down: From ``beside_legs``. [M]
        left: The same. [M]
        amount: How loose each point is. [M]

    Returns:
        [M]
    """
    bins = np.floor((down - down.min()) / _BIN).astype(int)
    widths, counts = np.zeros(bins.max() + 1), np.zeros(bins.max() + 1)
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], np.arange(len(widths) + 1))
    for number, (start, end) in enumerate(pairwise(starts)):
        if end > start:
            here = order[start:end]
            widths[number] = np.quantile(np.abs(left[here]), _WIDTH_SHARE)
            counts[number] = amount[here].sum()
    near = np.exp(-0.5 * (np.subtract.outer(np.arange(len(widths)), np.arange(len(widths))) / _BLUR) ** 2)
    smooth = near @ (counts * widths) / np.maximum(near @ counts, 1e-9)
    middles = down.min() + _BIN * (np.arange(len(widths)) + 0.5)
    return np.interp(down, middles, smooth)


def smooth_step(t: Float) -> Float:
    """0 up to 0, 1 from 1 on, smooth between."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
