"""What else there is to press: poses, walk, preview, avatar files. Looked at in the scene afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.emptied import empty
from lhm_avatars.engine.avatar.body import JOINT_NAMES, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.formats.avatar_file import load_avatar
from lhm_avatars.engine.motion.builtin.catalogue import BUILT_IN
from lhm_avatars.operators.avatars import active_armature, cloud_of, rest_joints
from lhm_avatars.operators.pose import a_pose
from lhm_avatars.operators.preview import extent_of, world_points
from lhm_avatars.rendering.camera import camera_view
from lhm_avatars.rigging.poses import get_pose, photo_pose

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar


@pytest.fixture
def armature(engine: Path, empty_scene: None) -> bpy.types.Object:
    """An avatar in the scene, active."""
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    return bpy.context.view_layer.objects.active


def test_an_avatar_is_found_from_its_parts(armature: bpy.types.Object) -> None:
    for part in (armature, cloud_of(armature)):
        bpy.context.view_layer.objects.active = part
        assert active_armature(bpy.context) == armature
    bpy.context.view_layer.objects.active = None
    assert active_armature(bpy.context) is None


def test_poses(armature: bpy.types.Object) -> None:
    photo = photo_pose(armature).pose()
    assert np.abs(photo).max() > 0.1
    bpy.ops.lhm.pose_avatar(pose="rest")
    np.testing.assert_allclose(get_pose(armature).pose(), 0, atol=1e-6)
    bpy.ops.lhm.pose_avatar(pose="photo")
    np.testing.assert_allclose(get_pose(armature).pose(), photo, atol=1e-5)


def test_in_the_a_pose_both_hands_are_lower_and_nothing_else_moves(armature: bpy.types.Object) -> None:
    bpy.ops.lhm.pose_avatar(pose="a")
    np.testing.assert_allclose(get_pose(armature).pose(), a_pose().pose(), atol=1e-6)
    joints = rest_joints(armature).astype(float)
    posed = forward_kinematics(joints, a_pose().pose().astype(float), np.zeros(3))
    moved = np.einsum("jab,jb->ja", posed[:, :3, :3], joints) + posed[:, :3, 3]
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, wrist = (joint_index(f"{side}_{name}") for name in ("shoulder", "wrist"))
        reach = moved[wrist] - moved[shoulder]
        assert sign * reach[0] > 0.3  # still on its own side
        assert reach[1] == pytest.approx(-abs(reach[0]), rel=0.1)  # 45 degrees down
    still = [joint_index(name) for name in JOINT_NAMES if "left" not in name and "right" not in name]
    np.testing.assert_allclose(moved[still], joints[still], atol=1e-6)


def test_walk_on_the_spot_sets_the_range_so_that_it_repeats(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start = 30, 11
    bpy.ops.lhm.add_motion(cycles=2)
    assert scene.frame_end - scene.frame_start + 1 == 2 * 33  # 1.1 s at 30 fps, twice
    assert armature.animation_data.action is not None
    scene.frame_set(11)
    first = get_pose(armature)
    scene.frame_set(11 + 33)  # one cycle later
    np.testing.assert_allclose(get_pose(armature).pose(), first.pose(), atol=1e-4)
    scene.frame_set(11 + 16)
    assert np.abs(get_pose(armature).pose() - first.pose()).max() > 0.3


def test_walk_forward_goes_where_the_person_looks(armature: bpy.types.Object) -> None:
    bpy.ops.lhm.add_motion(motion="walk", cycles=3, travel=True, set_range=False)
    scene = bpy.context.scene
    assert scene.frame_end == 250
    places = []
    for frame in (1, 53):
        scene.frame_set(frame)
        places.append(world_points(bpy.context, armature).mean(axis=0))
    step = places[1] - places[0]
    assert step[1] < -1.0  # Blender's -Y is where a person looks
    assert abs(step[0]) < 0.2


def test_a_pose_takes_the_walk_off_and_keeps_it(armature: bpy.types.Object) -> None:
    bpy.ops.lhm.add_motion()
    action = armature.animation_data.action
    bpy.ops.lhm.pose_avatar(pose="rest")
    bpy.context.scene.frame_set(20)
    np.testing.assert_allclose(get_pose(armature).pose(), 0, atol=1e-6)
    assert action.use_fake_user


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_built_in_motion_plays_as_it_was_made(armature: bpy.types.Object, name: str) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start = 25, 3
    bpy.ops.lhm.add_motion(motion="wave")
    earlier = armature.animation_data.action
    bpy.ops.lhm.add_motion(motion=name, cycles=2)
    action, entry = armature.animation_data.action, BUILT_IN[name]
    options = {"cycles": 2} if "cycles" in entry.options else {}
    motion = entry.maker(rest_joints(armature), 25.0, **options)
    assert action.name.startswith(entry.label)
    assert earlier.use_fake_user
    assert earlier != action
    assert (scene.frame_current, scene.frame_end) == (3, 3 + motion.count - 1)
    for index in (0, motion.count // 3, motion.count - 1):
        scene.frame_set(3 + index)
        shown = get_pose(armature)
        turns = matrix_from_rotvec(np.stack([shown.pose(), motion.pose[index]]).astype(np.float64))
        np.testing.assert_allclose(turns[0], turns[1], atol=1e-4)
        np.testing.assert_allclose(shown.transl, motion.transl[index], atol=1e-5)


def test_motions_cover_ground_only_where_they_can(armature: bpy.types.Object) -> None:
    for name, entry in BUILT_IN.items():
        bpy.ops.lhm.add_motion(motion=name, travel=True, cycles=2)
        bpy.context.scene.frame_set(bpy.context.scene.frame_end)
        forward = get_pose(armature).transl[2]
        assert (forward > 1.0) == ("travel" in entry.options)


def test_a_motion_that_does_not_exist_is_refused(armature: bpy.types.Object) -> None:
    with pytest.raises(TypeError, match='enum "moonwalk" not found'):
        bpy.ops.lhm.add_motion(motion="moonwalk")
    assert armature.animation_data is None or armature.animation_data.action is None


@pytest.mark.parametrize(("width", "height", "least"), [(800, 400, 0.7), (400, 600, 0.45), (300, 900, 0.4)])
def test_the_preview_shows_the_whole_person(
    armature: bpy.types.Object, width: int, height: int, least: float
) -> None:
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = width, height
    bpy.ops.lhm.set_up_preview()
    assert (scene.render.engine, scene.view_settings.view_transform) == ("LHM_PREVIEW", "Standard")
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = camera_view(scene, scene.camera.evaluated_get(depsgraph), depsgraph, width, height)
    points = world_points(bpy.context, armature) @ view.viewmat[:3, :3].T + view.viewmat[:3, 3]
    pixels = points @ view.K.T
    shares = pixels[:, :2] / pixels[:, 2:] / (width, height)
    inside = (np.abs(shares - 0.5) < 0.5).all(axis=1)
    assert inside.mean() > 0.99
    assert np.ptp(shares[inside], axis=0).max() > least


def test_an_avatar_without_splats_is_not_looked_at(armature: bpy.types.Object) -> None:
    empty(cloud_of(armature))
    engine = bpy.context.scene.render.engine
    with pytest.raises(RuntimeError, match=r"has no splats left to look at\. Undo that"):
        bpy.ops.lhm.set_up_preview()
    assert bpy.context.scene.camera is None
    assert bpy.context.scene.render.engine == engine


def test_a_camera_that_is_there_stays(armature: bpy.types.Object) -> None:
    camera = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.ops.lhm.set_up_preview()
    assert bpy.context.scene.camera == camera
    assert tuple(camera.location) == (0, 0, 0)


def test_measuring_leaves_the_display_on(armature: bpy.types.Object) -> None:
    extent = extent_of(bpy.context, armature)
    assert 1.2 < extent.height < 2.2
    assert all(modifier.show_viewport for modifier in cloud_of(armature).modifiers)


def test_export_and_import_give_the_same_avatar(
    armature: bpy.types.Object, avatar: Avatar, tmp_path: Path
) -> None:
    bpy.ops.lhm.pose_avatar(pose="a")  # what is written does not depend on the pose
    bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "out.lhma"))
    again = load_avatar(tmp_path / "out.lhma")
    shift = avatar.gaussians.means - again.gaussians.means
    np.testing.assert_allclose(shift, shift.mean(axis=0) + 0 * shift, atol=1e-5)  # only the floor moved
    np.testing.assert_allclose(again.gaussians.colors(), avatar.gaussians.colors(), atol=1e-6)
    np.testing.assert_allclose(again.gaussians.scales, avatar.gaussians.scales, rtol=1e-6)
    np.testing.assert_array_equal(again.binding.joint_indices, avatar.binding.joint_indices)
    np.testing.assert_array_equal(again.seen, avatar.seen)
    np.testing.assert_allclose(again.params.pose(), avatar.params.pose(), atol=1e-5)
    np.testing.assert_allclose(again.params.betas, avatar.params.betas, atol=1e-6)
    assert again.metadata == avatar.metadata
    before = world_points(bpy.context, armature)
    bpy.ops.lhm.import_avatar(filepath=str(tmp_path / "out.lhma"), pose="rest")
    copy = bpy.context.view_layer.objects.active
    bpy.context.view_layer.objects.active = armature
    bpy.ops.lhm.pose_avatar(pose="rest")
    assert copy != armature
    assert before.shape == world_points(bpy.context, copy).shape
    np.testing.assert_allclose(
        world_points(bpy.context, copy), world_points(bpy.context, armature), atol=1e-4
    )
