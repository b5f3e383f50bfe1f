"""Time from a motion file to keys on the avatar, and how exactly the motion comes back.

Run by ``python dev.py bench motion``, or from Blender's Python with the package on the path. The files are
our own motions, written as other programs write them.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from lhm_avatars.engine.avatar.body import JOINT_COUNT, bundled_body
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.onto import Wishes, onto
from lhm_avatars.engine.motion.planting import planted
from lhm_avatars.engine.motion.readers import read_motion
from lhm_avatars.engine.motion.retarget.retarget import Retargeting
from lhm_avatars.engine.motion.retarget.root import Placing
from lhm_avatars.engine.motion.simplify import Tolerance, simplified
from lhm_avatars.engine.motion.writers.bvh import write_bvh
from lhm_avatars.engine.motion.writers.smplx_files import write_amass
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.armature import create_armature

if TYPE_CHECKING:
    from collections.abc import Callable

FRAMES, LONG_MINUTES, LONG_FPS = 1000, 10, 120
AS_RECORDED = Placing(travel=True, floor=False, heading=False, origin=False)


def say(text: str) -> None:
    """One line for the terminal, seen at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def timed(what: Callable[[], object], rounds: int = 3) -> tuple[float, object]:
    """Best of some runs, seconds, and the last result."""
    best, result = np.inf, None
    for _ in range(rounds):
        start = time.perf_counter()
        result = what()
        best = min(best, time.perf_counter() - start)
    return best, result


def lively(frames: int, fps: float) -> Motion:
    """All joints in motion; begins in the T-pose."""
    rng = np.random.default_rng(2)
    phase = np.arange(frames)[:, None, None] / fps
    pose = 0.4 * np.sin(phase * rng.uniform(1, 4, (1, JOINT_COUNT, 3))) * np.minimum(phase, 1)
    transl = np.cumsum(rng.normal(0, 0.002, (frames, 3)), axis=0)
    return Motion(pose, transl, fps, "lively")


def error(motion: Motion, wanted: Motion, joints: np.ndarray) -> float:
    """Largest distance of a joint from where it should be, millimetres."""
    places = []
    for own in (motion, wanted):
        moved = forward_kinematics(joints, own.pose.astype(np.float64), own.transl.astype(np.float64))
        places.append(np.einsum("fjab,jb->fja", moved[..., :3, :3], joints) + moved[..., :3, 3])
    return 1000 * float(np.linalg.norm(places[0] - places[1], axis=-1).max())


def short(folder: Path, joints: np.ndarray) -> None:
    """1,000 frames, step by step."""
    motion = lively(FRAMES, 30.0)
    write_bvh(folder / "m.bvh", motion, joints)
    write_amass(folder / "m.npz", motion, joints, np.zeros(10))
    armature = create_armature(bpy.context, "A", joints, bpy.context.scene.collection)
    say(f"\n{FRAMES} frames x {JOINT_COUNT} joints, seconds")
    say("| | read | carry over and hold feet | key | together | joints off by |")
    say("|---|--:|--:|--:|--:|--:|")
    for name in ("m.bvh", "m.npz"):
        read, source = timed(lambda name=name: read_motion(folder / name))
        wishes = Wishes(retargeting=Retargeting(placing=AS_RECORDED), fps=30.0)
        carry, carried = timed(lambda source=source, wishes=wishes: onto(source, joints, wishes))
        key, _ = timed(lambda carried=carried: add_action(armature, carried.motion))
        off = error(carried.motion, motion, joints)
        say(f"| {name} | {read:.3f} | {carry:.3f} | {key:.3f} | {read + carry + key:.2f} | {off:.3f} mm |")


