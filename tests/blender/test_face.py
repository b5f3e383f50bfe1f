"""The face in Blender: the evaluated cloud against the engine's own shapes and skinning in float64."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.facial import NAMES, random_weights, set_sliders, with_face
from blender.shapely import with_shape
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams
from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_means
from lhm_avatars.engine.formats.avatar_file import load_avatar
from lhm_avatars.operators.files import FACE_LEFT_OUT
from lhm_avatars.rigging import avatar_objects
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.face_mesh import read_face
from lhm_avatars.rigging.face_values import NO_FACE, face_names, reason_against, set_face
from lhm_avatars.rigging.pointcloud import read_attribute, read_gaussians
from lhm_avatars.rigging.poses import get_pose, set_pose
from lhm_avatars.rigging.reshape import set_shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

TOLERANCE = 2e-6  # metres; a face is moved by centimetres in these tests


@pytest.fixture
def facial(make_avatar: Callable[..., Avatar]) -> Avatar:
    return with_face(make_avatar())


@pytest.fixture
def made(facial: Avatar) -> AvatarObjects:
    return add_avatar(bpy.context, facial, name="Ada")


def seen(cloud: bpy.types.Object) -> np.ndarray:
    """Where the Gaussians are, as evaluated. [N, 3]"""
    return read_gaussians(cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data).means


def by_numpy(avatar: Avatar, armature: bpy.types.Object, weights: dict[str, float]) -> np.ndarray:
    """The same by the engine's parts in float64, from the floor up. [N, 3]"""
    params, floor = get_pose(armature), (0, avatar.ground_height(), 0)
    means = avatar.gaussians.means.astype(np.float64)
    if avatar.face is not None:
        values = np.array([weights.get(name, 0.0) for name in avatar.face.names])
        means[avatar.face.indices] += avatar.face.dirs.astype(np.float64) @ values
    binding = avatar.binding
    posed_from_rest = forward_kinematics(
        avatar.joints.astype(np.float64) - floor, params.pose().astype(float), params.transl.astype(float)
    )
    return skin_means(
        means - floor, posed_from_rest, binding.joint_indices, binding.joint_weights.astype(np.float64)
    )


def off(avatar: Avatar, objects: AvatarObjects, weights: dict[str, float]) -> float:
    """How far the farthest Gaussian is from where it should be, metres."""
    expected = by_numpy(avatar, objects.armature, weights)
    return float(np.linalg.norm(seen(objects.cloud) - expected, axis=1).max())


def random_pose(seed: int) -> BodyParams:
    return BodyParams.from_pose(np.random.default_rng(seed).normal(0, 0.5, (JOINT_COUNT, 3)))


@pytest.mark.parametrize("influences", [4, 8])
def test_equals_numpy_over_random_poses_and_faces(
    make_avatar: Callable[..., Avatar], influences: int
) -> None:
    avatar = with_face(make_avatar(influences=influences))
    objects = add_avatar(bpy.context, avatar, name="Ada")
    for seed in range(10):
        set_pose(objects.armature, random_pose(seed))
        weights = random_weights(seed)
        set_sliders(objects.armature, weights)
        assert off(avatar, objects, weights) < TOLERANCE
        assert off(avatar, objects, {}) > 0.02, "these faces are no test"


def test_equals_the_engines_own_face(facial: Avatar, made: AvatarObjects) -> None:
    weights = random_weights(3)
    set_face(bpy.context, made.armature, weights)
    standing = facial.with_face(weights).posed(get_pose(made.armature)).means
    np.testing.assert_allclose(seen(made.cloud), standing - (0, facial.ground_height(), 0), atol=4e-6)


def test_only_the_head_moves(facial: Avatar, made: AvatarObjects) -> None:
    before = seen(made.cloud)
    set_sliders(made.armature, {"mouthSmileLeft": 1.0})
    moved = np.linalg.norm(seen(made.cloud) - before, axis=1) > 0
    assert set(np.flatnonzero(moved)) <= set(facial.face.indices)
    assert moved.sum() > 0.95 * len(facial.face.indices)
    np.testing.assert_array_equal(
        np.flatnonzero(read_attribute(made.cloud.data, "face_index") >= 0), facial.face.indices
    )


