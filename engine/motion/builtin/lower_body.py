"""The lower half of any motion: the feet are placed on the ground first, then the legs reach for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index
from ...avatar.rotations import matrix_from_rotvec
from .limbs import Limb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float

SIDES = ("left", "right")
HINGE = np.array([1.0, 0.0, 0.0])
"""Of knees and toes in the rest pose: knees bend backwards about +x."""


@dataclass(frozen=True)
class Foot:
    """A foot over time.

    Args:
        ankle: Where the ankle is, metres. [F, 3]
        rotation: World from rest. [F, 3, 3]
        toes: Turn of the toes about x against the foot, radians; negative is up. [F]
    """

    ankle: Float
    rotation: Float
    toes: Float


def place(joints: Float, name: str) -> Float:
    """A rest joint by its name, metres. [3]"""
    return joints[joint_index(name)]


def leg(joints: Float, side: str) -> Limb:
    """The leg of a side."""
    hip, knee, ankle = (place(joints, f"{side}_{name}") for name in ("hip", "knee", "ankle"))
    return Limb(knee - hip, ankle - knee, HINGE)


def heading(joints: Float, side: str) -> float:
    """Where a foot points at rest, turned about +y from straight ahead, radians."""
    forward = place(joints, f"{side}_foot") - place(joints, f"{side}_ankle")
    return float(np.arctan2(forward[0], forward[2]))


def about(axis: str, radians: Float | float) -> Float:
    """Rotation about an axis of the rest pose. [F, 3, 3]"""
    return matrix_from_rotvec(np.atleast_1d(radians)[:, None] * np.eye(3)["xyz".index(axis)])


def to_ankle(joints: Float, side: str, pelvis: Float, transl: Float, foot: Foot) -> Float:
    """From the hip to where the ankle must be, metres. [F, 3]

    Args:
        joints: Rest joints. [55, 3]
        side: "left" or "right".
        pelvis: World from rest. [F, 3, 3]
        transl: The way of the pelvis. [F, 3]
        foot: Of that side.
    """
    root = place(joints, "pelvis")
    return foot.ankle - (root + transl + pelvis @ (place(joints, f"{side}_hip") - root))


def room_above(joints: Float, pelvis: Float, transl: Float, feet: Mapping[str, Foot], reach: float) -> Float:
    """How much higher the pelvis could be before a leg gets too short, metres. [F]

    Args:
        joints: Rest joints. [55, 3]
        pelvis: World from rest. [F, 3, 3]
        transl: The way of the pelvis. [F, 3]
        feet: By side.
        reach: How straight a leg may be, in lengths of the leg.
    """
    rooms = []
    for side in SIDES:
        way = to_ankle(joints, side, pelvis, transl, feet[side])
        longest = reach * leg(joints, side).length
        rooms.append(np.sqrt(longest**2 - way[:, 0] ** 2 - way[:, 2] ** 2) + way[:, 1])
    return np.minimum(*rooms)


def legs(joints: Float, pelvis: Float, transl: Float, feet: Mapping[str, Foot]) -> dict[str, Float]:
    """Local rotations of pelvis, hips, knees, ankles and toes.

    A knee points halfway between where the pelvis and where its foot points.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        pelvis: World from rest. [F, 3, 3]
        transl: The way of the pelvis. [F, 3]
        feet: By side.

    Returns:
        Rotation against the parent joint, by joint. [F, 3, 3] each

    Raises:
        ValueError: If a leg is too short.
    """
    pose = {"pelvis": pelvis}
    for side in SIDES:
        limb, foot = leg(joints, side), feet[side]
        way = to_ankle(joints, side, pelvis, transl, foot)
        bend = limb.bend(np.linalg.norm(way, axis=-1))
        across = foot.rotation @ about("y", heading(joints, side))[0][:, 0]
        thigh = limb.aim(bend, way, pelvis[:, :, 0] + across)
        knee = matrix_from_rotvec(bend[:, None] * HINGE)
        pose[f"{side}_hip"] = transposed(pelvis) @ thigh
        pose[f"{side}_knee"] = knee
        pose[f"{side}_ankle"] = transposed(thigh @ knee) @ foot.rotation
        pose[f"{side}_foot"] = matrix_from_rotvec(foot.toes[:, None] * HINGE)
    return pose


def transposed(rotation: Float) -> Float:
    """The inverse rotation. [F, 3, 3]"""
    return np.swapaxes(rotation, -1, -2)
