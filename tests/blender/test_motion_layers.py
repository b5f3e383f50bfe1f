"""Motions as NLA layers: with the feet held, without, and pushed down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.planting import planted
from lhm_avatars.operators.pose import take_off_action
from lhm_avatars.rigging.actions import Channel, assign, keyed_action
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.motion_layers import (
    FACE_TRACK,
    FEET_TRACK,
    add_face,
    add_motion,
    make_heard,
    push_down,
)
from motion.rigged import rest_joints, world

if TYPE_CHECKING:
    from lhm_avatars.engine.motion.motion import Motion

pytestmark = pytest.mark.usefixtures("empty_scene")
START = 5


def _ours() -> bpy.types.Object:
    return create_armature(bpy.context, "Ada", rest_joints(), bpy.context.scene.collection)


def _places(armature: bpy.types.Object, frame: int) -> np.ndarray:
    """Joints of the evaluated armature, body axes."""
    bpy.context.scene.frame_set(frame)
    bones = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return np.array([bones[name].head for name in JOINT_NAMES])


def _wanted(motion, index: int) -> np.ndarray:
    pose, transl = motion.pose.astype(np.float64), motion.transl.astype(np.float64)
    return world(pose, transl, rest_joints())[1][index]


@pytest.fixture
def motions():
    motion = walk(rest_joints(), fps=24.0, cycles=2, travel=True)
    sliding = replace(motion, transl=motion.transl * np.array([1, 1, 0.88], np.float32))
    held = planted(rest_joints(), sliding)
    assert held.after < 0.005 < held.before
    return sliding, held.motion


def test_held_feet_are_a_layer_that_can_be_switched_off(motions):
    sliding, held = motions
    armature = _ours()
    layers = add_motion(armature, sliding, held, start=START, fps=24.0)
    assert layers.feet is not None
    assert layers.frames == (START, START + sliding.count - 1)
    track = armature.animation_data.nla_tracks[FEET_TRACK]
    for index in (0, 7, 20, sliding.count - 1):
        # Blender raises the upper quaternion to a power by a single-precision arc cosine.
        assert np.abs(_places(armature, START + index) - _wanted(held, index)).max() < 2e-4
    track.mute = True
    for index in (0, 7, 20):
        assert np.abs(_places(armature, START + index) - _wanted(sliding, index)).max() < 1e-5


def test_the_correction_ends_with_the_motion(motions):
    sliding, held = motions
    armature = _ours()
    add_motion(armature, sliding, held, start=START, fps=24.0)
    after = _places(armature, START + sliding.count + 30)
    assert np.abs(after - _wanted(sliding, -1)).max() < 1e-5


def test_without_holding_it_is_the_action(motions):
    sliding, _ = motions
    armature = _ours()
    layers = add_motion(armature, sliding, None, start=START, fps=24.0)
    assert armature.animation_data.action == layers.action
    assert not len(armature.animation_data.nla_tracks)
    assert np.abs(_places(armature, START + 9) - _wanted(sliding, 9)).max() < 1e-5


def test_pushed_down_it_plays_on(motions):
    sliding, _ = motions
    armature = _ours()
    assert push_down(armature) is None
    layers = add_motion(armature, sliding, None, start=START, fps=24.0)
    track = push_down(armature)
    assert track is not None
    assert track.strips[0].action == layers.action
    assert armature.animation_data.action is None
    assert np.abs(_places(armature, START + 9) - _wanted(sliding, 9)).max() < 1e-5


def _headbang(sliding: Motion) -> tuple[bpy.types.Object, bpy.types.NlaTrack]:
    """An avatar that plays a strip whose name begins as those of faces do."""
    armature = _ours()
    add_motion(armature, replace(sliding, name="Headbang"), None, start=START, fps=24.0)
    track = push_down(armature)
    assert track is not None
    return armature, track


def test_a_face_mutes_faces_only(motions: tuple[Motion, Motion]):
    sliding, _ = motions
    armature, body = _headbang(sliding)
    add_motion(armature, replace(sliding, name=FACE_TRACK), None, start=START, fps=24.0)
    same_name = push_down(armature)
    face = replace(sliding, pose=0 * sliding.pose, joints=("jaw",), name="talk")
    add_face(armature, face, start=START, fps=24.0)
    add_face(armature, face, start=START, fps=24.0)
    assert same_name is not None
    tracks = list(armature.animation_data.nla_tracks)
    assert [track.mute for track in tracks] == [False, False, True, False]
    assert [tracks[0], tracks[1]] == [body, same_name]
    assert np.abs(_places(armature, START + 9) - _wanted(sliding, 9)).max() < 1e-5


@pytest.mark.parametrize("state", ["solo", "off", "tweak"])
@pytest.mark.parametrize("layer", [True, False])
def test_a_new_motion_is_seen_whatever_the_nla_was_doing(
    motions: tuple[Motion, Motion], state: str, layer: bool
):
    sliding, held = motions
    armature, track = _headbang(replace(sliding, pose=0 * sliding.pose))
    animation = armature.animation_data
    if state == "solo":
        track.is_solo = True
    elif state == "off":
        animation.use_nla = False
    else:
        animation.nla_tracks.active = track
        track.strips[0].select = True
        animation.use_tweak_mode = True
        assert animation.use_tweak_mode
    make_heard(armature, strips=layer)
    take_off_action(armature)
    add_motion(armature, sliding, held if layer else None, start=START, fps=24.0)
    wanted = _wanted(held if layer else sliding, 9)
    assert np.abs(_places(armature, START + 9) - wanted).max() < 2e-4
    assert animation.use_nla == (layer or state != "off")


def test_names_of_bones_may_hold_quotes():
    armature = _ours()
    armature.pose.bones["head"].name = 'the "head"\\'
    turn = Channel('the "head"\\', "rotation_quaternion", np.array([[0.0, 1.0, 0.0, 0.0]]))
    action, slot = keyed_action("nod", armature.name, np.array([1.0]), [turn])
    assign(armature, action, slot)
    bpy.context.scene.frame_set(1)
    assert tuple(armature.pose.bones['the "head"\\'].rotation_quaternion) == (0.0, 1.0, 0.0, 0.0)
