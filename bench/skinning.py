"""Time of one frame change of a posed avatar: Geometry Nodes against a numpy frame handler, in the same run.

Run by ``python dev.py bench skinning``, or from Blender's Python with the package on the path. A frame change
is the armature's animation, the bone frames and the cloud; nothing is drawn. The handler does the same work:
the same blend, the same iteration to the nearest rotation, both attributes written.

Then what a face adds to it: nothing moving, some shapes at a time as in speech, or all of them at once.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
from lhm_avatars.engine.avatar.avatar import Avatar
from lhm_avatars.engine.avatar.binding import Binding, dense, strongest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, BodyParams, bundled_body
from lhm_avatars.engine.avatar.face import FaceSpace
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.rotations import quat_from_matrix, quat_multiply
from lhm_avatars.engine.avatar.skinning import blend_transforms
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.pointcloud import read_gaussians, write_attribute

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = ((40_000, 4), (40_000, 8), (160_000, 4), (160_000, 8))
TARGETS_MS = {(40_000, 4): 6.0, (160_000, 4): 16.0}  # on two cores of an idle machine
FRAMES, WARM_UP = 40, 5
POLAR_STEPS = 4
FACE_SPLATS, FACE_SHAPES = 5_000, 50
FACE_GAUSSIANS, FACE_INFLUENCES = CASES[0]
MOVING = (0, 10, FACE_SHAPES)
ROUNDS = 5  # in turn, so that whatever else runs slows all alike


def say(text: str) -> None:
    """One line for the terminal, seen at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def sampled_avatar(count: int, influences: int) -> Avatar:
    """Gaussians strewn over the bundled body, with the weights of their vertices."""
    rng = np.random.default_rng(0)
    body = bundled_body()
    vertices = body.shaped(np.zeros(10, np.float32))
    vertex = rng.integers(0, len(vertices), count)
    weights = dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
    quats = rng.normal(size=(count, 4))
    return Avatar(
        gaussians=Gaussians.from_colors(
            means=vertices[vertex] + rng.normal(0, 0.003, (count, 3)),
            quats=quats / np.linalg.norm(quats, axis=1, keepdims=True),
            scales=np.full((count, 3), 0.004),
            opacities=np.full(count, 0.9),
            colors=rng.uniform(size=(count, 3)),
        ),
        binding=strongest(weights[vertex], influences),
        params=BodyParams.zero(),
        joints=body.joints(np.zeros(10, np.float32)),
        seen=np.full(count, 2, np.uint8),
    )


def random_motion() -> Motion:
    """Every joint swings, so that no part of the work is spared."""
    rng = np.random.default_rng(0)
    swing = np.sin(0.3 * np.arange(FRAMES + WARM_UP))[:, None, None]
    pose = swing * rng.normal(0, 0.4, (1, JOINT_COUNT, 3))
    return Motion(pose=pose, transl=np.zeros((len(pose), 3)), fps=24.0, name="Swing")


def measure(job: Callable[[int], None]) -> tuple[float, float]:
    """Median wall time and mean CPU time of a frame, milliseconds."""
    for frame in range(1, WARM_UP + 1):
        job(frame)
    walls, cpu = [], time.process_time()
    for frame in range(WARM_UP + 1, WARM_UP + FRAMES + 1):
        began = time.perf_counter()
        job(frame)
        walls.append(time.perf_counter() - began)
    return 1e3 * statistics.median(walls), 1e3 * (time.process_time() - cpu) / FRAMES


def frame_change(frame: int) -> None:
    """What pressing the right arrow key does."""
    bpy.context.scene.frame_set(frame)


def numpy_frame(made: AvatarObjects, gaussians: Gaussians, binding: Binding) -> Callable[[int], None]:
    """A frame change that skins in Python instead of in nodes."""
    rest_from_armature = np.array(
        [made.armature.data.bones[name].matrix_local.inverted() for name in JOINT_NAMES], np.float32
    )

    def job(frame: int) -> None:
        frame_change(frame)
        pose = np.array([made.armature.pose.bones[name].matrix for name in JOINT_NAMES], np.float32)
        blended = blend_transforms(pose @ rest_from_armature, binding.joint_indices, binding.joint_weights)
        means = np.einsum("nab,nb->na", blended[:, :3, :3], gaussians.means) + blended[:, :3, 3]
        turns = quat_from_matrix(nearest_rotation(blended[:, :3, :3]))
        write_attribute(made.cloud.data, "position", "FLOAT_VECTOR", means)
        write_attribute(made.cloud.data, "rotation", "QUATERNION", quat_multiply(turns, gaussians.quats))
        made.cloud.data.update_tag()
        bpy.context.view_layer.update()

    return job


