"""Simplify: a motion with fewer keys, and how far its joints are from where they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.rotations import continuous, quat_from_rotvec, quat_multiply, rotvec_from_quat
from ..avatar.skinning import forward_kinematics, posed_joints
from .divide import between_keys, kept_places, kept_turns
from .planting import LEG_JOINTS, correction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .motion import Motion

    Bools = NDArray[np.bool_]

_CHUNK = 2048  # frames
_WEIGHT = 0.01  # of a face shape: less is not seen


@dataclass(frozen=True)
class Tolerance:
    """How far any frame may be from the motion.

    Args:
        degrees: For the turn of a joint against its parent.
        metres: For the pelvis's place.

    Raises:
        ValueError: If one is not positive.
    """

    degrees: float = 0.25
    metres: float = 0.001

    def __post_init__(self) -> None:
        if not (self.degrees > 0 and self.metres > 0):
            raise ValueError(f"degrees and metres must be positive, got {self.degrees} and {self.metres}")


@dataclass(frozen=True)
class Kept:
    """Which frames get keys.

    Args:
        turns: Of each joint, all four components together. [F, J]
        way: Of the pelvis's place. [F]
        weights: Of each face shape. [F, E]
    """

    turns: Bools
    way: Bools
    weights: Bools

    @property
    def keys(self) -> int:
        """How many keys these are."""
        return int(4 * self.turns.sum() + 3 * self.way.sum() + self.weights.sum())

    @property
    def all_keys(self) -> int:
        """How many there are on every frame."""
        return 4 * self.turns.size + 3 * self.way.size + self.weights.size


@dataclass(frozen=True)
class Simplified:
    """Keys for a motion, and for what holds its feet.

    Args:
        motion: Its own keys; with held feet in them where they are no layer.
        feet: Of the layer that holds the feet; ``None`` without.
        farthest: How far any joint is from where it was on any frame, with the layer, metres.
    """

    motion: Kept
    feet: Kept | None
    farthest: float

    @property
    def share(self) -> float:
        """Keys for each one that every frame would have."""
        both = [kept for kept in (self.motion, self.feet) if kept is not None]
        return sum(kept.keys for kept in both) / sum(kept.all_keys for kept in both)


def simplified(joints: Float, motion: Motion, held: Motion | None, tolerance: Tolerance) -> Simplified:
    """Choose keys for a motion, and for a layer above it that holds its feet.

    Each bone's turn is on every frame as near as allowed to what it was; along a chain such angles add up.

    Args:
        joints: Rest joints, metres. [55, 3]
        motion: At the rate of its keys.
        held: The same with standing feet, if these are to be a layer of their own.
        tolerance: What may be missed.
    """
    joints = np.asarray(joints, np.float64)
    turns = continuous(quat_from_rotvec(motion.pose.astype(np.float64)))
    keys = _kept(turns, motion.transl, motion.expression, tolerance)
    shown, way = _between_turns(turns, keys), _between_ways(motion.transl, keys)
    if held is None:
        return Simplified(keys, None, _farthest(joints, motion, shown, way))
    feet, sink = correction(motion, held)
    feet_keys = _kept(feet, sink, np.zeros((motion.count, 0)), tolerance)
    legs = list(LEG_JOINTS)
    shown[:, legs] = quat_multiply(shown[:, legs], _between_turns(feet, feet_keys))
    way = way + _between_ways(sink, feet_keys)
    return Simplified(keys, feet_keys, _farthest(joints, held, shown, way))


def _kept(turns: Float, way: Float, weights: Float, tolerance: Tolerance) -> Kept:
    return Kept(
        kept_turns(turns, tolerance.degrees),
        kept_places(np.asarray(way)[:, None], tolerance.metres)[:, 0],
        kept_places(np.asarray(weights)[..., None], _WEIGHT),
    )


def _between_turns(turns: Float, kept: Kept) -> Float:
    """As Blender mixes them. [F, J, 4]"""
    mixed = between_keys(turns, kept.turns)
    return mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)


def _between_ways(way: Float, kept: Kept) -> Float:
    return between_keys(np.asarray(way)[:, None], kept.way[:, None])[:, 0]


def _farthest(joints: Float, motion: Motion, turns: Float, way: Float) -> float:
    """How far any joint is from where the motion has it, metres."""
    worst = 0.0
    for start in range(0, motion.count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        was = forward_kinematics(joints, motion.pose[rows].astype(np.float64), motion.transl[rows])
        now = forward_kinematics(joints, rotvec_from_quat(turns[rows]), way[rows])
        apart = posed_joints(joints, now) - posed_joints(joints, was)
        worst = max(worst, float(np.linalg.norm(apart, axis=-1).max()))
    return worst
