"""Camera-facing splats against the float64 rasterizer, in Cycles and EEVEE, with and without the add-on."""

from __future__ import annotations

from dataclasses import replace
from math import cos, radians, sin
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.pictures import add_camera, psnr, reference, render, rendered_without_the_addon
from exr import rgba
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.operators.reconstruction import Made, place
from lhm_avatars.rendering import capabilities
from lhm_avatars.rendering.display_nodes import CORNERS, REACH, display_group
from lhm_avatars.rendering.render_settings import CYCLES_LAYERS, keeps_photo_colors, suit_cycles
from lhm_avatars.rendering.splat_material import EMISSION, patch_material, splat_material
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.nodes import add_modifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


def person(make_avatar: Callable[..., Avatar], **inputs: object) -> AvatarObjects:
    """An avatar shown by our nodes, rendered without noise: one ray through each pixel's middle."""
    made = add_avatar(bpy.context, make_avatar(600), name="Ada")
    add_modifier(made.cloud, "LHM Display", display_group(), **inputs)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.samples, cycles.use_adaptive_sampling, cycles.use_denoising = 1, False, False
    cycles.filter_width = 0.01
    suit_cycles(scene)
    return made


def eevee() -> None:
    """Render with EEVEE."""
    bpy.context.scene.render.engine = capabilities.eevee()


def agreement(picture: np.ndarray) -> float:
    """Decibels inside the person, colours laid over black."""
    expected = reference()
    assert expected.alpha.max() > 0.9
    return psnr(picture[..., :3], expected.color, expected.alpha > 0.02)


@pytest.mark.parametrize(
    "case", ["plain", "portrait", "shift", "wide", "fit", "percentage", "ortho", "moved"]
)
def test_cycles_agrees_with_the_rasterizer(
    make_avatar: Callable[..., Avatar], tmp_path: Path, case: str
) -> None:
    camera = add_camera((72, 96) if case == "portrait" else (96, 72))
    made = person(make_avatar, **{"Raw Colors": True})
    if case == "shift":
        camera.data.shift_x, camera.data.shift_y = 0.2, -0.15
    elif case == "wide":
        camera.data.lens, camera.location = 14, (0.5, -1.3, 1.3)
    elif case == "fit":
        camera.data.sensor_fit, camera.data.sensor_height = "VERTICAL", 30
    elif case == "percentage":
        bpy.context.scene.render.resolution_percentage = 50
    elif case == "ortho":
        camera.data.type, camera.data.ortho_scale = "ORTHO", 2.6
    elif case == "moved":
        made.armature.scale, made.armature.location = (0.8, 0.8, 0.8), (0.3, 0.4, 0.1)
        made.armature.rotation_euler.z = radians(130)
    assert agreement(rgba(render(tmp_path / "a.exr"))) > 40


