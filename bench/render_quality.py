"""How near each way of rendering comes to the float64 rasterizer: PSNR, SSIM, seconds and memory.

Run by ``python dev.py bench render_quality [--size N] [--avatars FILE …] [--modes NAME …] [--pictures DIR]``.
Three avatars, three lenses, two poses. Each mode is compared with the float64 reference rendered the same
way: where Blender blends light, the reference blends light, too; both are then shown by the sRGB curve. What
counts is the person: the pixels that the reference covers, and those a pixel around.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from math import atan, radians, tan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import lhm_avatars
import numpy as np
from lhm_avatars.engine.avatar.body import BodyParams
from lhm_avatars.engine.avatar.color import linear_from_srgb
from lhm_avatars.engine.formats.avatar_file import load_avatar
from lhm_avatars.engine.motion.builtin.catalogue import BUILT_IN
from lhm_avatars.engine.preview.color import light_from_blend
from lhm_avatars.engine.raster.reference import rasterize_reference
from lhm_avatars.engine.raster.values import RasterSettings
from lhm_avatars.operators.avatars import rest_joints
from lhm_avatars.operators.reconstruction import Settings, reconstruct_photo
from lhm_avatars.rendering.camera import camera_view
from lhm_avatars.rendering.capabilities import eevee
from lhm_avatars.rendering.display_modes import set_display, show
from lhm_avatars.rendering.display_nodes import DISKS, POINTS, RENDER_MODE, SPLATS
from lhm_avatars.rendering.preview_engine import ENGINE_ID
from lhm_avatars.rendering.render_settings import CYCLES, EEVEE, suit_renders
from lhm_avatars.rendering.splats import collect_splats
from lhm_avatars.rigging.avatar_objects import add_avatar
from lhm_avatars.rigging.poses import set_pose
from mathutils import Vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.rigging.avatar_objects import AvatarObjects
    from numpy.typing import NDArray

    Picture = NDArray[np.floating[Any]]

ROOT = Path(__file__).resolve().parents[1]
LENSES = (24.0, 50.0, 135.0)  # millimetres on a 36 mm sensor
WALK_FRAME = 8
FILLED = 0.85  # share of the picture's height that the person takes
GREY = 0.5  # display space, behind the person
DRAFT = 30.0
"""Decibels below which the user interface calls a mode a draft."""


@dataclass(frozen=True)
class Mode:
    """A way of rendering.

    Args:
        name: In the table.
        set_up: Sets the scene and the avatar for it.
        blends_light: Whether splats blend as light, as in Cycles and EEVEE, or in display space.
    """

    name: str
    set_up: Callable[[bpy.types.Scene, AvatarObjects], None]
    blends_light: bool = True


@dataclass
class Tally:
    """What was measured of one mode."""

    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: float = 0.0


def _cycles(samples: int, display: str = SPLATS) -> Callable[[bpy.types.Scene, AvatarObjects], None]:
    def set_up(scene: bpy.types.Scene, made: AvatarObjects) -> None:
        suit_renders(scene, CYCLES)
        scene.cycles.samples = samples
        set_display(made.cloud, **{RENDER_MODE: display})

    return set_up


def _eevee(scene: bpy.types.Scene, made: AvatarObjects) -> None:
    suit_renders(scene, EEVEE)
    set_display(made.cloud, **{RENDER_MODE: SPLATS})


def _preview(scene: bpy.types.Scene, made: AvatarObjects) -> None:
    scene.render.engine = ENGINE_ID
    scene.view_settings.view_transform = "Standard"


MODES = (
    Mode("Cycles, splats, 1 sample", _cycles(1)),
    Mode("Cycles, splats, 4 samples", _cycles(4)),
    Mode("Cycles, splats, 16 samples", _cycles(16)),
    Mode(f"EEVEE ({eevee()}), splats", _eevee),
    Mode("Cycles, disks, 4 samples", _cycles(4, DISKS)),
    Mode("Cycles, points, 4 samples", _cycles(4, POINTS)),
    Mode("LHM Preview", _preview, blends_light=False),
)


def say(text: str) -> None:
    """One line for the terminal, seen at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def avatars(files: list[str]) -> list[tuple[str, Avatar]]:
    """Those of the files, else of the two example photos and of the first one again with twice the splats."""
    if files:
        return [(Path(file).stem, load_avatar(Path(file))) for file in files]
    wanted = (("example_person", 40_000), ("example_half_body", 40_000), ("example_person", 80_000))
    found = []
    for name, count in wanted:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        made = reconstruct_photo(bpy.context, ROOT / "assets" / f"{name}.jpg", Settings(count=count))
        found.append((f"{name} {count // 1000}k", made.made.avatar))
    return found


