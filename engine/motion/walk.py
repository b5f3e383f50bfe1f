"""The walk that comes with the extension, made from a person's rest joints alone. Our own; CC0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import float_array
from ..avatar.body import JOINT_COUNT, joint_index
from ..avatar.rotations import rotvec_from_matrix
from .lower_body import LowerBody
from .motion import Motion
from .upper_body import upper_body

if TYPE_CHECKING:
    from ..avatar.arrays import Float

DEFAULT_FPS = 24.0
_CYCLE_SECONDS = 1.1
_FEWEST_FRAMES = 4


def walk(joints: Float, fps: float = DEFAULT_FPS, cycles: int = 2, *, travel: bool = False) -> Motion:
    """Make a walk for a person; after its last frame it starts again without a jump.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second. A cycle takes a whole number of frames, about 1.1 s.
        cycles: Pairs of steps.
        travel: Walk forward (+z), feet standing still on the ground; else on the spot.

    Returns:
        A motion whose soles touch the height they have in the rest pose; the left heel lands at frame 0.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` or ``cycles`` leave nothing to show.
    """
    lower = LowerBody(float_array("joints", joints, (JOINT_COUNT, 3)).astype(np.float64))
    frames = round(fps * _CYCLE_SECONDS)
    if frames < _FEWEST_FRAMES:
        raise ValueError(f"fps must give at least {_FEWEST_FRAMES} frames in {_CYCLE_SECONDS} s, got {fps}")
    if cycles < 1:
        raise ValueError(f"cycles must be at least 1, got {cycles}")
    phase = np.arange(cycles * frames) / frames
    pelvis, transl = lower.pelvis(phase), lower.transl(phase)
    pose = {"pelvis": pelvis, **lower.legs(phase, transl), **upper_body(phase, pelvis)}
    rotvecs = np.zeros((len(phase), JOINT_COUNT, 3))
    for name, rotation in pose.items():
        rotvecs[:, joint_index(name)] = rotvec_from_matrix(rotation)
    if not travel:
        transl[:, 2] -= lower.stride * phase
    transl[:, 2] -= transl[0, 2]  # the pelvis begins above where it is at rest
    return Motion(rotvecs.astype(np.float32), transl.astype(np.float32), fps, "Walk")
