"""Poses as a whole, the face too: set with controls and keys, mirrored, kept in the pose library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bpy_extras import anim_utils

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.rotations import quat_from_rotvec, rotvec_from_quat
from ..engine.motion.mirror import ACROSS, TURNED, mirrored
from .actions import Channel, keyed_action
from .armature import PELVIS
from .control_match import control_tracks, neutral_tracks, seen_pose, settle_controls
from .control_names import CHEST, EYES_SIDE, HEAD, HIPS, LIMBS, SLIDERS
from .controlled import evaluated, has_controls, joints_at_rest
from .face_values import face_tracks, face_weights, mirrored_shapes, neutral_shapes
from .keys import LOCATION, ROTATION, Track, auto_key, put
from .poses import get_pose, set_pose

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.body import BodyParams

FLIP, LEFT, RIGHT = "FLIP", "LEFT", "RIGHT"
_ASSET_FRAME = 1.0


def strike_pose(context: bpy.types.Context, armature: bpy.types.Object, params: BodyParams) -> None:
    """Set a pose, with a neutral face; controls hold it too, and auto-keying keys it.

    Args:
        context: Its view layer shows the avatar.
        armature: Of the avatar.
        params: The pose, body axes.
    """
    set_pose(armature, params)
    settle_controls(context, armature)
    put(context, armature, neutral_shapes(armature))
    auto_key(context, armature, [*((joint, ROTATION) for joint in JOINT_NAMES), (PELVIS, LOCATION)])


def mirror_pose(context: bpy.types.Context, armature: bpy.types.Object, way: str = FLIP) -> None:
    """Give an avatar the mirror image of its pose, controls, sliders and face too; the root bone stays.

    Args:
        context: Has the tool settings; with auto-keying on, what changes is keyed.
        armature: Of the avatar.
        way: :data:`FLIP`; or which side stays, :data:`LEFT` or :data:`RIGHT`, and is copied to the other one.
    """
    params = get_pose(armature)
    pose, transl = mirrored(params.pose().astype(np.float64), params.transl.astype(np.float64))
    quats = quat_from_rotvec(pose)
    tracks = [Track(name, ROTATION, quats[row : row + 1]) for row, name in enumerate(JOINT_NAMES)]
    tracks.append(Track(PELVIS, LOCATION, transl[None]))
    if has_controls(armature):
        tracks += _mirrored_controls(armature)
    beginning, keeps = {FLIP: ("", ""), LEFT: ("right_", "Left"), RIGHT: ("left_", "Right")}[way]
    tracks = [track for track in tracks if track.bone.startswith(beginning)]
    put(context, armature, [*tracks, *mirrored_shapes(armature, keeps)])


def other_side(name: str) -> str:
    """The bone on the other side; bones of the middle are their own."""
    for side, other in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(side):
            return other + name.removeprefix(side)
    return name


def create_pose_asset(context: bpy.types.Context, armature: bpy.types.Object, name: str) -> bpy.types.Action:
    """Keep the pose as seen, with the face, in the pose library of this file.

    It serves avatars with and without controls: the joints hold all of it, IK controls hold it as well, and
    controls that come on top do nothing.

    Args:
        context: Its view layer shows the avatar.
        armature: Of the avatar.
        name: Of the asset.
    """
    seen = evaluated(context, armature)
    tracks = seen_pose(seen)
    if has_controls(armature):
        joints = joints_at_rest(armature)
        tracks += [track for limb in LIMBS.values() for track in control_tracks(seen, limb, joints)]
        tracks += neutral_tracks()
    tracks += face_tracks(face_weights(armature))
    frames = np.array([_ASSET_FRAME])
    channels = [
        Channel(track.bone, track.name, track.values) for track in tracks if not track.name.startswith("[")
    ]
    action, slot = keyed_action(name, armature.name, frames, channels)
    bag = anim_utils.action_get_channelbag_for_slot(action, slot)
    for track in tracks:
        if track.name.startswith("["):
            curve = bag.fcurves.new(track.path)
            curve.group = bag.groups.get(track.bone) or bag.groups.new(track.bone)
            curve.keyframe_points.insert(_ASSET_FRAME, float(track.values[0, 0]))
    action.asset_mark()
    action.asset_data.description = f"Pose of {armature.name}"
    return action


def _mirrored_controls(armature: bpy.types.Object) -> list[Track]:
    """Channels and sliders of the controls, from the other side."""
    tracks = []
    for name in (HIPS, CHEST, HEAD, *(bone for limb in LIMBS.values() for bone in limb.keyed)):
        basis = armature.pose.bones[other_side(name)].matrix_basis
        turn = rotvec_from_quat(np.array(basis.to_quaternion())) * TURNED
        tracks.append(Track(name, ROTATION, quat_from_rotvec(turn)[None]))
        tracks.append(Track(name, LOCATION, (np.array(basis.translation) * ACROSS)[None]))
    for slider in SLIDERS:
        sign = -1.0 if slider.key == EYES_SIDE else 1.0
        value = sign * float(armature.pose.bones[other_side(slider.bone)][slider.key])
        tracks.append(Track(slider.bone, slider.path, np.full((1, 1), value)))
    return tracks
