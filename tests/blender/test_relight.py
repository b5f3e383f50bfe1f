"""Avatars in the scene's light: normals against numpy, brightness against Lambert's law, shadows."""

from __future__ import annotations

from dataclasses import replace
from math import pi, radians
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.emptied import empty
from blender.pictures import render, rendered_without_the_addon
from blender.shapely import with_shape
from exr import rgba
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_gaussians
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.relight.normals import rest_surface
from lhm_avatars.rendering.relight.relit import (
    cast_shadow,
    is_lit,
    light_avatar,
    reason_against,
    remove_shadow,
    shadow_of,
)
from lhm_avatars.rendering.relight.relit_nodes import NORMAL
from lhm_avatars.rendering.render_settings import suit_cycles
from lhm_avatars.rendering.splats import collect_splats
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar, cloud_of
from lhm_avatars.rigging.duplicate import Place, duplicate_avatars
from lhm_avatars.rigging.pointcloud import read_attribute
from lhm_avatars.rigging.reshape import set_shape
from lhm_avatars.rigging.skinning_nodes import frames_of
from mathutils import Quaternion, Vector
from relight.surfaces import all_to, flat_gaussians

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

STRENGTH = 4.0
ALBEDO = ((0.5 + 0.055) / 1.055) ** 2.4  # of the display-space 0.5 that the sheet has
TILT = radians(60)  # of the sheet, away from the camera


def _add(avatar: Avatar, **options: str) -> AvatarObjects:
    return add_avatar(bpy.context, avatar, name="Ada", display=display_group(), **options)


def _sheet(make_avatar: Callable[..., Avatar]) -> AvatarObjects:
    """A wall of splats beside the pelvis that looks 60 degrees to the camera's right, and that camera."""
    avatar = make_avatar(4)
    normal = np.array([np.sin(TILT), 0, np.cos(TILT)])
    along = np.array([np.cos(TILT), 0, -np.sin(TILT)])
    u, v = (axis.ravel() for axis in np.meshgrid(*[np.linspace(-0.15, 0.15, 31)] * 2))
    means = avatar.joints[0] + 0.1 * normal + u[:, None] * along + v[:, None] * np.array([0.0, 1, 0])
    normals = np.tile(normal, (len(means), 1))
    sheet = replace(
        avatar,
        gaussians=flat_gaussians(means, normals, 0.012),
        binding=all_to(0, len(means)),
        seen=np.full(len(means), 2),
    )
    made = _add(sheet, pose="rest")
    light_avatar(made.armature, made.cloud, True, delight=0.0)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 0.06
    bpy.context.view_layer.update()
    centre = made.armature.matrix_world @ made.armature.data.bones["pelvis"].head_local
    x, y, z = 0.1 * normal
    camera.location = centre + Vector((x, -z - 3, y))
    camera.rotation_euler = (pi / 2, 0, 0)
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = 8
    scene.render.film_transparent = True
    return made


def _sun() -> bpy.types.Object:
    data = bpy.data.lights.new("Sun", "SUN")
    data.energy, data.angle = STRENGTH, 0
    sun = bpy.data.objects.new("Sun", data)
    bpy.context.scene.collection.objects.link(sun)
    return sun


def _shine(sun: bpy.types.Object, towards: tuple[float, float, float]) -> np.ndarray:
    direction = Vector(towards).normalized()
    sun.rotation_euler = direction.to_track_quat("Z", "Y").to_euler()
    return np.array(direction)


def _cycles(samples: int) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = (
        samples,
        False,
        False,
    )
    suit_cycles(scene)


def _eevee() -> None:
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_EEVEE" if bpy.app.version >= (5, 0) else "BLENDER_EEVEE_NEXT"
    scene.eevee.taa_render_samples = 16


def _brightness(path: Path) -> float:
    picture = rgba(render(path))
    assert picture[..., 3].mean() > 0.8
    return float(picture[..., 0].sum() / picture[..., 3].sum())


# From the sheet's front; the camera; almost along the sheet; behind the quads, which face the camera; behind
# the sheet, from either side of the quads.
DIRECTIONS = [(0.866, -0.5, 0), (0, -1, 0), (0.2, -0.3, 1), (1, 0.3, 0), (-1, -0.2, 0), (0, 1, 0)]


