"""Forward kinematics and skinning: known cases, invariants, and a slow loop as second implementation."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, JOINT_PARENTS, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.rotations import (
    matrix_from_quat,
    matrix_from_rotvec,
    quat_from_rotvec,
    quat_multiply,
)
from lhm_avatars.engine.avatar.skinning import (
    blend_transforms,
    forward_kinematics,
    posed_joints,
    skin_gaussians,
    skin_means,
    skin_quats,
)

COUNT, INFLUENCES = 300, 4
BONE = 0.25


def joints_at_random(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 0.4, (JOINT_COUNT, 3))


def pose_at_random(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 0.6, (JOINT_COUNT, 3))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def cloud(rng: np.random.Generator) -> dict[str, Any]:
    """Points, unit quaternions and the joints they follow, in float64."""
    quats = rng.normal(size=(COUNT, 4))
    weights = rng.uniform(0.01, 1, (COUNT, INFLUENCES))
    return {
        "means": rng.normal(0, 0.5, (COUNT, 3)),
        "quats": quats / np.linalg.norm(quats, axis=1, keepdims=True),
        "joint_indices": rng.integers(0, JOINT_COUNT, (COUNT, INFLUENCES)).astype(np.int32),
        "joint_weights": weights / weights.sum(axis=1, keepdims=True),
    }


def descends(joint: int, ancestor: int) -> bool:
    while joint >= 0:
        if joint == ancestor:
            return True
        joint = JOINT_PARENTS[joint]
    return False


def test_two_bones_bend_as_on_paper():
    """A chain along x; the middle joint turns a quarter about z, so the end stands above the middle."""
    joints = np.array([[0.0, 0, 0], [BONE, 0, 0], [2 * BONE, 0, 0]])
    pose = np.array([[0.0, 0, 0], [0, 0, np.pi / 2], [0, 0, 0]])
    moved = forward_kinematics(joints, pose, np.array([0.0, 0, 1.0]), parents=(-1, 0, 1))
    expected = [[0, 0, 1], [BONE, 0, 1], [BONE, BONE, 1]]
    np.testing.assert_allclose(posed_joints(joints, moved), expected, atol=1e-15)
    # A point beside the end joint goes round with it.
    point = skin_means(np.array([[3 * BONE, 0, 0]]), moved, np.array([[2]]), np.array([[1.0]]))
    np.testing.assert_allclose(point, [[BONE, 2 * BONE, 1]], atol=1e-15)


def test_rest_pose_moves_nothing(rng: np.random.Generator, cloud: dict[str, Any]):
    moved = forward_kinematics(joints_at_random(rng), np.zeros((JOINT_COUNT, 3)))
    np.testing.assert_allclose(moved, np.broadcast_to(np.eye(4), moved.shape), atol=1e-15)
    binding = cloud["joint_indices"], cloud["joint_weights"]
    np.testing.assert_allclose(skin_means(cloud["means"], moved, *binding), cloud["means"], atol=1e-15)
    turned = skin_quats(cloud["quats"], moved, *binding)
    np.testing.assert_allclose(turned, cloud["quats"], atol=1e-15)


def test_root_rotation_moves_everything_rigidly(rng: np.random.Generator, cloud: dict[str, Any]):
    joints, transl = joints_at_random(rng), np.array([0.3, -1.0, 2.0])
    pose = np.zeros((JOINT_COUNT, 3))
    pose[0] = [0.4, -1.1, 0.8]
    moved = forward_kinematics(joints, pose, transl)
    rotation = matrix_from_rotvec(pose[0])

    def rigid(points: np.ndarray) -> np.ndarray:
        return (points - joints[0]) @ rotation.T + joints[0] + transl

    binding = cloud["joint_indices"], cloud["joint_weights"]
    np.testing.assert_allclose(skin_means(cloud["means"], moved, *binding), rigid(cloud["means"]), atol=1e-13)
    np.testing.assert_allclose(posed_joints(joints, moved), rigid(joints), atol=1e-13)
    turned = matrix_from_quat(skin_quats(cloud["quats"], moved, *binding))
    np.testing.assert_allclose(turned, rotation @ matrix_from_quat(cloud["quats"]), atol=1e-13)


@pytest.mark.parametrize("name", ["left_hip", "right_shoulder", "spine2", "left_index1", "head"])
def test_children_follow_their_parents_and_nobody_else_moves(rng: np.random.Generator, name: str):
    joints, turning = joints_at_random(rng), joint_index(name)
    pose = np.zeros((JOINT_COUNT, 3))
    pose[turning] = [0.2, 0.9, -0.4]
    moved = forward_kinematics(joints, pose)
    rotation = matrix_from_rotvec(pose[turning])
    heads = posed_joints(joints, moved)
    for joint in range(JOINT_COUNT):
        follows = descends(joint, turning)
        goal = rotation @ (joints[joint] - joints[turning]) + joints[turning] if follows else joints[joint]
        np.testing.assert_allclose(heads[joint], goal, atol=1e-14, err_msg=JOINT_NAMES[joint])
        np.testing.assert_allclose(moved[joint, :3, :3], rotation if follows else np.eye(3), atol=1e-14)


def test_bones_keep_their_lengths(rng: np.random.Generator):
    joints = joints_at_random(rng)
    moved = forward_kinematics(joints, pose_at_random(rng), rng.normal(size=3))
    heads, parents = posed_joints(joints, moved), np.array(JOINT_PARENTS[1:])

    def lengths(points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points[1:] - points[parents], axis=1)

    np.testing.assert_allclose(lengths(heads), lengths(joints), rtol=1e-12)
    rotations = moved[:, :3, :3]
    np.testing.assert_allclose(
        rotations @ np.swapaxes(rotations, 1, 2), np.broadcast_to(np.eye(3), (55, 3, 3)), atol=1e-13
    )


def test_chains_of_transforms_equal_the_product_along_the_way(rng: np.random.Generator):
    """Loper's equation as it is printed: one 4x4 product per joint, from the root down."""
    joints, pose = joints_at_random(rng), pose_at_random(rng)
    moved = forward_kinematics(joints, pose)
    for joint in range(JOINT_COUNT):
        way, at = [], joint
        while at >= 0:
            way.append(at)
            at = JOINT_PARENTS[at]
        world = np.eye(4)
        for step in reversed(way):
            local = np.eye(4)
            local[:3, :3] = matrix_from_rotvec(pose[step])
            local[:3, 3] = joints[step] - (joints[JOINT_PARENTS[step]] if JOINT_PARENTS[step] >= 0 else 0)
            world = world @ local
        back = np.eye(4)
        back[:3, 3] = -joints[joint]
        np.testing.assert_allclose(moved[joint], world @ back, atol=1e-13)


