"""The avatar, its parameters and the axes they live in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO, Avatar
from lhm_avatars.engine.avatar.axes import (
    BLENDER_FROM_BODY,
    BODY_FROM_BLENDER,
    OPENCV_FROM_BLENDER_CAMERA,
    OPENCV_FROM_BODY,
)
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import (
    JOINT_COUNT,
    JOINT_NAMES,
    JOINT_PARENTS,
    MIRRORED_JOINTS,
    BodyParams,
    bundled_body,
    joint_index,
)
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.shape import ShapeSpace, padded_betas

COUNT = 200


def parts(**changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    gaussians = Gaussians.from_colors(
        rng.normal(size=(COUNT, 3)), np.tile([1.0, 0, 0, 0], (COUNT, 1)), np.full((COUNT, 3), 0.01),
        np.ones(COUNT), rng.uniform(size=(COUNT, 3)),
    )  # fmt: skip
    values = {
        "gaussians": gaussians,
        "binding": Binding(rng.integers(0, JOINT_COUNT, (COUNT, 1)), np.ones((COUNT, 1))),
        "params": BodyParams.zero(),
        "joints": bundled_body().joints(np.zeros(10)),
        "seen": rng.choice([SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO], COUNT),
    }
    return values | changed


def bound_to(joint: int, *, count: int = COUNT) -> Binding:
    return Binding(np.full((count, 1), joint), np.ones((count, 1)))


def test_zero_pose_is_the_rest_pose():
    avatar = Avatar(**parts())
    posed = avatar.posed(BodyParams.zero())
    np.testing.assert_allclose(posed.means, avatar.gaussians.means, atol=1e-6)
    np.testing.assert_allclose(posed.quats, avatar.gaussians.quats, atol=1e-6)


def test_posing_ignores_shape_and_moves_by_the_translation():
    avatar = Avatar(**parts())
    transl = np.array([1.0, 2, 3])
    params = BodyParams.from_pose(
        np.zeros((JOINT_COUNT, 3)),
        betas=np.full(10, 3.0),
        expression=np.ones(10),
        transl=transl,
    )
    np.testing.assert_allclose(avatar.posed(params).means, avatar.gaussians.means + transl, atol=1e-6)


def test_a_raised_elbow_lifts_the_hand():
    """The left arm lies along +x; turned about +z it goes up, and only what hangs on it moves."""
    joints = parts()["joints"]
    gaussians = Gaussians.from_colors(
        joints, np.tile([1.0, 0, 0, 0], (JOINT_COUNT, 1)), np.full((JOINT_COUNT, 3), 0.01),
        np.ones(JOINT_COUNT), np.zeros((JOINT_COUNT, 3)),
    )  # fmt: skip
    avatar = Avatar(
        gaussians, Binding(np.arange(JOINT_COUNT)[:, None], np.ones((JOINT_COUNT, 1))), BodyParams.zero(),
        joints, np.zeros(JOINT_COUNT),
    )  # fmt: skip
    pose = np.zeros((JOINT_COUNT, 3))
    pose[joint_index("left_elbow"), 2] = np.pi / 2
    moved = avatar.posed(BodyParams.from_pose(pose)).means
    forearm = joints[joint_index("left_wrist")] - joints[joint_index("left_elbow")]
    assert forearm[0] > 0.15
    lifted = moved[joint_index("left_wrist")] - joints[joint_index("left_elbow")]
    np.testing.assert_allclose(lifted, [-forearm[1], forearm[0], forearm[2]], atol=1e-6)
    still = [not name.startswith("left_") or "elbow" in name or "leg" in name for name in JOINT_NAMES[:20]]
    np.testing.assert_allclose(moved[:20][still], joints[:20][still], atol=1e-6)


def test_the_soles_are_the_ground():
    means = np.random.default_rng(1).uniform(-1, 1, (COUNT, 3))
    means[:, 1] = np.linspace(-1.2, 0.6, COUNT)
    avatar = Avatar(**parts(gaussians=Gaussians.from_colors(
        means, np.tile([1.0, 0, 0, 0], (COUNT, 1)), np.ones((COUNT, 3)), np.ones(COUNT), means
    )))  # fmt: skip
    assert avatar.ground_height() == pytest.approx(-1.2, abs=0.005)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"joints": np.zeros((22, 3))}, r"joints must have shape \(55, 3\), got \(22, 3\)"),
        ({"seen": np.zeros(3)}, r"seen must have shape \(200,\), got \(3,\)"),
        ({"binding": bound_to(0, count=3)}, r"joint_indices must have shape \(200, any\), got \(3, 1\)"),
        ({"binding": bound_to(55)}, "joint_indices must be 0 to 54, got 55 to 55"),
        ({"binding": bound_to(-1)}, "joint_indices must be 0 to 54, got -1 to -1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changed: dict[str, Any], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        Avatar(**parts(**changed))


def test_pose_and_parameters_are_each_others_inverse():
    pose = np.random.default_rng(2).normal(size=(JOINT_COUNT, 3)).astype(np.float32)
    params = BodyParams.from_pose(pose)
    np.testing.assert_array_equal(params.pose(), pose)
    for name, value in {
        "pelvis": params.global_orient,
        "left_hip": params.body_pose[0],
        "right_wrist": params.body_pose[20],
        "jaw": params.jaw_pose,
        "left_eye": params.left_eye_pose,
        "right_eye": params.right_eye_pose,
        "left_index1": params.left_hand_pose[0],
        "right_thumb3": params.right_hand_pose[14],
    }.items():
        np.testing.assert_array_equal(pose[joint_index(name)], value)
    assert (len(params.betas), len(params.expression)) == (0, 0)


def test_a_parameter_of_a_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"pose must have shape \(55, 3\), got \(24, 3\)"):
        BodyParams.from_pose(np.zeros((24, 3)))
    with pytest.raises(ValueError, match=r"transl must have shape \(3,\), got \(2,\)"):
        BodyParams.from_pose(np.zeros((55, 3)), transl=np.zeros(2))


def test_the_skeleton_is_a_tree_with_two_equal_sides():
    assert JOINT_PARENTS[0] == -1
    assert all(0 <= parent < joint for joint, parent in enumerate(JOINT_PARENTS) if joint)
    for joint, other in enumerate(MIRRORED_JOINTS):
        assert MIRRORED_JOINTS[other] == joint
        if joint:
            assert MIRRORED_JOINTS[JOINT_PARENTS[joint]] == JOINT_PARENTS[other]
    assert JOINT_NAMES[MIRRORED_JOINTS[joint_index("left_pinky2")]] == "right_pinky2"
    assert JOINT_NAMES[JOINT_PARENTS[joint_index("right_thumb1")]] == "right_wrist"
    assert JOINT_NAMES[JOINT_PARENTS[joint_index("left_thumb3")]] == "left_thumb2"


def test_an_unknown_joint_is_named():
    with pytest.raises(ValueError, match="no joint named 'left_tail'; joints are pelvis, left_hip"):
        joint_index("left_tail")


def test_axes_turn_and_never_mirror():
    for matrix in (BLENDER_FROM_BODY, OPENCV_FROM_BODY, OPENCV_FROM_BLENDER_CAMERA):
        np.testing.assert_array_equal(matrix @ matrix.T, np.eye(3))
        assert np.linalg.det(matrix) == pytest.approx(1)
    np.testing.assert_array_equal(BODY_FROM_BLENDER @ BLENDER_FROM_BODY, np.eye(3))
    up, forward, left = np.array([0, 1, 0]), np.array([0, 0, 1]), np.array([1, 0, 0])
    np.testing.assert_array_equal(BLENDER_FROM_BODY @ up, [0, 0, 1])
    np.testing.assert_array_equal(BLENDER_FROM_BODY @ forward, [0, -1, 0])  # towards Blender's front view
    np.testing.assert_array_equal(BLENDER_FROM_BODY @ left, [1, 0, 0])
    np.testing.assert_array_equal(OPENCV_FROM_BODY @ up, [0, -1, 0])  # images count downwards
    np.testing.assert_array_equal(OPENCV_FROM_BODY @ forward, [0, 0, -1])  # the person looks at the camera


def shape_space(betas: int = 3) -> ShapeSpace:
    rng = np.random.default_rng(4)
    return ShapeSpace(rng.normal(size=(COUNT, 3, betas)), rng.normal(size=(JOINT_COUNT, 3, betas)))


def test_betas_move_gaussians_and_joints_along_their_directions():
    shape = shape_space()
    params = replace(BodyParams.zero(), betas=np.array([1.0, 0, 0.5]))
    avatar = Avatar(**parts(shape=shape, params=params))
    moved = avatar.reshaped(np.array([1.0, 2.0]))
    for before, after, dirs in (
        (avatar.gaussians.means, moved.gaussians.means, shape.mean_dirs),
        (avatar.joints, moved.joints, shape.joint_dirs),
    ):
        np.testing.assert_allclose(after, before + 2 * dirs[..., 1] - 0.5 * dirs[..., 2], atol=1e-6)
    assert moved.params.betas.tolist() == [1, 2, 0]
    assert moved.gaussians.quats.tobytes() == avatar.gaussians.quats.tobytes()
    np.testing.assert_allclose(
        moved.reshaped(params.betas).gaussians.means, avatar.gaussians.means, atol=1e-6
    )


def test_an_avatar_without_a_shape_space_keeps_its_shape():
    with pytest.raises(AvatarError, match=r"keeps no shape that can be changed\. Reconstruct it again"):
        Avatar(**parts()).reshaped(np.zeros(10))


def test_a_shape_space_that_does_not_fit_is_refused():
    shape, params = shape_space(), replace(BodyParams.zero(), betas=np.zeros(3))
    with pytest.raises(ValueError, match=r"betas must have shape \(3,\), got \(10,\)"):
        Avatar(**parts(shape=shape, params=BodyParams.zero(10)))
    with pytest.raises(ValueError, match=r"shape_mean_dirs must have shape \(200, 3, any\), got \(7, 3, 3\)"):
        Avatar(**parts(shape=shape.take(np.arange(7)), params=params))
    with pytest.raises(ValueError, match=r"betas must have shape \(at most 3,\), got \(4,\)"):
        Avatar(**parts(shape=shape, params=params)).reshaped(np.zeros(4))
    with pytest.raises(ValueError, match=r"joint_dirs must have shape \(55, 3, 3\), got \(55, 3, 2\)"):
        ShapeSpace(shape.mean_dirs, shape.joint_dirs[..., :2])


@pytest.mark.parametrize(("given", "padded"), [([1, 2], [1, 2, 0]), ([1, 2, 3, 4], [1, 2, 3])])
def test_betas_are_cut_or_filled_to_the_shapes_number(given: list[int], padded: list[int]):
    assert padded_betas(np.array(given, np.float32), 3).tolist() == padded
