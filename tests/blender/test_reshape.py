"""Another body shape in Blender equals `Avatar.reshaped` posed by numpy, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.shapely import with_shape
from blender.traces import data_blocks
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, BodyParams
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.rigging import reshape
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar, world_from_body
from lhm_avatars.rigging.pointcloud import read_attribute, read_gaussians
from lhm_avatars.rigging.poses import get_pose, photo_pose, rest_pose, set_pose
from lhm_avatars.rigging.reshape import set_shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

LOCATION = (1.0, -2.0, 0.5)
POSES = ("rest", "photo", "wild")
BETAS = ([1.5, -0.5, 0.3, 0, 0, 2.0, 0, 0, 0, -1.0], [0.0] * 10, [-3.0, 2.0], [])


@pytest.fixture
def shapely(make_avatar: Callable[..., Avatar]) -> Avatar:
    """An avatar whose first beta makes it taller and whose others move everything a little."""
    return with_shape(make_avatar(count=800))


def add(avatar: Avatar, name: str = "Ada", pose: str = "photo") -> AvatarObjects:
    return add_avatar(bpy.context, avatar, name=name, location=LOCATION, pose=pose)


def evaluated_world(made: AvatarObjects) -> np.ndarray:
    """Posed means in Blender's world. [N, 3]"""
    cloud = made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return moved(read_gaussians(cloud.data).means, cloud.matrix_world)


def moved(points: np.ndarray, matrix: object) -> np.ndarray:
    rows = np.array(matrix, np.float64)
    return points @ rows[:3, :3].T + rows[:3, 3]


def pose_of(made: AvatarObjects, name: str) -> BodyParams:
    if name == "rest":
        return rest_pose()
    if name == "photo":
        return photo_pose(made.armature)
    return BodyParams.from_pose(
        np.random.default_rng(5).normal(0, 0.6, (JOINT_COUNT, 3)), transl=np.array([0.4, 0.2, -0.3])
    )


def rest_joints(made: AvatarObjects) -> np.ndarray:
    return np.array([made.armature.data.bones[name].head_local for name in JOINT_NAMES], np.float64)


def body_joints(made: AvatarObjects) -> np.ndarray:
    """Rest joints in the avatar's own body axes."""
    return rest_joints(made) + np.array([0, made.armature["lhm_floor"], 0])


def state(made: AvatarObjects) -> dict[str, object]:
    """All that a shape decides, in Blender's own numbers."""
    return {
        "means": read_attribute(made.cloud.data, "position"),
        "joints": rest_joints(made),
        "photo": photo_pose(made.armature).transl,
        "pelvis": np.array(made.armature.pose.bones["pelvis"].location),
        "floor": np.array(made.armature["lhm_floor"]),
        "betas": np.array(made.armature["lhm_betas"]),
        "height": np.array(made.armature["lhm_height"]),
    }


def assert_near(one: dict[str, object], other: dict[str, object], tolerance: float) -> None:
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=0, atol=tolerance, err_msg=name)


# The numbers.


@pytest.mark.parametrize("betas", BETAS)
def test_equals_the_reshaped_avatar_in_every_pose(shapely: Avatar, betas: list[float]) -> None:
    made = add(shapely)
    set_shape(bpy.context, made.armature, betas)
    expected = shapely.reshaped(betas)
    for name in POSES:
        params = pose_of(made, name)
        set_pose(made.armature, params)
        bpy.context.view_layer.update()
        to_world = world_from_body(made.armature)
        means = expected.posed(params).means
        np.testing.assert_allclose(evaluated_world(made), moved(means, to_world), rtol=0, atol=1e-5)
        posed = forward_kinematics(expected.joints, params.pose(), params.transl)
        heads = [made.armature.matrix_world @ made.armature.pose.bones[name].head for name in JOINT_NAMES]
        joints = moved(posed_joints(expected.joints, posed), to_world)
        np.testing.assert_allclose(np.array(heads), joints, rtol=0, atol=1e-5)


def test_every_shape_stands_on_the_ground(shapely: Avatar) -> None:
    made = add(shapely)
    for betas in BETAS:
        set_shape(bpy.context, made.armature, betas)
        for name in ("photo", "rest"):
            set_pose(made.armature, pose_of(made, name))
            soles = np.quantile(evaluated_world(made)[:, 2], 0.001)
            assert soles == pytest.approx(LOCATION[2], abs=1e-5), (betas, name)


def test_who_stands_as_in_the_photo_still_does(shapely: Avatar) -> None:
    made = add(shapely)
    set_shape(bpy.context, made.armature, [3.0])
    assert np.quantile(evaluated_world(made)[:, 2], 0.001) == pytest.approx(LOCATION[2], abs=1e-5)
    np.testing.assert_allclose(get_pose(made.armature).pose(), shapely.params.pose(), atol=2e-6)
    set_pose(made.armature, replace(photo_pose(made.armature), transl=np.array([0, 0.7, 0])))
    set_shape(bpy.context, made.armature, [0.0])
    assert made.armature.pose.bones["pelvis"].location.y == pytest.approx(0.7)  # placed by hand: it stays


