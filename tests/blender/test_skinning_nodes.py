"""The skinning nodes against linear blend skinning in float64, on the evaluated depsgraph."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, ClassVar

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, BodyParams, joint_index
from lhm_avatars.engine.avatar.rotations import quat_conjugate, quat_multiply
from lhm_avatars.engine.avatar.skinning import blend_transforms, forward_kinematics, skin_means, skin_quats
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar, world_from_body
from lhm_avatars.rigging.nodes import Nodes, add_modifier, generated_group
from lhm_avatars.rigging.pointcloud import read_attribute, read_binding, read_gaussians
from lhm_avatars.rigging.poses import set_pose
from lhm_avatars.rigging.skinning_nodes import skinning_group
from mathutils import Euler, Matrix

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.engine.avatar.gaussians import Gaussians

pytestmark = pytest.mark.usefixtures("empty_scene")

POSITION_TOLERANCE = 1e-6  # metres
ROTATION_TOLERANCE = 0.01  # degrees
TWIST = 2.6  # radians at one joint; no human does it, poor motion data do


def _evaluated(cloud: bpy.types.Object) -> Gaussians:
    return read_gaussians(cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)


def _random_pose(seed: int, twist: float = 0.0) -> BodyParams:
    rng = np.random.default_rng(seed)
    pose = rng.normal(0, 0.5, (JOINT_COUNT, 3))
    pose[joint_index("pelvis")] = rng.normal(0, 1.5, 3)
    pose[joint_index("left_elbow")] += (twist, 0, 0)
    pose[joint_index("right_wrist")] -= (twist, 0, 0)
    return BodyParams.from_pose(pose)


def _reference(cloud: bpy.types.Object, joints: np.ndarray, params: BodyParams) -> tuple[np.ndarray, ...]:
    """Means, quats and blended matrices by numpy in float64, from the cloud's own rest data."""
    data = cloud.data
    binding = read_binding(data)
    rows = binding.joint_indices, binding.joint_weights.astype(np.float64)
    posed_from_rest = forward_kinematics(joints, params.pose().astype(float), params.transl.astype(float))
    return (
        skin_means(read_attribute(data, "position").astype(float), posed_from_rest, *rows),
        skin_quats(read_attribute(data, "rest_rotation").astype(float), posed_from_rest, *rows),
        blend_transforms(posed_from_rest, *rows)[:, :3, :3],
    )


def _joints(armature: bpy.types.Object) -> np.ndarray:
    """Rest joints as the armature has them, float32 in float64. [55, 3]"""
    return np.array([armature.data.bones[name].head_local for name in JOINT_NAMES], np.float64)


