"""Body parameters onto the armature, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.body import JOINT_COUNT, JOINT_NAMES, BodyParams
from ..engine.avatar.rotations import quat_from_rotvec, rotvec_from_quat
from .armature import PELVIS, ROOT

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

PHOTO_POSE_KEY = "lhm_photo_pose"
BETAS_KEY = "lhm_betas"
EXPRESSION_KEY = "lhm_expression"
_SAME_PLACE = 1e-5  # metres


def set_pose(armature: bpy.types.Object, params: BodyParams) -> None:
    """Pose the armature; the shape stays, and so does the root bone.

    Args:
        armature: One of ours.
        params: Pose and translation, body axes. Betas and expression are not used.
    """
    quats = quat_from_rotvec(params.pose().astype(np.float64))
    bones = armature.pose.bones
    for name, quat in zip(JOINT_NAMES, quats, strict=True):
        bones[name].rotation_mode = "QUATERNION"
        bones[name].rotation_quaternion = quat
        bones[name].location = (0, 0, 0)
        bones[name].scale = (1, 1, 1)
    bones[PELVIS].location = params.transl


def get_pose(armature: bpy.types.Object) -> BodyParams:
    """The pose set on the armature's bones, whatever their rotation mode; the root bone is left out.

    Betas and expression are the ones that the avatar was made with.
    """
    bones = armature.pose.bones
    quats = np.array([bones[name].matrix_basis.to_quaternion() for name in JOINT_NAMES])
    return BodyParams.from_pose(
        rotvec_from_quat(quats),
        betas=_floats(armature, BETAS_KEY),
        expression=_floats(armature, EXPRESSION_KEY),
        transl=np.array(bones[PELVIS].matrix_basis.translation),
    )


def rest_pose() -> BodyParams:
    """Arms out, palms down, standing where the root is."""
    return BodyParams.zero(0, 0)


def photo_pose(armature: bpy.types.Object) -> BodyParams:
    """The pose in the photo, standing on the floor at the root.

    Raises:
        ValueError: If the armature is none of ours.
    """
    values = _floats(armature, PHOTO_POSE_KEY)
    if len(values) != 3 * JOINT_COUNT + 3:
        raise ValueError(
            f"{armature.name!r} has no property {PHOTO_POSE_KEY!r} of {3 * JOINT_COUNT + 3} numbers"
        )
    return BodyParams.from_pose(values[:-3].reshape(JOINT_COUNT, 3), transl=values[-3:])


def remember_photo_pose(armature: bpy.types.Object, params: BodyParams) -> None:
    """Keep shape and pose of the photo with the armature, as custom properties.

    Args:
        armature: One of ours.
        params: As they will be set: ``transl`` puts the person on the floor.
    """
    armature[PHOTO_POSE_KEY] = [*params.pose().ravel().tolist(), *params.transl.tolist()]
    # Blender keeps no empty arrays.
    for key, values in ((BETAS_KEY, params.betas), (EXPRESSION_KEY, params.expression)):
        if len(values):
            armature[key] = values.tolist()


def lift_photo_pose(armature: bpy.types.Object, height: float) -> None:
    """Let the photo's pose stand on the floor after the body's shape changed; its rotations stay.

    An avatar that stands in this pose now moves along.

    Args:
        armature: Of an avatar.
        height: Of the pelvis above its rest place, metres.
    """
    pelvis, old = armature.pose.bones[PELVIS], photo_pose(armature)
    new = np.array([0.0, height, 0.0], np.float32)
    armature[PHOTO_POSE_KEY] = [*old.pose().ravel().tolist(), *new.tolist()]
    if np.allclose(pelvis.location, old.transl, rtol=0, atol=_SAME_PLACE):
        pelvis.location = new


def reset_root(armature: bpy.types.Object) -> None:
    """Put the root bone back at the armature's origin."""
    armature.pose.bones[ROOT].matrix_basis.identity()


def _floats(armature: bpy.types.Object, key: str) -> Float:
    return np.array(armature.get(key, []), np.float32)
