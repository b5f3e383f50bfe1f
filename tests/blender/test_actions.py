"""Actions play what forward kinematics computes, key by key and in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, joint_index
from lhm_avatars.engine.avatar.rotations import (
    continuous,
    matrix_from_rotvec,
    quat_from_rotvec,
    rotvec_from_quat,
)
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints, skin_means
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.pointcloud import read_attribute, read_binding, read_gaussians

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

FRAMES = 12


@pytest.fixture
def made(make_avatar: Callable[..., Avatar]) -> AvatarObjects:
    return add_avatar(bpy.context, make_avatar(500), name="Ada")


def _motion(fps: float = 24.0, frames: int = FRAMES) -> Motion:
    rng = np.random.default_rng(5)
    phase = np.linspace(0, 3, frames)[:, None, None]
    pose = np.sin(phase + rng.uniform(0, 6, (1, JOINT_COUNT, 3))) * rng.uniform(0, 0.8, (1, JOINT_COUNT, 3))
    transl = np.linspace(0, 1, frames)[:, None] * (0.2, 0.1, 0.4)
    return Motion(pose=pose.astype(np.float32), transl=transl.astype(np.float32), fps=fps, name="Swing")


def _joints(armature: bpy.types.Object) -> np.ndarray:
    return np.array([armature.data.bones[name].head_local for name in JOINT_NAMES], np.float64)


def _curves(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    return [
        curve
        for layer in action.layers
        for strip in layer.strips
        for bag in strip.channelbags
        for curve in bag.fcurves
    ]


def _evaluated_curve(action: bpy.types.Action, path: str, index: int, frame: float) -> float:
    curve = next(c for c in _curves(action) if (c.data_path, c.array_index) == (path, index))
    return curve.evaluate(frame)


def test_plays_the_transforms_of_forward_kinematics(made: AvatarObjects) -> None:
    motion = _motion()
    add_action(made.armature, motion, start=10)
    joints = _joints(made.armature)
    for frame in (0, 5, FRAMES - 1):
        bpy.context.scene.frame_set(10 + frame)
        posed_from_rest = forward_kinematics(
            joints, motion.pose[frame].astype(float), motion.transl[frame].astype(float)
        )
        matrices = np.array([made.armature.pose.bones[name].matrix for name in JOINT_NAMES])
        np.testing.assert_allclose(matrices[:, :3, :3], posed_from_rest[:, :3, :3], atol=2e-6)
        np.testing.assert_allclose(matrices[:, :3, 3], posed_joints(joints, posed_from_rest), atol=1e-6)


def test_the_gaussians_follow_the_action(made: AvatarObjects) -> None:
    motion = _motion()
    add_action(made.armature, motion)
    bpy.context.scene.frame_set(4)
    posed = read_gaussians(made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)
    posed_from_rest = forward_kinematics(
        _joints(made.armature), motion.pose[3].astype(float), motion.transl[3].astype(float)
    )
    binding = read_binding(made.cloud.data)
    expected = skin_means(
        read_attribute(made.cloud.data, "position").astype(float),
        posed_from_rest, binding.joint_indices, binding.joint_weights.astype(float),
    )  # fmt: skip
    assert np.linalg.norm(posed.means - expected, axis=1).max() <= 1e-6


def test_replaces_the_pose_that_was_set(made: AvatarObjects) -> None:
    """The photo's pose lifts the pelvis; a motion starts from the floor all the same."""
    assert made.armature.pose.bones["pelvis"].location.length > 1e-3
    add_action(made.armature, _motion())
    bpy.context.scene.frame_set(1)
    np.testing.assert_allclose(made.armature.pose.bones["pelvis"].location, (0, 0, 0), atol=1e-7)


def test_scene_rate_spreads_the_keys(made: AvatarObjects) -> None:
    action = add_action(made.armature, _motion(fps=30.0), start=1, fps=24.0)
    first, last = action.frame_range
    assert first == pytest.approx(1)
    assert last == pytest.approx(1 + (FRAMES - 1) * 24 / 30)