def test_an_action_moves_the_face(facial: Avatar, made: AvatarObjects) -> None:
    head = made.armature.pose.bones["head"]
    for frame, value in ((1, 0.0), (11, 1.0)):
        head["mouthSmileLeft"] = value
        head.keyframe_insert('["mouthSmileLeft"]', frame=frame, group="head")
    (curve,) = made.armature.animation_data.action.layers[0].strips[0].channelbags[0].fcurves
    for key in curve.keyframe_points:
        key.interpolation = "LINEAR"
    for frame, value in ((1, 0.0), (4, 0.3), (11, 1.0)):
        bpy.context.scene.frame_set(frame)
        assert off(facial, made, {"mouthSmileLeft": value}) < TOLERANCE


def test_values_end_at_the_ends_of_the_sliders(facial: Avatar, made: AvatarObjects) -> None:
    set_sliders(made.armature, {"mouthPucker": 1.7, "tongueOut": -0.4, "Exp000": -4.0})
    assert off(facial, made, {"mouthPucker": 1.0, "Exp000": -4.0}) < TOLERANCE


def test_sliders_can_be_understood_and_overridden(made: AvatarObjects) -> None:
    head = made.armature.pose.bones["head"]
    assert set(head.keys()) == set(NAMES)
    for name in NAMES:
        look = head.id_properties_ui(name).as_dict()
        ends = (-3.0, 3.0) if name.startswith("Exp") else (0.0, 1.0)
        assert (look["soft_min"], look["soft_max"], look["default"]) == (*ends, 0.0)
        assert look["description"].startswith(f"{name}: ")
        assert head.is_property_overridable_library(f'["{name}"]')


def test_the_helper_is_out_of_sight_and_plain(facial: Avatar, made: AvatarObjects) -> None:
    assert (made.face.name, made.face["lhm_avatar"], made.face.parent) == ("Ada Face", "face", made.armature)
    assert made.face.name not in bpy.context.view_layer.objects
    assert made.face.hide_render
    assert len(made.face.data.vertices) == len(facial.face.indices)
    keys = made.face.data.shape_keys
    assert [key.name for key in keys.key_blocks] == ["Basis", *NAMES]
    assert [curve.driver.type for curve in keys.animation_data.drivers] == ["SUM"] * len(NAMES)
    assert all(curve.driver.is_valid for curve in keys.animation_data.drivers)


def test_avatars_without_a_face_are_as_before(
    make_avatar: Callable[..., Avatar], made: AvatarObjects
) -> None:
    bob = add_avatar(bpy.context, make_avatar(100, seed=1), name="Bob")
    assert bob.face is None
    assert "face_index" not in bob.cloud.data.attributes
    assert not bob.armature.pose.bones["head"].keys()
    groups = [objects.cloud.modifiers[0].node_group for objects in (made, bob)]
    assert [group.name for group in groups] == ["LHM Skinning K4 Face", "LHM Skinning K4"]
    assert [item.name for item in groups[1].interface.items_tree if item.in_out == "INPUT"] == [
        "Geometry",
        "Bones",
    ]
    assert reason_against(bob.armature) == NO_FACE
    assert face_names(bob.armature) == ()


@pytest.mark.parametrize("step", ["create_face_mesh", "set_pose"])
def test_a_failure_leaves_nothing_behind(facial: Avatar, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    kinds = ("objects", "meshes", "shape_keys", "collections", "armatures", "pointclouds", "node_groups")
    done = getattr(avatar_objects, step)

    def fail(*args: object, **kwargs: object) -> None:
        done(*args, **kwargs)
        raise RuntimeError("stop")

    monkeypatch.setattr(avatar_objects, step, fail)
    with pytest.raises(RuntimeError, match="stop"):
        add_avatar(bpy.context, facial, name="Ada")
    assert {kind: len(getattr(bpy.data, kind)) for kind in kinds} == dict.fromkeys(kinds, 0)


def test_skinning_goes_on_without_the_helper(facial: Avatar, made: AvatarObjects) -> None:
    set_sliders(made.armature, random_weights(0))
    bpy.data.objects.remove(made.face)
    set_pose(made.armature, random_pose(1))
    assert off(facial, made, {}) < TOLERANCE
    assert "lost a part" in reason_against(made.armature)
    assert read_face(made.cloud) is None


def test_a_copy_follows_the_avatar_it_was_copied_from(facial: Avatar, made: AvatarObjects) -> None:
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.duplicate(linked=False)
    (copy,) = (found for found in bpy.data.objects if found.type == "POINTCLOUD" and found != made.cloud)
    set_sliders(made.armature, random_weights(2))
    np.testing.assert_array_equal(seen(copy), seen(made.cloud))
    assert off(facial, made, random_weights(2)) < TOLERANCE
    assert "is a copy whose splats follow another avatar" in reason_against(copy.parent)


def test_two_avatars_make_different_faces(facial: Avatar, made: AvatarObjects) -> None:
    bob = add_avatar(bpy.context, facial, name="Bob", location=(2, 0, 0))
    for objects, seed in ((made, 1), (bob, 2)):
        set_sliders(objects.armature, random_weights(seed))
    assert off(facial, made, random_weights(1)) < TOLERANCE
    assert off(facial, bob, random_weights(2)) < TOLERANCE


def test_the_face_rides_on_another_body_shape(make_avatar: Callable[..., Avatar]) -> None:
    avatar = with_face(with_shape(make_avatar()))
    objects = add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    weights = random_weights(4)
    set_sliders(objects.armature, weights)
    betas = np.array([1.5, -1.0, 0.5], np.float32)
    set_shape(bpy.context, objects.armature, betas)
    assert off(avatar.reshaped(betas), objects, weights) < 4e-6


# Files.


def test_a_saved_file_makes_faces_without_the_extension(
    facial: Avatar, made: AvatarObjects, tmp_path: Path
) -> None:
    set_pose(made.armature, random_pose(5))
    weights = random_weights(5)
    expected = by_numpy(facial, made.armature, weights)
    file, result, script = tmp_path / "avatar.blend", tmp_path / "posed.npy", tmp_path / "face.py"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), copy=True)
    script.write_text(_FACE_ALONE, encoding="utf-8")
    subprocess.run([sys.executable, "-I", script, file, json.dumps(weights), result], check=True)
    assert np.linalg.norm(np.load(result) - expected, axis=1).max() < TOLERANCE