def test_setting_the_betas_back_gives_the_same_person(shapely: Avatar) -> None:
    made = add(shapely)
    before, rng = state(made), np.random.default_rng(0)
    for _ in range(100):  # a slider dragged to and fro
        set_shape(bpy.context, made.armature, rng.normal(size=10))
    assert np.abs(read_attribute(made.cloud.data, "position") - before["means"]).max() > 0.01
    set_shape(bpy.context, made.armature, shapely.params.betas)
    assert_near(state(made), before, 1e-6)


def test_heights_are_told(shapely: Avatar) -> None:
    made = add(shapely)
    done = set_shape(bpy.context, made.armature, [2.0])
    for told, avatar in ((done.before, shapely), (done.after, shapely.reshaped([2.0]))):
        heights = np.sort(avatar.gaussians.means[:, 1].astype(float))
        lowest, second = heights[:2]  # a thousandth of 800 splats lies between the first two
        highest, next_highest = heights[:-3:-1]
        inner = 0.799
        expected = highest + inner * (next_highest - highest) - lowest - inner * (second - lowest)
        assert told == pytest.approx(expected, abs=1e-5)
    assert done.after > done.before
    assert made.armature["lhm_height"] == done.after


def test_bones_still_point_up_without_roll(shapely: Avatar) -> None:
    made = add(shapely)
    lengths = [bone.length for bone in made.armature.data.bones]
    set_shape(bpy.context, made.armature, [-2.0, 1.0])
    for bone, length in zip(made.armature.data.bones, lengths, strict=True):
        np.testing.assert_allclose(np.array(bone.matrix_local.to_3x3()), np.eye(3), rtol=0, atol=1e-7)
        assert bone.length == pytest.approx(length, abs=1e-6)
    assert made.armature.data.bones["root"].head_local.length == 0


def test_sticks_reach_to_the_moved_joints_and_other_shapes_stay(shapely: Avatar) -> None:
    made = add(shapely)
    mine = bpy.data.objects.new("Mine", bpy.data.meshes.new("Mine"))
    bones = made.armature.pose.bones
    bones["left_knee"].custom_shape, bones["left_knee"].custom_shape_scale_xyz = mine, (7, 7, 7)
    set_shape(bpy.context, made.armature, [4.0])
    joints = dict(zip(JOINT_NAMES, rest_joints(made), strict=True))
    arm = np.linalg.norm(joints["left_elbow"] - joints["left_shoulder"])
    assert bones["left_shoulder"].custom_shape_scale_xyz[0] == pytest.approx(arm, rel=1e-5)
    assert tuple(bones["left_knee"].custom_shape_scale_xyz) == (7, 7, 7)


def test_bones_of_the_user_go_along(shapely: Avatar) -> None:
    made = add(shapely)
    bpy.ops.object.mode_set(mode="EDIT")
    for name, parent in (("sword", "right_wrist"), ("tip", "sword"), ("target", None)):
        bone = made.armature.data.edit_bones.new(name)
        bone.head, bone.tail = (-0.8, 1.3, 0.1), (-0.8, 1.3, 0.6)
        bone.parent = made.armature.data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    bones = made.armature.data.bones
    before = {name: np.array(bones[name].head_local) for name in ("right_wrist", "sword", "tip", "target")}
    set_shape(bpy.context, made.armature, [3.0])
    shift = {name: np.array(bones[name].head_local) - head for name, head in before.items()}
    assert np.linalg.norm(shift["right_wrist"]) > 0.05
    np.testing.assert_allclose(shift["sword"], shift["right_wrist"], atol=1e-6)
    np.testing.assert_allclose(shift["tip"], shift["right_wrist"], atol=1e-6)
    assert not shift["target"].any()


