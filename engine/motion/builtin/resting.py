"""Arms of a person who sits: the hands lie on the thighs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import JOINT_COUNT, joint_index
from ...avatar.rotations import matrix_from_rotvec, quat_from_matrix, rotvec_from_matrix
from ...avatar.skinning import forward_kinematics
from .limbs import Limb
from .lower_body import SIDES, place, transposed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float

_ALONG = 0.60  # of the thigh, from the hip: where the wrists are
_ABOVE = 0.19  # of its length: half of its thickness, and the wrist's own
_ELBOW = np.array([0.55, 0.0, -1.0])  # where the left elbow points: out and back
_INWARDS = 0.18  # of the fingers
_STRAIGHTEST = 0.97  # of the arm's length
_FOREARM = 0.65  # its share of the turn that puts the palm down


def hands_on_thighs(joints: Float, pose: Mapping[str, Float], transl: Float) -> dict[str, Float]:
    """Local rotations of shoulders, elbows and wrists.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        pose: One frame of a person who sits, local rotations by joint. [3, 3] each
        transl: Way of the pelvis. [3]

    Returns:
        By joint. [3, 3] each
    """
    rotvecs = np.zeros((JOINT_COUNT, 3))
    for name, rotation in pose.items():
        rotvecs[joint_index(name)] = rotvec_from_matrix(rotation)
    posed_from_rest = forward_kinematics(joints, rotvecs, transl)
    arms = {}
    for side in SIDES:
        arms |= _arm(joints, side, posed_from_rest)
    return arms


def _arm(joints: Float, side: str, posed_from_rest: Float) -> dict[str, Float]:
    sign = 1.0 if side == "left" else -1.0

    def posed(name: str) -> Float:
        matrix = posed_from_rest[joint_index(f"{side}_{name}")]
        return matrix[:3, :3] @ place(joints, f"{side}_{name}") + matrix[:3, 3]

    shoulder, elbow, wrist = (place(joints, f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
    limb = Limb(elbow - shoulder, wrist - elbow, np.array([0.0, -sign, 0.0]))
    thigh = posed("knee") - posed("hip")
    up = np.array([0.0, np.linalg.norm(thigh), 0.0])
    way = posed("hip") + _ALONG * thigh + _ABOVE * up - posed("shoulder")
    way *= min(1.0, _STRAIGHTEST * limb.length / np.linalg.norm(way))
    bend = limb.bend(np.array([np.linalg.norm(way)]))
    upper = limb.aim(bend, way[None], np.cross(_ELBOW * [sign, 1, 1], way)[None])[0]
    elbow_turn = matrix_from_rotvec(bend[0] * limb.hinge)
    palm_down = transposed(upper @ elbow_turn) @ _hand(thigh, sign)
    twist = matrix_from_rotvec(np.array([_FOREARM * _twist(palm_down), 0.0, 0.0]))
    collar = posed_from_rest[joint_index(f"{side}_collar"), :3, :3]
    return {
        f"{side}_shoulder": transposed(collar) @ upper,
        f"{side}_elbow": elbow_turn @ twist,
        f"{side}_wrist": transposed(twist) @ palm_down,
    }


def _hand(thigh: Float, sign: float) -> Float:
    """A hand that lies on a thigh, palm down, world from rest. [3, 3]"""
    fingers = thigh / np.linalg.norm(thigh) - [sign * _INWARDS, 0.0, 0.0]
    fingers[1] = 0.0
    fingers *= sign / np.linalg.norm(fingers)  # at rest the left hand points along +x, the right one along -x
    up = np.array([0.0, 1.0, 0.0])
    return np.stack([fingers, up, np.cross(fingers, up)], axis=1)


def _twist(rotation: Float) -> float:
    """How far a rotation turns about x, radians."""
    w, x = quat_from_matrix(rotation)[:2]
    return 2 * float(np.arctan2(x, w)) if w >= 0 else 2 * float(np.arctan2(-x, -w))
