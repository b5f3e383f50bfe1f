"""Root: how big the steps are, where the floor is, which way the person goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ...avatar.skinning import forward_kinematics, posed_joints

if TYPE_CHECKING:
    from ...avatar.arrays import Float

_HIPS = [joint_index("left_hip"), joint_index("right_hip")]
_FEET = [joint_index(name) for name in ("left_ankle", "right_ankle", "left_foot", "right_foot")]
_CHUNK = 2048  # frames
_LOWEST = 1.0  # percent of the frames may dip below the floor: noise, and toes that dig in


@dataclass(frozen=True)
class Placing:
    """Where the person goes.

    Args:
        travel: False keeps them on the spot.
        floor: Lift or lower the whole motion until the feet just touch the ground.
        heading: Turn the whole motion so that the person faces forward (+z) at its start.
        origin: Let the motion begin at the origin.
    """

    travel: bool = True
    floor: bool = True
    heading: bool = True
    origin: bool = True


def feet_heights(joints: Float, pose: Float, transl: Float) -> Float:
    """Height of ankles and balls above where they are when the foot stands flat. [F, 4]

    Args:
        joints: Our rest joints; the feet stand flat in the rest pose. [55, 3]
        pose: [F, 55, 3]
        transl: [F, 3]
    """
    heights = np.empty((len(pose), len(_FEET)))
    for start in range(0, len(pose), _CHUNK):
        part = slice(start, start + _CHUNK)
        moved = forward_kinematics(joints, pose[part], transl[part])[:, _FEET]
        posed = posed_joints(joints[_FEET], moved)
        heights[part] = posed[..., 1] - joints[_FEET, 1]
    return heights


def follow_hips(joints: Float, pose: Float, hips: Float) -> Float:
    """``transl`` with which the middle of our hips is at the given places. [F, 3]

    The hips tell more of where the legs are than the pelvis, whose height in the body differs between rigs.

    Args:
        joints: Our rest joints. [55, 3]
        pose: [F, 55, 3]
        hips: Wanted middle of the hips, metres. [F, 3]
    """
    middle = joints[_HIPS].mean(axis=0) - joints[0]
    turned = np.einsum("fab,b->fa", matrix_from_rotvec(pose[:, 0]), middle)
    return hips - turned - joints[0]


def placed(joints: Float, pose: Float, transl: Float, placing: Placing) -> tuple[Float, Float]:
    """Set heading, start and floor; feet on the floor are where they are in the rest pose.

    Args:
        joints: Our rest joints. [55, 3]
        pose: [F, 55, 3]
        transl: [F, 3]
        placing: What is wanted.

    Returns:
        New pose and transl.
    """
    pose, transl = pose.copy(), transl.copy()
    places = transl + joints[0]
    if placing.heading:
        turn = _level(facing(pose[0, 0]))
        pose[:, 0] = rotvec_from_matrix(turn @ matrix_from_rotvec(pose[:, 0]))
        places = places @ turn.T
    if placing.origin:
        places -= places[0] * [1.0, 0.0, 1.0]
    if not placing.travel:
        places[:, [0, 2]] = places[0, [0, 2]]
    transl = places - joints[0]
    if placing.floor:
        lowest = feet_heights(joints, pose, transl).min(axis=1)
        transl[:, 1] -= np.percentile(lowest, _LOWEST)
    return pose, transl


def facing(orient: Float) -> Float:
    """Level direction in which a pelvis faces, as an angle from +z towards +x, radians."""
    forward = matrix_from_rotvec(orient) @ [0.0, 0.0, 1.0]
    if np.hypot(forward[0], forward[2]) < 0.3:  # lying: where the head points
        forward = matrix_from_rotvec(orient) @ [0.0, 1.0, 0.0]
    return np.arctan2(forward[0], forward[2])


def _level(angle: Float) -> Float:
    return matrix_from_rotvec(np.array([0.0, -1.0, 0.0]) * angle)