@pytest.mark.parametrize("batched", [("joints", "pose", "transl"), ("pose",), ("joints",), ("transl",)])
def test_batches_equal_single_calls(rng: np.random.Generator, batched: tuple[str, ...]):
    many = {
        "joints": rng.normal(0, 0.4, (2, 3, JOINT_COUNT, 3)),
        "pose": rng.normal(0, 0.6, (2, 3, JOINT_COUNT, 3)),
        "transl": rng.normal(size=(2, 3, 3)),
    }
    given = {name: values if name in batched else values[0, 0] for name, values in many.items()}
    together = forward_kinematics(**given)
    assert together.shape == (2, 3, JOINT_COUNT, 4, 4)
    for at in np.ndindex(2, 3):
        alone = forward_kinematics(
            **{name: values[at] if name in batched else values for name, values in given.items()}
        )
        np.testing.assert_allclose(together[at], alone, atol=1e-14)


@pytest.mark.parametrize("name", ["joints", "pose"])
def test_a_wrong_shape_is_named(name: str):
    arrays = {"joints": np.zeros((JOINT_COUNT, 3)), "pose": np.zeros((JOINT_COUNT, 3))}
    arrays[name] = np.zeros((JOINT_COUNT - 1, 3))
    with pytest.raises(ValueError, match=rf"{name} must have shape \(\.\.\., 55, 3\), got \(54, 3\)"):
        forward_kinematics(**arrays)


