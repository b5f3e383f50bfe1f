"""Avatars in their photo: the camera against numpy, the picture against the float64 rasterizer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.pictures import render
from exr import rgba
from lhm_avatars.engine.avatar.body import JOINT_NAMES
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.raster.reference import rasterize_reference
from lhm_avatars.rendering.camera import camera_view
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.plate import plate as plates
from lhm_avatars.rendering.plate.compositor import may_composite
from lhm_avatars.rendering.plate.photo_view import photo_view
from lhm_avatars.rendering.plate.plate import Choices, put_in_plate
from lhm_avatars.rendering.plate.stage import GROUND, PART_KEY, SUN, sun_direction
from lhm_avatars.rendering.relight.relit import shadow_of
from lhm_avatars.rendering.render_settings import suit_cycles
from lhm_avatars.rigging.avatar_objects import PHOTO_PELVIS_KEY, AvatarObjects, add_avatar
from lhm_avatars.rigging.poses import photo_pose, set_pose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

SIZE = (120, 160)  # of the photo
CROP, CROP_SCALE = (7, 11, 110, 158), 0.8
VIEWMAT = np.array([[1, 0, 0, -0.3], [0, -0.98, 0.2, 0.8], [0, -0.2, -0.98, -1.4], [0, 0, 0, 1.0]])
VIEWMAT[1:3, 1:3] /= np.sqrt(0.98**2 + 0.2**2)
K_PHOTO = np.array([[170.0, 0, 58.0], [0, 170.0, 83.0], [0, 0, 1]])


def _metadata(digest: str = "") -> dict[str, object]:
    """As an engine writes it, about a camera that is known for the whole photo."""
    K = K_PHOTO.copy()
    K[0, 2] -= CROP[0]
    K[1, 2] -= CROP[1]
    K[:2] *= CROP_SCALE
    return {
        "engine": "lift",
        "photo_sha256": digest,
        "camera": {"viewmat": VIEWMAT.tolist(), "K": K.tolist(), "width": 82, "height": 118},
        "preparation": {
            "crop": list(CROP),
            "crop_scale": CROP_SCALE,
            "working_size": list(SIZE),
            "photo_size": list(SIZE),
        },
    }


def _person(make_avatar: Callable[..., Avatar], count: int = 300) -> Avatar:
    return replace(make_avatar(count), metadata=_metadata())


def _add(avatar: Avatar) -> AvatarObjects:
    return add_avatar(bpy.context, avatar, name="Ada", display=display_group())


def _picture(path: Path, size: tuple[int, int] = SIZE, color: tuple[float, ...] = (0.2, 0.5, 0.3)) -> Path:
    image = bpy.data.images.new("made", *size)
    image.pixels = [*color, 1.0] * (size[0] * size[1])
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return path


def _projected(points: np.ndarray) -> np.ndarray:
    """World points by Blender's own camera, pixels from the top left. [N, 2]"""
    scene = bpy.context.scene
    width, height = scene.render.resolution_x, scene.render.resolution_y
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = np.array(scene.camera.matrix_world.normalized().inverted())
    projection = np.array(scene.camera.calc_matrix_camera(depsgraph, x=width, y=height))
    clip = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ (projection @ view).T
    ndc = clip[:, :2] / clip[:, 3:]
    return (ndc * (1, -1) + 1) / 2 * (width, height)


def _joints_in_world(armature: bpy.types.Object) -> np.ndarray:
    bpy.context.view_layer.update()
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    heads = [evaluated.matrix_world @ evaluated.pose.bones[name].head for name in JOINT_NAMES]
    return np.array(heads)


def _joints_in_photo(avatar: Avatar, K: np.ndarray = K_PHOTO) -> np.ndarray:
    """By numpy, from the avatar's file alone. [55, 2]"""
    params = avatar.params
    moved = forward_kinematics(
        avatar.joints.astype(np.float64), params.pose().astype(np.float64), params.transl.astype(np.float64)
    )
    joints = np.einsum("jab,jb->ja", moved[:, :3, :3], avatar.joints) + moved[:, :3, 3]
    seen = joints @ VIEWMAT[:3, :3].T + VIEWMAT[:3, 3]
    pixels = seen @ K.T
    return pixels[:, :2] / pixels[:, 2:]


