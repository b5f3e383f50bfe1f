"""The other way: what our skeleton does, as turns of another rig's bones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index
from ...avatar.rotations import quat_from_matrix
from ...avatar.skinning import forward_kinematics, posed_joints
from ..proportions import body_leg_length, leg_length
from .calibrate import REST, calibrate
from .detect import check_map

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float
    from ..motion import Motion
    from ..take import Take

_CHUNK = 2048  # frames


@dataclass(frozen=True)
class RigMotion:
    """Turns of a rig's bones.

    Args:
        quats: Of each bone against its parent, from its rest, in the bone's own axes, w first. [F, J, 4]
        hips: Where the hips' bone is, the rig's rest frame and units. [F, 3]
        row: Of the hips' bone.
        driven: Rows of the bones that are turned, parents before their children; the others keep their
            rest. [D]
        turned: Where the axes of the turned bones point, in the rig's rest frame. [F, D, 3, 3]
    """

    quats: Float
    hips: Float
    row: int
    driven: np.ndarray
    turned: Float


def onto_rig(motion: Motion, joints: Float, rig: Take, bones: Mapping[str, str]) -> RigMotion:
    """Carry one of our motions over to a rig.

    Args:
        motion: Of our person.
        joints: Our rest joints, metres. [55, 3]
        rig: The rig; its rest pose must be one of a person, in T- or A-pose.
        bones: Bone of each of our joints.

    Raises:
        AvatarError: If bones are missing.
    """
    check_map(bones, rig.names)
    joints = np.asarray(joints, np.float64)
    calibration = calibrate(rig, bones, joints, REST)
    row = {joint: rig.names.index(bone) for joint, bone in bones.items()}
    count, size = motion.count, len(rig.names)
    owner = np.full(size, -1)
    for joint, bone in row.items():
        owner[bone] = joint_index(joint)
    rest = rig.rest_rotations
    quats = np.empty((count, size, 4))
    hips = np.empty((count, 3))
    driven = np.array(sorted(row.values(), key=lambda bone: owner[bone]))
    axes = np.empty((count, len(driven), 3, 3))
    places = {joint: rig.rest_positions[bone] for joint, bone in row.items()}
    scale = leg_length(places) / body_leg_length(joints)
    ours = [joint_index("left_hip"), joint_index("right_hip")]
    theirs = 0.5 * (places["left_hip"] + places["right_hip"]) - places["pelvis"]
    for start in range(0, count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        moved = forward_kinematics(joints, motion.pose[rows].astype(np.float64), motion.transl[rows])
        turned = np.empty((len(moved), size, 3, 3))
        for bone, parent in enumerate(rig.parents):
            if owner[bone] >= 0:
                turn = moved[:, owner[bone], :3, :3] @ calibration.turns[owner[bone]].T
                turned[:, bone] = turn @ rest[bone]
            else:
                above = turned[:, parent] @ rest[parent].T if parent >= 0 else np.eye(3)
                turned[:, bone] = above @ rest[bone]
            local = turned[:, bone]
            if parent >= 0:
                local = rest[bone].T @ rest[parent] @ np.swapaxes(turned[:, parent], -1, -2) @ turned[:, bone]
            else:
                local = rest[bone].T @ local
            quats[rows, bone] = quat_from_matrix(local)
        axes[rows] = turned[:, driven]
        middle = posed_joints(joints[ours], moved[:, ours])
        pelvis = turned[:, row["pelvis"]] @ rest[row["pelvis"]].T
        hips[rows] = scale * middle.mean(axis=1) - pelvis @ theirs
    return RigMotion(quats, hips, row["pelvis"], driven, axes)
