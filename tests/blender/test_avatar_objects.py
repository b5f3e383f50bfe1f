"""`add_avatar`: everything in place, standing on the ground; or nothing at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars.rigging import avatar_objects
from lhm_avatars.rigging.avatar_objects import add_avatar, world_from_body
from lhm_avatars.rigging.contexts import mode_of
from lhm_avatars.rigging.pointcloud import read_attribute, read_binding, read_gaussians
from lhm_avatars.rigging.poses import get_pose, photo_pose, rest_pose, set_pose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

LOCATION = (1.5, -2.0, 0.75)
KINDS = (
    "objects",
    "collections",
    "armatures",
    "meshes",
    "pointclouds",
    "node_groups",
    "materials",
    "actions",
)


def _posed_in_world(cloud: bpy.types.Object) -> np.ndarray:
    evaluated = cloud.evaluated_get(bpy.context.evaluated_depsgraph_get())
    rows = np.array(evaluated.matrix_world, np.float64)
    return read_gaussians(evaluated.data).means @ rows[:3, :3].T + rows[:3, 3]


def _contents() -> dict[str, list[str]]:
    return {kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in KINDS}


@pytest.mark.parametrize("pose", ["photo", "rest"])
def test_stands_on_the_ground_at_the_location(make_avatar: Callable[..., Avatar], pose: str) -> None:
    made = add_avatar(bpy.context, make_avatar(), name="Ada", location=LOCATION, pose=pose)
    means = _posed_in_world(made.cloud)
    assert abs(np.quantile(means[:, 2], 0.001) - LOCATION[2]) < 1e-5
    pelvis = made.armature.matrix_world @ made.armature.pose.bones["pelvis"].head
    np.testing.assert_allclose(pelvis[:2], LOCATION[:2], atol=0.011)  # the pelvis joint is 1 cm off its axis
    np.testing.assert_allclose(made.armature.location, LOCATION)


def test_photo_pose_keeps_every_rotation(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar()
    made = add_avatar(bpy.context, avatar, name="Ada")
    np.testing.assert_allclose(get_pose(made.armature).pose(), avatar.params.pose(), atol=2e-6)
    np.testing.assert_allclose(get_pose(made.armature).betas, avatar.params.betas)
    posed = avatar.posed(avatar.params).means.astype(float)
    seen = _posed_in_world(made.cloud)
    # Up to where the person stands, the picture is the engine's: x stays, y is up, z towards the viewer.
    engine = np.stack([posed[:, 0], -posed[:, 2], posed[:, 1]], axis=1)
    np.testing.assert_allclose(seen - seen.mean(axis=0), engine - engine.mean(axis=0), atol=3e-6)


def test_rest_pose_is_the_avatar_itself(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar()
    made = add_avatar(bpy.context, avatar, name="Ada", location=LOCATION, pose="rest")
    bpy.context.view_layer.update()
    rows = np.array(world_from_body(made.armature), float)
    expected = avatar.gaussians.means.astype(float) @ rows[:3, :3].T + rows[:3, 3]
    np.testing.assert_allclose(_posed_in_world(made.cloud), expected, atol=2e-6)


def test_poses_switch_back_and_forth(make_avatar: Callable[..., Avatar]) -> None:
    made = add_avatar(bpy.context, make_avatar(), name="Ada")
    before = _posed_in_world(made.cloud)
    set_pose(made.armature, rest_pose())
    assert np.abs(_posed_in_world(made.cloud) - before).max() > 0.05
    set_pose(made.armature, photo_pose(made.armature))
    np.testing.assert_allclose(_posed_in_world(made.cloud), before, atol=1e-6)


def test_attributes_come_back_as_they_went_in(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar(influences=8, degree=3)
    made = add_avatar(bpy.context, avatar, name="Ada")
    rest, binding, data = read_gaussians(made.cloud.data), read_binding(made.cloud.data), made.cloud.data
    shift = np.array([0, avatar.ground_height(), 0], np.float32)
    np.testing.assert_array_equal(rest.means, avatar.gaussians.means - shift)
    np.testing.assert_array_equal(rest.quats, avatar.gaussians.quats)
    np.testing.assert_array_equal(rest.scales, avatar.gaussians.scales)
    np.testing.assert_array_equal(rest.opacities, avatar.gaussians.opacities)
    np.testing.assert_allclose(rest.colors(), avatar.gaussians.colors(), atol=1e-6)
    np.testing.assert_array_equal(rest.sh[:, 1:], avatar.gaussians.sh[:, 1:])
    np.testing.assert_array_equal(binding.joint_indices, avatar.binding.joint_indices)
    np.testing.assert_array_equal(binding.joint_weights, avatar.binding.joint_weights)
    np.testing.assert_array_equal(read_attribute(data, "seen"), avatar.seen)


def test_objects_hang_together(make_avatar: Callable[..., Avatar]) -> None:
    made = add_avatar(bpy.context, make_avatar(), name="Ada")
    assert made.cloud.type == "POINTCLOUD"
    assert (made.collection.name, made.armature.name) == ("Ada", "Ada")
    assert made.cloud.parent == made.frames.parent == made.armature
    assert {made.armature, made.cloud, made.frames} == set(made.collection.all_objects)
    parts = {obj["lhm_avatar"]: obj for obj in made.collection.all_objects}
    assert parts == {"armature": made.armature, "cloud": made.cloud, "frames": made.frames}
    assert not made.cloud.vertex_groups


def test_the_helper_is_out_of_sight(make_avatar: Callable[..., Avatar]) -> None:
    made = add_avatar(bpy.context, make_avatar(), name="Ada")
    assert made.frames.name not in bpy.context.view_layer.objects
    assert made.frames.hide_render
    assert len(made.frames.data.vertices) == 220


def test_the_armature_is_selected_and_active(make_avatar: Callable[..., Avatar]) -> None:
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    bpy.context.scene.collection.objects.link(other)
    other.select_set(True)
    made = add_avatar(bpy.context, make_avatar(), name="Ada")
    assert bpy.context.view_layer.objects.active == made.armature
    assert bpy.context.selected_objects == [made.armature]
    assert bpy.context.mode == "OBJECT"


def test_works_from_edit_mode_of_another_object(make_avatar: Callable[..., Avatar]) -> None:
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    bpy.context.scene.collection.objects.link(other)
    bpy.context.view_layer.objects.active = other
    bpy.ops.object.mode_set(mode="EDIT")
    made = add_avatar(bpy.context, make_avatar(), name="Ada")
    assert other.mode == "OBJECT"
    assert bpy.context.view_layer.objects.active == made.armature


def test_metadata_stay_with_the_armature(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar()
    armature = add_avatar(bpy.context, avatar, name="Ada").armature
    assert json.loads(armature["lhm_metadata"]) == avatar.metadata
    assert armature["lhm_engine"] == "lift"
    assert json.loads(armature["lhm_licences"]) == ["CC0-1.0"]
    assert armature["lhm_seen"] == pytest.approx((avatar.seen == 2).mean())


def test_display_nodes_run_after_skinning(make_avatar: Callable[..., Avatar]) -> None:
    display = bpy.data.node_groups.new("Display", "GeometryNodeTree")
    made = add_avatar(bpy.context, make_avatar(), name="Ada", display=display)
    assert [modifier.node_group.name for modifier in made.cloud.modifiers] == ["LHM Skinning K4", "Display"]


def test_only_the_cloud_and_armature_parts_are_new(make_avatar: Callable[..., Avatar]) -> None:
    add_avatar(bpy.context, make_avatar(), name="Ada")
    contents = _contents()
    assert contents["pointclouds"] == ["Ada Gaussians"]
    assert contents["meshes"] == ["Ada Bone Frames", "LHM Root", "LHM Stick"]
    assert contents["objects"] == ["Ada", "Ada Bone Frames", "Ada Gaussians", "LHM Root", "LHM Stick"]
    assert not any(block.users == 0 for kind in KINDS for block in getattr(bpy.data, kind))


STEPS = ("create_armature", "create_bone_frames", "create_cloud", "skinning_group", "set_pose", "select_only")


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_leaves_nothing_behind(
    make_avatar: Callable[..., Avatar], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    other = bpy.data.objects.new("Other", bpy.data.armatures.new("Other"))
    bpy.context.scene.collection.objects.link(other)
    other.select_set(True)
    bpy.context.view_layer.objects.active = other
    bpy.ops.object.mode_set(mode="POSE")
    before = _contents()
    done = getattr(avatar_objects, step)

    def fail(*args: object, **kwargs: object) -> None:
        done(*args, **kwargs)
        raise RuntimeError("stop")

    monkeypatch.setattr(avatar_objects, step, fail)
    with pytest.raises(RuntimeError, match="stop"):
        add_avatar(bpy.context, make_avatar(100), name="Ada")
    assert _contents() == before
    assert bpy.context.view_layer.objects.active == other
    assert bpy.context.selected_objects == [other]
    assert other.mode == "POSE"
    monkeypatch.undo()
    add_avatar(bpy.context, make_avatar(100), name="Ada")  # and a second try works


def test_a_failure_in_edit_mode_leaves_nothing_behind(make_avatar: Callable[..., Avatar]) -> None:
    armature = add_avatar(bpy.context, make_avatar(100), name="Ada").armature
    with pytest.raises(RuntimeError, match="stop"), mode_of(bpy.context, armature, "EDIT"):
        raise RuntimeError("stop")
    assert armature.mode == "OBJECT"


def test_unknown_pose_and_influences(make_avatar: Callable[..., Avatar]) -> None:
    before = _contents()
    with pytest.raises(ValueError, match=r"pose must be one of \('photo', 'rest'\), got 'sit'"):
        add_avatar(bpy.context, make_avatar(100), name="Ada", pose="sit")
    with pytest.raises(ValueError, match=r"influences must be one of \(4, 8\), got 3"):
        add_avatar(bpy.context, make_avatar(100, 3), name="Ada")
    assert _contents() == before


def test_two_avatars_of_one_name(make_avatar: Callable[..., Avatar]) -> None:
    first = add_avatar(bpy.context, make_avatar(100), name="Ada")
    second = add_avatar(bpy.context, make_avatar(100), name="Ada", location=(1, 0, 0))
    assert second.collection != first.collection
    assert set(second.collection.all_objects).isdisjoint(first.collection.all_objects)
    assert second.cloud.parent == second.armature
    assert second.frames.name not in bpy.context.view_layer.objects


def test_a_saved_file_names_no_folder(make_avatar: Callable[..., Avatar], tmp_path: Path, root: Path) -> None:
    add_avatar(bpy.context, make_avatar(100), name="Ada")
    file = tmp_path / "avatar.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), copy=True, compress=False)
    content = file.read_bytes()
    assert b"left_shoulder" in content  # so it is not compressed
    assert bytes(root) not in content
    assert bpy.utils.blend_paths(absolute=False) == []


def test_the_root_is_on_the_floor(make_avatar: Callable[..., Avatar]) -> None:
    armature = add_avatar(bpy.context, make_avatar(100), name="Ada", location=LOCATION).armature
    bpy.context.view_layer.update()
    np.testing.assert_allclose(armature.matrix_world @ armature.pose.bones["root"].head, LOCATION)
