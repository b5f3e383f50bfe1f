"""The armature: names, axes, and that pose bones speak the body model's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.axes import BLENDER_FROM_BODY
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, JOINT_PARENTS, BodyParams
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.rigging.armature import BONE_COLLECTIONS, ROOT, create_armature
from lhm_avatars.rigging.poses import get_pose, photo_pose, reset_root, rest_pose, set_pose

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


@pytest.fixture
def joints(make_avatar: Callable[..., Avatar]) -> np.ndarray:
    return make_avatar(10).joints.astype(np.float64)


@pytest.fixture
def armature(joints: np.ndarray) -> bpy.types.Object:
    made = create_armature(bpy.context, "Ada", joints, bpy.context.scene.collection)
    bpy.context.view_layer.update()
    return made


def _random_params(seed: int) -> BodyParams:
    rng = np.random.default_rng(seed)
    return BodyParams.from_pose(rng.normal(0, 0.5, (JOINT_COUNT, 3)), transl=rng.normal(0, 1, 3))


def test_bones_are_the_joints_and_a_root(armature: bpy.types.Object) -> None:
    bones = armature.data.bones
    assert {bone.name for bone in bones} == {*JOINT_NAMES, ROOT}
    for name, parent in zip(JOINT_NAMES, JOINT_PARENTS, strict=True):
        assert bones[name].parent.name == (ROOT if parent < 0 else JOINT_NAMES[parent])
        assert bones[name].use_deform
    assert bones[ROOT].parent is None
    assert not bones[ROOT].use_deform


def test_rest_rotations_are_the_identity_and_heads_the_joints(
    armature: bpy.types.Object, joints: np.ndarray
) -> None:
    rest = np.array([armature.data.bones[name].matrix_local for name in JOINT_NAMES])
    np.testing.assert_allclose(rest[:, :3, :3], np.tile(np.eye(3), (JOINT_COUNT, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(rest[:, :3, 3], joints, atol=1e-6)
    np.testing.assert_array_equal(armature.data.bones[ROOT].matrix_local, np.eye(4))


def test_the_object_turns_body_axes_to_blenders(armature: bpy.types.Object) -> None:
    np.testing.assert_allclose(np.array(armature.matrix_world)[:3, :3], BLENDER_FROM_BODY, atol=1e-6)


def test_turning_the_objects_z_turns_the_person_on_the_spot(armature: bpy.types.Object) -> None:
    armature.rotation_euler.z = np.pi / 2
    bpy.context.view_layer.update()
    up, forward = np.array(armature.matrix_world)[:3, 1:3].T
    np.testing.assert_allclose(up, (0, 0, 1), atol=1e-6)
    np.testing.assert_allclose(forward, (1, 0, 0), atol=1e-6)  # from -Y a quarter turn to the left: +X


def test_every_bone_is_in_one_collection(armature: bpy.types.Object) -> None:
    members = {group.name: {bone.name for bone in group.bones} for group in armature.data.collections}
    assert tuple(members) == BONE_COLLECTIONS
    assert sum(len(names) for names in members.values()) == JOINT_COUNT + 1
    assert members["Root"] == {ROOT}
    assert members["Face"] == {"jaw", "left_eye", "right_eye"}
    assert len(members["Hands"]) == 30
    assert {"pelvis", "spine1", "left_wrist", "head"} <= members["Body"]


def test_only_root_and_pelvis_may_move(armature: bpy.types.Object) -> None:
    free = {bone.name for bone in armature.pose.bones if not any(bone.lock_location)}
    assert free == {ROOT, "pelvis"}


def test_sticks_reach_from_each_joint_to_its_child(armature: bpy.types.Object, joints: np.ndarray) -> None:
    for name, child in (("left_shoulder", "left_elbow"), ("right_knee", "right_ankle"), ("spine3", "neck")):
        bone = armature.pose.bones[name]
        tip = bone.custom_shape_rotation_euler.to_matrix() @ bone.custom_shape.data.vertices[-1].co
        start, end = joints[JOINT_NAMES.index(name)], joints[JOINT_NAMES.index(child)]
        drawn = start + np.array(tip) * bone.custom_shape_scale_xyz.x
        np.testing.assert_allclose(drawn, end, atol=1e-5, err_msg=name)
        assert not bone.use_custom_shape_bone_size


def test_two_armatures_share_their_shapes(armature: bpy.types.Object, joints: np.ndarray) -> None:
    other = create_armature(bpy.context, "Bob", joints, bpy.context.scene.collection)
    assert other.pose.bones["head"].custom_shape == armature.pose.bones["head"].custom_shape
    assert len([mesh for mesh in bpy.data.meshes if mesh.name.startswith("LHM")]) == 2


@pytest.mark.parametrize("seed", range(5))
def test_posed_bones_stand_where_forward_kinematics_puts_the_joints(
    armature: bpy.types.Object, joints: np.ndarray, seed: int
) -> None:
    params = _random_params(seed)
    set_pose(armature, params)
    bpy.context.view_layer.update()
    posed_from_rest = forward_kinematics(joints, params.pose().astype(float), params.transl.astype(float))
    matrices = np.array([armature.pose.bones[name].matrix for name in JOINT_NAMES])
    np.testing.assert_allclose(matrices[:, :3, :3], posed_from_rest[:, :3, :3], atol=2e-6)
    np.testing.assert_allclose(matrices[:, :3, 3], posed_joints(joints, posed_from_rest), atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_pose_round_trip(armature: bpy.types.Object, seed: int) -> None:
    params = _random_params(seed)
    set_pose(armature, params)
    back = get_pose(armature)
    np.testing.assert_allclose(back.pose(), params.pose(), atol=2e-6)
    np.testing.assert_allclose(back.transl, params.transl, atol=1e-6)


def test_a_pose_is_read_in_any_rotation_mode(armature: bpy.types.Object) -> None:
    bone = armature.pose.bones["left_elbow"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0, 0.5, 0)
    bpy.context.view_layer.update()
    elbow = get_pose(armature).pose()[JOINT_NAMES.index("left_elbow")]
    np.testing.assert_allclose(elbow, (0, 0.5, 0), atol=1e-6)
    set_pose(armature, rest_pose())
    np.testing.assert_allclose(get_pose(armature).pose(), 0, atol=1e-7)


def test_root_moves_everyone_and_can_be_put_back(armature: bpy.types.Object, joints: np.ndarray) -> None:
    armature.pose.bones[ROOT].location = (1, 2, 3)
    bpy.context.view_layer.update()
    head = armature.pose.bones["head"]
    np.testing.assert_allclose(head.head, joints[JOINT_NAMES.index("head")] + (1, 2, 3), atol=1e-6)
    reset_root(armature)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(head.head, joints[JOINT_NAMES.index("head")], atol=1e-6)


def test_photo_pose_of_a_foreign_armature_is_an_error(armature: bpy.types.Object) -> None:
    with pytest.raises(ValueError, match="'Ada' has no property 'lhm_photo_pose' of 168 numbers"):
        photo_pose(armature)
