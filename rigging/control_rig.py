"""The control rig: bones that an animator takes hold of, on the avatar's own armature.

    from bl_ext.user_default.lhm_avatars.rigging.control_rig import add_controls
    add_controls(bpy.context, bpy.data.objects["Ada"])

Hands and feet with two-bone IK in closed form (Blender's solver only comes near), elbows and knees that point
to a pole, hips, chest and head, and sliders for fingers, jaw and eyes. The 55 bones that move the splats keep
their names, axes and channels; what plays on them plays on, and the controls come on top. All is bones,
constraints and drivers of plain arithmetic, so a saved file works without the extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.errors import AvatarError
from .armature import ROOT
from .contexts import edit_bones, out_of_edit_mode
from .control_bones import control_bones, limb_at_rest, write_bones
from .control_links import link, unlink
from .control_match import match_controls, take_over_pose
from .control_names import CONTROL_BONES, CONTROLS, LIMBS, LOWER_LENGTH, MECHANISM, SLIDERS, UPPER_LENGTH
from .control_shapes import dress_controls
from .controlled import has_controls, joints_at_rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.avatar.arrays import Float

HAS_CONTROLS = "This avatar has controls already"
NO_CONTROLS = "This avatar has no controls. Add them first"


def add_controls(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Give an avatar controls, at rest where its hands and feet are now; nothing moves.

    Mode, selection and active object stay.

    Args:
        context: Its view layer shows the avatar.
        armature: Of the avatar.

    Raises:
        AvatarError: If it has controls, lacks a bone, or is linked.
    """
    reason = reason_against_adding(armature)
    if reason:
        raise AvatarError(reason)
    joints = joints_at_rest(armature)
    with out_of_edit_mode(context, armature):
        if armature.data.users > 1:
            armature.data = armature.data.copy()
        _write(context, armature, joints)
    _sort(armature.data)
    for bone in (armature.pose.bones[name] for name in CONTROL_BONES):
        bone.rotation_mode = "QUATERNION"
    dress_controls(armature)
    _add_sliders(armature)
    _measure(armature, joints)
    link(armature)
    context.view_layer.update()
    match_controls(context, armature, tuple(LIMBS))


def remove_controls(
    context: bpy.types.Context, armature: bpy.types.Object, *, frames: Sequence[int] = ()
) -> None:
    """Take the controls off; the bones take over the pose that they held.

    Args:
        context: Its view layer shows the avatar.
        armature: Of the avatar.
        frames: Of the scene on which the bones get keys; with none, only the present pose is kept.

    Raises:
        AvatarError: If there are none, or it is linked.
    """
    reason = reason_against_removing(armature)
    if reason:
        raise AvatarError(reason)
    take_over_pose(context, armature, frames)
    unlink(armature)
    _drop_drivers(armature)
    shapes = {bone.custom_shape for bone in _present(armature)} - {None}
    with out_of_edit_mode(context, armature), edit_bones(context, armature.data) as bones:
        for name in CONTROL_BONES:
            if name in bones:
                bones.remove(bones[name])
    for name in (CONTROLS, MECHANISM):
        group = armature.data.collections.get(name)
        if group is not None and not len(group.bones):
            armature.data.collections.remove(group)
    unused = [shape for shape in shapes if shape.users == 0]
    bpy.data.batch_remove([*unused, *(shape.data for shape in unused)])
    context.view_layer.update()


def refit_controls(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Move the controls to joints that moved at rest; without controls, do nothing.

    Args:
        context: Any.
        armature: Of an avatar, in nobody's Edit Mode.
    """
    if has_controls(armature):
        joints = joints_at_rest(armature)
        _write(context, armature, joints)
        _measure(armature, joints)


def reason_against_adding(armature: bpy.types.Object) -> str:
    """Why an avatar cannot get controls, as a sentence for the user; empty if it can."""
    if any(name in armature.data.bones for name in CONTROL_BONES):
        return f"{HAS_CONTROLS}."
    lost = [name for name in (ROOT, *JOINT_NAMES) if name not in armature.data.bones]
    if lost:
        return f"{armature.name!r} has lost the bone {lost[0]!r}. Undo that, or import the avatar again."
    return _linked(armature)


def reason_against_removing(armature: bpy.types.Object) -> str:
    """Why controls cannot be removed; empty if they can."""
    if not any(name in armature.data.bones for name in CONTROL_BONES):
        return f"{NO_CONTROLS}."
    return _linked(armature)


def reason_against_using(armature: bpy.types.Object) -> str:
    """Why controls cannot be used; empty if they can."""
    names = [name for name in CONTROL_BONES if name not in armature.data.bones]
    if len(names) == len(CONTROL_BONES):
        return f"{NO_CONTROLS}."
    if names:
        return f"{armature.name!r} has lost the control {names[0]!r}. Remove the controls and add them again."
    return ""


def _linked(armature: bpy.types.Object) -> str:
    if armature.library or armature.data.library or armature.data.override_library:
        return f"{armature.name!r} is linked from another file. Change its controls there."
    return ""


def _present(armature: bpy.types.Object) -> list[bpy.types.PoseBone]:
    return [armature.pose.bones[name] for name in CONTROL_BONES if name in armature.pose.bones]


def _write(context: bpy.types.Context, armature: bpy.types.Object, joints: Float) -> None:
    """Bones at their rest places, without Blender's mirrored editing."""
    data = armature.data
    mirrors, data.use_mirror_x = data.use_mirror_x, False
    try:
        with edit_bones(context, data) as bones:
            write_bones(bones, joints)
    finally:
        data.use_mirror_x = mirrors


def _sort(data: bpy.types.Armature) -> None:
    """Controls to see, mechanism hidden."""
    groups = {
        name: data.collections.get(name) or data.collections.new(name) for name in (CONTROLS, MECHANISM)
    }
    groups[MECHANISM].is_visible = False
    for bone in control_bones(np.array([data.bones[name].head_local for name in JOINT_NAMES])):
        groups[CONTROLS if bone.is_control else MECHANISM].assign(data.bones[bone.name])
        data.bones[bone.name].hide_select = not bone.is_control


def _add_sliders(armature: bpy.types.Object) -> None:
    for slider in SLIDERS:
        bone = armature.pose.bones[slider.bone]
        bone[slider.key] = 0.0
        look = bone.id_properties_ui(slider.key)
        look.update(
            min=slider.lowest, max=1.0, soft_min=slider.lowest, soft_max=1.0, default=0.0, step=5.0,
            precision=2, description=slider.help,
        )  # fmt: skip
        bone.property_overridable_library_set(slider.path, True)


def _measure(armature: bpy.types.Object, joints: Float) -> None:
    """Tell the drivers how long the limbs are."""
    for limb in LIMBS.values():
        rest, bone = limb_at_rest(limb, joints), armature.pose.bones[limb.end]
        bone[UPPER_LENGTH], bone[LOWER_LENGTH] = rest.upper, rest.lower
    armature.update_tag()


def _drop_drivers(armature: bpy.types.Object) -> None:
    if armature.animation_data is None:
        return
    drivers = armature.animation_data.drivers
    beginnings = tuple(f'pose.bones["{name}"].' for name in CONTROL_BONES)
    for curve in [curve for curve in drivers if curve.data_path.startswith(beginnings)]:
        drivers.remove(curve)