def stage(avatar: Avatar, lens: float, *, walking: bool, size: int) -> AvatarObjects:
    """One avatar before a camera that sees the whole of it, lit by nothing: splats shine."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    made = add_avatar(bpy.context, avatar, name="Bench")
    show(made.cloud)
    scene = bpy.context.scene
    if walking:
        motion = BUILT_IN["walk"].maker(rest_joints(made.armature), 24.0)
        pose = BodyParams.from_pose(
            motion.pose[WALK_FRAME], betas=np.zeros(0), transl=motion.transl[WALK_FRAME]
        )
        set_pose(made.armature, pose)
    bpy.context.view_layer.update()
    means = collect_splats(bpy.context.evaluated_depsgraph_get()).means
    low, high = np.quantile(means, (0.001, 0.999), axis=0)
    middle, height = (low + high) / 2, float((high - low)[2])
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera, camera.data.lens = camera, lens
    half = atan(18.0 / lens)
    distance = height / FILLED / 2 / tan(half) + float((high - low)[1]) / 2
    way = Vector((np.sin(radians(20)), -np.cos(radians(20)), 0.1)).normalized()
    camera.location = Vector(middle.tolist()) + way * distance
    camera.rotation_euler = (-way).to_track_quat("-Z", "Y").to_euler()
    render = scene.render
    render.resolution_x = render.resolution_y = size
    render.film_transparent = True
    settings = render.image_settings
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR", "32", "NONE"
    return made


def rendered(folder: Path) -> tuple[Picture, float]:
    """The scene's picture, premultiplied light and alpha, top row first [H, W, 4]; and its seconds."""
    scene = bpy.context.scene
    scene.render.filepath = str(folder / "picture.exr")
    began = time.perf_counter()
    bpy.ops.render.render(write_still=True)
    seconds = time.perf_counter() - began
    image = bpy.data.images.load(str(folder / "picture.exr"))
    width, height = (int(n) for n in image.size[:])
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)
    bpy.data.images.remove(image)
    return flat.reshape(height, width, 4)[::-1].astype(np.float64), seconds


def reference(*, blends_light: bool) -> Picture:
    """The scene by the float64 rasterizer: premultiplied light and alpha. [H, W, 4]"""
    scene, depsgraph = bpy.context.scene, bpy.context.evaluated_depsgraph_get()
    size = scene.render.resolution_x
    view = camera_view(scene, scene.camera.evaluated_get(depsgraph), depsgraph, size, size)
    splats = collect_splats(depsgraph)
    colors = linear_from_srgb(np.maximum(splats.colors, 0)) if blends_light else splats.colors
    image = rasterize_reference(
        splats.means, splats.quats, splats.scales, splats.opacities, colors, view.viewmat, view.K, size, size,
        RasterSettings(eps2d=0.3),
    )  # fmt: skip
    if blends_light:
        return np.concatenate([image.color, image.alpha[..., None]], axis=2)
    return light_from_blend(image.color, image.alpha).astype(np.float64)


def shown(picture: Picture) -> Picture:
    """Over grey, by the sRGB curve, as on a screen. [H, W, 3]"""
    light = picture[..., :3] + (1 - picture[..., 3:]) * linear_from_srgb(np.array(GREY))
    light = np.clip(light, 0, 1)
    curved = 1.055 * light ** (1 / 2.4) - 0.055
    return np.asarray(np.where(light <= 0.0031308, 12.92 * light, curved), np.float64)


