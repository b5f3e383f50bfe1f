"""What drawing splats in the viewport costs Blender's own thread, besides evaluating and drawing.

Run by ``python dev.py bench viewport``, or from Blender's Python with the package on the path. After a turn
of the view: depths, order, upload of the order. After a change of pose, besides: reading the evaluated cloud
and uploading it. Uploads need a graphics context, which Blender 5.2's module can make without a window; with
others, and where there is no graphics card, they are left out or go to software OpenGL.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import TYPE_CHECKING

import bpy
import gpu
import lhm_avatars
import numpy as np
from lhm_avatars.engine.avatar.avatar import Avatar
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.viewport.draw import Canvas, Eye, Painter, Textures, order_texture
from lhm_avatars.rendering.viewport.order import far_to_near, view_depths
from lhm_avatars.rendering.viewport.points import use_points
from lhm_avatars.rendering.viewport.scene import Reading, read_scene
from lhm_avatars.rigging.avatar_objects import add_avatar
from raster_scene import body_scene

if TYPE_CHECKING:
    from collections.abc import Callable

AIMS_MS = {40_000: 2.0, 160_000: 8.0}
REPEATS, SIDE = 30, 512


def say(text: str) -> None:
    """One line for the terminal, seen at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def milliseconds(step: Callable[[], object]) -> float:
    """Median wall time."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def person(count: int) -> Avatar:
    """The rasterizer's benchmark body; its arms follow the shoulders, the rest the pelvis."""
    scene = body_scene(count, SIDE)
    gaussians = Gaussians.from_colors(*scene.gaussians())
    joints = bundled_body().joints(np.zeros(10, np.float32))
    indices, weights = np.zeros((count, 4), np.int32), np.zeros((count, 4), np.float32)
    indices[:, 0], weights[:, 0] = np.where(np.abs(gaussians.means[:, 0]) > 0.2, 16, 0), 1
    return Avatar(
        gaussians=gaussians,
        binding=Binding(indices, weights),
        params=BodyParams.zero(),
        joints=joints,
        seen=np.full(count, 2, np.uint8),
    )


def has_context() -> bool:
    """Whether textures can be made here."""
    try:
        gpu.init()
        gpu.types.GPUOffScreen(8, 8)
    except (AttributeError, RuntimeError, SystemError):
        return False
    return True


def eye_at(angle: float) -> Eye:
    """A view of the person from four metres."""
    view, window = np.eye(4), np.zeros((4, 4))
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [0, 0, 1], [np.sin(angle), np.cos(angle), 0]])
    view[:3, :3], view[:3, 3] = turn, (0, -0.9, -4)
    window[[0, 1, 2, 2, 3], [0, 1, 2, 3, 2]] = (2.5, 2.5, -1.002, -0.2, -1)
    return Eye(view, window, SIDE, SIDE)


def measure(count: int, uploads: bool) -> None:
    """One row."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    made = add_avatar(bpy.context, person(count), name="Bench", display=display_group())
    use_points(made.cloud)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    reading = read_scene(depsgraph, Reading())
    count = sum(cloud.count for cloud in reading.clouds)
    state = {"reading": reading, "angle": 0.0, "turn": 0.0}

    def order() -> np.ndarray:
        state["angle"] += 0.1
        depths = view_depths(state["reading"].clouds, (True,), eye_at(state["angle"]).depth_row())
        return far_to_near(depths)

    def evaluate() -> bpy.types.Depsgraph:
        state["turn"] += 0.01
        bone = made.armature.pose.bones["left_shoulder"]
        bone.rotation_quaternion = (np.cos(state["turn"]), 0, 0, np.sin(state["turn"]))
        return bpy.context.evaluated_depsgraph_get()

    reads = []
    for _ in range(REPEATS):
        fresh = evaluate()
        began = time.perf_counter()
        state["reading"] = read_scene(fresh, state["reading"], {made.cloud.name_full})
        reads.append(time.perf_counter() - began)
    read, ordering = 1000 * statistics.median(reads), milliseconds(order)
    floats = state["reading"].clouds[0].means @ np.ones(3, np.float32)
    plain = milliseconds(lambda: np.argsort(floats, kind="stable"))
    send_order = send_pose = paint = 0.0
    if uploads:
        textures, painter, canvas, numbers = Textures(), Painter(), Canvas(SIDE, SIDE), order()
        textures.load(state["reading"].clouds, {"moving", "still", "blocks"})
        send_order = milliseconds(lambda: order_texture(numbers))
        send_pose = milliseconds(lambda: textures.load(state["reading"].clouds, {"moving"}))
        held = order_texture(numbers)

        def draw() -> None:
            painter.paint(canvas, textures, held, count, eye_at(0.0))
            with canvas.frame.bind():  # type: ignore[reportGeneralTypeIssues]
                canvas.frame.read_color(0, 0, 1, 1, 4, 0, "FLOAT")  # waits for the card

        paint = milliseconds(draw)
    turned, posed = ordering + send_order, read + send_pose + ordering + send_order
    aim = AIMS_MS[round(count, -4)]
    say(
        f"{count:7d}  {ordering:6.2f} {send_order:7.2f} {turned:8.2f}   {read:6.2f} {send_pose:7.2f} "
        f"{posed:8.2f} {aim:7.1f}  {plain:8.2f} {paint:9.1f}"
    )


def main() -> None:
    """Print the table."""
    bpy.context.preferences.addons.new().module = lhm_avatars.__name__
    lhm_avatars.register()
    uploads = has_context()
    card = gpu.platform.renderer_get() if uploads else "no graphics context: uploads and drawing left out"
    say(f"Blender {bpy.app.version_string}, {os.cpu_count()} cores, {card}; milliseconds")
    say("         view turned:             pose changed, all:              for comparison:")
    say("splats    order  upload      all     read  upload      all     aim  float sort  draw 512")
    for count in AIMS_MS:
        measure(count, uploads)
    lhm_avatars.unregister()


if __name__ == "__main__":
    main()
