"""Matching: controls to where the bones are, and bones to where the controls hold them; nobody moves.

What IK cannot say, the twist of a limb about itself, goes into hidden bones between it and the joints, so a
matched limb is exactly as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.body import JOINT_NAMES, JOINT_PARENTS
from ..engine.avatar.rotations import quat_from_matrix
from ..engine.motion.two_bone import bend, pole_place
from .armature import PELVIS, ROOT
from .control_bones import limb_at_rest
from .control_names import CHEST, HEAD, HIPS, LIMBS, SLIDERS, SWITCHES, Limb
from .controlled import Evaluated, evaluated, has_controls, joints_at_rest, unscaled
from .keys import LOCATION, ROTATION, Track, is_animated, key_tracks, put

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    from ..engine.avatar.arrays import Float

_SAME_TURN, _SAME_PLACE = 1e-5, 1e-6  # of quaternions, metres
_ROUNDING = 1e-3  # radians of a nearly straight limb, where 1e-7 of its length is 3e-4
_NEUTRAL = np.array([[1.0, 0.0, 0.0, 0.0]])


def match_controls(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    limbs: Sequence[str],
    *,
    frames: Sequence[int] = (),
    switch: bool = False,
) -> None:
    """Put IK controls where the limbs are now, as seen.

    Args:
        context: Its view layer shows the avatar.
        armature: With controls.
        limbs: Names of `LIMBS`.
        frames: Of the scene, to be keyed; with none, the present pose is set.
        switch: Whether the controls hold the limbs from now on.
    """
    seen, joints = evaluated(context, armature, frames), joints_at_rest(armature)
    tracks = [track for name in limbs for track in control_tracks(seen, LIMBS[name], joints)]
    _write(context, armature, tracks, frames, limbs, 1.0 if switch else None)


def match_bones(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    limbs: Sequence[str],
    *,
    frames: Sequence[int] = (),
    switch: bool = False,
) -> None:
    """Turn the bones of limbs so that they are as seen without their IK controls.

    Args:
        context: Its view layer shows the avatar.
        armature: With controls.
        limbs: Names of `LIMBS`.
        frames: Of the scene, to be keyed; with none, the present pose is set.
        switch: Whether the bones' own turns count from now on.
    """
    seen = evaluated(context, armature, frames)
    tracks = [
        Track(joint, ROTATION, joint_turns(seen, joint)) for name in limbs for joint in LIMBS[name].joints
    ]
    _write(context, armature, tracks, frames, limbs, 0.0 if switch else None)


def take_over_pose(
    context: bpy.types.Context, armature: bpy.types.Object, frames: Sequence[int] = ()
) -> None:
    """Let the bones hold by themselves what controls make of them; where these do nothing, nothing changes.

    Args:
        context: Its view layer shows the avatar.
        armature: With controls, or what is left of them.
        frames: Of the scene, to be keyed; with none, the present pose is set.
    """
    tracks = seen_pose(evaluated(context, armature, frames))
    if frames:
        key_tracks(armature, tracks, frames)
        context.scene.frame_set(context.scene.frame_current, subframe=context.scene.frame_subframe)
        return
    bones = armature.pose.bones
    put(context, armature, [track for track in tracks if not _is_set(bones[track.bone], track)])


def settle_controls(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """After a pose was set on the bones: controls on top do nothing, IK controls hold it; switches stay.

    Args:
        context: Its view layer shows the avatar.
        armature: Without controls, nothing happens.
    """
    if not has_controls(armature):
        return
    bones, switches = armature.pose.bones, SWITCHES.values()
    before = [bones[switch.bone][switch.key] for switch in switches]
    for switch in switches:
        bones[switch.bone][switch.key] = 0.0
    put(context, armature, neutral_tracks())
    match_controls(context, armature, tuple(LIMBS))
    for switch, value in zip(switches, before, strict=True):
        bones[switch.bone][switch.key] = value
    armature.update_tag(refresh={"OBJECT", "DATA"})


def neutral_tracks() -> list[Track]:
    """Controls and sliders that come on top of the bones, doing nothing; the switches are left out."""
    tracks = [Track(control, ROTATION, _NEUTRAL) for control in (HIPS, CHEST, HEAD)]
    tracks.append(Track(HIPS, LOCATION, np.zeros((1, 3))))
    sliders = [slider for slider in SLIDERS if slider not in SWITCHES.values()]
    return tracks + [Track(slider.bone, slider.path, np.zeros((1, 1))) for slider in sliders]


def seen_pose(seen: Evaluated) -> list[Track]:
    """The pose as seen, as turns of the joints and the place of the pelvis."""
    tracks = [Track(joint, ROTATION, joint_turns(seen, joint)) for joint in JOINT_NAMES]
    return [*tracks, Track(PELVIS, LOCATION, _local_place(seen, PELVIS, seen.place(PELVIS)))]


def joint_turns(seen: Evaluated, joint: str) -> Float:
    """Local turns of a joint, whatever made them. [F, 4]"""
    parent = JOINT_PARENTS[JOINT_NAMES.index(joint)]
    above = seen.turn(ROOT if parent < 0 else JOINT_NAMES[parent])
    return quat_from_matrix(_t(above) @ seen.turn(joint))


def control_tracks(seen: Evaluated, limb: Limb, joints: Float) -> list[Track]:
    """What a limb's controls must be for it to stay as it is seen.

    Args:
        seen: The armature's bones.
        limb: Which.
        joints: Rest joints, metres, body axes. [55, 3]
    """
    rest = limb_at_rest(limb, joints)
    root, middle, end = (seen.place(joint) for joint in limb.joints)
    turns = [seen.turn(joint) for joint in limb.joints]
    pole = pole_place(rest, root, middle, end, turns[0], limb.pole_distance)
    tracks = [
        Track(limb.end, LOCATION, _local_place(seen, limb.end, end)),
        Track(limb.end, ROTATION, quat_from_matrix(_t(unscaled(seen.frame(limb.end)[:, :3, :3])) @ turns[2])),
        Track(limb.pole, LOCATION, _local_place(seen, limb.pole, pole)),
    ]
    frames = bend(rest, root, end, pole)
    rows = zip(limb.twists, limb.bones, limb.turns, frames, turns, strict=False)
    for name, bone, source, frame, turn in rows:
        # By the rest that Blender keeps of the hidden bones.
        above, own, copied = (seen.rest[seen.row(part), :3, :3] for part in (bone, name, source))
        twist = _t(frame @ above.T @ own) @ turn @ copied.T @ own
        tracks.append(Track(name, ROTATION, _twist_alone(quat_from_matrix(twist))))
    return tracks


def _twist_alone(quats: Float) -> Float:
    """Without what turns the bone elsewhere, where that is only rounding: so IK goes on to end exactly.

    A limb's bend is the root of how much shorter it is than straight; there, single precision is coarse.

    Args:
        quats: Unit quaternions; the bone is their second axis. [F, 4]
    """
    twist = quats * [1.0, 0.0, 1.0, 0.0]
    size = np.linalg.norm(twist, axis=1, keepdims=True)
    other = np.linalg.norm(quats - twist, axis=1, keepdims=True)  # sine of half the rest of the turn
    return np.where(other < _ROUNDING / 2, twist / np.maximum(size, _ROUNDING), quats)


def _local_place(seen: Evaluated, name: str, places: Float) -> Float:
    """What a bone's location must be for its head to be at a place. [F, 3]"""
    corners = np.concatenate([places, np.ones((len(places), 1))], axis=1)
    return np.linalg.solve(seen.frame(name), corners[..., None])[:, :3, 0]