def test_transforms_of_a_wrong_shape_are_named():
    with pytest.raises(ValueError, match=r"posed_from_rest must have shape \(any, 4, 4\), got \(55, 3, 4\)"):
        blend_transforms(np.zeros((55, 3, 4)), np.zeros((1, 1), int), np.ones((1, 1)))


def test_blending_equals_a_loop_over_points_and_influences(rng: np.random.Generator, cloud: dict[str, Any]):
    moved = forward_kinematics(joints_at_random(rng), pose_at_random(rng), rng.normal(size=3))
    blended, points = np.zeros((COUNT, 4, 4)), np.zeros((COUNT, 3))
    for n in range(COUNT):
        for k in range(INFLUENCES):
            transform, weight = moved[cloud["joint_indices"][n, k]], cloud["joint_weights"][n, k]
            blended[n] += weight * transform
            points[n] += weight * (transform @ [*cloud["means"][n], 1.0])[:3]
    binding = cloud["joint_indices"], cloud["joint_weights"]
    np.testing.assert_allclose(blend_transforms(moved, *binding), blended, atol=1e-14)
    np.testing.assert_allclose(skin_means(cloud["means"], moved, *binding), points, atol=1e-14)
    single = [value.astype(np.float32) for value in (cloud["means"], moved, cloud["joint_weights"])]
    result = skin_means(single[0], single[1], cloud["joint_indices"], single[2])
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, points, atol=2e-6)  # about 1 m in float32


def test_one_influence_turns_quats_by_that_joint(rng: np.random.Generator, cloud: dict[str, Any]):
    pose = np.zeros((JOINT_COUNT, 3))
    pose[0] = [0.7, 0.2, -0.3]
    moved = forward_kinematics(joints_at_random(rng), pose)
    turned = skin_quats(cloud["quats"], moved, cloud["joint_indices"][:, :1], np.ones((COUNT, 1)))
    expected = quat_multiply(quat_from_rotvec(pose[0]), cloud["quats"])
    np.testing.assert_allclose(turned, expected, atol=1e-13)


def test_half_way_between_two_joints_a_quat_turns_by_half_the_angle():
    """The mean of a unit matrix and a turn by an angle is, but for its length, a turn by half of it."""
    joints = np.zeros((2, 3))
    moved = forward_kinematics(joints, np.array([[0.0, 0, 0], [0, 1.2, 0]]), parents=(-1, 0))
    unit = np.array([[1.0, 0, 0, 0]])
    turned = skin_quats(unit, moved, np.array([[0, 1]]), np.array([[0.5, 0.5]]))
    np.testing.assert_allclose(turned[0], quat_from_rotvec(np.array([0, 0.6, 0])), atol=1e-14)


def test_skinned_gaussians_are_skinned_means_and_quats(rng: np.random.Generator, cloud: dict[str, Any]):
    gaussians = Gaussians(
        cloud["means"], cloud["quats"], rng.uniform(0.001, 0.01, (COUNT, 3)), rng.uniform(size=COUNT),
        rng.normal(size=(COUNT, 4, 3)),
    )  # fmt: skip
    binding = Binding(cloud["joint_indices"], cloud["joint_weights"])
    moved = forward_kinematics(joints_at_random(rng), pose_at_random(rng))
    posed = skin_gaussians(gaussians, binding, moved)
    rows = cloud["joint_indices"], cloud["joint_weights"]
    np.testing.assert_allclose(posed.means, skin_means(cloud["means"], moved, *rows), atol=2e-6)
    np.testing.assert_allclose(posed.quats, skin_quats(cloud["quats"], moved, *rows), atol=2e-6)
    for field in fields(Gaussians):
        assert getattr(posed, field.name).dtype == np.float32
        if field.name not in ("means", "quats"):
            np.testing.assert_array_equal(getattr(posed, field.name), getattr(gaussians, field.name))
    assert np.abs(posed.means - gaussians.means).max() > 0.1