def test_one_slot_one_group_per_bone_linear_keys(made: AvatarObjects) -> None:
    action = add_action(made.armature, _motion(), name="Walk")
    assert action.name == "Walk"
    assert [slot.target_id_type for slot in action.slots] == ["OBJECT"]
    assert made.armature.animation_data.action_slot == action.slots[0]
    curves = _curves(action)
    assert len(curves) == 4 * JOINT_COUNT + 3
    for curve in curves:
        assert curve.group.name == curve.data_path.split('"')[1]
        assert len(curve.keyframe_points) == FRAMES
        assert {key.interpolation for key in curve.keyframe_points} == {"LINEAR"}
        assert curve.is_valid


def test_between_keys_the_turn_stays_on_the_short_way(made: AvatarObjects) -> None:
    """An arm turning past half a turn: the axis-angle vector jumps, the arm must not."""
    angles = np.linspace(2.9, 3.4, 6)  # crosses pi, where the shortest vector changes its sign
    wrapped = np.where(angles > np.pi, angles - 2 * np.pi, angles)
    pose = np.zeros((6, JOINT_COUNT, 3), np.float32)
    elbow = joint_index("left_elbow")
    pose[:, elbow, 1] = wrapped
    add_action(made.armature, Motion(pose=pose, transl=np.zeros((6, 3), np.float32), fps=24.0, name="Turn"))
    for step in range(50):
        frame = 1 + step / 10
        bpy.context.scene.frame_set(int(frame), subframe=frame % 1)
        expected = matrix_from_rotvec(np.array([0, np.interp(frame, np.arange(1, 7), angles), 0]))
        got = np.array(made.armature.pose.bones["left_elbow"].matrix_basis)[:3, :3]
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_continuous_changes_signs_only() -> None:
    rng = np.random.default_rng(0)
    quats = quat_from_rotvec(rng.normal(0, 2, (30, 4, 3)).cumsum(axis=0) * 0.3)
    quats *= rng.choice([-1, 1], (30, 4, 1))
    result = continuous(quats)
    assert (np.sum(result[1:] * result[:-1], axis=-1) >= 0).all()
    np.testing.assert_array_equal(np.abs(result), np.abs(quats))
    np.testing.assert_array_equal(result[0], quats[0])


def test_a_second_action_leaves_the_first_intact(made: AvatarObjects) -> None:
    first = add_action(made.armature, _motion(), name="First")
    path = 'pose.bones["left_elbow"].rotation_quaternion'
    before = [_evaluated_curve(first, path, k, 3) for k in range(4)]
    second = add_action(made.armature, _motion(), name="Second")
    assert made.armature.animation_data.action == second
    assert [_evaluated_curve(first, path, k, 3) for k in range(4)] == before


def test_bones_in_euler_mode_turn_to_quaternions(made: AvatarObjects) -> None:
    made.armature.pose.bones["head"].rotation_mode = "XYZ"
    add_action(made.armature, _motion())
    assert made.armature.pose.bones["head"].rotation_mode == "QUATERNION"


def test_a_long_take_is_numpys_on_every_frame_and_between(made: AvatarObjects) -> None:
    """Bones and Gaussians over 300 frames; between keys quaternions go straight and are normalised."""
    frames = 300
    motion = _motion(frames=frames)
    add_action(made.armature, motion)
    joints = _joints(made.armature)
    binding = read_binding(made.cloud.data)
    rest = read_attribute(made.cloud.data, "position").astype(float)
    quats = continuous(quat_from_rotvec(motion.pose.astype(float)))
    scene, worst = bpy.context.scene, 0.0
    for frame in [*range(frames), *np.arange(0.3, frames - 1, 17.37)]:
        whole = int(frame)
        scene.frame_set(1 + whole, subframe=float(frame) - whole)
        after, share = min(whole + 1, frames - 1), float(frame) - whole
        turns = rotvec_from_quat((1 - share) * quats[whole] + share * quats[after])
        transl = (1 - share) * motion.transl[whole] + share * motion.transl[after]
        posed_from_rest = forward_kinematics(joints, turns, transl.astype(float))
        heads = np.array([made.armature.pose.bones[name].head for name in JOINT_NAMES])
        worst = max(worst, np.abs(heads - posed_joints(joints, posed_from_rest)).max())
        posed = read_gaussians(made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data).means
        wanted = skin_means(rest, posed_from_rest, binding.joint_indices, binding.joint_weights.astype(float))
        worst = max(worst, float(np.abs(posed - wanted).max()))
    assert worst < 1e-5