def _write(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    tracks: list[Track],
    frames: Sequence[int],
    limbs: Sequence[str],
    value: float | None,
) -> None:
    """Set or key tracks, then the switches; a switch that is keyed gets keys."""
    switches = [] if value is None else _switches(limbs, value)
    if not frames:
        put(context, armature, [*tracks, *switches])
        context.view_layer.update()
        return
    keyed = [track for track in switches if is_animated(armature, track.path)]
    tracks += [Track(track.bone, track.name, np.repeat(track.values, len(frames), axis=0)) for track in keyed]
    key_tracks(armature, tracks, frames)
    put(context, armature, [track for track in switches if track not in keyed])
    context.scene.frame_set(context.scene.frame_current, subframe=context.scene.frame_subframe)


def _switches(limbs: Sequence[str], value: float) -> list[Track]:
    chosen = [SWITCHES[name] for name in limbs]
    return [Track(slider.bone, slider.path, np.full((1, 1), value)) for slider in chosen]


def _is_set(bone: bpy.types.PoseBone, track: Track) -> bool:
    """Whether a bone holds the first value of a track by itself."""
    basis = bone.matrix_basis
    if track.name == LOCATION:
        return bool(np.abs(np.array(basis.translation) - track.values[0]).max() < _SAME_PLACE)
    here, there = np.array(basis.to_quaternion()), track.values[0]
    return bool(min(np.abs(here - there).max(), np.abs(here + there).max()) < _SAME_TURN)


def _t(matrix: Float) -> Float:
    return np.swapaxes(matrix, -1, -2)
