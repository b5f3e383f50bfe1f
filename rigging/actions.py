"""A motion as an Action on the armature, with keys written in bulk.

Blender 4.4 gave Actions slots and 5.0 took the old way out; this file is the only one that knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.rotations import continuous, quat_from_rotvec
from .armature import PELVIS
from .face_curves import face_shapes
from .face_names import BONE, property_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..engine.avatar.arrays import Float
    from ..engine.motion.motion import Motion
    from ..engine.motion.simplify import Kept

_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


@dataclass(frozen=True)
class Channel:
    """Values of one property of one bone.

    Args:
        bone: Its name.
        name: "rotation_quaternion", "location", or a custom property as ``["cheekPuff"]``.
        values: One row per frame. [F, 4], [F, 3] or [F, 1]
        kept: Frames that get keys; by default all. [F]
    """

    bone: str
    name: str
    values: Float
    kept: NDArray[np.bool_] | None = None


def add_action(
    armature: bpy.types.Object,
    motion: Motion,
    *,
    name: str | None = None,
    start: float = 1,
    fps: float | None = None,
    kept: Kept | None = None,
) -> bpy.types.Action:
    """Make an Action from a motion and assign it to the armature.

    Face shapes become keys on the sliders that the avatar has; without a slider they are left out.

    Args:
        armature: One of ours.
        motion: Local rotations and the pelvis's translation, body axes, F frames.
        name: Of the Action; the motion's by default.
        start: Frame of the first pose.
        fps: Frames per second of the scene; keys then lie between frames where the rates differ. By default
            the motion's own: one frame per pose.
        kept: Frames that get keys; by default all.
    """
    step = 1.0 if fps is None else fps / motion.fps
    frames = start + step * np.arange(len(motion.pose))
    channels = [*_turn_channels(motion, kept), *_face_channels(armature, motion, kept)]
    if motion.joints is None:
        channels.append(
            Channel(PELVIS, "location", np.asarray(motion.transl), None if kept is None else kept.way)
        )
    action, slot = keyed_action(name or motion.name, armature.name, frames, channels)
    assign(armature, action, slot)
    return action


def keyed_action(
    name: str, slot_name: str, frames: Float, channels: Sequence[Channel]
) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """Make an Action with linear keys, grouped by bone; nobody plays it yet.

    Args:
        name: Of the Action.
        slot_name: Of its slot: the object it is for.
        frames: Scene time of the values. [F]
        channels: What is keyed.
    """
    action = bpy.data.actions.new(name)
    slot = action.slots.new(id_type="OBJECT", name=slot_name)
    bag = _channels(action, slot)
    for channel in channels:
        turns = channel.name == "rotation_quaternion"
        values = continuous(channel.values) if turns else channel.values
        kept = slice(None) if channel.kept is None else channel.kept
        _add_curves(bag, channel.bone, channel.name, frames[kept], values[kept])
    return action, slot


def _turn_channels(motion: Motion, kept: Kept | None) -> list[Channel]:
    quats = quat_from_rotvec(np.asarray(motion.pose, np.float64))
    return [
        Channel(bone, "rotation_quaternion", quats[:, joint], None if kept is None else kept.turns[:, joint])
        for joint, bone in enumerate(JOINT_NAMES)
        if motion.joints is None or bone in motion.joints
    ]


def _face_channels(armature: bpy.types.Object, motion: Motion, kept: Kept | None) -> list[Channel]:
    there = face_shapes(armature)
    return [
        Channel(
            BONE, property_path(name), motion.expression[:, [k]], None if kept is None else kept.weights[:, k]
        )
        for k, name in enumerate(motion.expression_names)
        if name in there
    ]


def assign(armature: bpy.types.Object, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> None:
    """Let the armature play an Action; its bones turn by quaternions from now on."""
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    animation = armature.animation_data_create()
    animation.action = action
    animation.action_slot = slot


def _channels(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> bpy.types.ActionChannelbag:
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def _add_curves(
    bag: bpy.types.ActionChannelbag, bone: str, channel: str, frames: Float, values: Float
) -> None:
    group = bag.groups.get(bone) or bag.groups.new(bone)
    dot = "" if channel.startswith("[") else "."
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]{dot}{channel}'
    for index in range(values.shape[1]):
        curve = bag.fcurves.new(path, index=index)
        curve.group = group
        keys = curve.keyframe_points
        keys.add(len(frames))
        keys.foreach_set("co", np.stack([frames, values[:, index]], axis=1).astype(np.float32).ravel())
        keys.foreach_set("interpolation", np.full(len(frames), _LINEAR, np.int32))
        curve.update()