def nearest_rotation(matrices: np.ndarray) -> np.ndarray:
    """The nodes' iteration in numpy: A <- A |C| / |A| + C with cofactors C, to a rotation. [N, 3, 3]"""
    a, b, c = (np.ascontiguousarray(matrices[:, :, k]) for k in range(3))
    for _ in range(POLAR_STEPS):
        cofactors = np.cross(b, c), np.cross(c, a), np.cross(a, b)
        size = sum(np.einsum("na,na->n", x, x) for x in (a, b, c))
        ratio = np.sqrt(sum(np.einsum("na,na->n", x, x) for x in cofactors) / size)[:, None]
        a, b, c = (x * ratio + y for x, y in zip((a, b, c), cofactors, strict=True))
    return np.stack([x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b, c)], axis=2)


def run_case(count: int, influences: int) -> str:
    """One row of the table."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    avatar = sampled_avatar(count, influences)
    made = add_avatar(bpy.context, avatar, name="Bench")
    add_action(made.armature, random_motion())
    nodes, nodes_cpu = measure(frame_change)
    rest, binding = read_gaussians(made.cloud.data), avatar.binding
    made.cloud.modifiers.clear()
    bpy.data.objects.remove(made.frames)
    alone, _ = measure(numpy_frame(made, rest, binding))
    target = TARGETS_MS.get((count, influences))
    goal = "" if target is None else f"   (goal {target:.0f})"
    return f"{count:7d} {influences:2d} {nodes:10.1f} {nodes_cpu:9.1f} {alone:11.1f}{goal}"


def with_face(avatar: Avatar) -> Avatar:
    """The avatar with shapes that move the splats at its top."""
    top = np.sort(np.argsort(avatar.gaussians.means[:, 1])[-FACE_SPLATS:]).astype(np.int32)
    dirs = np.random.default_rng(0).normal(0, 0.005, (FACE_SPLATS, 3, FACE_SHAPES)).astype(np.float32)
    return replace(avatar, face=FaceSpace(tuple(f"shape{k}" for k in range(FACE_SHAPES)), top, dirs))


def key_shapes(armature: bpy.types.Object, count: int) -> None:
    """Let the first shapes rise over the frames that are measured."""
    head = armature.pose.bones["head"]
    for k in range(count):
        for frame, value in ((1, 0.1), (FRAMES + WARM_UP, 1.0)):
            head[f"shape{k}"] = value
            head.keyframe_insert(f'["shape{k}"]', frame=frame)


def face_frame(moving: int | None) -> float:
    """CPU milliseconds of a frame change with so many shapes moving; None: of an avatar without a face."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    avatar = sampled_avatar(FACE_GAUSSIANS, FACE_INFLUENCES)
    made = add_avatar(bpy.context, avatar if moving is None else with_face(avatar), name="Bench")
    add_action(made.armature, random_motion())
    key_shapes(made.armature, moving or 0)
    return measure(frame_change)[1]


def run_faces() -> None:
    """Print what a face costs."""
    cases = (None, *MOVING)
    times = np.array([[face_frame(moving) for moving in cases] for _ in range(ROUNDS)])
    plain, *others = np.median(times, axis=0)
    say(f"{FACE_GAUSSIANS:7d} {FACE_INFLUENCES:2d} {'':10s} {plain:9.1f}  without a face")
    for moving, cost in zip(MOVING, others, strict=True):
        words = f"{FACE_SPLATS} splats in the face, {moving} of {FACE_SHAPES} shapes move"
        say(
            f"{FACE_GAUSSIANS:7d} {FACE_INFLUENCES:2d} {'':10s} {cost:9.1f}  {words}: {cost / plain - 1:+.0%}"
        )


def main() -> None:
    """Print the tables."""
    say(f"Blender {bpy.app.version_string}, {os.cpu_count()} cores, ms per frame change (median of {FRAMES})")
    say(" points  K      nodes  CPU time  numpy frame")
    for count, influences in CASES:
        say(run_case(count, influences))
    run_faces()


if __name__ == "__main__":
    main()