# Knows nothing of the extension, and no script in the file may run.
# It ends by os._exit because Blender as a module sometimes fails to end.
_FACE_ALONE = """
import json, os, sys
import bpy
import numpy as np

file, weights, result = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=file, use_scripts=False)
assert not any(name.startswith("lhm_avatars") for name in sys.modules)
armature = bpy.data.objects["Ada"]
for name, value in json.loads(weights).items():
    armature.pose.bones["head"][name] = value
armature.update_tag()
cloud = bpy.data.objects["Ada Gaussians"].evaluated_get(bpy.context.evaluated_depsgraph_get()).data
means = np.empty(3 * len(cloud.points), np.float32)
cloud.attributes["position"].data.foreach_get("vector", means)
np.save(result, means.reshape(-1, 3))
sys.stdout.flush()
os._exit(0)
"""


def test_linked_and_overridden(facial: Avatar, made: AvatarObjects, tmp_path: Path) -> None:
    library, shot = str(tmp_path / "library.blend"), str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    scene, layer = bpy.context.scene, bpy.context.view_layer
    scene.collection.children.link(wanted.collections[0])
    linked = {found.type: found for found in wanted.collections[0].all_objects if found.type != "MESH"}
    assert "Override it (Object > Library Override > Make)" in reason_against(linked["ARMATURE"])
    own = wanted.collections[0].override_hierarchy_create(scene, layer, do_fully_editable=True)
    weights = random_weights(6)
    for again in (False, True):
        if again:
            bpy.ops.wm.save_as_mainfile(filepath=shot)
            bpy.ops.wm.open_mainfile(filepath=shot)
            own = next(found for found in bpy.data.collections if found.override_library)
        parts = {found.type: found for found in own.all_objects if found.type != "MESH"}
        objects = AvatarObjects(parts["ARMATURE"], parts["POINTCLOUD"], parts["ARMATURE"], own)
        if not again:
            set_sliders(objects.armature, weights)
        assert off(facial, objects, weights) < TOLERANCE
        assert reason_against(objects.armature) == ""


def test_the_face_goes_into_an_avatar_file_and_back(
    facial: Avatar, made: AvatarObjects, tmp_path: Path
) -> None:
    set_sliders(made.armature, random_weights(7))
    assert bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "ada.lhma")) == {"FINISHED"}
    found = load_avatar(tmp_path / "ada.lhma")
    assert found.face.names == facial.face.names
    np.testing.assert_array_equal(found.face.indices, facial.face.indices)
    np.testing.assert_allclose(found.face.dirs, facial.face.dirs, atol=1e-6)  # a file keeps micrometres
    np.testing.assert_array_equal(read_face(made.cloud).dirs, facial.face.dirs)
    np.testing.assert_array_equal(found.gaussians.quats, facial.gaussians.quats)


def test_an_export_without_its_face_says_so(
    made: AvatarObjects, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bpy.data.objects.remove(made.face)
    bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "ada.lhma"))
    assert FACE_LEFT_OUT in capfd.readouterr().out
    assert load_avatar(tmp_path / "ada.lhma").face is None
