"""Modes, detail and harmonics of the display nodes, against numpy and the float64 rasterizer."""

from __future__ import annotations

from dataclasses import replace
from math import radians
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.layout import Layout
from blender.pictures import add_camera, psnr, reference, render, scene_splats
from blender.test_display_nodes import agreement, eevee, person, shown_mesh
from blender.test_panels import drawn
from blender.test_user_errors import refused
from exr import rgba
from lhm_avatars.engine.avatar.body import JOINT_NAMES
from lhm_avatars.engine.avatar.sh import colors_from_sh
from lhm_avatars.engine.avatar.skinning import blend_transforms
from lhm_avatars.operators import display as display_operators
from lhm_avatars.operators.avatars import NO_AVATAR
from lhm_avatars.panels import display as display_panel
from lhm_avatars.rendering.display_modes import (
    display_modifier,
    display_setting,
    hide_nodes,
    set_display,
    show,
    show_nodes,
)
from lhm_avatars.rendering.display_nodes import CORNERS, MODES, display_group
from lhm_avatars.rendering.splat_material import EMISSION, patch_material, splat_material
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.nodes import modifier_input, set_modifier_input

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


def shown(avatar: Avatar, **settings: object) -> AvatarObjects:
    """An avatar with the display that it is given in use."""
    made = add_avatar(bpy.context, avatar, name="Ada", pose="photo")
    show(made.cloud)
    set_display(made.cloud, **settings)
    return made


def evaluated_points(cloud: bpy.types.Object) -> bpy.types.PointCloud:
    return cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data


def values(data: bpy.types.Mesh | bpy.types.PointCloud, name: str, field: str, width: int) -> np.ndarray:
    attribute = data.attributes[name]
    flat = np.empty(len(attribute.data) * width, np.float32)
    attribute.data.foreach_get(field, flat)
    return flat.reshape(-1, width)


# Modes.