def test_cycles_follows_lamberts_law_from_every_side(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    made, sun = _sheet(make_avatar), _sun()
    _cycles(8)
    normal = np.array([np.sin(TILT), -np.cos(TILT), 0])
    for towards in DIRECTIONS:
        expected = ALBEDO * STRENGTH / pi * max(0, normal @ _shine(sun, towards))
        assert _brightness(tmp_path / "a.exr") == pytest.approx(expected, rel=0.03, abs=0.002), towards
    turn = radians(
        40
    )  # not quite to the camera, or all quads would lie in one plane, of which Cycles sees one
    made.armature.pose.bones["pelvis"].rotation_quaternion = Quaternion((0, 1, 0), -turn)
    bpy.context.scene.camera.location.x -= 0.1 * (np.sin(TILT) - np.sin(TILT - turn))
    _shine(sun, (0, -1, 0))
    expected = ALBEDO * STRENGTH / pi * np.cos(TILT - turn)
    assert _brightness(tmp_path / "a.exr") == pytest.approx(expected, rel=0.03)


def test_eevee_is_as_bright(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    _sheet(make_avatar)
    sun, normal = _sun(), np.array([np.sin(TILT), -np.cos(TILT), 0])
    _eevee()
    for towards in ((0, -1, 0), (1, 0.3, 0), (-1, -0.2, 0)):
        expected = ALBEDO * STRENGTH / pi * max(0, normal @ _shine(sun, towards))
        assert _brightness(tmp_path / "a.exr") == pytest.approx(expected, rel=0.06, abs=0.01), towards


def test_normals_turn_with_the_bones(avatar: Avatar) -> None:
    made = _add(avatar)
    light_avatar(made.armature, made.cloud, True)
    for modifier in made.cloud.modifiers:
        if modifier.name in ("LHM Display", "LHM Lit Surface"):
            modifier.show_viewport = False
    evaluated = made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    rest = rest_surface(avatar.gaussians, avatar.binding, avatar.joints).normals
    moved = forward_kinematics(avatar.joints.astype(np.float64), avatar.params.pose().astype(np.float64))
    posed = skin_gaussians(avatar.gaussians, avatar.binding, moved)
    turn = matrix_from_quat(posed.quats.astype(np.float64)) @ np.swapaxes(
        matrix_from_quat(avatar.gaussians.quats.astype(np.float64)), 1, 2
    )
    expected = np.einsum("nab,nb->na", turn, rest)
    assert np.abs(expected - rest).max() > 0.1
    # The nodes find the nearest rotation by a few steps of an iteration: 3e-4 at most, at joints.
    error = np.abs(read_attribute(evaluated, NORMAL) - expected).max(axis=1)
    assert np.median(error) < 1e-5
    assert np.quantile(error, 0.95) < 1e-4
    assert error.max() < 2e-3


def test_light_goes_on_and_off(avatar: Avatar) -> None:
    made = _add(avatar)
    names = [m.name for m in made.cloud.modifiers]
    assert bpy.ops.lhm.light_avatar(delight=0.5) == {"FINISHED"}
    assert is_lit(made.cloud)
    assert not made.cloud.visible_shadow
    assert not made.cloud.visible_diffuse
    shadow = shadow_of(made.armature)
    assert shadow.data == made.cloud.data
    assert cloud_of(made.armature) == made.cloud
    assert [m.name for m in made.cloud.modifiers] == [
        "LHM Skinning",
        "LHM Normals",
        "LHM Display",
        "LHM Lit Surface",
    ]
    assert bpy.ops.lhm.light_avatar() == {"FINISHED"}
    assert not is_lit(made.cloud)
    assert bpy.ops.lhm.cast_shadow() == {"FINISHED"}  # it stayed until now
    assert shadow_of(made.armature) is None
    assert made.cloud.visible_shadow
    assert made.cloud.visible_diffuse
    assert [m.name for m in made.cloud.modifiers if m.name in names] == names
    assert bpy.ops.lhm.cast_shadow() == {"FINISHED"}
    assert shadow_of(made.armature) is not None


def test_the_shadow_is_nobodys_splats(avatar: Avatar) -> None:
    made = _add(avatar)
    before = collect_splats(bpy.context.evaluated_depsgraph_get())
    shadow = cast_shadow(made.armature, made.cloud)
    shadow.hide_viewport = False
    bpy.context.view_layer.update()
    after = collect_splats(bpy.context.evaluated_depsgraph_get())
    assert before.count == after.count == 500
    assert cast_shadow(made.armature, made.cloud) == shadow
    remove_shadow(made.armature, made.cloud)
    assert shadow_of(made.armature) is None


def test_no_shadow_is_left_when_the_splats_are_deleted(avatar: Avatar) -> None:
    made = _add(avatar)
    shadow = cast_shadow(made.armature, made.cloud)
    shadow.hide_viewport = False

    def patches() -> int:
        bpy.context.view_layer.update()
        instances = bpy.context.evaluated_depsgraph_get().object_instances
        meshes = (one.object.data for one in instances if one.object.original == shadow)
        return sum(len(mesh.vertices) for mesh in meshes if isinstance(mesh, bpy.types.Mesh))

    shown = patches()
    assert shown > 0
    bpy.data.objects.remove(made.armature)  # the splats stay where they stood, and so does their shadow
    assert patches() == shown
    bpy.data.objects.remove(made.cloud)
    assert patches() == 0


def test_the_shadow_follows_another_shape(avatar: Avatar) -> None:
    made = _add(with_shape(avatar))
    shadow = cast_shadow(made.armature, made.cloud)
    set_shape(bpy.context, made.armature, np.array([2.0]))
    assert shadow.data == made.cloud.data
    shadow.hide_viewport = False
    bpy.context.view_layer.update()
    heights = []
    for part in (shadow, made.cloud):
        evaluated = part.evaluated_get(bpy.context.evaluated_depsgraph_get())
        corners = np.array([evaluated.matrix_world @ Vector(corner) for corner in evaluated.bound_box])
        heights.append(np.ptp(corners[:, 2]))
    assert heights[0] == pytest.approx(heights[1], rel=0.05)


def test_duplicates_have_shadows_of_their_own(avatar: Avatar) -> None:
    made = _add(with_shape(avatar))
    light_avatar(made.armature, made.cloud, True)
    cast_shadow(made.armature, made.cloud)
    (copy,) = duplicate_avatars(bpy.context, made.armature, [Place((2.0, 0.0, 0.0))])
    shadow = shadow_of(copy.armature)
    assert is_lit(copy.cloud)
    assert shadow != shadow_of(made.armature)
    assert frames_of(shadow) == copy.frames != made.frames
    assert shadow.data == copy.cloud.data == made.cloud.data
    set_shape(bpy.context, copy.armature, np.array([2.0]))  # now their splats differ
    assert shadow.data == copy.cloud.data != made.cloud.data
    assert shadow_of(made.armature).data == made.cloud.data


def test_lhm_preview_takes_the_splats_for_the_shadow(avatar: Avatar) -> None:
    made = _add(avatar)
    cast_shadow(made.armature, made.cloud)
    splats = collect_splats(bpy.context.evaluated_depsgraph_get())
    assert not made.cloud.visible_shadow
    assert splats.shadow.all()
    assert splats.camera.all()


def test_a_shadow_falls_on_the_ground_in_cycles_and_does_not_show_itself(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    made = _add(make_avatar(3000))
    _cycles(4)
    scene = bpy.context.scene
    cloud = made.cloud
    bpy.ops.mesh.primitive_plane_add(size=12)
    _shine(_sun(), (0.0, 0.6, 1.0))
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0, 0, 9)  # from above: the shadow lies towards -Y
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = 48
    cloud.hide_render = True
    empty = rgba(render(tmp_path / "empty.exr"))[..., 0]
    cast_shadow(made.armature, cloud)
    shade = rgba(render(tmp_path / "shadow.exr"))[..., 0]
    lit = STRENGTH * 0.8 / pi * np.cos(np.arctan(0.6))
    assert np.median(empty) == pytest.approx(lit, rel=0.03)
    dark = shade < 0.7 * lit
    assert 15 < dark.sum() < 300
    assert np.argwhere(dark)[:, 0].mean() > 24  # rows run from the top, +Y, down
    np.testing.assert_allclose(shade[:20], empty[:20], atol=0.05)


def test_saved_file_is_lit_without_the_addon(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    _sheet(make_avatar)
    _shine(_sun(), (1, 0.3, 0))
    _cycles(2)
    here = rgba(render(tmp_path / "here.exr"))
    file = tmp_path / "lit.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    assert here[..., 0].mean() > 0.1
    np.testing.assert_allclose(rgba(rendered_without_the_addon(file, tmp_path)), here, atol=1e-4)


def test_errors_are_sentences(avatar: Avatar, tmp_path: Path) -> None:
    empty(_add(avatar).cloud)
    for press in (bpy.ops.lhm.light_avatar, bpy.ops.lhm.cast_shadow):
        with pytest.raises(RuntimeError, match=r"no splats left to light\. Undo that"):
            press()
    assert collect_splats(bpy.context.evaluated_depsgraph_get()).count == 0
    made = _add(avatar)
    made.cloud.modifiers.remove(made.cloud.modifiers["LHM Skinning"])
    for press in (bpy.ops.lhm.light_avatar, bpy.ops.lhm.cast_shadow):
        with pytest.raises(RuntimeError, match=r"lost their skinning modifier\. Import the avatar again"):
            press()
    bpy.data.objects.remove(made.cloud)
    assert not bpy.ops.lhm.light_avatar.poll()


def test_linked_avatars_are_refused(avatar: Avatar, tmp_path: Path) -> None:
    _add(avatar)
    path = tmp_path / "avatar.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    armature = bpy.data.objects["Ada"]
    bpy.context.view_layer.objects.active = armature
    assert "linked" in reason_against(armature, cloud_of(armature))
    for press in (bpy.ops.lhm.light_avatar, bpy.ops.lhm.cast_shadow):
        with pytest.raises(RuntimeError, match=r"is linked from another file\. Change its light there"):
            press()
    assert shadow_of(armature) is None
