"""Values set on bones now, or keyed over frames into the Action that an armature plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy_extras import anim_utils

from ..engine.avatar.rotations import continuous

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..engine.avatar.arrays import Float

ROTATION, LOCATION = "rotation_quaternion", "location"


@dataclass(frozen=True)
class Track:
    """Values of one property of one bone.

    Args:
        bone: Its name.
        name: ``rotation_quaternion``, ``location``, or a custom property as ``["ik"]``, escaped.
        values: One row per frame. [F, 4], [F, 3] or [F, 1]
    """

    bone: str
    name: str
    values: Float

    @property
    def path(self) -> str:
        """From the armature."""
        dot = "" if self.name.startswith("[") else "."
        return f'pose.bones["{bpy.utils.escape_identifier(self.bone)}"]{dot}{self.name}'


def put(context: bpy.types.Context, armature: bpy.types.Object, tracks: Sequence[Track]) -> None:
    """Set the first value of each track on its bone, and key it if the user has auto-keying on."""
    for track in tracks:
        bone = armature.pose.bones[track.bone]
        if track.name.startswith("["):
            bone[bpy.utils.unescape_identifier(track.name[2:-2])] = float(track.values[0, 0])
            continue
        if track.name == ROTATION:
            bone.rotation_mode = "QUATERNION"
        setattr(bone, track.name, track.values[0].tolist())
    armature.update_tag(refresh={"OBJECT", "DATA"})  # custom properties set by scripts tell nobody
    auto_key(context, armature, [(track.bone, track.name) for track in tracks])


def auto_key(
    context: bpy.types.Context, armature: bpy.types.Object, channels: Iterable[tuple[str, str]]
) -> bool:
    """Key channels of bones on the present frame if auto-keying is on, as the user's preferences have it.

    Args:
        context: Has scene, tool settings and preferences.
        armature: With the bones.
        channels: Name of the bone and property, as in :class:`Track`.

    Returns:
        Whether auto-keying is on.
    """
    tools = context.scene.tool_settings
    if not tools.use_keyframe_insert_auto:
        return False
    options = insert_options(tools, context.preferences.edit)
    for name, channel in channels:
        bone = armature.pose.bones[name]
        bone.keyframe_insert(channel, group=name, options=options, keytype=tools.keyframe_type)
    return True


def insert_options(tools: bpy.types.ToolSettings, edit: bpy.types.PreferencesEdit) -> set[str]:
    """What auto-keying may do: replace keys only, curves that are there only, changed values only."""
    wishes = {
        "INSERTKEY_REPLACE": tools.auto_keying_mode == "REPLACE_KEYS",
        "INSERTKEY_AVAILABLE": edit.use_keyframe_insert_available,
        "INSERTKEY_NEEDED": edit.use_auto_keyframe_insert_needed,
        "INSERTKEY_CYCLE_AWARE": tools.use_keyframe_cycle_aware,
    }
    return {name for name, is_wished in wishes.items() if is_wished}


def key_tracks(armature: bpy.types.Object, tracks: Sequence[Track], frames: Sequence[int]) -> None:
    """Key tracks into the Action that the armature plays, or a new one; other keys stay.

    Args:
        armature: With the bones.
        tracks: With a row for each frame.
        frames: Of the scene.
    """
    action = _playing(armature)
    for track in tracks:
        bone = armature.pose.bones[track.bone]
        values = track.values
        if track.name == ROTATION:
            bone.rotation_mode = "QUATERNION"
            values = continuous(values)
        for index in range(values.shape[1]):
            # A custom property is no array.
            place = index if not track.name.startswith("[") else 0
            curve = action.fcurve_ensure_for_datablock(armature, track.path, index=place)
            _group(action, armature, curve, track.bone)
            keys = curve.keyframe_points
            for frame, value in zip(frames, values[:, index], strict=True):
                key = keys.insert(frame, float(value), options={"FAST"})
                key.interpolation = "LINEAR"
            curve.update()


def is_animated(armature: bpy.types.Object, path: str) -> bool:
    """Whether the Action that the armature plays keys a property.

    Args:
        armature: Any.
        path: From the armature.
    """
    animation = armature.animation_data
    if animation is None or animation.action is None:
        return False
    bag = anim_utils.action_get_channelbag_for_slot(animation.action, animation.action_slot)
    return bag is not None and any(curve.data_path == path for curve in bag.fcurves)


def _playing(armature: bpy.types.Object) -> bpy.types.Action:
    animation = armature.animation_data_create()
    if animation.action is None:
        action = bpy.data.actions.new(f"{armature.name} Action")
        animation.action = action
        animation.action_slot = action.slots.new(id_type="OBJECT", name=armature.name)
    return animation.action


def _group(action: bpy.types.Action, armature: bpy.types.Object, curve: bpy.types.FCurve, name: str) -> None:
    if curve.group is None:
        bag = anim_utils.action_get_channelbag_for_slot(action, armature.animation_data.action_slot)
        curve.group = bag.groups.get(name) or bag.groups.new(name)
