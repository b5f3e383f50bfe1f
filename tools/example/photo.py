"""Render, then what a camera does to a picture: vignette, grain, JPEG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from .noise import SEED

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 900, 1200
_GRAIN, _VIGNETTE = 0.008, 0.10
_QUALITY = 88


def render(png: Path, samples: int, scale: float) -> None:
    """Render the scene with Cycles.

    Args:
        png: Written to.
        samples: Per pixel.
        scale: 1 for the size of the final picture.
    """
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = round(WIDTH * scale), round(HEIGHT * scale)
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, SEED
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.max_bounces, cycles.transparent_max_bounces = 4, 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    scene.cycles_curves.shape = "RIBBONS"
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.5
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(png)
    bpy.ops.render.render(write_still=True)


def develop(png: Path, jpeg: Path) -> None:
    """Turn the render into a photo; the grain is always the same."""
    image = bpy.data.images.load(str(png))
    width, height = image.size[0], image.size[1]
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, 4)
    rng = np.random.default_rng([SEED, 31])
    grain = rng.normal(size=(height, width, 1)) + 0.35 * rng.normal(size=(height, width, 3))
    light = pixels[..., :3].mean(axis=2, keepdims=True)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    dark = 1 - _VIGNETTE * ((x**2 + y**2) / 2)[..., None] ** 1.5
    pixels[..., :3] = pixels[..., :3] * dark + _GRAIN * grain * (0.6 + light * (1 - light) * 2)
    image.pixels.foreach_set(np.clip(pixels, 0, 1).ravel())
    image.file_format = "JPEG"
    image.save(filepath=str(jpeg), quality=_QUALITY)
