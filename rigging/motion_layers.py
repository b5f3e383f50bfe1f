"""A motion on an avatar as layers of its NLA: the motion, what holds the feet, and a face of its own.

The layer of the feet holds only what planting changed, so muting its track shows the motion as it was
recorded, and both can be edited on their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from ..engine.motion.face.on_motion import without_face
from ..engine.motion.planting import LEG_JOINTS, correction
from .actions import Channel, add_action, assign, keyed_action
from .armature import PELVIS
from .face_names import BONE

if TYPE_CHECKING:
    import bpy

    from ..engine.motion.motion import Motion
    from ..engine.motion.simplify import Kept, Simplified

MOTION_TRACK, FEET_TRACK, FACE_TRACK, HEAD_TRACK = "Motion", "Held Feet", "Face", "Head"
_LAID_FACE = re.compile(rf"({FACE_TRACK}|{HEAD_TRACK})(\.\d+)?")


@dataclass(frozen=True)
class Layers:
    """What was added.

    Args:
        action: The motion's own.
        feet: What holds the feet; ``None`` without.
        frames: First and last frame, scene time.
    """

    action: bpy.types.Action
    feet: bpy.types.Action | None
    frames: tuple[float, float]


def add_motion(
    armature: bpy.types.Object,
    motion: Motion,
    held: Motion | None,
    *,
    start: int,
    fps: float,
    keys: Simplified | None = None,
) -> Layers:
    """Let an avatar play a motion from a frame on.

    Without ``held`` the motion becomes the armature's Action. With it both become strips of NLA tracks, above
    what is there.

    Args:
        armature: One of ours; it must play no Action.
        motion: At any rate.
        held: The same with standing feet.
        start: Frame of the first pose.
        fps: Of the scene.
        keys: Which frames get keys; by default all.
    """
    make_heard(armature, strips=held is not None)
    kept = (None, None) if keys is None else (keys.motion, keys.feet)
    action = add_action(armature, motion, start=start, fps=fps, kept=kept[0])
    action.use_fake_user = True
    last = start + (motion.count - 1) * fps / motion.fps
    if held is None:
        return Layers(action, None, (start, last))
    feet = _correction(armature, motion, held, start=start, fps=fps, kept=kept[1])
    armature.animation_data.action = None
    for track, layer, blend in ((MOTION_TRACK, action, "REPLACE"), (FEET_TRACK, feet, "COMBINE")):
        _push(armature, track, layer, start, blend)
    return Layers(action, feet, (start, last))


def add_face(
    armature: bpy.types.Object, motion: Motion, *, start: int, fps: float, keys: Simplified | None = None
) -> Layers:
    """Lay a motion of the face above all that the avatar plays; the body goes on as it does.

    What moves face, jaw and eyes replaces theirs; turns of the head are added to the head's. A face that was
    laid there earlier is muted; tracks and NLA are heard again, see `make_heard`.

    Args:
        armature: One of ours; the Action that it plays becomes a strip.
        motion: Of some joints.
        start: Frame of the first pose.
        fps: Of the scene.
        keys: Which frames get keys; by default all.
    """
    make_heard(armature)
    push_down(armature)
    for track in armature.animation_data_create().nla_tracks:
        track.mute = track.mute or _is_laid_face(track)
    joints = motion.joints or ()
    parts = [(FACE_TRACK, replace(motion, joints=tuple(j for j in joints if j != BONE)), "REPLACE")]
    if BONE in joints:
        parts.append((HEAD_TRACK, replace(without_face(motion), joints=(BONE,)), "COMBINE"))
    kept = None if keys is None else keys.motion
    actions = []
    for track, part, blend in parts:
        name = motion.name if track == FACE_TRACK else f"{motion.name} {track}"
        action = add_action(armature, part, name=name, start=start, fps=fps, kept=kept)
        action.use_fake_user = True
        armature.animation_data.action = None
        _push(armature, track, action, start, blend).strips[0].extrapolation = "NOTHING"
        actions.append(action)
    return Layers(actions[0], None, (start, start + (motion.count - 1) * fps / motion.fps))


def make_heard(armature: bpy.types.Object, *, strips: bool = True) -> None:
    """End what would keep new keys from being played: Tweak Mode, a track played alone, an NLA switched off.

    Args:
        armature: Any.
        strips: Whether the new keys will be strips; else the NLA may stay off.
    """
    animation = armature.animation_data
    if animation is None:
        return
    animation.use_tweak_mode = False
    for track in animation.nla_tracks:
        if track.is_solo:
            track.is_solo = False
    animation.use_nla = animation.use_nla or strips


def _is_laid_face(track: bpy.types.NlaTrack) -> bool:
    """Whether `add_face` made a track: Actions may be called so as well, but theirs go on after the end."""
    ends = any(strip.extrapolation == "NOTHING" for strip in track.strips)
    return ends and _LAID_FACE.fullmatch(track.name) is not None


def push_down(armature: bpy.types.Object) -> bpy.types.NlaTrack | None:
    """Turn the Action that an armature plays into a strip of a new track; ``None`` if it plays none."""
    animation = armature.animation_data
    action = animation.action if animation else None
    if action is None:
        return None
    action.use_fake_user = True
    start = round(action.frame_range[0])
    slot = animation.action_slot
    animation.action = None
    return _push(armature, action.name, action, start, "REPLACE", slot)


def _correction(
    armature: bpy.types.Object,
    motion: Motion,
    held: Motion,
    *,
    start: int,
    fps: float,
    kept: Kept | None,
) -> bpy.types.Action:
    """An Action that, combined with the motion's, gives the held one."""
    turns, sink = correction(motion, held)
    channels = [
        Channel(
            JOINT_NAMES[joint],
            "rotation_quaternion",
            turns[:, row],
            None if kept is None else kept.turns[:, row],
        )
        for row, joint in enumerate(LEG_JOINTS)
    ]
    channels.append(Channel(PELVIS, "location", sink, None if kept is None else kept.way))
    frames = start + fps / motion.fps * np.arange(motion.count)
    action, slot = keyed_action(f"{motion.name} Feet", armature.name, frames, channels)
    action.use_fake_user = True
    assign(armature, action, slot)
    return action


def _push(
    armature: bpy.types.Object,
    name: str,
    action: bpy.types.Action,
    start: int,
    blend: str,
    slot: bpy.types.ActionSlot | None = None,
) -> bpy.types.NlaTrack:
    track = armature.animation_data.nla_tracks.new()
    track.name = name
    strip = track.strips.new(action.name, start, action)
    strip.action_slot = slot or action.slots[0]
    strip.blend_type = blend
    # A held correction would bend the legs of whatever plays before and after.
    strip.extrapolation = "NOTHING" if blend == "COMBINE" else "HOLD_FORWARD"
    return track