def around(alpha: Picture) -> NDArray[np.bool_]:
    """The pixels of the person and those next to them. [H, W]"""
    mask = np.pad(alpha > 1 / 255, 1)
    height, width = alpha.shape
    return np.any([mask[y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0)


def psnr(made: Picture, truth: Picture, mask: NDArray[np.bool_]) -> float:
    """Decibels, peak 1."""
    return float(-10 * np.log10(np.mean((made[mask] - truth[mask]) ** 2)))


def ssim(made: Picture, truth: Picture, mask: NDArray[np.bool_]) -> float:
    """Mean over the mask of the three channels' similarity.

    Source: Wang et al. 2004: Gaussian window, 11 pixels wide, standard deviation 1.5.
    """
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    taps /= taps.sum()

    def blurred(values: Picture) -> Picture:
        for axis in (0, 1):
            values = np.apply_along_axis(lambda line: np.convolve(line, taps, mode="same"), axis, values)
        return values

    a, b = blurred(made), blurred(truth)
    var_a, var_b = blurred(made * made) - a * a, blurred(truth * truth) - b * b
    both = blurred(made * truth) - a * b
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * a * b + c1) * (2 * both + c2) / ((a * a + b * b + c1) * (var_a + var_b + c2))
    return float(similar.mean(axis=2)[mask].mean())


def memory() -> float:
    """The most that this process ever held, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Tally]:
    """All modes on all scenes."""
    tallies = {mode.name: Tally() for mode in MODES if not options.modes or mode.name in options.modes}
    for name, avatar in avatars(options.avatars):
        for lens in LENSES:
            for walking in (False, True):
                label = f"{name}, {lens:g} mm, {'walk' if walking else 'photo'}"
                made = stage(avatar, lens, walking=walking, size=options.size)
                truths = {light: reference(blends_light=light) for light in (False, True)}
                for mode in MODES:
                    if mode.name not in tallies:
                        continue
                    mode.set_up(bpy.context.scene, made)
                    picture, seconds = rendered(folder)
                    truth = truths[mode.blends_light]
                    mask, pair = around(truth[..., 3]), (shown(picture), shown(truth))
                    tally = tallies[mode.name]
                    tally.psnr.append(psnr(*pair, mask))
                    tally.ssim.append(ssim(*pair, mask))
                    tally.seconds.append(seconds)
                    tally.memory = memory()
                    figures = f"{tally.psnr[-1]:6.2f} dB {tally.ssim[-1]:.4f} {seconds:6.1f} s"
                    say(f"{label:36s} {mode.name:28s} {figures}")
    return tallies


def table(tallies: dict[str, Tally]) -> None:
    """As Markdown."""
    say("\n| mode | PSNR, mean | lowest | SSIM | s a frame | memory so far |\n|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        draft = " (draft)" if min(tally.psnr) < DRAFT else ""
        likeness = f"{np.mean(tally.psnr):.1f} | {min(tally.psnr):.1f} | {np.mean(tally.ssim):.4f}"
        costs = f"{np.median(tally.seconds):.1f} | {tally.memory:.2f} GiB"
        say(f"| {name}{draft} | {likeness} | {costs} |")


def main() -> None:
    """Print each picture's figures, then the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--avatars", nargs="*", default=[])
    parser.add_argument("--modes", nargs="*", default=[])
    options = parser.parse_args()
    bpy.context.preferences.addons.new().module = lhm_avatars.__name__
    lhm_avatars.register()
    say(f"Blender {bpy.app.version_string}, {os.cpu_count()} cores, {options.size} × {options.size} pixels")
    with tempfile.TemporaryDirectory() as folder:
        table(measure(options, Path(folder)))
    lhm_avatars.unregister()


if __name__ == "__main__":
    main()