def test_dilation_can_be_set(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_camera()
    person(make_avatar, **{"Raw Colors": True, "Dilation": 2.0})
    picture = rgba(render(tmp_path / "a.exr"))
    expected = reference(eps2d=2.0)
    assert psnr(picture[..., :3], expected.color, expected.alpha > 0.02) > 40
    assert agreement(picture) < 30


def test_colors_are_the_photos_in_view_standard(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_camera((64, 64))
    made = person(make_avatar)
    photo = np.array([0.8, 0.35, 0.02])
    _one_color(made.cloud.data, photo)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    scene.render.dither_intensity = 0
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(tmp_path / "a.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    image.colorspace_settings.name = "Non-Color"
    pixels = np.array(image.pixels[:]).reshape(-1, 4)
    opaque = pixels[pixels[:, 3] > 0.99]
    assert len(opaque) > 20
    np.testing.assert_allclose(opaque[:, :3], np.broadcast_to(photo, (len(opaque), 3)), atol=1.6 / 255)


def _one_color(cloud: bpy.types.PointCloud, color: np.ndarray) -> None:
    count = len(cloud.points)
    rgba_values = np.tile([*color, 1.0], (count, 1)).astype(np.float32)
    cloud.attributes["gs_color"].data.foreach_set("color", rgba_values.ravel())
    cloud.attributes["opacity"].data.foreach_set("value", np.ones(count, np.float32))
    cloud.attributes["scale"].data.foreach_set("vector", np.full(3 * count, 0.03, np.float32))


def test_dark_and_light_are_decoded_by_the_srgb_curve(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar(3)
    codes = np.array([[0.0, 0.02, 0.04045], [0.1, 0.5, 0.9], [1.0, 1.2, 0.03]], np.float32)
    plain = avatar.gaussians
    painted = Gaussians.from_colors(plain.means, plain.quats, plain.scales, plain.opacities, codes)
    made = add_avatar(bpy.context, replace(avatar, gaussians=painted), name="Ada", display=display_group())
    emitted = shown_mesh(made.cloud).attributes[EMISSION]
    values = np.empty(4 * 3 * CORNERS, np.float32)
    emitted.data.foreach_get("color", values)
    light = values.reshape(3, CORNERS, 4)[:, :, :3]
    expected = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(light, np.broadcast_to(expected[:, None], light.shape), atol=2e-6)


def shown_mesh(cloud: bpy.types.Object) -> bpy.types.Mesh:
    """The quads that the viewport draws, kept."""
    for instance in bpy.context.evaluated_depsgraph_get().object_instances:
        if instance.is_instance and instance.object.name == cloud.name:
            return instance.object.data.copy()  # the instance is gone after the loop's step
    raise AssertionError("nothing is drawn")


def test_eevee_draws_the_person(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_camera((64, 48))
    person(make_avatar, **{"Raw Colors": True})
    eevee()
    bpy.context.scene.eevee.taa_render_samples = 16
    # Each sample of EEVEE takes or leaves a splat by chance: 16 of them are rough, but not off.
    assert agreement(rgba(render(tmp_path / "a.exr"))) > 20


def test_saved_file_renders_without_the_addon(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_camera()
    person(make_avatar)
    here = rgba(render(tmp_path / "here.exr"))
    file = tmp_path / "person.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    there = rgba(rendered_without_the_addon(file, tmp_path))
    assert here[..., 3].max() > 0.9
    np.testing.assert_allclose(there, here, atol=1e-4)


@pytest.mark.parametrize("who", ["person", "camera", "arm"])
def test_motion_blur_is_the_mean_of_moments(
    make_avatar: Callable[..., Avatar], tmp_path: Path, who: str
) -> None:
    camera = add_camera((64, 48))
    made = person(make_avatar, **{"Raw Colors": True})
    scene = bpy.context.scene
    _animate(who, made.armature, camera)
    scene.frame_set(10)
    sharp = rgba(render(tmp_path / "sharp.exr"))
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 1.0
    scene.cycles.samples = 256
    blurred = rgba(render(tmp_path / "blurred.exr"))
    scene.render.use_motion_blur, scene.cycles.samples = False, 1
    moments = []
    for step in (np.arange(8) + 0.5) / 8 - 0.5:
        whole, part = divmod(10 + step, 1)
        scene.frame_set(int(whole), subframe=part)
        moments.append(rgba(render(tmp_path / "moment.exr")))
    expected = np.mean(moments, axis=0)
    changed = np.abs(sharp[..., 3] - expected[..., 3]) > 0.02
    assert changed.sum() > 60  # there is something to blur
    before, after = (psnr(picture[..., :3], expected[..., :3], changed) for picture in (sharp, blurred))
    assert after > 30
    assert after > before + 8
    assert (blurred[..., 3] > 0.02).sum() > (sharp[..., 3] > 0.02).sum() + 20


def _animate(who: str, armature: bpy.types.Object, camera: bpy.types.Object) -> None:
    if who == "arm":
        for side in ("left", "right"):
            bone = armature.pose.bones[f"{side}_shoulder"]
            for frame, half in ((0, -0.8), (20, 0.8)):
                bone.rotation_quaternion = (cos(half), 0, 0, sin(half))
                bone.keyframe_insert("rotation_quaternion", frame=frame)
    else:
        moving = {"person": armature, "camera": camera}[who]
        start = moving.location.x
        for frame, x in ((0, -3.0), (20, 3.0)):
            moving.location.x = start + x
            moving.keyframe_insert("location", index=0, frame=frame)
        _straight(moving.animation_data)


def _straight(animation: bpy.types.AnimData) -> None:
    strip = animation.action.layers[0].strips[0]
    for curve in strip.channelbag(animation.action_slot).fcurves:
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"


def test_viewport_shows_flat_patches_in_the_photos_colors(make_avatar: Callable[..., Avatar]) -> None:
    avatar = make_avatar(200)
    made = add_avatar(bpy.context, avatar, name="Ada", pose="rest", display=display_group())
    mesh = shown_mesh(made.cloud)
    assert [material.name for material in mesh.materials] == [patch_material().name]
    assert mesh.color_attributes.active_color.name == EMISSION
    corners = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", corners)
    quads = corners.reshape(-1, CORNERS, 3)
    assert len(quads) == 200
    normals = np.cross(quads[:, 1] - quads[:, 0], quads[:, 3] - quads[:, 0])
    hidden = avatar.gaussians.opacities < 0.24
    assert np.abs(normals[hidden]).max() == 0
    visible = avatar.gaussians.opacities > 0.26
    # The thinnest axis of the Gaussian, by numpy: the column of its rotation.
    thinnest = avatar.gaussians.scales.argmin(axis=1)
    axes = matrix_from_quat(avatar.gaussians.quats)[np.arange(200), :, thinnest]
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    cosines = np.abs((normals * axes).sum(axis=1))
    assert cosines[visible].min() > 0.999
    sides = (
        np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1),
        np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1),
    )
    two_longer = np.sort(avatar.gaussians.scales, axis=1)[:, 1:]
    measured = np.sort(np.stack(sides, axis=1), axis=1) / 3.2
    np.testing.assert_allclose(measured[visible], two_longer[visible], rtol=1e-3)


def test_viewport_can_show_what_will_be_rendered(make_avatar: Callable[..., Avatar]) -> None:
    camera = add_camera()
    made = person(make_avatar, **{"Viewport Mode": "Splats"})
    mesh = shown_mesh(made.cloud)
    assert [material.name for material in mesh.materials] == [splat_material().name]
    corners = np.array([vertex.co for vertex in mesh.vertices]).reshape(-1, CORNERS, 3)
    local_from_camera = np.array(made.cloud.matrix_world.inverted() @ camera.matrix_world)[:3, :3]
    depths = corners @ local_from_camera[:, 2]
    assert np.ptp(depths, axis=1).max() < 1e-5  # parallel to the image
    assert REACH > 3


def test_display_works_without_skinning(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_camera()
    made = person(make_avatar, **{"Raw Colors": True})
    made.cloud.modifiers.remove(made.cloud.modifiers["LHM Skinning"])
    assert agreement(rgba(render(tmp_path / "a.exr"))) > 40


def test_group_and_materials_are_made_once() -> None:
    group, splat, patch = display_group(), splat_material(), patch_material()
    before = len(bpy.data.objects), len(bpy.data.materials), len(bpy.data.node_groups)
    assert display_group() == group
    assert (splat_material(), patch_material()) == (splat, patch)
    assert (len(bpy.data.objects), len(bpy.data.materials), len(bpy.data.node_groups)) == before
    assert splat.surface_render_method == "DITHERED"


def test_cycles_settings_are_raised_only() -> None:
    scene = bpy.context.scene
    cycles = scene.cycles
    cycles.transparent_max_bounces = 1000
    suit_cycles(scene)
    assert (cycles.transparent_max_bounces, cycles.min_transparent_bounces) == (1000, CYCLES_LAYERS)


def test_a_reconstructed_person_suits_cycles(make_avatar: Callable[..., Avatar]) -> None:
    place(bpy.context, Made(make_avatar(10)), name="Ada")
    cycles = bpy.context.scene.cycles
    assert (cycles.transparent_max_bounces, cycles.min_transparent_bounces) == (CYCLES_LAYERS, CYCLES_LAYERS)


def test_view_transforms_that_keep_colors() -> None:
    scene = bpy.context.scene
    scene.view_settings.view_transform = "AgX"
    assert not keeps_photo_colors(scene)
    scene.view_settings.view_transform = "Standard"
    assert keeps_photo_colors(scene)