def fewer(joints: np.ndarray) -> None:
    """Simplified keys of a made and of a recorded-like motion, alone and with a layer of held feet."""
    armature = create_armature(bpy.context, "Few", joints, bpy.context.scene.collection)
    say("\nKeys of 1,000 frames | within | choose, s | key, s | kept | joints off by")
    rng = np.random.default_rng(5)
    steps = walk(joints, fps=30.0, cycles=-(-FRAMES // 32), travel=True)
    steps = replace(
        steps,
        pose=steps.pose[:FRAMES],
        transl=steps.transl[:FRAMES] * np.array([1, 1, 0.9], np.float32),
        expression=steps.expression[:FRAMES],
    )
    shaken = replace(steps, pose=steps.pose + rng.normal(0, 0.002, steps.pose.shape).astype(np.float32))
    for name, motion in (("walk", steps), ("walk with noise of 0.1 degrees", shaken)):
        held = planted(joints, motion).motion
        for layer, degrees in ((None, 0.5), (held, 0.25), (held, 0.5), (held, 1.0)):
            tolerance = Tolerance(degrees, degrees * 0.004)
            choose, keys = timed(
                lambda m=motion, layer=layer, t=tolerance: simplified(joints, m, layer, t), rounds=2
            )
            key, _ = timed(lambda m=motion, keys=keys: add_action(armature, m, kept=keys.motion), rounds=2)
            what = f"{name}, held feet above" if layer else name
            say(
                f"{what} | {degrees} degrees | {choose:.2f} | {key:.2f} "
                f"| {keys.share:.0%} | {1000 * keys.farthest:.1f} mm"
            )


def long(folder: Path, joints: np.ndarray) -> None:
    """Ten minutes at 120 frames per second."""
    frames = LONG_MINUTES * 60 * LONG_FPS
    base = lively(3000, LONG_FPS)
    turns = -(-frames // 3000)
    motion = Motion(
        np.tile(base.pose, (turns, 1, 1))[:frames],
        np.tile(base.transl, (turns, 1))[:frames],
        LONG_FPS,
        "long",
    )
    path = folder / "long.bvh"
    write_bvh(path, motion, joints)
    tracemalloc.start()
    read, source = timed(lambda: read_motion(path), rounds=1)
    peak = tracemalloc.get_traced_memory()[1] / 2**30
    tracemalloc.stop()
    carry, _ = timed(lambda: onto(source, joints, Wishes(fps=24.0)), rounds=1)
    size = path.stat().st_size / 2**20
    say(f"\n{LONG_MINUTES} min at {LONG_FPS} fps, {frames} frames, {size:.0f} MiB of BVH")
    say(f"read {read:.1f} s (under a memory tracer; peak {peak:.2f} GiB), carry over to 24 fps {carry:.1f} s")


def feet(joints: np.ndarray) -> None:
    """A walk that slides, held."""
    say("\nA walk of which each step slides | slide before | after | jerk of the pelvis, ratio")
    for share in (0.95, 0.90, 0.85):
        true = walk(joints, fps=30.0, cycles=4, travel=True)
        sliding = replace(true, transl=true.transl * np.array([1, 1, share], np.float32))
        result = planted(joints, sliding)
        jerk = [np.abs(np.diff(m.transl, n=2, axis=0)).max() for m in (result.motion, sliding)]
        say(
            f"{1 - share:.0%} | {1000 * result.before:.1f} mm | {1000 * result.after:.1f} mm "
            f"| {jerk[0] / jerk[1]:.2f}"
        )
    true = walk(joints, fps=30.0, cycles=4, travel=True)
    slid = 0.4 * np.arange(true.count)[:, None] / true.fps * [1.0, 0.0, 0.0]
    drifting = replace(true, transl=(true.transl + slid).astype(np.float32))
    result = planted(joints, drifting, sliding=True)
    jerk = [np.abs(np.diff(m.transl, n=2, axis=0)).max() for m in (result.motion, drifting)]
    off = np.linalg.norm(result.motion.transl - true.transl, axis=1).max()
    say(
        f"all of it drifts at 0.4 m/s | {1000 * result.before:.1f} mm | {1000 * result.after:.1f} mm "
        f"| {jerk[0] / jerk[1]:.2f} | {100 * off:.1f} cm off the true way after {slid.max():.1f} m"
    )


def main() -> int:
    """All of it."""
    joints = bundled_body().joints(np.zeros(10)).astype(np.float64)
    with tempfile.TemporaryDirectory() as folder:
        short(Path(folder), joints)
        feet(joints)
        fewer(joints)
        long(Path(folder), joints)
    return 0


if __name__ == "__main__":
    sys.exit(main())
