#!/usr/bin/env python3
"""Take a photo through the installed extension: avatar, pictures, a film and a report of how long each took.

Run by `python dev.py demo` in the Python that has Blender as a module, with BLENDER_USER_RESOURCES and
LHM_AVATARS_ENGINE_ROOT set. All goes the way a user goes: the zip is installed, the operator is called.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

EXTENSION = "bl_ext.user_default.lhm_avatars"
PREVIEW_SIZE = (800, 1200)
VIEW_SIZE = (360, 540)
FILM_SIZE = (512, 768)
OVERVIEW_SIZE = (400, 760)
STILL_ANGLE = 35  # degrees around the avatar
WALKING = ((8, 40), (21, 145))  # frame, degrees
VIEWS, COLUMNS = 8, 4
FILM_FPS, DOUBLE_STEPS = 24, 3
BRIGHT, DARK = 0.62, 0.30  # display-space greys in the middle and the corners of the still pictures


@dataclass
class Report:
    """Seconds per step, told as they pass."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure one step."""
        say(f"{name} …")
        began = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - began, 2)
        say(f"{name}: {self.seconds[name]:.1f} s")


_terminal = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")


def say(text: str) -> None:
    """One line for the terminal, at once."""
    print(text, file=_terminal, flush=True)


def hush_blender(log: Path) -> None:
    """From now on write to a file what Blender prints: several lines a frame."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)


def main(arguments: list[str]) -> int:
    """Run the demo.

    Returns:
        The exit code.
    """
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    hush_blender(options.out / "blender.log")
    report = Report()
    with report.step("install the extension"):
        install(options.zip)
    try:
        with report.step("reconstruct"):
            armature = reconstruct(options.photo, options.out)
    except RuntimeError as error:  # how Blender passes on what an operator reported as an error
        say(f"{options.photo.name}: {str(error).removeprefix('Error: ').strip()}")
        return 1
    with report.step("preview.png"):
        render_still(options.out / "preview.png")
    with report.step("turntable.png"):
        render_turntable(options.out / "turntable.png", armature)
    with report.step("walk.mp4"):
        render_walk(options.out / "walk.mp4")
    with report.step("overview.png"):
        render_overview(options.out / "overview.png", options.photo, armature)
    with report.step("avatar.blend"):
        save(options.out / "avatar.blend")
    write_report(options.out / "report.json", options.photo, report)
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("photo", "out", "zip"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    for name in ("photo", "out", "zip"):
        setattr(options, name, getattr(options, name).absolute())
    return options


def ours(module: str) -> Any:
    """One of the extension's modules, as installed."""
    return importlib.import_module(f"{EXTENSION}.{module}")


def install(archive: Path) -> None:
    """Install and enable the extension as Blender does with a zip from the disk."""
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.extensions.package_install_files(
        filepath=str(archive), repo="user_default", enable_on_install=True, overwrite=True
    )


def reconstruct(photo: Path, out: Path) -> bpy.types.Object:
    """Press the button; set up the picture.

    Returns:
        The avatar's armature.
    """
    bpy.ops.lhm.reconstruct(photo=str(photo), avatar_file=str(out / "avatar.lhma"))
    scene = bpy.context.scene
    scene.render.fps = FILM_FPS
    scene.render.resolution_x, scene.render.resolution_y = PREVIEW_SIZE
    bpy.ops.lhm.set_up_preview()
    return bpy.context.view_layer.objects.active


def render_still(path: Path) -> None:
    """One picture before a plain wall."""
    with tempfile.TemporaryDirectory() as folder:
        write_picture(path, on_wall(render_clear(Path(folder, "view.png"))))


def render_turntable(path: Path, armature: bpy.types.Object) -> None:
    """Views from all around on one sheet, from the front on."""
    preview, scene = ours("operators.preview"), bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = VIEW_SIZE
    extent = preview.extent_of(bpy.context, armature)
    placed = scene.camera.matrix_world.copy()
    views = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(VIEWS):
            preview.aim(scene, scene.camera, extent, 360 * number / VIEWS)
            views.append(on_wall(render_clear(Path(folder, f"{number}.png"))))
    scene.camera.matrix_world = placed
    rows = [np.concatenate(views[i : i + COLUMNS], axis=1) for i in range(0, VIEWS, COLUMNS)]
    write_picture(path, np.concatenate(rows, axis=0))


def render_walk(path: Path) -> None:
    """The built-in walk as a film; the scene keeps the walk and its frame range."""
    scene = bpy.context.scene
    bpy.ops.lhm.add_motion(motion="walk", cycles=DOUBLE_STEPS)
    scene.render.resolution_x, scene.render.resolution_y = FILM_SIZE
    image = scene.render.image_settings
    if hasattr(image, "media_type"):  # Blender 5.0 and later
        image.media_type = "VIDEO"
    image.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
    scene.render.ffmpeg.constant_rate_factor = "HIGH"
    scene.render.filepath, scene.render.use_file_extension = str(path), False
    with quiet_frames():
        bpy.ops.render.render(animation=True)


