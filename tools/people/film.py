"""Puts parts into Blender's scene, moves them into poses and takes the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix

from ...engine.avatar.axes import BLENDER_FROM_BODY, BODY_FROM_BLENDER
from ..example.hair import add_strands
from ..example.shapes import Shape, add_object

if TYPE_CHECKING:
    from pathlib import Path

    from ...engine.avatar.arrays import Float
    from .camera import View
    from .parts import Part

_SENSOR = 36.0
_MARGIN = 6  # pixels around the person that are rendered too


def put(part: Part) -> bpy.types.Object:
    """Make the Blender object of a part, at rest."""
    if part.strand:
        made = add_strands(part.name, part.rest.reshape(-1, part.strand, 3), part.radius)
    else:
        made = add_object(part.name, Shape(part.rest, part.polygons), part.values)
    made.data.materials.append(part.material)
    if part.thick:
        solid = made.modifiers.new("thick", "SOLIDIFY")
        solid.thickness, solid.offset, solid.use_even_offset = part.thick, 0.0, False
    return made


def move(made: bpy.types.Object, points: Float) -> None:
    """Move the points of an object; body axes. ``points``: [V, 3]"""
    flat = np.ascontiguousarray(points @ BLENDER_FROM_BODY.T, np.float32).ravel()
    if made.type == "CURVES":
        made.data.position_data.foreach_set("vector", flat)
    else:
        made.data.vertices.foreach_set("co", flat)
        made.data.update()
    made.data.update_tag()


def prepare(samples: int, seed: int) -> None:
    """Set up Cycles."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.use_persistent_data = True
    scene.render.resolution_percentage = 100
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, seed
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 2, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces, cycles.volume_bounces = 3, 4, 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    scene.cycles_curves.shape = "RIBBONS"
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)


def _aim(view: View) -> None:
    scene = bpy.context.scene
    world_from_camera = np.eye(4)
    turn = view.viewmat[:3, :3] @ BODY_FROM_BLENDER
    world_from_camera[:3, :3] = turn.T @ np.diag([1.0, -1.0, -1.0])
    world_from_camera[:3, 3] = -turn.T @ view.viewmat[:3, 3]
    scene.camera.matrix_world = Matrix(world_from_camera.tolist())
    data = scene.camera.data
    data.sensor_fit, data.sensor_height = "VERTICAL", _SENSOR
    data.lens = view.focal * _SENSOR / view.height
    data.clip_start, data.clip_end = 0.05, 200
    scene.render.resolution_x, scene.render.resolution_y = view.width, view.height


def take(view: View, file: Path, *, around: Float | None) -> None:
    """Render one picture.

    Args:
        view: The camera.
        file: A .png with alpha where ``around`` is given, else a .png with everything.
        around: Points of the person: nothing else is rendered. [N, 3]
    """
    _aim(view)
    scene = bpy.context.scene
    scene.render.film_transparent = around is not None
    scene.render.use_border = around is not None
    if around is not None:
        pixels = view.project(around)
        low, high = pixels.min(axis=0) - _MARGIN, pixels.max(axis=0) + _MARGIN
        size = np.array([view.width, view.height])
        low, high = np.clip(low / size, 0, 1), np.clip(high / size, 0, 1)
        scene.render.border_min_x, scene.render.border_max_x = low[0], high[0]
        scene.render.border_min_y, scene.render.border_max_y = 1 - high[1], 1 - low[1]
        scene.render.use_crop_to_border = False
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth, settings.compression = "PNG", "8", 40
    settings.color_mode = "RGBA" if around is not None else "RGB"
    scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    if around is not None:
        soften(file)


def soften(png: Path) -> None:
    """Even out the edge of a picture with alpha: Cycles denoises colours, but not coverage.

    Where the person's edge runs through a pixel, it and its neighbours are averaged with 1-2-1 weights.
    """
    image = bpy.data.images.load(str(png))
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "STRAIGHT"
    width, height = image.size[0], image.size[1]
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, 4)
    covered = np.concatenate([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], axis=2)
    blurred = np.pad(covered, ((1, 1), (1, 1), (0, 0)))
    blurred = 0.25 * (blurred[:-2] + 2 * blurred[1:-1] + blurred[2:])
    blurred = 0.25 * (blurred[:, :-2] + 2 * blurred[:, 1:-1] + blurred[:, 2:])
    alpha = blurred[..., 3:]
    edge = (alpha > 0.004) & (alpha < 0.98)
    straight = np.concatenate([blurred[..., :3] / np.maximum(alpha, 1e-4), alpha], axis=2)
    pixels[:] = np.clip(np.where(edge, straight, pixels), 0, 1)
    image.pixels.foreach_set(pixels.ravel())
    image.file_format = "PNG"
    image.save(filepath=str(png))
    bpy.data.images.remove(image)


def develop(png: Path, jpeg: Path, seed: int, quality: int = 92) -> None:
    """Turn a render into a photo: a little grain, JPEG."""
    image = bpy.data.images.load(str(png))
    width, height = image.size[0], image.size[1]
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, 4)
    rng = np.random.default_rng(seed)
    pixels[..., :3] += 0.006 * rng.normal(size=(height, width, 1)) + 0.003 * rng.normal(
        size=(height, width, 3)
    )
    image.pixels.foreach_set(np.clip(pixels, 0, 1).ravel())
    image.file_format = "JPEG"
    image.save(filepath=str(jpeg), quality=quality)
    bpy.data.images.remove(image)
