"""Fifty avatars of five people in one scene: what they cost in memory and in time per frame change.

Run by ``python dev.py bench crowd``, or from Blender's Python with the package on the path; ``--count 40000``
takes one size only. All of them play motions of their own. Memory is what the process holds for itself, less
what it held before; the data that are shared count once. Every case runs in a fresh process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import bpy
import numpy as np
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.rendering.display_modes import set_display, show
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.duplicate import Arrangement, duplicate_avatars, places
from skinning import frame_change, random_motion, sampled_avatar, say

PEOPLE, EACH = 5, 10
FRAMES, WARM_UP = 8, 2
COUNTS = (10_000, 40_000)
SPACING = 1.5  # metres; the farthest stand 15 m from the camera
CASES: dict[str, dict[str, object]] = {
    "all Gaussians, solid": {"Detail Distance": 0.0},
    "detail by distance (10 m)": {},
    "detail by distance (4 m)": {"Detail Distance": 4.0},
    "4 m, a quarter in viewports": {"Detail Distance": 4.0, "Viewport Share": 0.25},
    "4 m, points": {"Detail Distance": 4.0, "Viewport Mode": "Points"},
    "hidden, skinning only": {},
}
HIDDEN = "hidden, skinning only"


def held() -> float:
    """MiB that the process holds for itself; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    lines = (line.split() for line in status.read_text(encoding="ascii").splitlines())
    return next(float(words[1]) for words in lines if words[0] == "RssAnon:") / 1024


def per_frame() -> tuple[float, float]:
    """Median wall time and mean CPU time of a frame change, milliseconds."""
    for frame in range(1, WARM_UP + 1):
        frame_change(frame)
    walls, cpu = [], time.process_time()
    for frame in range(WARM_UP + 1, WARM_UP + FRAMES + 1):
        began = time.perf_counter()
        frame_change(frame)
        walls.append(time.perf_counter() - began)
    return 1e3 * statistics.median(walls), 1e3 * (time.process_time() - cpu) / FRAMES


def add_camera() -> None:
    """In front of the crowd, as a spectator stands."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.location, camera.rotation_euler = (0.0, -9.0, 1.7), (1.5, 0.0, 0.0)


def add_people(count: int) -> list[AvatarObjects]:
    """Five avatars, each with a motion, that stand beside each other."""
    people = []
    for number in range(PEOPLE):
        made = add_avatar(bpy.context, sampled_avatar(count, 4), name=f"Person {number}", pose="rest")
        show(made.cloud)
        motion = random_motion()
        add_action(made.armature, Motion(np.roll(motion.pose, number, 0), motion.transl, 24.0, "Swing"))
        made.armature.location.x = number * SPACING
        people.append(made)
    return people


def run_case(count: int, case: str) -> None:
    """One row of the table, in this process."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    add_camera()
    before = held()
    people = add_people(count)
    frame_change(1)
    first = (held() - before) / PEOPLE
    where = places(Arrangement.SCATTER, PEOPLE * (EACH - 1), SPACING, (0, 0, 0))
    for cloud in (made.cloud for made in people):  # before they are shared out, as an artist would
        set_display(cloud, **CASES[case])
        cloud.modifiers["LHM Display"].show_viewport = case != HIDDEN
    began = time.perf_counter()
    for number, made in enumerate(people):
        duplicate_avatars(bpy.context, made.armature, where[number::PEOPLE])
    seconds = (time.perf_counter() - began) / len(where)
    frame_change(2)
    more = (held() - before - first * PEOPLE) / len(where)
    wall, cpu = per_frame()
    total = PEOPLE * EACH
    say(
        f"{count:6d}  {case:28s} {wall:8.0f} {cpu:8.0f} {cpu / total:8.2f} {first:8.1f} {more:8.1f}"
        f" {1e3 * seconds:8.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, choices=COUNTS, help="Gaussians of each avatar")
    parser.add_argument("--case", choices=CASES, help="run this one here")
    options = parser.parse_args()
    if options.case and options.count:
        run_case(options.count, options.case)
        return
    say(
        f"Blender {bpy.app.version_string}, {os.cpu_count()} cores, {PEOPLE * EACH} avatars of {PEOPLE} "
        f"people, median of {FRAMES} frames after {WARM_UP}"
    )
    say("splats  viewport                      wall ms   CPU ms  CPU each  MiB 1st  MiB more  ms to add")
    for count in [options.count] if options.count else COUNTS:
        for case in CASES:
            command = [sys.executable, __file__, "--count", str(count), "--case", case]
            subprocess.run(command, check=True, env=os.environ)


if __name__ == "__main__":
    main()
