"""Motions as NLA layers: with the feet held, without, and pushed down."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.planting import planted
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.motion_layers import FEET_TRACK, add_motion, push_down
from motion.rigged import rest_joints, world

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