def test_renders_and_viewports_have_modes_of_their_own(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    add_camera()
    made = person(make_avatar, **{"Raw Colors": True, "Viewport Mode": "Disks"})
    assert [m.name for m in shown_mesh(made.cloud).materials] == [splat_material().name]
    splats = rgba(render(tmp_path / "splats.exr"))
    assert agreement(splats) > 40
    set_display(made.cloud, **{"Render Mode": "Solid"})
    solid = rgba(render(tmp_path / "solid.exr"))
    assert set(np.unique(np.round(solid[..., 3], 3))) == {0.0, 1.0}  # opaque or nothing
    assert agreement(solid) < agreement(splats) - 10
    set_display(made.cloud, **{"Render Mode": "Splats"})
    np.testing.assert_array_equal(rgba(render(tmp_path / "again.exr")), splats)


def test_disks_lie_as_the_gaussians_do_from_any_side(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar(200)
    made = shown(avatar, **{"Viewport Mode": "Disks", "Dilation": 0.0})
    mesh = shown_mesh(made.cloud)
    corners = values(mesh, "position", "vector", 3).reshape(-1, CORNERS, 3)
    splats = scene_splats_of(made)
    sides = np.stack([corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]], axis=1)
    lengths = np.sort(np.linalg.norm(sides, axis=2), axis=1) / (2 * 3.2)
    np.testing.assert_allclose(lengths, np.sort(avatar.gaussians.scales, axis=1)[:, 1:], rtol=1e-3)
    np.testing.assert_allclose(corners.mean(axis=1), splats, atol=1e-6)
    add_camera()  # turned by what the camera sees they are not
    again = values(shown_mesh(made.cloud), "position", "vector", 3).reshape(-1, CORNERS, 3)
    np.testing.assert_allclose(again, corners, atol=1e-6)


def scene_splats_of(made: AvatarObjects) -> np.ndarray:
    """Posed centres in the avatar's own space, without its display."""
    modifier = made.cloud.modifiers["LHM Display"]
    modifier.show_viewport = False
    points = values(evaluated_points(made.cloud), "position", "vector", 3)
    modifier.show_viewport = True
    return points


@pytest.mark.parametrize("engine", ["CYCLES", "EEVEE"])
def test_every_mode_shows_a_flat_surface_in_its_colors(
    make_avatar: Callable[..., Avatar], tmp_path: Path, engine: str
) -> None:
    add_camera((64, 64))
    made = person(make_avatar, **{"Raw Colors": True})
    painted = np.tile([0.8, 0.35, 0.1, 1.0], (600, 1)).astype(np.float32)
    made.cloud.data.attributes["gs_color"].data.foreach_set("color", painted.ravel())
    made.cloud.data.attributes["scale"].data.foreach_set("vector", np.full(1800, 0.03, np.float32))
    made.cloud.data.attributes["opacity"].data.foreach_set("value", np.full(600, 0.99, np.float32))
    if engine == "EEVEE":
        eevee()
        bpy.context.scene.eevee.taa_render_samples = 8
    inside = None
    for mode in MODES:
        set_display(made.cloud, **{"Render Mode": mode})
        picture = rgba(render(tmp_path / "a.exr"))
        inside = picture[..., 3] > 0.9 if inside is None else inside
        assert inside.sum() > 100
        assert picture[inside, 3].mean() > 0.7, mode
        color = picture[inside & (picture[..., 3] > 0.99)][:, :3]
        assert len(color) > 20
        np.testing.assert_allclose(color, np.tile([0.8, 0.35, 0.1], (len(color), 1)), atol=0.02)


def test_disks_are_right_where_splats_are_seen_from_the_side(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    """An instance that is turned keeps the quads that faced the camera where the original stands."""
    add_camera()
    made = person(make_avatar, **{"Raw Colors": True})
    _flatten(made.cloud)
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", made.collection
    bpy.context.scene.collection.objects.link(instance)
    instance.rotation_euler.z = radians(80)
    _exclude(made.collection)
    marks = {}
    for mode in ("Splats", "Disks"):
        set_display(made.cloud, **{"Render Mode": mode})
        marks[mode] = agreement(rgba(render(tmp_path / "a.exr")))
    assert marks["Disks"] > marks["Splats"] + 2
    assert marks["Disks"] > 18


def _flatten(cloud: bpy.types.Object) -> None:
    """Large thin Gaussians, as those of reconstructed surfaces are."""
    count = len(cloud.data.points)
    scales = np.tile([0.03, 0.03, 0.002], (count, 1)).astype(np.float32)
    cloud.data.attributes["scale"].data.foreach_set("vector", scales.ravel())


def _exclude(collection: bpy.types.Collection) -> None:
    bpy.context.view_layer.layer_collection.children[collection.name].exclude = True


def test_menus_take_names_only(avatar: Avatar) -> None:
    made = shown(avatar)
    modifier = display_modifier(made.cloud)
    assert modifier_input(modifier, "Render Mode") == "Splats"
    assert modifier_input(modifier, "Viewport Mode") == "Solid"
    set_modifier_input(modifier, "Viewport Mode", "Points")
    assert modifier_input(modifier, "Viewport Mode") == "Points"
    made.cloud.update_tag()
    assert len(evaluated_points(made.cloud).points) == 500
    assert [m.name for m in evaluated_points(made.cloud).materials] == [patch_material().name]
    with pytest.raises(ValueError, match=r"Viewport Mode must be one of .* got 'Cubes'"):
        set_modifier_input(modifier, "Viewport Mode", "Cubes")


def test_the_operator_sets_all_selected_avatars(make_avatar: Callable[..., Avatar]) -> None:
    ada, bea = (shown(make_avatar(20, seed=k)) for k in range(2))
    ada.armature.select_set(True)
    assert bpy.ops.lhm.display_mode(where="RENDER", mode="DISKS") == {"FINISHED"}
    assert {display_setting(one.cloud, "Render Mode") for one in (ada, bea)} == {"Disks"}
    assert {one.armature.lhm_render_mode for one in (ada, bea)} == {"DISKS"}
    ada.armature.select_set(False)
    bpy.ops.lhm.display_mode(where="VIEWPORT", mode="POINTS")
    assert (ada.armature.lhm_viewport_mode, bea.armature.lhm_viewport_mode) == ("SOLID", "POINTS")


def test_the_panels_settings_are_the_nodes(avatar: Avatar) -> None:
    made = shown(avatar)
    armature = made.armature
    armature.lhm_render_mode, armature.lhm_viewport_mode = "DISKS", "SPLATS"
    armature.lhm_viewport_share, armature.lhm_detail_distance = 0.5, 3.0
    armature.lhm_detail_in_renders = True
    names = ("Render Mode", "Viewport Mode", "Viewport Share", "Detail Distance", "Detail in Renders")
    assert [display_setting(made.cloud, name) for name in names] == ["Disks", "Splats", 0.5, 3.0, True]
    assert set(drawn(display_panel.LHM_PT_display).properties) == {
        "lhm_render_mode", "lhm_viewport_mode", "lhm_viewport_share", "lhm_detail_distance",
        "lhm_detail_in_renders", "lhm_viewport_splats", "lhm_lighter_playback",
    }  # fmt: skip
    assert any("Draft" in word for word in drawn(display_panel.LHM_PT_display).words)
    armature.lhm_render_mode = "SPLATS"
    assert not any("Draft" in word for word in drawn(display_panel.LHM_PT_display).words)
    hide_nodes(made.cloud)
    assert armature.lhm_render_mode == "SPLATS"
    armature.lhm_render_mode = "DISKS"
    assert armature.lhm_render_mode == "SPLATS"
    assert drawn(display_panel.LHM_PT_display).properties == ["lhm_viewport_splats"]


def test_what_the_display_operators_refuse(avatar: Avatar) -> None:
    with refused(NO_AVATAR):
        bpy.ops.lhm.display_mode()
    made = shown(avatar)
    hide_nodes(made.cloud)
    with refused(display_operators.NO_NODES):
        bpy.ops.lhm.display_mode()
    assert isinstance(drawn(display_panel.LHM_PT_render_settings), Layout)


# Detail.


def counts_and_scales(made: AvatarObjects) -> tuple[int, np.ndarray]:
    mesh = shown_mesh(made.cloud)
    return len(mesh.vertices) // CORNERS, values(mesh, "scale", "vector", 3)[::CORNERS]


def which(avatar: Avatar, scales: np.ndarray) -> set[int]:
    """The Gaussians that have these scales."""
    off = np.abs(avatar.gaussians.scales[None] - scales[:, None]).max(axis=2)
    assert off.min(axis=1).max() < 1e-7
    found = set(off.argmin(axis=1).tolist())
    assert len(found) == len(scales)
    return found


def test_a_share_of_the_gaussians_enlarged_and_always_the_same(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar(4000)
    made = shown(avatar, **{"Viewport Share": 0.25})
    count, scales = counts_and_scales(made)
    assert abs(count - 1000) < 4 * np.sqrt(4000 * 0.25 * 0.75)
    # Each is one of the originals, twice as large: as much area as all of them had.
    few = which(avatar, scales / 2)
    made.armature.pose.bones["left_shoulder"].rotation_quaternion = (0.8, 0.6, 0, 0)
    bpy.context.scene.frame_set(20)
    np.testing.assert_array_equal(counts_and_scales(made)[1], scales)
    set_display(made.cloud, **{"Viewport Share": 0.5})
    assert few < which(avatar, counts_and_scales(made)[1] / np.sqrt(2))  # who stayed, stays
    set_display(made.cloud, **{"Viewport Share": 1.0})
    np.testing.assert_array_equal(counts_and_scales(made)[1], avatar.gaussians.scales)


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_far_avatars_have_fewer_gaussians_but_not_in_renders(
    make_avatar: Callable[..., Avatar], kind: str
) -> None:
    made = shown(make_avatar(4000))
    for bone in made.armature.pose.bones:
        bone.rotation_quaternion = (1, 0, 0, 0)
    assert counts_and_scales(made)[0] == 4000  # no camera
    camera = add_camera()
    camera.rotation_euler = (radians(90), 0, 0)
    camera.data.type = kind
    shares = []
    for times in (0.9, 2.0, 4.0):
        if kind == "ORTHO":  # as wide a view as a lens of 50 mm has at that distance
            camera.location, camera.data.ortho_scale = (0, -9, 1), 36 / 50 * 10 * times
        else:
            camera.location = (0, -10 * times, 1)
        bpy.context.view_layer.update()
        shares.append(counts_and_scales(made)[0] / 4000)
    # (10 m / distance) squared; in steps of a quarter of an octave, so up to a fifth more.
    np.testing.assert_array_less(np.array([0.99, 0.25, 0.0625]) * 0.9, shares)
    np.testing.assert_array_less(shares, np.array([1.01, 0.3, 0.075]) * 1.15)
    set_display(made.cloud, **{"Detail Distance": 0.0})
    assert counts_and_scales(made)[0] == 4000


def test_renders_leave_gaussians_out_only_when_told_to(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    camera = add_camera()
    made = person(make_avatar, **{"Raw Colors": True, "Viewport Share": 0.1, "Viewport Mode": "Splats"})
    camera.data.lens = 25
    set_display(made.cloud, **{"Detail Distance": 5.0})
    few = scene_splats()[0].count
    set_display(made.cloud, **{"Detail Distance": 0.0, "Viewport Share": 1.0})
    everything = reference()
    set_display(made.cloud, **{"Detail Distance": 5.0, "Viewport Share": 0.1})
    assert 5 < few < 60
    lit = everything.alpha > 0.02
    picture = rgba(render(tmp_path / "a.exr"))
    assert psnr(picture[..., :3], everything.color, lit) > 40
    set_display(made.cloud, **{"Detail in Renders": True})
    thinned = rgba(render(tmp_path / "a.exr"))
    assert psnr(thinned[..., :3], everything.color, lit) < 30
    assert thinned[..., 3].sum() == pytest.approx(everything.alpha.sum(), rel=0.3)


# Spherical harmonics.


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_harmonics_turn_with_the_body(make_avatar: Callable[..., Avatar], degree: int) -> None:
    camera = add_camera()
    avatar = make_avatar(300, degree=degree)
    strong = replace(avatar.gaussians, sh=avatar.gaussians.sh * 0.5)
    made = shown(replace(avatar, gaussians=strong), **{"Raw Colors": True})
    made.armature.location, made.armature.rotation_euler.z = (0.4, 0.2, 0.1), radians(50)
    bpy.context.view_layer.update()
    bones = made.armature.pose.bones
    # By numpy: the matrix that moved each Gaussian, and its nearest rotation by singular values, in float64.
    moved = np.array([bones[n].matrix @ bones[n].bone.matrix_local.inverted() for n in JOINT_NAMES])
    blended = blend_transforms(moved, avatar.binding.joint_indices, avatar.binding.joint_weights)
    u, _, vt = np.linalg.svd(blended[:, :3, :3])
    assert np.linalg.det(u @ vt).min() > 0.99
    turns = u @ vt
    means = scene_splats_of(made).astype(np.float64)
    local = np.array(made.cloud.matrix_world.inverted() @ camera.matrix_world)[:3, 3]
    directions = np.einsum("nba,nb->na", turns, means - local)
    expected = colors_from_sh(strong.sh.astype(np.float64), directions)
    emitted = values(shown_mesh(made.cloud), EMISSION, "color", 4)[::CORNERS, :3]
    assert np.abs(expected - strong.colors()).max() > 0.3  # the view matters
    np.testing.assert_allclose(emitted, expected, atol=1e-4)


def test_without_harmonics_the_group_is_the_plain_one(make_avatar: Callable[..., Avatar]) -> None:
    plain, rich = shown(make_avatar(20)), shown(make_avatar(20, degree=3))
    trees = [display_modifier(one.cloud).node_group for one in (plain, rich)]
    assert trees == [display_group(), display_group(16)]
    read = [
        {node.inputs[0].default_value for node in tree.nodes if node.type == "INPUT_ATTRIBUTE"}
        for tree in trees
    ]
    assert not any(name.startswith("sh_") for name in read[0])
    assert {f"sh_{k}" for k in range(1, 16)} <= read[1]
    with pytest.raises(ValueError, match="must be 1, 4, 9 or 16, got 5"):
        display_group(5)


def test_an_orthographic_camera_sees_all_from_one_side(make_avatar: Callable[..., Avatar]) -> None:
    camera = add_camera()
    avatar = make_avatar(100, degree=1)
    made = add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    show_nodes(made.cloud)
    set_display(made.cloud, **{"Raw Colors": True})
    camera.data.type = "ORTHO"
    bpy.context.view_layer.update()
    ahead = -np.array(made.cloud.matrix_world.inverted() @ camera.matrix_world)[:3, 2]
    expected = colors_from_sh(avatar.gaussians.sh.astype(np.float64), np.tile(ahead, (100, 1)))
    emitted = values(shown_mesh(made.cloud), EMISSION, "color", 4)[::CORNERS, :3]
    np.testing.assert_allclose(emitted, expected, atol=1e-4)
