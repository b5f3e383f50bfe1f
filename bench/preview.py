"""Time of a rendered frame of one avatar: LHM Preview, Cycles and EEVEE, in the same run.

Run by ``python dev.py bench preview``, or from Blender's Python with the package on the path and the engine
installed. A frame is Blender's render operator without writing a file: posing, collecting or making quads,
drawing. The first one of each engine (starting the process, compiling shaders) is shown apart.

With ``--frames N`` instead: N small frames of an animated avatar among meshes, and how the memory of
Blender's process and of the engine's grows meanwhile.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from math import radians
from pathlib import Path

import bpy
import lhm_avatars
import numpy as np
from lhm_avatars.engine.avatar.avatar import Avatar
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.rendering.camera import camera_view
from lhm_avatars.rendering.capabilities import eevee
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.engine_session import shared
from lhm_avatars.rendering.preview_engine import ENGINE_ID, draw
from lhm_avatars.rendering.render_settings import suit_cycles
from lhm_avatars.rendering.splats import collect_splats
from lhm_avatars.rigging.avatar_objects import add_avatar
from raster_scene import body_scene

COUNT = 40_000
SIZES = (512, 1024)
EEVEE = eevee()
REPEATS = {ENGINE_ID: 5, "CYCLES": 3, EEVEE: 1}
CYCLES_SAMPLES, EEVEE_SAMPLES = 4, 16


def say(text: str) -> None:
    """One line for the terminal, seen at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def capsule_person() -> Avatar:
    """The rasterizer's benchmark body, all of it following the pelvis."""
    body, scene = bundled_body(), body_scene(COUNT, SIZES[0])
    weights = np.zeros((COUNT, 4), np.float32)
    weights[:, 0] = 1
    return Avatar(
        gaussians=Gaussians.from_colors(*scene.gaussians()),
        binding=Binding(np.zeros((COUNT, 4), np.int32), weights),
        params=BodyParams.zero(),
        joints=body.joints(np.zeros(10, np.float32)),
        seen=np.full(COUNT, 2, np.uint8),
    )


def set_up() -> None:
    """One avatar, filling the height of a square picture."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    add_avatar(bpy.context, capsule_person(), name="Bench", display=display_group())
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.location, camera.rotation_euler = (0.0, -3.4, 0.9), (radians(90), 0, 0)
    camera.data.lens = 60
    scene.render.film_transparent = True
    suit_cycles(scene)
    scene.cycles.samples, scene.cycles.use_adaptive_sampling = CYCLES_SAMPLES, False
    scene.cycles.use_denoising = False
    scene.eevee.taa_render_samples = EEVEE_SAMPLES


def seconds(engine: str) -> tuple[float, float, float]:
    """Wall time of the first frame, median of the others, and CPU time of one in Blender's process."""
    scene = bpy.context.scene
    scene.render.engine = engine
    times, cpu = [], 0.0
    for frame in range(REPEATS[engine] + 1):
        if frame == 1:
            cpu = time.process_time()
        began = time.perf_counter()
        scene.frame_set(frame)
        bpy.ops.render.render()
        times.append(time.perf_counter() - began)
    cpu = (time.process_time() - cpu) / REPEATS[engine]
    return times[0], statistics.median(times[1:]), cpu


def add_surroundings() -> None:
    """A floor, some balls and a sun."""
    bpy.ops.mesh.primitive_plane_add(size=10)
    for x in (-0.6, 0.6):
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.3, location=(x, -0.5, 0.3), segments=128, ring_count=64)
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler = (radians(40), 0, radians(30))
    bpy.context.scene.collection.objects.link(sun)


def resident(pid: int) -> float:
    """Memory of a process, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def leaks(frames: int) -> None:
    """Render many frames and print how memory grows, per hundred."""
    scene = bpy.context.scene
    add_surroundings()
    armature = bpy.data.objects["Bench"]
    for frame, x in ((1, -0.5), (frames, 0.5)):
        armature.location.x = x
        armature.keyframe_insert("location", index=0, frame=frame)
    scene.render.engine, scene.frame_end = ENGINE_ID, frames
    scene.render.resolution_x = scene.render.resolution_y = 64
    tempfile.tempdir = tempfile.mkdtemp(prefix="bench-")  # ours alone
    say("frames  Blender MB  engine MB")
    for done in range(frames + 1):
        if done % 50 == 0 and done:
            say(f"{done:6d}  {resident(os.getpid()):10.1f} {resident(shared.pid):10.1f}")
        scene.frame_set(done + 1)
        bpy.ops.render.render()
    say(f"temporary files left: {sum(1 for _ in Path(tempfile.tempdir).iterdir())}")


def parts(size: int) -> tuple[float, float]:
    """Seconds to collect the splats and to have them drawn, the two parts of a frame of LHM Preview."""
    scene, depsgraph = bpy.context.scene, bpy.context.evaluated_depsgraph_get()
    view = camera_view(scene, scene.camera.evaluated_get(depsgraph), depsgraph, size, size)
    began = time.perf_counter()
    splats = collect_splats(depsgraph)
    collected = time.perf_counter()
    draw(splats, view)
    return collected - began, time.perf_counter() - collected


def main() -> None:
    """Print the table."""
    bpy.context.preferences.addons.new().module = lhm_avatars.__name__
    lhm_avatars.register()
    set_up()
    if "--frames" in sys.argv:
        leaks(int(sys.argv[sys.argv.index("--frames") + 1]))
        lhm_avatars.unregister()
        return
    say(f"Blender {bpy.app.version_string}, {os.cpu_count()} cores, {COUNT} Gaussians, seconds per frame")
    say("size  engine                   first  others     CPU")
    render = bpy.context.scene.render
    for size in SIZES:
        render.resolution_x = render.resolution_y = size
        for engine in REPEATS:
            first, others, cpu = seconds(engine)
            say(f"{size:4d}  {engine:22s} {first:7.2f} {others:7.2f} {cpu:7.2f}")
        collect, drawn = parts(size)
        say(f"{size:4d}  of it, LHM Preview: collecting {collect:.3f}, drawing {drawn:.3f}")
    add_surroundings()
    for size in SIZES:
        render.resolution_x = render.resolution_y = size
        first, others, cpu = seconds(ENGINE_ID)
        say(f"{size:4d}  LHM Preview amid meshes, with shadows {first:7.2f} {others:7.2f} {cpu:7.2f}")
    lhm_avatars.unregister()


if __name__ == "__main__":
    main()