def test_actions_play_on(shapely: Avatar) -> None:
    made = add(shapely)
    motion = walk(shapely.joints, 24, 1)
    add_action(made.armature, motion)
    set_shape(bpy.context, made.armature, [2.0])
    bpy.context.scene.frame_set(9)
    params = BodyParams.from_pose(motion.pose[8], transl=motion.transl[8])
    expected = moved(shapely.reshaped([2.0]).posed(params).means, world_from_body(made.armature))
    np.testing.assert_allclose(evaluated_world(made), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("influences", [4, 8])
def test_attributes_hold_the_shape_space(make_avatar: Callable[..., Avatar], influences: int) -> None:
    avatar = with_shape(make_avatar(count=300, influences=influences), betas=12)
    made = add(avatar)
    assert avatar.shape is not None
    for k in range(12):
        np.testing.assert_array_equal(
            read_attribute(made.cloud.data, f"shape_{k}"), avatar.shape.mean_dirs[:, :, k]
        )
    stored = np.array(made.armature["lhm_joint_shape"]).reshape(JOINT_COUNT, 3, 12)
    np.testing.assert_array_equal(stored, avatar.shape.joint_dirs)
    np.testing.assert_array_equal(np.array(made.armature["lhm_betas"], np.float32), avatar.params.betas)
    set_shape(bpy.context, made.armature, np.arange(12) / 6)
    expected = avatar.reshaped(np.arange(12) / 6)
    np.testing.assert_allclose(
        read_attribute(made.cloud.data, "position"),
        expected.gaussians.means - np.array([0, expected.ground_height(), 0]),
        rtol=0, atol=1e-6,
    )  # fmt: skip


# What the user has open.


def other_object() -> bpy.types.Object:
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    bpy.context.scene.collection.objects.link(other)
    return other


def looks() -> tuple[object, ...]:
    """Modes, selection and active object."""
    layer = bpy.context.view_layer
    modes = {obj.name: (obj.mode, obj.select_get(), obj.hide_get()) for obj in layer.objects}
    return modes, layer.objects.active, bpy.context.mode, bpy.context.scene.name


@pytest.mark.parametrize("mode", ["OBJECT", "POSE", "EDIT"])
def test_works_in_any_mode_and_leaves_it_so(shapely: Avatar, mode: str) -> None:
    made, bystander = add(shapely), add(shapely, "Bob")
    other_object().select_set(True)
    bpy.context.view_layer.objects.active = made.armature
    bystander.armature.select_set(True)
    bpy.ops.object.mode_set(mode=mode)
    before, blocks = looks(), data_blocks()
    set_shape(bpy.context, made.armature, [2.0])
    assert looks() == before
    assert data_blocks() == blocks
    bpy.ops.object.mode_set(mode="OBJECT")  # Edit Mode must not bring the old bones back
    np.testing.assert_allclose(body_joints(made), shapely.reshaped([2.0]).joints, atol=1e-6)


def test_another_object_is_being_edited(shapely: Avatar) -> None:
    made, other = add(shapely), other_object()
    bpy.context.view_layer.objects.active = other
    bpy.ops.object.mode_set(mode="EDIT")
    before = looks()
    set_shape(bpy.context, made.armature, [2.0])
    assert looks() == before
    assert bpy.context.mode == "EDIT_MESH"


@pytest.mark.parametrize("hidden", ["eye", "screen", "collection"])
def test_a_hidden_avatar_changes_too(shapely: Avatar, hidden: str) -> None:
    made = add(shapely)
    if hidden == "eye":
        made.armature.hide_set(True)
    elif hidden == "screen":
        made.armature.hide_viewport = True
    else:
        bpy.context.view_layer.layer_collection.children["Ada"].exclude = True
    set_shape(bpy.context, made.armature, [2.0])
    joints = body_joints(made)
    np.testing.assert_allclose(joints, shapely.reshaped([2.0]).joints, atol=1e-6)


def test_x_mirror_does_not_interfere(shapely: Avatar) -> None:
    made = add(shapely)
    made.armature.data.use_mirror_x = made.armature.pose.use_mirror_x = True
    set_shape(bpy.context, made.armature, [0.0, 3.0])
    joints = body_joints(made)
    np.testing.assert_allclose(joints, shapely.reshaped([0.0, 3.0]).joints, atol=1e-6)


# Avatars that share data.


def linked_copy(made: AvatarObjects) -> AvatarObjects:
    """As Alt-D of all three objects: new objects, the same data."""
    armature, cloud, frames = (part.copy() for part in (made.armature, made.cloud, made.frames))
    for part in (armature, cloud, frames):
        made.collection.objects.link(part)
    cloud.parent = frames.parent = armature
    frames.modifiers["Armature"].object = armature
    modifier = cloud.modifiers["LHM Skinning"]
    if hasattr(modifier, "properties"):  # Blender 5.2
        inputs = modifier.properties.inputs
        names = [name for name in dir(inputs) if name.startswith("Socket")]
        target = next(name for name in names if getattr(getattr(inputs, name), "value", None) == made.frames)
        getattr(inputs, target).value = frames
    else:
        modifier[next(key for key, value in modifier.items() if value == made.frames)] = frames
    return AvatarObjects(armature, cloud, frames, made.collection)


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT"])
def test_a_copy_with_shared_data_keeps_its_shape(shapely: Avatar, mode: str) -> None:
    made = add(shapely)
    copy = linked_copy(made)
    before = evaluated_world(copy)
    bpy.ops.object.mode_set(mode=mode)
    set_shape(bpy.context, made.armature, [2.0])
    bpy.ops.object.mode_set(mode="OBJECT")
    assert made.armature.data != copy.armature.data
    assert made.cloud.data != copy.cloud.data
    np.testing.assert_allclose(evaluated_world(copy), before, atol=1e-6)
    expected = shapely.reshaped([2.0]).posed(photo_pose(made.armature)).means
    np.testing.assert_allclose(
        evaluated_world(made), moved(expected, world_from_body(made.armature)), rtol=0, atol=1e-5
    )


def test_a_copy_that_follows_another_avatars_bones_is_refused(shapely: Avatar) -> None:
    made = add(shapely)
    armature, cloud = made.armature.copy(), made.cloud.copy()  # Shift-D leaves the hidden helper out
    for part in (armature, cloud):
        made.collection.objects.link(part)
    cloud.parent = armature
    with pytest.raises(AvatarError, match="follow the bones of another avatar"):
        set_shape(bpy.context, armature, [1.0])
    set_shape(bpy.context, made.armature, [1.0])
    assert cloud.data == made.cloud.data  # on the same bones it changes along


# What does not work.


def test_an_avatar_without_a_shape_says_so(avatar: Avatar) -> None:
    made = add(avatar)
    with pytest.raises(AvatarError, match="made without a shape that can be changed"):
        set_shape(bpy.context, made.armature, [1.0])
    assert "shape_base" not in made.cloud.data.attributes
    assert "shape_0" not in made.cloud.data.attributes


@pytest.mark.parametrize("name", ["shape_base", "shape_0", "shape_9"])
def test_a_lost_attribute_is_named_and_nothing_changes(shapely: Avatar, name: str) -> None:
    made = add(shapely)
    made.cloud.data.attributes.remove(made.cloud.data.attributes[name])
    before = state(made)
    with pytest.raises(AvatarError, match=f"lost the attribute {name}"):
        set_shape(bpy.context, made.armature, [1.0])
    assert_near(state(made), before, 0)


@pytest.mark.parametrize("value", [None, [1.0, 2.0], "text", 3.0])
def test_a_lost_property_is_named(shapely: Avatar, value: object) -> None:
    made = add(shapely)
    del made.armature["lhm_joint_base"]
    if value is not None:
        made.armature["lhm_joint_base"] = value
    with pytest.raises(AvatarError, match=r"lost its custom property lhm_joint_base \(165 numbers\)"):
        set_shape(bpy.context, made.armature, [1.0])


def test_lost_objects_modifiers_and_bones_are_named(shapely: Avatar, monkeypatch: pytest.MonkeyPatch) -> None:
    made = add(shapely)
    monkeypatch.setattr(reshape, "is_rendering", lambda: True)
    with pytest.raises(AvatarError, match="is rendering"):
        set_shape(bpy.context, made.armature, [1.0])
    bpy.ops.object.mode_set(mode="EDIT")
    made.armature.data.edit_bones.remove(made.armature.data.edit_bones["jaw"])
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(AvatarError, match="lost the bone 'jaw'"):
        set_shape(bpy.context, made.armature, [1.0])
    made.cloud.modifiers.clear()
    with pytest.raises(AvatarError, match="lost their skinning modifier"):
        set_shape(bpy.context, made.armature, [1.0])
    bpy.data.objects.remove(made.cloud)
    with pytest.raises(AvatarError, match="splats of 'Ada' were deleted"):
        set_shape(bpy.context, made.armature, [1.0])


def test_a_linked_avatar_is_refused(shapely: Avatar, tmp_path: Path) -> None:
    add(shapely)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    with pytest.raises(AvatarError, match="linked from another file"):
        set_shape(bpy.context, bpy.data.objects["Ada"], [1.0])


@pytest.mark.parametrize("betas", [[0.0] * 11, [[1.0, 2.0]], [float("nan")]])
def test_wrong_betas(shapely: Avatar, betas: object) -> None:
    made = add(shapely)
    before = state(made)
    with pytest.raises(ValueError, match="betas must"):
        set_shape(bpy.context, made.armature, betas)  # type: ignore[arg-type]
    assert_near(state(made), before, 0)


def test_save_and_reload(shapely: Avatar, tmp_path: Path) -> None:
    set_shape(bpy.context, add(shapely).armature, [2.0, -1.0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    found = bpy.data.objects
    made = AvatarObjects(
        found["Ada"], found["Ada Gaussians"], found["Ada Bone Frames"], bpy.data.collections["Ada"]
    )
    for betas in ([2.0, -1.0], [-1.0, 0.5]):
        if betas[0] < 0:
            set_shape(bpy.context, made.armature, betas)
        expected = shapely.reshaped(betas).posed(photo_pose(made.armature)).means
        np.testing.assert_allclose(
            evaluated_world(made), moved(expected, world_from_body(made.armature)), rtol=0, atol=1e-5
        )