@pytest.mark.parametrize("moved", [False, True])
def test_the_camera_sees_the_joints_where_the_photo_has_them(
    make_avatar: Callable[..., Avatar], tmp_path: Path, moved: bool
) -> None:
    avatar = _person(make_avatar)
    made = _add(avatar)
    if moved:
        made.armature.location, made.armature.rotation_euler.z = (3, -2, 0.5), 1.1
        made.armature.scale = (0.9, 0.9, 0.9)
    put_in_plate(bpy.context, made.armature, _picture(tmp_path / "a.png"), Choices())
    expected = _joints_in_photo(avatar)
    assert np.ptp(expected, axis=0).min() > 30
    assert np.abs(_projected(_joints_in_world(made.armature)) - expected).max() < 0.01
    view = camera_view(
        bpy.context.scene, bpy.context.scene.camera, bpy.context.evaluated_depsgraph_get(), *SIZE
    )
    np.testing.assert_allclose(view.K, K_PHOTO, atol=1e-3)
    before = bpy.context.scene.camera.matrix_world.copy()
    set_pose(made.armature, replace(photo_pose(made.armature), body_pose=np.zeros((21, 3), np.float32)))
    put_in_plate(bpy.context, made.armature, tmp_path / "a.png", Choices())
    np.testing.assert_allclose(bpy.context.scene.camera.matrix_world, before, atol=1e-6)