def _angles(quats: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Degrees between orientations. [N]"""
    unit = [q / np.linalg.norm(q, axis=1, keepdims=True) for q in (quats.astype(float), others)]
    turn = quat_multiply(quat_conjugate(unit[1]), unit[0])
    return np.degrees(2 * np.arctan2(np.linalg.norm(turn[:, 1:], axis=1), np.abs(turn[:, 0])))


def _moved(points: np.ndarray, matrix: Matrix) -> np.ndarray:
    rows = np.array(matrix, np.float64)
    return points @ rows[:3, :3].T + rows[:3, 3]


def _standing(avatar: Avatar, params: BodyParams) -> np.ndarray:
    """Posed means by the engine alone, in body axes from the floor up. [N, 3]"""
    return avatar.posed(params).means - (0, avatar.ground_height(), 0)


def _check(made: AvatarObjects, params: BodyParams) -> None:
    set_pose(made.armature, params)
    posed = _evaluated(made.cloud)
    means, quats, _ = _reference(made.cloud, _joints(made.armature), params)
    assert np.linalg.norm(posed.means - means, axis=1).max() <= POSITION_TOLERANCE
    assert _angles(posed.quats, quats).max() <= ROTATION_TOLERANCE


@pytest.mark.parametrize("influences", [4, 8])
def test_equals_numpy_over_random_poses(make_avatar: Callable[..., Avatar], influences: int) -> None:
    made = add_avatar(bpy.context, make_avatar(influences=influences), name="Ada")
    for seed in range(20):
        _check(made, _random_pose(seed))


def test_equals_numpy_under_strong_twists(make_avatar: Callable[..., Avatar]) -> None:
    made = add_avatar(bpy.context, make_avatar(5000, 8), name="Ada")
    smallest = 1.0
    for seed in range(10):
        params = _random_pose(seed, TWIST)
        _check(made, params)
        blended = _reference(made.cloud, _joints(made.armature), params)[2]
        smallest = min(smallest, np.linalg.svd(blended, compute_uv=False).min())
    assert smallest < 0.1, "the poses are no longer a strong test"


def test_rest_pose_is_the_identity(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar()
    made = add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    posed = _evaluated(made.cloud)
    np.testing.assert_allclose(posed.means, read_attribute(made.cloud.data, "position"), atol=5e-7)
    assert _angles(posed.quats, avatar.gaussians.quats.astype(float)).max() < 1e-3


@pytest.mark.parametrize("influences", [4, 8])
def test_scales_opacities_and_colours_stay(make_avatar: Callable[..., Avatar], influences: int) -> None:
    avatar = make_avatar(influences=influences, degree=1)
    made = add_avatar(bpy.context, avatar, name="Ada")
    posed = _evaluated(made.cloud)
    np.testing.assert_array_equal(posed.scales, avatar.gaussians.scales)
    np.testing.assert_array_equal(posed.opacities, avatar.gaussians.opacities)
    np.testing.assert_array_equal(posed.sh[:, 1:], avatar.gaussians.sh[:, 1:])
    np.testing.assert_allclose(posed.colors(), avatar.gaussians.colors(), atol=1e-6)


def test_moved_turned_and_scaled_armature(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar()
    made = add_avatar(bpy.context, avatar, name="Ada", location=(1, -2, 0.5))
    made.armature.rotation_euler = (1.2, 0.4, 2.0)
    made.armature.scale = (1.7, 1.7, 1.7)
    params = _random_pose(1)
    bpy.context.view_layer.update()
    _check(made, params)  # in the armature's space nothing changes
    cloud = made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get())
    world = _moved(read_gaussians(cloud.data).means, cloud.matrix_world)
    turn = Euler((1.2, 0.4, 2.0)).to_matrix() * 1.7
    expected = _standing(avatar, params) @ np.array(turn, float).T + (1, -2, 0.5)
    np.testing.assert_allclose(world, expected, atol=3e-6)
    np.testing.assert_allclose(
        world, _moved(avatar.posed(params).means, world_from_body(made.armature)), atol=3e-6
    )


def test_two_avatars_share_the_group_but_not_the_pose(make_avatar: Callable[..., Avatar]) -> None:
    ada = add_avatar(bpy.context, make_avatar(seed=0), name="Ada")
    bob = add_avatar(bpy.context, make_avatar(seed=1), name="Bob", location=(3, 0, 0))
    set_pose(ada.armature, _random_pose(2))
    _check(bob, _random_pose(3))
    _check(ada, _random_pose(4))
    assert ada.cloud.modifiers[0].node_group == bob.cloud.modifiers[0].node_group


def test_nodes_follow_a_bone_moved_by_a_constraint(make_avatar: Callable[..., Avatar]) -> None:
    made = add_avatar(bpy.context, make_avatar(), name="Ada", pose="rest")
    before = _evaluated(made.cloud).means
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (0, 0, 5)
    constraint = made.armature.pose.bones["head"].constraints.new("DAMPED_TRACK")
    constraint.target, constraint.track_axis = target, "TRACK_Z"
    moved = np.linalg.norm(_evaluated(made.cloud).means - before, axis=1) > 1e-3
    follows = (read_binding(made.cloud.data).joint_indices[:, :1] == joint_index("head")).any(axis=1)
    assert follows.any()
    assert moved[follows].mean() > 0.9
    legs = read_binding(made.cloud.data).joint_indices[:, 0] == joint_index("left_knee")
    assert not moved[legs].any()


class _Probe(bpy.types.RenderEngine):
    """Keeps what a renderer would see of the cloud."""

    bl_idname = "LHM_TEST_PROBE"
    bl_label = "Probe"
    seen: ClassVar[list[np.ndarray]] = []

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        clouds = [i.object for i in depsgraph.object_instances if i.object.type == "POINTCLOUD"]
        self.seen.extend(read_attribute(cloud.data, "position") for cloud in clouds)


def test_a_render_sees_the_pose_although_the_helper_is_hidden(make_avatar: Callable[..., Avatar]) -> None:
    made = add_avatar(bpy.context, make_avatar(), name="Ada")
    params = _random_pose(8)
    set_pose(made.armature, params)
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.render.resolution_x = scene.render.resolution_y = 8
    _Probe.seen.clear()
    bpy.utils.register_class(_Probe)
    try:
        scene.render.engine = _Probe.bl_idname
        bpy.ops.render.render()
    finally:
        bpy.utils.unregister_class(_Probe)
    (means,) = _Probe.seen
    expected, _, _ = _reference(made.cloud, _joints(made.armature), params)
    assert np.linalg.norm(means - expected, axis=1).max() <= POSITION_TOLERANCE


def test_a_saved_file_poses_without_the_extension(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    made = add_avatar(bpy.context, make_avatar(), name="Ada")
    params = _random_pose(7)
    means, quats, _ = _reference(made.cloud, _joints(made.armature), params)
    file, result = tmp_path / "avatar.blend", tmp_path / "posed.npz"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), copy=True)
    script = tmp_path / "pose.py"
    script.write_text(_POSE_ALONE, encoding="utf-8")
    np.savez(tmp_path / "pose.npz", pose=params.pose())
    subprocess.run([sys.executable, "-I", script, file, tmp_path / "pose.npz", result], check=True)
    with np.load(result) as alone:
        assert np.linalg.norm(alone["means"] - means, axis=1).max() <= POSITION_TOLERANCE
        assert _angles(alone["quats"], quats).max() <= ROTATION_TOLERANCE


# Knows nothing of the extension: a quaternion per bone name is all it takes.
# It ends by os._exit because Blender as a module sometimes fails to end.
_POSE_ALONE = """
import os, sys
import bpy
import numpy as np
from mathutils import Quaternion, Vector

file, pose_file, result = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=file)
assert not any(name.startswith("lhm_avatars") for name in sys.modules)
armature = bpy.data.objects["Ada"]
names = bpy.data.objects["Ada Bone Frames"].vertex_groups.keys()
with np.load(pose_file) as stored:
    for name, turn in zip(names, stored["pose"], strict=True):
        turn = Vector(turn)
        armature.pose.bones[name].rotation_quaternion = Quaternion(turn.normalized(), turn.length)
