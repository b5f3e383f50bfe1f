"""LHM Preview amid the scene: judged by Cycles, by Blender's ray casts and by what a mono camera sees."""

from __future__ import annotations

from math import radians
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.pictures import add_camera, psnr, render
from blender.test_panels import drawn
from exr import rgba
from lhm_avatars.engine.avatar.rotations import quat_from_rotvec
from lhm_avatars.engine.avatar.sh import colors_from_sh
from lhm_avatars.engine.environment import engine_python
from lhm_avatars.panels.preview_settings import LHM_PT_film
from lhm_avatars.preferences import engine_root
from lhm_avatars.rendering.camera import camera_view
from lhm_avatars.rendering.confidence import show_confidence
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.picture import FARTHEST
from lhm_avatars.rendering.preview.lamps import collect_lamps, studio
from lhm_avatars.rendering.preview.materials import EMITTING, HOLDOUT, MATTE, paint_of
from lhm_avatars.rendering.preview.meshes import collect_meshes
from lhm_avatars.rendering.preview.passes import passes_of
from lhm_avatars.rendering.preview_engine import ENGINE_ID
from lhm_avatars.rendering.relight.relit import UNLIT, light_avatar
from lhm_avatars.rendering.splats import collect_splats
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from mathutils.bvhtree import BVHTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

INDEX_PASS = "Object Index" if bpy.app.version >= (5, 0) else "IndexOB"


@pytest.fixture
def engine(empty_scene: None) -> None:
    if engine_python(engine_root()) is None:
        pytest.skip("the engine is not installed; python dev.py test does it")
    bpy.context.scene.render.engine = ENGINE_ID


@pytest.fixture
def person(empty_scene: None, make_avatar: Callable[..., Avatar]) -> AvatarObjects:
    add_camera()
    return add_avatar(bpy.context, make_avatar(600), name="Ada", display=display_group())


def painted(color: tuple[float, float, float], shader: str = "ShaderNodeBsdfDiffuse") -> bpy.types.Material:
    material = bpy.data.materials.new("Paint")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    node, output = tree.nodes.new(shader), tree.nodes.new("ShaderNodeOutputMaterial")
    if "Color" in node.inputs:
        node.inputs["Color"].default_value = (*color, 1)
    tree.links.new(node.outputs[0], output.inputs[0])
    return material


def add(
    kind: str, color: tuple[float, float, float] = (0.5, 0.3, 0.1), **keywords: object
) -> bpy.types.Object:
    getattr(bpy.ops.mesh, f"primitive_{kind}_add")(**keywords)
    made = bpy.context.object
    made.data.materials.append(painted(color))
    return made


def lamp(kind: str, energy: float, location=(0.8, -0.9, 1.6), **settings: object) -> bpy.types.Object:
    data = bpy.data.lights.new("Lamp", kind)
    data.energy = energy
    for name, value in settings.items():
        setattr(data, name, value)
    made = bpy.data.objects.new("Lamp", data)
    bpy.context.scene.collection.objects.link(made)
    made.location, made.rotation_euler = location, (radians(25), radians(15), 0.3)
    return made