def test_another_plate_is_framed_by_its_height(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    avatar = _person(make_avatar)
    made = _add(avatar)
    said = put_in_plate(bpy.context, made.armature, _picture(tmp_path / "b.png", (400, 320)), Choices())
    assert "not the avatar's photo" in " ".join(said)
    expected = (_joints_in_photo(avatar) - (60, 0)) * 2 + (200, 0)
    assert np.abs(_projected(_joints_in_world(made.armature)) - expected).max() < 0.02


def test_renders_show_the_person_over_the_plate(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    avatar = _person(make_avatar, 4000)
    big = replace(avatar.gaussians, scales=np.full((4000, 3), 0.02, np.float32))
    avatar = replace(avatar, gaussians=replace(big, opacities=np.full(4000, 0.95, np.float32)))
    made = _add(avatar)
    plate = np.array((0.2, 0.5, 0.3))
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = 1, False, False
    scene.cycles.filter_width = 0.01
    suit_cycles(scene)
    put_in_plate(bpy.context, made.armature, _picture(tmp_path / "a.png"), Choices(ground=False))
    passes = render(tmp_path / "out.exr")
    layer, picture = rgba(passes), _composite(passes)
    posed = avatar.posed(avatar.params)
    expected = rasterize_reference(
        posed.means, posed.quats, posed.scales, posed.opacities, posed.colors(), VIEWMAT, K_PHOTO, *SIZE
    )
    linear = np.where(plate <= 0.04045, plate / 12.92, ((plate + 0.055) / 1.055) ** 2.4)
    shown, person = layer[..., 3] > 0.5, expected.alpha > 0.5
    assert 800 < person.sum() < 12000
    assert (shown & person).sum() / (shown | person).sum() > 0.95
    np.testing.assert_allclose(picture[..., :3], layer[..., :3] + (1 - layer[..., 3:]) * linear, atol=0.01)


def _composite(passes: dict[str, np.ndarray]) -> np.ndarray:
    """What the compositor made."""
    channels = {name: value for name, value in passes.items() if name.startswith("Composite")}
    if channels:
        return np.stack([channels[f"Composite.Combined.{c}"] for c in "RGBA"], axis=-1)
    return rgba(passes)


def test_everything_is_set_up_and_once_only(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    made = _add(_person(make_avatar))
    path = _picture(tmp_path / "a.png")
    scene = bpy.context.scene
    scene.render.pixel_aspect_x, scene.view_settings.view_transform = 2.0, "AgX"
    counts = []
    for _ in range(2):
        assert bpy.ops.lhm.put_in_plate(filepath=str(path)) == {"FINISHED"}
        counts.append([len(getattr(bpy.data, kind)) for kind in ("objects", "images", "worlds", "materials")])
    assert counts[0] == counts[1]
    render_ = scene.render
    assert (render_.resolution_x, render_.resolution_y, render_.pixel_aspect_x) == (*SIZE, 1.0)
    assert render_.film_transparent
    assert scene.view_settings.view_transform == "Standard"
    assert shadow_of(made.armature) is not None
    parts = {part.get(PART_KEY): part for part in scene.objects if part.get(PART_KEY)}
    assert parts[GROUND].is_shadow_catcher
    assert parts[GROUND].location.z == pytest.approx(made.armature.location.z)
    assert parts[SUN].data.type == "SUN"
    (behind,) = scene.camera.data.background_images
    assert behind.image.packed_file is not None  # an unsaved .blend keeps it inside
    assert (
        scene.world.node_tree.nodes["Background"].inputs["Color"].default_value[1] > 0.5
    )  # the plate is green


def test_scenes_have_plates_of_their_own(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    _add(_person(make_avatar))
    assert bpy.ops.lhm.put_in_plate(filepath=str(_picture(tmp_path / "a.png"))) == {"FINISHED"}
    first = bpy.context.scene
    world, shown = first.world, _image(first)
    bpy.ops.scene.new(type="LINK_COPY")  # has the first one's avatar, world and compositing
    second = bpy.context.scene
    assert second != first
    second.world.node_tree.nodes.clear()
    assert bpy.ops.lhm.put_in_plate(filepath=str(_picture(tmp_path / "b.png"))) == {"FINISHED"}
    assert first.world == world != second.world
    assert (_image(first), _image(second)) == (shown, "b.png")
    background = second.world.node_tree.get_output_node("ALL").inputs["Surface"].links[0].from_node
    assert background.inputs["Color"].default_value[1] > 0.5
    second.world.node_tree.nodes.clear()
    assert bpy.ops.lhm.put_in_plate(filepath=str(tmp_path / "b.png")) == {"FINISHED"}
    assert second.world.node_tree.get_output_node("ALL").inputs["Surface"].is_linked


def test_a_saved_file_has_relative_paths(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    made = _add(_person(make_avatar))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    put_in_plate(bpy.context, made.armature, _picture(tmp_path / "a.png"), Choices())
    (image,) = (image for image in bpy.data.images if image.name == "a.png")
    assert image.filepath == "//a.png"
    assert image.packed_file is None


def test_a_clip_sets_rate_and_frames(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    clip = _clip(tmp_path)
    made = _add(_person(make_avatar))
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 250
    said = put_in_plate(bpy.context, made.armature, clip, Choices())
    assert scene.render.fps / scene.render.fps_base == pytest.approx(30000 / 1001, rel=1e-4)
    assert (scene.frame_start, scene.frame_end) == (1, 5)
    (behind,) = scene.camera.data.background_images
    assert (behind.source, behind.clip.size[:]) == ("MOVIE_CLIP", (64, 48))
    assert "Save the .blend" in " ".join(said)
    assert not may_composite(scene) or _source(scene) == "CompositorNodeMovieClip"


def _source(scene: bpy.types.Scene) -> str:
    tree = getattr(scene, "compositing_node_group", None) or scene.node_tree
    return next(node.bl_idname for node in tree.nodes if not node.inputs and "RLayers" not in node.bl_idname)


def _image(scene: bpy.types.Scene) -> str:
    tree = getattr(scene, "compositing_node_group", None) or scene.node_tree
    return next(node.image.name for node in tree.nodes if node.bl_idname == "CompositorNodeImage")


def _clip(folder: Path) -> Path:
    """Five grey frames at 29.97 a second."""
    bpy.context.view_layer.update()
    scene = bpy.data.scenes.new("Clip")
    scene.render.resolution_x, scene.render.resolution_y = 64, 48
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.frame_start, scene.frame_end = 1, 5
    scene.camera = bpy.data.objects.new("Clip Camera", bpy.data.cameras.new("Clip Camera"))
    scene.collection.objects.link(scene.camera)
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    if hasattr(scene.render.image_settings, "media_type"):  # Blender 5.0
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "MPEG4"
    scene.render.use_file_extension, scene.render.filepath = False, str(folder / "clip.mp4")
    bpy.ops.render.render(animation=True, scene="Clip")
    bpy.data.scenes.remove(scene)
    return folder / "clip.mp4"


def test_own_compositing_stays(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    made = _add(_person(make_avatar))
    scene = bpy.context.scene
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = tree = bpy.data.node_groups.new("Mine", "CompositorNodeTree")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    tree.nodes.new("CompositorNodeBlur").name = "Mine"
    count = len(tree.nodes)
    said = put_in_plate(bpy.context, made.armature, _picture(tmp_path / "a.png"), Choices())
    assert plates.OWN_COMPOSITING in said
    assert len(tree.nodes) == count


def test_selected_meshes_hide_the_avatar_and_keep_keeps(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    made = _add(_person(make_avatar))
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    made.armature.select_set(True)
    bpy.context.view_layer.objects.active = made.armature
    scene = bpy.context.scene
    scene.camera = own = bpy.data.objects.new("Own", bpy.data.cameras.new("Own"))
    scene.collection.objects.link(own)
    path = str(_picture(tmp_path / "a.png"))
    done = bpy.ops.lhm.put_in_plate(
        filepath=path, camera="KEEP", light="KEEP", hold_out=True, ground=False, composite=False
    )
    assert done == {"FINISHED"}
    assert cube.is_holdout
    assert scene.camera == own
    assert scene.world is None
    assert shadow_of(made.armature) is None
    assert len(own.data.background_images) == 1
    assert not any(part.get(PART_KEY) for part in scene.objects)


def test_in_eevee_the_missing_shadow_is_told(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    made = _add(_person(make_avatar))
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_EEVEE" if bpy.app.version >= (5, 0) else "BLENDER_EEVEE_NEXT"
    said = put_in_plate(bpy.context, made.armature, _picture(tmp_path / "a.png"), Choices())
    assert plates.EEVEE_SHADOW in said


def _untouched() -> tuple[object, ...]:
    scene = bpy.context.scene
    counts = [
        len(getattr(bpy.data, kind)) for kind in ("objects", "images", "movieclips", "worlds", "cameras")
    ]
    return counts, scene.camera, scene.render.film_transparent, scene.render.resolution_x


def test_errors_are_sentences_and_change_nothing(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    made = _add(_person(make_avatar))
    good = _picture(tmp_path / "a.png")
    text = tmp_path / "words.png"
    text.write_text("no picture")
    film = tmp_path / "words.mp4"
    film.write_text("no clip")
    armature = made.armature
    before = _untouched()

    def refused(match: str, path: Path = good, **choices: bool) -> None:
        with pytest.raises(plates.AvatarError, match=match):
            put_in_plate(bpy.context, armature, path, Choices(**choices))
        assert _untouched() == before

    refused("There is no file", tmp_path / "none.png")
    refused("neither an image nor a clip|cannot be read", text)
    refused("neither an image nor a clip|cannot be read", film)
    refused("has no camera to keep", from_photo=False)
    bpy.context.scene.camera = made.cloud  # Blender takes any object for one
    before = _untouched()
    refused("has no camera to keep", from_photo=False)
    bpy.context.scene.camera = None
    before = _untouched()
    del armature[PHOTO_PELVIS_KEY]
    refused("an older version")
    armature["lhm_metadata"] = json.dumps({"engine": "lift"})
    refused("does not say where its photo was taken from")
    with pytest.raises(RuntimeError, match="No photo or clip was chosen"):
        bpy.ops.lhm.put_in_plate()
    bpy.data.objects.remove(made.cloud)
    before = _untouched()
    refused("were deleted")


def test_photos_that_are_only_marked_as_turned_are_refused(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    path = _picture(tmp_path / "a.png", (160, 120))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    made = _add(replace(make_avatar(50), metadata=_metadata(digest)))
    before = _untouched()
    with pytest.raises(plates.AvatarError, match="stored turned"):
        put_in_plate(bpy.context, made.armature, path, Choices())
    assert _untouched() == before


def test_a_linked_scene_is_refused(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    _add(_person(make_avatar))
    path = _picture(tmp_path / "a.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "shot.blend"), link=True) as (_, wanted):
        wanted.scenes = ["Scene"]
    linked = wanted.scenes[0]
    with (
        bpy.context.temp_override(scene=linked, view_layer=linked.view_layers[0]),
        pytest.raises(plates.AvatarError, match="scene is linked"),
    ):
        put_in_plate(bpy.context, bpy.data.objects["Ada"], path, Choices())


@pytest.mark.parametrize("slope", [None, (0.01, 0, 0), (0.3, -0.4, 0.1), (0, 0.5, 0.1), (0, -0.3, 0)])
def test_the_sun_is_above_the_horizon_and_on_the_photos_side(slope: tuple[float, ...] | None) -> None:
    direction = np.array(sun_direction(slope))
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[1] > 0.55
    if slope is not None and np.hypot(slope[0], slope[2]) > 0.05:
        assert direction[0] * slope[0] + direction[2] * slope[2] > 0


def test_the_view_is_that_of_the_whole_photo(make_avatar: Callable[..., Avatar]) -> None:
    made = _add(_person(make_avatar))
    view = photo_view(made.armature, _metadata())
    np.testing.assert_allclose(view.K, K_PHOTO, atol=1e-9)
    half = _metadata()
    half["preparation"] = {**half["preparation"], "photo_size": [240, 320]}  # type: ignore[dict-item]
    larger = photo_view(made.armature, half)
    np.testing.assert_allclose(larger.K[:2], 2 * K_PHOTO[:2], atol=1e-9)
