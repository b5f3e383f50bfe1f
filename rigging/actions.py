"""A motion as an Action on the armature, with keys written in bulk.

Blender 4.4 gave Actions slots and 5.0 took the old way out; this file is the only one that knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.rotations import quat_from_rotvec
from .armature import PELVIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.avatar.arrays import Float
    from ..engine.motion.motion import Motion

_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


@dataclass(frozen=True)
class Channel:
    """Values of one property of one bone.

    Args:
        bone: Its name.
        name: "rotation_quaternion" or "location".
        values: One row per key. [F, 4] or [F, 3]
    """

    bone: str
    name: str
    values: Float


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
    step = 1.0 if fps is None else fps / motion.fps
    frames = start + step * np.arange(len(motion.pose))
    quats = quat_from_rotvec(np.asarray(motion.pose, np.float64))
    channels = [
        Channel(bone, "rotation_quaternion", quats[:, joint]) for joint, bone in enumerate(JOINT_NAMES)
    ]
    channels.append(Channel(PELVIS, "location", np.asarray(motion.transl)))
    action, slot = keyed_action(name or motion.name, armature.name, frames, channels)
    assign(armature, action, slot)
    return action


def keyed_action(
    name: str, slot_name: str, frames: Float, channels: Sequence[Channel]
) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """Make an Action with linear keys on every frame, grouped by bone; nobody plays it yet.

    Args:
        name: Of the Action.
        slot_name: Of its slot: the object it is for.
        frames: Scene time of the keys. [F]
        channels: What is keyed.
    """
    action = bpy.data.actions.new(name)
    slot = action.slots.new(id_type="OBJECT", name=slot_name)
    bag = _channels(action, slot)
    for channel in channels:
        turns = channel.name == "rotation_quaternion"
        _add_curves(
            bag, channel.bone, channel.name, frames, continuous(channel.values) if turns else channel.values
        )
    return action, slot


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
