"""A person who stands at ease and breathes; the other motions say what differs from that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.arrays import float_array
from ...avatar.body import JOINT_COUNT
from .curves import tilted
from .lower_body import SIDES, Foot, about, heading, leg, legs, place, room_above
from .upper_body import arm, hand, trunk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float

    Angles = tuple[Float | float, Float | float, Float | float]

TOE_OUT = np.radians(9.0)
_REACH = 0.998  # of a leg: a knee is never quite straight
_BACK = 0.025  # how far the ankles are behind the hips, in lengths of the leg: the feet's middle carries
_BREATH = 4.0  # seconds, about
# Degrees. Breathing in straightens the chest, lifts the shoulders and spreads the arms a little.
PELVIS_LEAN, _CHEST, _HEAD = 1.0, 2.0, 2.0
_CHEST_BREATHES, _HEAD_BREATHES, _COLLARS_BREATHE, _ARMS_BREATHE = -0.8, 0.3, 0.9, -0.5
_ARM = {"collar_up": -7.0, "down": 75.0, "forward": -1.0, "twist": 14.0, "elbow": 19.0}


@dataclass(frozen=True)
class Acting:
    """What a person does over time, as differences from standing at ease.

    Args:
        count: Frames, F.
        way: Of the pelvis, metres. [F, 3]
        pelvis: Tilt, turn, lean in the world, degrees, each [F] or one for all.
        chest: Likewise.
        head: Likewise.
        arms: Angles to add, by side, see `upper_body.arm`, degrees.
        curl: Of the fingers, by side; 1 hangs relaxed.
        feet: By side; flat on the ground by default.
    """

    count: int
    way: Float | None = None
    pelvis: Angles = (0.0, 0.0, 0.0)
    chest: Angles = (0.0, 0.0, 0.0)
    head: Angles = (0.0, 0.0, 0.0)
    arms: Mapping[str, Mapping[str, Float | float]] = field(default_factory=dict)
    curl: Mapping[str, Float | float] = field(default_factory=dict)
    feet: Mapping[str, Foot] | None = None


def acted(joints: Float, fps: float, acting: Acting) -> tuple[dict[str, Float], Float]:
    """Local rotations by joint, [F, 3, 3] each, and the way of the pelvis. [F, 3]

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second.
        acting: What is done.
    """
    joints = checked(joints)
    count = acting.count
    breath = breathing(count, fps)
    feet = acting.feet or standing_feet(joints, count)
    pelvis = _tilted(acting.pelvis, count, PELVIS_LEAN)
    chest = _tilted(acting.chest, count, _CHEST + _CHEST_BREATHES * breath)
    head = _tilted(acting.head, count, _HEAD + _HEAD_BREATHES * breath)
    transl = np.zeros((count, 3)) if acting.way is None else acting.way.copy()
    transl[:, 1] += room_above(joints, pelvis, transl, feet, _REACH).min()
    pose = {**legs(joints, pelvis, transl, feet), **trunk(pelvis, chest, head)}
    for side in SIDES:
        angles: dict[str, Float | float] = dict(_ARM)
        angles["collar_up"] += _COLLARS_BREATHE * breath
        angles["down"] += _ARMS_BREATHE * breath
        for name, more in acting.arms.get(side, {}).items():
            angles[name] = angles.get(name, 0.0) + more
        pose |= arm(side, count, **angles)
        pose |= hand(side, count, acting.curl.get(side, 1.0))
    return pose, transl


def checked(joints: Float) -> Float:
    """Rest joints in double precision. [55, 3]

    Raises:
        ValueError: If the shape is wrong.
    """
    return float_array("joints", joints, (JOINT_COUNT, 3)).astype(np.float64)


def breathing(count: int, fps: float) -> Float:
    """Whole breaths over all frames, -1 when breathed out, which is at the first. [F]"""
    breaths = max(1, round(count / fps / _BREATH))
    return -np.cos(2 * np.pi * breaths * np.arange(count) / count)


def standing_feet(joints: Float, count: int) -> dict[str, Foot]:
    """Feet flat on the ground below the hips. [F = count]"""
    feet = {}
    for side in SIDES:
        ankle = place(joints, f"{side}_ankle").copy()
        ankle[0] = place(joints, f"{side}_hip")[0]
        ankle[2] = place(joints, f"{side}_hip")[2] - _BACK * leg(joints, side).length
        out = np.sign(ankle[0]) * TOE_OUT - heading(joints, side)
        feet[side] = Foot(
            np.tile(ankle, (count, 1)), np.tile(about("y", out), (count, 1, 1)), np.zeros(count)
        )
    return feet


def _tilted(angles: Angles, count: int, lean: Float | float) -> Float:
    x, y, z = (np.broadcast_to(angle, (count,)) for angle in angles)
    return tilted(x + lean, y, z)