armature.pose.bones["pelvis"].location = (0, 0, 0)
cloud = bpy.data.objects["Ada Gaussians"].evaluated_get(bpy.context.evaluated_depsgraph_get()).data
means, quats = np.empty(3 * len(cloud.points), np.float32), np.empty(4 * len(cloud.points), np.float32)
cloud.attributes["position"].data.foreach_get("vector", means)
cloud.attributes["rotation"].data.foreach_get("value", quats)
np.savez(result, means=means.reshape(-1, 3), quats=quats.reshape(-1, 4))
sys.stdout.flush()
os._exit(0)
"""


def test_the_group_is_reused_and_a_stale_one_is_left_to_its_users() -> None:
    group = skinning_group(4)
    assert group.name == "LHM Skinning K4"
    assert skinning_group(4) == group
    assert skinning_group(8) != group
    group["lhm_version"] = 0
    fresh = skinning_group(4)
    assert fresh != group
    assert (fresh.name, group.name) == ("LHM Skinning K4", "LHM Skinning K4 (version 0)")


def test_a_group_that_failed_to_build_is_not_found_again() -> None:
    def fail(nodes: Nodes) -> None:
        nodes.add("GeometryNodeInputPosition")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        generated_group("Test", 1, fail)
    tree = generated_group("Test", 1, lambda nodes: nodes.output("Value", "NodeSocketFloat", 0.5))
    assert [node.bl_idname for node in tree.nodes] == ["NodeGroupOutput"]


def test_unknown_number_of_influences() -> None:
    with pytest.raises(ValueError, match=r"influences must be one of \(4, 8\), got 5"):
        skinning_group(5)


def test_builder_names_a_surplus_value_and_a_wrong_input() -> None:
    tree = bpy.data.node_groups.new("Test", "GeometryNodeTree")
    with pytest.raises(ValueError, match="GeometryNodeInputPosition shows 0 inputs, got 1 values"):
        Nodes(tree).add("GeometryNodeInputPosition", 1.0)
    target = bpy.data.objects.new("Test", bpy.data.meshes.new("Test"))
    with pytest.raises(ValueError, match=r"group 'LHM Skinning K4' has inputs .* not 'Bone'"):
        add_modifier(target, "Skinning", skinning_group(4), Bone=target)
