"""Pictures of avatars in scenes as people make them, against the float64 rasterizer."""

from __future__ import annotations

import subprocess
import sys
from math import radians
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.pictures import add_camera, psnr, reference, render
from blender.test_display_nodes import agreement, person
from blender.test_user_errors import refused
from exr import read_exr, rgba
from lhm_avatars.operators.avatars import LINKED
from lhm_avatars.rendering.display_modes import set_display
from lhm_avatars.rendering.render_settings import CYCLES, suit_renders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.rigging.avatar_objects import AvatarObjects

pytestmark = pytest.mark.usefixtures("empty_scene")
RAW = {"Raw Colors": True}


def crowded(make_avatar: Callable[..., Avatar]) -> AvatarObjects:
    """A person of 4,000 Gaussians, rendered with one ray through the middle of each pixel."""
    return person(lambda _: make_avatar(4000), **RAW)


def picture(path: Path) -> np.ndarray:
    return rgba(render(path))


# Depth of field.


def test_in_focus_stays_sharp_and_out_of_focus_blurs(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    camera = add_camera((64, 48))
    person(lambda _: make_avatar(1500), **RAW)
    cycles = bpy.context.scene.cycles
    cycles.samples = 24
    sharp = picture(tmp_path / "sharp.exr")
    dof = camera.data.dof
    dof.use_dof, dof.aperture_fstop = True, 0.2
    marks, areas = [], []
    for focus in (4.5, 6.0, 9.0):  # metres; the person stands at the first
        dof.focus_distance = focus
        blurred = picture(tmp_path / "dof.exr")
        marks.append(psnr(blurred[..., :3], sharp[..., :3], sharp[..., 3] > 0.02))
        areas.append((blurred[..., 3] > 0.02).sum() / (sharp[..., 3] > 0.02).sum())
    assert marks[0] > 20
    assert marks[0] > marks[1] + 5
    assert areas[0] < areas[1] < areas[2]
    assert areas[0] < 1.03
    assert areas[2] > 1.15


# Cameras.


def test_markers_switch_cameras_and_splats_face_each(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    scene = bpy.context.scene
    front = add_camera((80, 60))
    crowded(make_avatar)
    side = bpy.data.objects.new("Side", bpy.data.cameras.new("Side"))
    scene.collection.objects.link(side)
    side.location, side.rotation_euler, side.data.lens = (4.2, 0.4, 1.0), (radians(90), 0, radians(95)), 35
    for frame, camera in ((1, front), (2, side)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    seen = []
    scene.frame_start, scene.frame_end = 1, 2
    path = tmp_path / "shot_"
    render(tmp_path / "a.exr")  # sets the file format
    scene.render.filepath = str(path)
    bpy.ops.render.render(animation=True)
    for frame, camera in ((1, front), (2, side)):
        scene.frame_set(frame)
        assert scene.camera == camera
        expected = reference()
        made = rgba(read_exr(tmp_path / f"shot_{frame:04d}.exr"))
        assert psnr(made[..., :3], expected.color, expected.alpha > 0.02) > 38
        seen.append(made)
    assert np.abs(seen[0] - seen[1]).max() > 0.5


# Instances.


def test_a_moved_instance_is_a_second_person(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    """Of splats, which face the camera as seen from the original; of disks, from anywhere."""
    add_camera((96, 72))
    made = crowded(make_avatar)
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", made.collection
    bpy.context.scene.collection.objects.link(instance)
    instance.location = (0.9, 0.3, 0.0)
    both = reference()
    shown = picture(tmp_path / "a.exr")
    assert psnr(shown[..., :3], both.color, both.alpha > 0.02) > 28
    instance.hide_render = instance.hide_viewport = True
    one = reference()
    assert (both.alpha > 0.5).sum() > 1.6 * (one.alpha > 0.5).sum()


def test_instances_by_geometry_nodes(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_camera((96, 72))
    made = crowded(make_avatar)
    tree = bpy.data.node_groups.new("Copies", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    info, move = tree.nodes.new("GeometryNodeObjectInfo"), tree.nodes.new("GeometryNodeTransform")
    info.transform_space = "RELATIVE"
    info.inputs["Object"].default_value = made.cloud
    info.inputs["As Instance"].default_value = True
    move.inputs["Translation"].default_value = (0.9, 0.3, 0.0)
    out = tree.nodes.new("NodeGroupOutput")
    tree.links.new(next(s for s in info.outputs if s.type == "GEOMETRY"), move.inputs[0])
    tree.links.new(move.outputs[0], out.inputs[0])
    carrier = bpy.data.objects.new("Carrier", bpy.data.meshes.new("Carrier"))
    bpy.context.scene.collection.objects.link(carrier)
    carrier.modifiers.new("Copies", "NODES").node_group = tree
    alone = picture(tmp_path / "both.exr")
    carrier.hide_render = True
    one = picture(tmp_path / "one.exr")
    assert (alone[..., 3] > 0.5).sum() > 1.6 * (one[..., 3] > 0.5).sum()


# Border and film.


@pytest.mark.parametrize("crop", [False, True])
def test_a_render_border_shows_its_part(
    make_avatar: Callable[..., Avatar], tmp_path: Path, crop: bool
) -> None:
    add_camera((96, 72))
    crowded(make_avatar)
    whole = picture(tmp_path / "whole.exr")
    settings = bpy.context.scene.render
    settings.use_border, settings.use_crop_to_border = True, crop
    settings.border_min_x, settings.border_max_x = 0.25, 0.75
    settings.border_min_y, settings.border_max_y = 0.5, 1.0
    part = picture(tmp_path / "part.exr")
    inner = whole[:36, 24:72]
    assert inner[..., 3].max() > 0.9
    if crop:
        assert part.shape == inner.shape
        np.testing.assert_allclose(part, inner, atol=2e-3)
    else:
        np.testing.assert_allclose(part[:36, 24:72], inner, atol=2e-3)
        assert np.abs(part[36:]).max() == 0


def test_a_transparent_film_has_the_splats_alpha(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_camera((96, 72))
    crowded(make_avatar)
    expected = reference()
    shown = picture(tmp_path / "a.exr")
    soft = (expected.alpha > 0.1) & (expected.alpha < 0.9)
    assert soft.sum() > 100
    assert psnr(shown[..., 3], expected.alpha, expected.alpha > 0.02) > 38
    assert shown[..., 3][expected.alpha < 1e-3].max() < 0.02
    bpy.context.scene.render.film_transparent = False
    world = bpy.data.worlds.new("Wall")
    bpy.context.scene.world = world
    world.use_nodes = True
    wall = np.array([0.1, 0.5, 0.2])
    world.node_tree.nodes["Background"].inputs[0].default_value = (*wall, 1)
    over = picture(tmp_path / "b.exr")
    blended = shown[..., :3] + (1 - shown[..., 3:]) * wall
    np.testing.assert_allclose(over[..., :3], blended, atol=5e-3)


# Linked and overridden.


@pytest.mark.parametrize("override", [False, True], ids=["linked", "overridden"])
def test_an_avatar_of_another_file_looks_as_it_does_there(
    make_avatar: Callable[..., Avatar], tmp_path: Path, override: bool
) -> None:
    add_camera((80, 60))
    made = crowded(make_avatar)
    made.armature.rotation_euler.z = 0.3
    there = picture(tmp_path / "there.exr")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ada.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    add_camera((80, 60))
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    suit_renders(scene, CYCLES)
    scene.cycles.samples, scene.cycles.filter_width = 1, 0.01
    with bpy.data.libraries.load(str(tmp_path / "ada.blend"), link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    collection = bpy.data.collections["Ada"]
    scene.collection.children.link(collection)
    if override:
        local = collection.override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
        assert local.override_library is not None
        scene.collection.children.unlink(collection)
        cloud = next(thing for thing in local.all_objects if thing.type == "POINTCLOUD")
        assert cloud.override_library is not None
    here = picture(tmp_path / "here.exr")
    np.testing.assert_allclose(here, there, atol=2e-3)
    if not override:
        bpy.context.view_layer.objects.active = bpy.data.objects["Ada"]
        with refused(LINKED):
            bpy.ops.lhm.display_mode(mode="SOLID")
    else:
        set_display(cloud, **{"Render Mode": "Solid"})
        solid = picture(tmp_path / "solid.exr")
        assert set(np.unique(np.round(solid[..., 3], 3))) == {0.0, 1.0}
    bpy.ops.wm.read_homefile(use_empty=True)


def test_a_renders_detail_is_the_same_without_the_extension(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    """Modes and detail are the file's: a Blender that knows nothing of us shows the same."""
    add_camera((80, 60))
    made = crowded(make_avatar)
    set_display(made.cloud, **{"Render Mode": "Disks", "Detail in Renders": True, "Detail Distance": 3.0})
    here = picture(tmp_path / "here.exr")
    assert agreement(here) < 35
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ada.blend"))
    script = (
        "import sys, bpy\n"
        "bpy.ops.wm.open_mainfile(filepath=sys.argv[1])\n"
        "bpy.context.scene.render.filepath = sys.argv[2]\n"
        "bpy.ops.render.render(write_still=True)\n"
        "assert not any('lhm' in name for name in sys.modules)\n"
    )
    command = [sys.executable, "-c", script, tmp_path / "ada.blend", tmp_path / "there.exr"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    np.testing.assert_allclose(rgba(read_exr(tmp_path / "there.exr")), here, atol=1e-4)
