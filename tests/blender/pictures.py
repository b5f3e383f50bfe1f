"""Scenes small enough to render in a test, and the float64 reference of what they should show."""

from __future__ import annotations

import os
import subprocess
import sys
from math import radians
from typing import TYPE_CHECKING

import bpy
import numpy as np
from exr import read_exr
from lhm_avatars.engine.raster.reference import rasterize_reference
from lhm_avatars.engine.raster.values import RasterSettings
from lhm_avatars.rendering.camera import camera_view
from lhm_avatars.rendering.splats import collect_splats

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.raster.values import Image
    from lhm_avatars.rendering.camera import View
    from lhm_avatars.rendering.splats import Splats


def add_camera(size: tuple[int, int] = (96, 72)) -> bpy.types.Object:
    """A camera in front of a person at the origin, a little from the side."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.location, camera.rotation_euler = (1.0, -4.4, 1.3), (radians(86), 0, radians(12))
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.film_transparent = True
    return camera


def render(path: Path) -> dict[str, np.ndarray]:
    """Render the scene and read all passes."""
    scene = bpy.context.scene
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # Blender 5.0
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return read_exr(path)


def scene_splats() -> tuple[Splats, View]:
    """What the scene's camera sees, by the viewport's depsgraph."""
    scene = bpy.context.scene
    depsgraph = bpy.context.evaluated_depsgraph_get()
    share = scene.render.resolution_percentage
    width, height = (n * share // 100 for n in (scene.render.resolution_x, scene.render.resolution_y))
    camera = scene.camera.evaluated_get(depsgraph)
    return collect_splats(depsgraph), camera_view(scene, camera, depsgraph, width, height)


def reference(eps2d: float = 0.3) -> Image:
    """The scene by the float64 rasterizer: premultiplied display-space colours."""
    splats, view = scene_splats()
    return rasterize_reference(
        splats.means, splats.quats, splats.scales, splats.opacities, splats.colors,
        view.viewmat, view.K, view.width, view.height, RasterSettings(eps2d=eps2d),
    )  # fmt: skip


def rendered_without_the_addon(file: Path, folder: Path) -> dict[str, np.ndarray]:
    """All passes of a saved file as a process renders it that never had the extension.

    Args:
        file: The .blend.
        folder: For the picture and for that process's settings.
    """
    script = (
        "import sys, bpy\n"
        "bpy.ops.wm.open_mainfile(filepath=sys.argv[1])\n"
        "bpy.context.scene.render.filepath = sys.argv[2]\n"
        "bpy.ops.render.render(write_still=True)\n"
        "assert not any('lhm' in name for name in sys.modules)\n"
    )
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "user"), "PYTHONPATH": ""}
    command = [sys.executable, "-c", script, file, folder / "there.exr"]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return read_exr(folder / "there.exr")


def psnr(picture: np.ndarray, expected: np.ndarray, mask: np.ndarray) -> float:
    """Peak signal to noise ratio inside a mask, decibels, peak 1."""
    return float(-10 * np.log10(np.mean((picture[mask] - expected[mask]) ** 2)))
