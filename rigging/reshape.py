"""Another body shape for an avatar in the scene: splats and bones move, the pose stays.

    from bl_ext.user_default.lhm_avatars.rigging.reshape import set_shape
    set_shape(bpy.context, bpy.data.objects["Ada"], [1.5, 0, 0, 0, 0, 0, 0, 0, 0, 0])

What depends on the shape: rest positions, rest joints, the floor, and the height of the pelvis in the photo's
pose. Rotations, Actions, sizes and colours of the splats do not, nor does the helper of the skinning nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import bpy
import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.errors import AvatarError
from ..engine.avatar.shape import padded_betas
from .armature import aim_bones
from .avatar_objects import FLOOR_KEY, cloud_of, lowest_point
from .contexts import edit_bones, out_of_edit_mode
from .control_rig import refit_controls
from .pointcloud import read_attribute, read_binding, write_attribute
from .poses import BETAS_KEY, lift_photo_pose, photo_pose
from .shape_store import HEIGHT_KEY, SOLE_QUANTILE, beta_count, has_shape, rest_height, shaped
from .skinning_nodes import frames_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..engine.avatar.arrays import Float

NO_SHAPE = "This avatar was made without a shape that can be changed. Reconstruct it again from its photo."


@dataclass(frozen=True)
class Reshaped:
    """How tall the person was and is: from the soles to the top of the head, metres."""

    before: float
    after: float


def set_shape(context: bpy.types.Context, armature: bpy.types.Object, betas: Float) -> Reshaped:
    """Give an avatar another body shape, standing on the same ground; its pose and its Actions stay.

    The result depends on the betas alone, not on the shape before, so setting them back gives what was
    there. Splats that were moved by hand go back to where the shape has them; deleted ones stay deleted.
    Mode, selection and active object stay, and the armature may be hidden. Data that other objects share
    are copied first, unless these follow the same bones: only this avatar changes.

    Args:
        context: Any.
        armature: Of the avatar; an evaluated one stands for its original.
        betas: At most as many as the avatar has; the others are zero. [<=S]

    Raises:
        AvatarError: If the avatar has no shape space, lacks a part of it or a bone, is linked, or follows
            the bones of another one; or while Blender renders.
        ValueError: If there are more betas than the avatar has, or one is not a finite number.
    """
    armature = cast("bpy.types.Object", armature.original)
    reason, cloud = reason_against(armature), cloud_of(armature)
    if reason or cloud is None:
        raise AvatarError(reason)
    wanted = _wanted(armature, betas)
    rest = shaped(armature, cloud.data, wanted)  # before anything changes: a part may be lost
    photo, binding = photo_pose(armature), read_binding(cloud.data)
    before = rest_height(read_attribute(cloud.data, "position"))
    floor = float(np.quantile(rest.means[:, 1], SOLE_QUANTILE))
    means, joints = rest.means - (0, floor, 0), rest.joints - (0, floor, 0)
    with out_of_edit_mode(context, armature):
        _make_single_user(armature, cloud)
        with edit_bones(context, armature.data) as bones:
            _move_bones(bones, joints)
        refit_controls(context, armature)
    write_attribute(cloud.data, "position", "FLOAT_VECTOR", means)
    cloud.data.update_tag()
    aim_bones(armature, joints)
    armature[FLOOR_KEY] = floor
    armature[BETAS_KEY] = wanted.tolist()
    armature[HEIGHT_KEY] = after = rest_height(means)
    lift_photo_pose(armature, -lowest_point(means, joints, binding, photo))
    return Reshaped(before, after)


def reason_against(armature: bpy.types.Object) -> str:
    """Why an avatar's shape cannot be changed, as a sentence for the user; empty if it can."""
    cloud = cloud_of(armature)
    if not has_shape(armature):
        return NO_SHAPE
    if cloud is None:
        return f"The splats of {armature.name!r} were deleted. Undo that, or import the avatar again."
    if any(block.library for block in (armature, armature.data, cloud, cloud.data)):
        return f"{armature.name!r} is linked from another file. Change its shape there."
    frames = frames_of(cloud)
    if frames is None:
        return f"The splats of {armature.name!r} lost their skinning modifier. Import the avatar again."
    if all(modifier.object != armature for modifier in frames.modifiers if modifier.type == "ARMATURE"):
        return (
            f"{armature.name!r} is a copy whose splats follow the bones of another avatar. "
            "Change the shape of that one, or import the avatar a second time."
        )
    lost = [name for name in JOINT_NAMES if name not in armature.data.bones]
    if lost:
        return f"{armature.name!r} has lost the bone {lost[0]!r}. Undo that, or import the avatar again."
    if is_rendering():
        return "Blender is rendering. Change the shape when the picture is done."
    return ""


def is_rendering() -> bool:
    """Whether a render runs beside the user interface: bones must not change under it."""
    return bpy.app.is_job_running("RENDER")


def _wanted(armature: bpy.types.Object, betas: Float) -> NDArray[np.float32]:
    betas, count = np.asarray(betas, np.float32), beta_count(armature)
    if betas.ndim != 1 or len(betas) > count:
        raise ValueError(f"betas must have shape (at most {count},), got {betas.shape}")
    if not np.isfinite(betas).all():
        raise ValueError(f"betas must be finite numbers, got {betas.tolist()}")
    return padded_betas(betas, count)


def _make_single_user(armature: bpy.types.Object, cloud: bpy.types.Object) -> None:
    """Part this avatar from copies that share its data; copies of the cloud on the same bones go along."""
    if any(other != armature for other in _users(armature)):
        armature.data = armature.data.copy()
    frames = frames_of(cloud)
    users = _users(cloud)
    if any(frames_of(other) != frames for other in users):
        cloud.data = data = cloud.data.copy()
        for other in users:
            if frames_of(other) == frames:
                other.data = data


def _users(target: bpy.types.Object) -> list[bpy.types.Object]:
    if target.data.users < 2:
        return [target]
    return [other for other in bpy.data.objects if other.data == target.data]


def _move_bones(bones: bpy.types.ArmatureEditBones, joints: Float) -> None:
    """Heads to the joints, tails along; bones that the user added go with the joint they hang on.

    In bulk, because setting one edit bone alone may move its mirror image or its connected children.

    Args:
        bones: In Edit Mode.
        joints: Metres, body axes, from the floor up. [55, 3]
    """
    heads, tails = (np.empty((len(bones), 3), np.float32) for _ in range(2))
    bones.foreach_get("head", heads.ravel())
    bones.foreach_get("tail", tails.ravel())
    rows = {bone.name: row for row, bone in enumerate(bones)}
    lengths, moved = tails - heads, heads.copy()
    for name, joint in zip(JOINT_NAMES, joints, strict=True):
        moved[rows[name]] = joint
    for row, bone in enumerate(bones):
        joint = next((parent for parent in bone.parent_recursive if parent.name in JOINT_NAMES), None)
        if joint is not None and bone.name not in JOINT_NAMES:
            moved[row] += moved[rows[joint.name]] - heads[rows[joint.name]]
    bones.foreach_set("head", moved.ravel())
    bones.foreach_set("tail", (moved + lengths).ravel())