def cycles(path: Path) -> dict[str, np.ndarray]:
    """Direct light only, exact normals, no world."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces, scene.cycles.use_denoising = 256, 0, False
    scene.cycles.use_adaptive_sampling, scene.cycles.filter_width = False, 0.01
    return render(path)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("kind", "energy", "settings"),
    [
        ("SUN", 3.0, {}),
        ("POINT", 100.0, {"shadow_soft_size": 0.01}),
        ("SPOT", 100.0, {"shadow_soft_size": 0.01, "spot_size": 1.0, "spot_blend": 0.4}),
        ("AREA", 50.0, {"shape": "RECTANGLE", "size": 0.8, "size_y": 0.3}),
        ("AREA", 50.0, {"shape": "DISK", "size": 0.1}),
    ],
)
def test_light_is_as_bright_as_in_cycles(
    tmp_path: Path, kind: str, energy: float, settings: dict[str, object]
) -> None:
    add_camera((48, 36))
    bpy.context.scene.camera.location.z = 2.4
    bpy.context.scene.camera.rotation_euler.x = radians(65)
    add("plane", size=4)
    ball = add("uv_sphere", (0.2, 0.5, 0.7), radius=0.3, location=(-0.3, 0, 0.6), segments=64, ring_count=32)
    ball.data.shade_smooth()
    lamp(kind, energy, **settings)
    ours = rgba(render(tmp_path / "a.exr"))
    theirs = rgba(cycles(tmp_path / "b.exr"))
    # Edges of shadows and of things are drawn otherwise; most of the picture is neither.
    error = np.abs(ours - theirs)[..., :3] / max(float(np.quantile(theirs[..., :3], 0.98)), 1e-3)
    assert theirs[..., :3].max() > 0.05
    assert np.median(error) < 0.01
    assert (error.max(axis=2) < 0.05).mean() > 0.9


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("lens", ["PERSP", "ORTHO"])
def test_depth_and_normal_of_meshes_are_those_of_ray_casts(tmp_path: Path, lens: str) -> None:
    camera = add_camera((40, 30))
    camera.data.type, camera.data.ortho_scale = lens, 3.0
    add("cube", size=0.8, location=(0.5, 0, 0.9), rotation=(0.3, 0.2, 0.6))
    add("uv_sphere", radius=0.5, location=(-0.4, 0.4, 1.0))
    layer = bpy.context.view_layer
    layer.use_pass_z = layer.use_pass_normal = True
    channels = render(tmp_path / "a.exr")
    depsgraph = bpy.context.evaluated_depsgraph_get()
    corners = collect_meshes(depsgraph)["corners"].reshape(-1, 3)
    tree = BVHTree.FromPolygons(corners.tolist(), np.arange(len(corners)).reshape(-1, 3).tolist())
    view = camera_view(bpy.context.scene, camera.evaluated_get(depsgraph), depsgraph, 40, 30)
    inverse, turn = np.linalg.inv(view.K), view.viewmat[:3, :3].astype(float)
    axis = turn[2] / np.linalg.norm(turn[2])
    origin = np.array(camera.matrix_world.translation)
    errors, hits = [], 0
    for y in range(30):
        for x in range(40):
            u, v, _ = inverse @ (x + 0.5, y + 0.5, 1)
            if lens == "PERSP":
                start, way = origin, turn.T @ (u, v, 1)
            else:
                start, way = origin + turn[0] * u + turn[1] * v, axis
            place, normal, _, _ = tree.ray_cast(start, way)
            found = channels["ViewLayer.Depth.Z"][y, x]
            if place is None or found == FARTHEST:
                errors.append((place is None) != (found == FARTHEST))
                continue
            hits += 1
            depth = (np.array(place) - origin) @ axis
            shown = np.array([channels[f"ViewLayer.Normal.{c}"][y, x] for c in "XYZ"])
            facing = np.array(normal) * -np.sign(np.dot(normal, way))
            full = np.linalg.norm(shown) > 0.9999  # else an edge goes through the pixel
            errors.append(abs(found - depth) > 2e-3 or (full and np.abs(shown - facing).max() > 0.02))
    assert hits > 150
    assert np.mean(errors) < 0.01


@pytest.mark.usefixtures("engine")
def test_a_wall_through_the_person_hides_what_is_behind_it(person: AvatarObjects, tmp_path: Path) -> None:
    alone = rgba(render(tmp_path / "alone.exr"))
    wall = add("plane", (0.2, 0.4, 0.6), size=6, location=(0, -0.6, 1), rotation=(radians(90), 0, 0))
    wall.data.materials[0] = painted((0.2, 0.4, 0.6), "ShaderNodeEmission")
    covered = rgba(render(tmp_path / "covered.exr"))
    np.testing.assert_allclose(covered, np.broadcast_to([0.2, 0.4, 0.6, 1], covered.shape), atol=1e-6)
    wall.location.y = 0.8
    before = rgba(render(tmp_path / "before.exr"))
    expected = alone[..., :3] + (1 - alone[..., 3:]) * np.array([0.2, 0.4, 0.6])
    np.testing.assert_allclose(before[..., :3], expected, atol=2e-3)
    wall.location.y = person.armature.location.y
    through = rgba(render(tmp_path / "through.exr"))
    seen = alone[..., 3] > 0.5
    assert 0.02 < np.abs(through - before)[seen].mean() < np.abs(covered - before)[seen].mean()


@pytest.mark.usefixtures("engine", "person")
def test_a_shadow_catcher_is_clear_but_for_the_shadow(tmp_path: Path) -> None:
    floor = add("plane", size=8)
    floor.is_shadow_catcher = True
    nothing = rgba(render(tmp_path / "dark.exr"))  # no lights: the studio light casts no shadow
    lamp("SUN", 3.0).rotation_euler = (radians(20), radians(55), 0)
    lit = rgba(render(tmp_path / "lit.exr"))
    shadow = (lit[..., 3] - nothing[..., 3]) > 0.05
    assert shadow.sum() > 30
    assert not lit[shadow & (nothing[..., 3] == 0)][:, :3].any()
    assert lit[0, 0, 3] == 0


@pytest.mark.usefixtures("engine")
def test_holdout_and_indirect_collections(person: AvatarObjects, tmp_path: Path) -> None:
    alone = rgba(render(tmp_path / "alone.exr"))
    collection = bpy.data.collections.new("Walls")
    bpy.context.scene.collection.children.link(collection)
    wall = add("plane", size=6, location=(0, -0.6, 1), rotation=(radians(90), 0, 0))
    bpy.context.scene.collection.objects.unlink(wall)
    collection.objects.link(wall)
    layer = bpy.context.view_layer.layer_collection.children
    layer["Walls"].holdout = True
    assert not rgba(render(tmp_path / "holdout.exr")).any()
    layer["Walls"].holdout, layer["Walls"].indirect_only = False, True
    np.testing.assert_allclose(rgba(render(tmp_path / "indirect.exr")), alone, atol=1e-6)
    layer["Walls"].exclude, layer["Ada"].indirect_only = True, True
    assert not rgba(render(tmp_path / "unseen.exr")).any()
    assert person.cloud.visible_camera


@pytest.mark.usefixtures("engine")
def test_passes_are_there_when_asked_for(
    make_avatar: Callable[..., Avatar], person: AvatarObjects, tmp_path: Path
) -> None:
    other = add_avatar(bpy.context, make_avatar(300, seed=5), name="Bea", location=(1.2, 0, 0))
    person.cloud.pass_index, other.cloud.pass_index = 3, 5
    plain = render(tmp_path / "plain.exr")
    assert {name.split(".")[1] for name in plain} == {"Combined"}
    layer = bpy.context.view_layer
    layer.use_pass_normal = layer.use_pass_object_index = True
    layer.lhm_preview.seen = layer.lhm_preview.masks = True
    channels = render(tmp_path / "all.exr")
    combined = rgba(channels)
    masks = [channels[f"ViewLayer.LHM Mask {name}.X"] for name in ("Ada", "Bea")]
    np.testing.assert_allclose(sum(masks), combined[..., 3], atol=1e-4)
    seen = sum(channels[f"ViewLayer.LHM Seen.{channel}"] for channel in "RGB")
    np.testing.assert_allclose(seen, combined[..., 3], atol=1e-4)
    index = channels[f"ViewLayer.{INDEX_PASS}.X"]
    for mask, number in zip(masks, (3, 5), strict=True):
        assert (mask > 0.9).sum() > 20
        assert (index[mask > 0.6] == number).all()
    assert (index[combined[..., 3] < 0.4] == 0).all()
    length = np.linalg.norm([channels[f"ViewLayer.Normal.{c}"] for c in "XYZ"], axis=0)
    assert 0.3 < length[combined[..., 3] > 0.9].mean() <= 1
    assert not length[combined[..., 3] == 0].any()


@pytest.mark.usefixtures("engine", "person")
@pytest.mark.parametrize("fit", ["HORIZONTAL", "VERTICAL"])
def test_each_eye_sees_what_a_camera_there_sees(tmp_path: Path, fit: str) -> None:
    scene, camera = bpy.context.scene, bpy.context.scene.camera
    add("cube", size=0.4, location=(0.5, -0.5, 0.9))
    camera.data.sensor_fit, camera.data.shift_x = fit, 0.02
    camera.data.stereo.convergence_mode, camera.data.stereo.pivot = "OFFAXIS", "CENTER"
    camera.data.stereo.interocular_distance, camera.data.stereo.convergence_distance = 0.2, 4.0
    render(tmp_path / "first.exr")  # only a format of several layers takes several views
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "MULTIVIEW"
    stereo = render(tmp_path / "stereo.exr")
    eyes = {
        side: np.stack([stereo[f"ViewLayer.Combined.{side}.{c}"] for c in "RGBA"], axis=-1)
        for side in ("left", "right")
    }
    assert np.abs(eyes["left"] - eyes["right"]).max() > 0.1
    scene.render.use_multiview = False
    # Off-axis: the eyes are moved aside, their windows meet at the convergence distance.
    # Blender counts by the sensor's width, whichever side the picture is fitted to.
    shift = 0.1 / 4.0 * camera.data.lens / camera.data.sensor_width
    place = camera.location.copy()
    for side, sign in (("left", -1), ("right", 1)):
        camera.location = place + camera.matrix_world.to_3x3().col[0] * 0.1 * sign
        camera.data.shift_x = 0.02 - sign * shift
        mono = rgba(render(tmp_path / "mono.exr"))
        assert psnr(eyes[side], mono, np.ones(mono.shape[:2], bool)) > 55


@pytest.mark.usefixtures("person")
def test_all_kinds_of_things_become_triangles() -> None:
    scene = bpy.context.scene
    assert collect_meshes(bpy.context.evaluated_depsgraph_get()) == {}  # an avatar is none
    cube = add("cube", size=2, location=(0, 0, 5))
    cube.scale.z = -1  # mirrored
    cube.pass_index, cube.visible_shadow = 9, False
    found = collect_meshes(bpy.context.evaluated_depsgraph_get())
    outward = found["corners"].mean(axis=1) - (0, 0, 5)
    assert len(outward) == 12
    assert (np.einsum("nk,nk->n", found["normals"].mean(axis=1), outward) > 0.5).all()
    np.testing.assert_allclose(np.abs(found["corners"] - (0, 0, 5)), 1, atol=1e-6)
    assert set(found["index"]) == {9}
    assert not found["shadow"].any()
    assert found["camera"].all()
    np.testing.assert_allclose(found["colors"], np.broadcast_to([0.5, 0.3, 0.1], (12, 3)), rtol=1e-6)
    text = bpy.data.objects.new("Text", bpy.data.curves.new("Text", "FONT"))
    text.data.body, text.location = "A", (7, 0, 0)
    scene.collection.objects.link(text)
    twice = bpy.data.collections.new("Twice")
    twice.objects.link(cube)
    empty = bpy.data.objects.new("Empty", None)
    empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", twice, (20, 0, 0)
    scene.collection.objects.link(empty)
    corners = collect_meshes(bpy.context.evaluated_depsgraph_get())["corners"]
    middles = corners.mean(axis=1)
    assert (np.abs(middles - (7.3, 0.35, 0)).max(axis=1) < 1).sum() > 4  # the letter
    assert (np.abs(middles - (20, 0, 5)).max(axis=1) <= 1).sum() == 12
    add("cube", size=1).hide_render = True
    assert scene.camera is not None


def test_materials_are_one_color() -> None:
    assert paint_of(None) == ((0.8, 0.8, 0.8), MATTE)
    assert paint_of(painted((0.5, 0.25, 0.125))) == ((0.5, 0.25, 0.125), MATTE)
    glowing = painted((0.5, 0.25, 0.125), "ShaderNodeEmission")
    glowing.node_tree.nodes["Emission"].inputs["Strength"].default_value = 4
    assert paint_of(glowing) == ((2, 1, 0.5), EMITTING)
    assert paint_of(painted((0, 0, 0), "ShaderNodeHoldout")).kind == HOLDOUT
    driven = painted((0.5, 0.25, 0.125))
    image = driven.node_tree.nodes.new("ShaderNodeTexChecker")
    driven.node_tree.links.new(image.outputs[0], driven.node_tree.nodes["Diffuse BSDF"].inputs["Color"])
    driven.diffuse_color = (0.25, 0.5, 0.75, 1)
    assert paint_of(driven) == ((0.25, 0.5, 0.75), MATTE)


def test_lights_of_the_scene_and_of_the_studio() -> None:
    lamp("SUN", 2.0, angle=0.1, color=(1, 0.5, 0.25), use_shadow=False)
    (found,) = collect_lamps(bpy.context.evaluated_depsgraph_get())
    assert (found["kind"], found["color"], found["shadow"]) == ("SUN", [2, 1, 0.5], False)
    np.testing.assert_allclose(found["size"], 0.1)
    turn = np.array(bpy.data.objects["Lamp"].matrix_world)
    key, _ = studio(turn)[0]
    towards = turn[:3, :3].T @ np.array(key["matrix"])[:3, 2]
    assert towards[0] < 0 < towards[1]  # from the upper left of the picture, from the camera's side
    assert towards[2] > 0.5


@pytest.mark.parametrize("display", [False, True])
def test_colors_depend_on_the_direction_and_turn_with_the_person(
    make_avatar: Callable[..., Avatar], display: bool
) -> None:
    avatar = make_avatar(200, degree=3)
    made = add_avatar(
        bpy.context, avatar, name="Ada", display=display_group() if display else None, pose="rest"
    )
    eye = np.array([1.0, -4, 1.5, 1])

    def seen(from_where: np.ndarray) -> np.ndarray:
        bpy.context.view_layer.update()
        return collect_splats(bpy.context.evaluated_depsgraph_get(), from_where).colors

    inverse = np.linalg.inv(np.array(made.cloud.matrix_world))
    means = collect_splats(bpy.context.evaluated_depsgraph_get()).means.astype(float)
    local = means @ inverse[:3, :3].T + inverse[:3, 3] - (inverse @ eye)[:3]
    expected = colors_from_sh(avatar.gaussians.sh.astype(float), local)  # at rest nothing is turned
    first = seen(eye)
    np.testing.assert_allclose(first, expected, atol=2e-4)
    assert np.abs(first - seen(eye * (-1, 1, 1, 1))).max() > 0.1
    # Bones turn all of it: what stays in front of the camera keeps its colour.
    made.armature.pose.bones["pelvis"].rotation_quaternion = quat_from_rotvec(np.array([0, 0.7, 0]))
    pelvis = np.array(made.armature.matrix_world) @ np.array(made.armature.pose.bones["pelvis"].head.to_4d())
    turn = np.eye(3)
    c, s = np.cos(0.7), np.sin(0.7)
    turn[:2, :2] = (c, -s), (s, c)  # body y is the world's z
    moved = np.append(turn @ (eye - pelvis)[:3] + pelvis[:3], 1)
    np.testing.assert_allclose(seen(moved), first, atol=1e-3)
    if display:
        show_confidence(made.cloud, True)
        np.testing.assert_allclose(seen(eye), seen(moved))


def test_masks_of_any_names_are_kept_apart(make_avatar: Callable[..., Avatar]) -> None:
    for _ in range(2):
        add_avatar(bpy.context, make_avatar(20), name="Ada")  # the second is Ada.001
    for _ in range(2):
        add_avatar(bpy.context, make_avatar(20), name="\u5f20" * 20)  # three bytes each
    add_avatar(bpy.context, make_avatar(20), name="Ada_001")
    layer = bpy.context.view_layer
    layer.lhm_preview.masks = True
    names = [found.name for found in passes_of(bpy.context.scene, layer) if found.own]
    assert len(set(names)) == 5
    assert {"LHM Mask Ada", "LHM Mask Ada_001", "LHM Mask Ada_001_2"} < set(names)
    assert all(
        len(name.encode()) < 64 and "." not in name for name in names
    )  # Blender's and OpenEXR's limits


@pytest.mark.parametrize("scale", [(0, 0, 0), (1, 1, 0)])
def test_scaled_to_nothing(make_avatar: Callable[..., Avatar], scale: tuple[float, float, float]) -> None:
    person = add_avatar(bpy.context, make_avatar(50), name="Ada", display=display_group())
    person.armature.scale = scale
    bpy.context.view_layer.update()
    splats = collect_splats(bpy.context.evaluated_depsgraph_get(), np.array([0, -3, 1, 1.0]))
    assert splats.count == (50 if any(scale) else 0)
    assert all(np.isfinite(values).all() for values in vars(splats).values())


def test_film_panel_tells_of_lit_avatars(person: AvatarObjects) -> None:
    bpy.context.scene.render.engine = ENGINE_ID
    assert UNLIT not in " ".join(drawn(LHM_PT_film).words)
    light_avatar(person.armature, person.cloud, True)
    assert UNLIT in " ".join(drawn(LHM_PT_film).words)