def render_overview(path: Path, photo: Path, armature: bpy.types.Object) -> None:
    """Photo, avatar and avatar walking, side by side; leaves the scene walking."""
    preview, scene = ours("operators.preview"), bpy.context.scene
    image = scene.render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    scene.render.resolution_x, scene.render.resolution_y = OVERVIEW_SIZE
    action, placed = armature.animation_data.action, scene.camera.matrix_world.copy()
    panels = [read_photo(photo, OVERVIEW_SIZE[1])]
    with tempfile.TemporaryDirectory() as folder:
        armature.animation_data.action = None
        bpy.ops.lhm.pose_avatar(pose="photo")
        for angle in (0, STILL_ANGLE):
            preview.aim(scene, scene.camera, preview.extent_of(bpy.context, armature), angle)
            panels.append(on_wall(render_clear(Path(folder, f"{angle}.png"))))
        armature.animation_data.action = action
        for frame, angle in WALKING:
            scene.frame_set(frame)
            preview.aim(scene, scene.camera, preview.extent_of(bpy.context, armature), angle)
            panels.append(on_wall(render_clear(Path(folder, f"{frame}.png"))))
    scene.frame_set(scene.frame_start)
    scene.camera.matrix_world = placed
    write_picture(path, np.concatenate(panels, axis=1))


def read_photo(path: Path, height: int) -> NDArray[np.float32]:
    """A photo at a height. [H, W, 3]"""
    loaded = bpy.data.images.load(str(path))
    loaded.scale(max(1, round(loaded.size[0] * height / loaded.size[1])), height)
    pixels = np.empty(len(loaded.pixels), np.float32)
    loaded.pixels.foreach_get(pixels)
    width = loaded.size[0]
    bpy.data.images.remove(loaded)
    return pixels.reshape(height, width, -1)[::-1, :, :3]


def save(path: Path) -> None:
    """Save the scene at its first frame, walking."""
    image = bpy.context.scene.render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    image.file_format = "PNG"
    bpy.context.scene.render.filepath = "//"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


def render_clear(path: Path) -> NDArray[np.float32]:
    """Render the scene without a background.

    Returns:
        Display-space colour, not multiplied by alpha, and alpha; top row first. [H, W, 4]
    """
    scene = bpy.context.scene
    image = scene.render.image_settings
    image.file_format, image.color_mode = "PNG", "RGBA"
    scene.render.film_transparent = True
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    scene.render.film_transparent = False
    loaded = bpy.data.images.load(str(path))
    pixels = np.empty(len(loaded.pixels), np.float32)
    loaded.pixels.foreach_get(pixels)
    width, height = loaded.size[0], loaded.size[1]
    bpy.data.images.remove(loaded)
    return pixels.reshape(height, width, 4)[::-1]


def on_wall(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay a picture over a grey wall that is brightest behind the person. [H, W, 3]"""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    far = np.hypot((x / width - 0.5) / 0.75, (y / height - 0.42) / 0.75)
    wall = (BRIGHT + (DARK - BRIGHT) * np.clip(far, 0, 1) ** 2)[..., None]
    alpha = picture[..., 3:]
    return picture[..., :3] * alpha + wall * (1 - alpha)


def write_picture(path: Path, picture: NDArray[np.float32]) -> None:
    """Write display-space colours as PNG.

    Args:
        path: The file.
        picture: Top row first. [H, W, 3]
    """
    height, width = picture.shape[:2]
    image = bpy.data.images.new(path.stem, width, height, alpha=False)
    opaque = np.ones((height, width, 4), np.float32)
    opaque[..., :3] = picture[::-1]
    image.pixels.foreach_set(opaque.ravel())
    image.file_format, image.filepath_raw = "PNG", str(path)
    image.save()
    bpy.data.images.remove(image)


@contextlib.contextmanager
def quiet_frames() -> Iterator[None]:
    """Say how far the film is, once in a while."""

    def told(scene: bpy.types.Scene, *_: object) -> None:
        done, frames = scene.frame_current - scene.frame_start + 1, scene.frame_end - scene.frame_start + 1
        if done % FILM_FPS == 0 or done == frames:
            say(f"  frame {done} of {frames}")

    bpy.app.handlers.render_post.append(told)
    try:
        yield
    finally:
        bpy.app.handlers.render_post.remove(told)


def write_report(path: Path, photo: Path, report: Report) -> None:
    """What was done, how long it took and what should be known about it."""
    made = ours("operators.reconstruct").last_made()
    content = {
        "photo": photo.name,
        "blender": bpy.app.version_string,
        "seconds": report.seconds,
        "total_seconds": round(sum(report.seconds.values()), 1),
        "gaussians": made.avatar.gaussians.count,
        "warnings": list(made.warnings),
        "engine": made.report,
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    say(f"{path.parent}: {', '.join(sorted(found.name for found in path.parent.iterdir()))}")
    for warning in made.warnings:
        say(f"note: {warning}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
