"""A motion as an Action on the armature, with keys written in bulk.

Blender 4.4 gave Actions slots and 5.0 took the old way out; this file is the only one that knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.rotations import quat_from_rotvec
from .armature import PELVIS

if TYPE_CHECKING:
    from ..engine.avatar.arrays import Float
    from ..engine.motion.motion import Motion

_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


def add_action(
    armature: bpy.types.Object,
    motion: Motion,
    *,
    name: str | None = None,
    start: float = 1,
    fps: float | None = None,
) -> bpy.types.Action:
    """Make an Action from a motion and assign it to the armature.

    Args:
        armature: One of ours.
        motion: Local rotations and the pelvis's translation, body axes, F frames.
        name: Of the Action; the motion's by default.
        start: Frame of the first pose.
        fps: Frames per second of the scene; keys then lie between frames where the rates differ. By default
            the motion's own: one frame per pose.
    """
    action = bpy.data.actions.new(name or motion.name)
    slot = action.slots.new(id_type="OBJECT", name=armature.name)
    bag = _channels(action, slot)
    step = 1.0 if fps is None else fps / motion.fps
    frames = start + step * np.arange(len(motion.pose))
    quats = continuous(quat_from_rotvec(np.asarray(motion.pose, np.float64)))
    for joint, bone in enumerate(JOINT_NAMES):
        _add_curves(bag, bone, "rotation_quaternion", frames, quats[:, joint])
    _add_curves(bag, PELVIS, "location", frames, np.asarray(motion.transl))
    assign(armature, action, slot)
    return action


def assign(armature: bpy.types.Object, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> None:
    """Let the armature play an Action; its bones turn by quaternions from now on."""
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    animation = armature.animation_data_create()
    animation.action = action
    animation.action_slot = slot


def continuous(quats: Float) -> Float:
    """Choose the sign of each quaternion so that it is near the one before; q and -q are the same turn.

    Without this, interpolation between two keys may take the long way round.

    Args:
        quats: w, x, y, z. [F, ..., 4]

    Returns:
        [F, ..., 4]
    """
    flips = np.where((quats[1:] * quats[:-1]).sum(axis=-1, keepdims=True) < 0, -1.0, 1.0)
    signs = np.concatenate([np.ones_like(quats[:1, ..., :1]), np.cumprod(flips, axis=0)])
    return quats * signs


def _channels(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> bpy.types.ActionChannelbag:
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def _add_curves(
    bag: bpy.types.ActionChannelbag, bone: str, channel: str, frames: Float, values: Float
) -> None:
    group = bag.groups.get(bone) or bag.groups.new(bone)
    for index in range(values.shape[1]):
        curve = bag.fcurves.new(f'pose.bones["{bone}"].{channel}', index=index)
        curve.group = group
        keys = curve.keyframe_points
        keys.add(len(frames))
        keys.foreach_set("co", np.stack([frames, values[:, index]], axis=1).astype(np.float32).ravel())
        keys.foreach_set("interpolation", np.full(len(frames), _LINEAR, np.int32))
        curve.update()
