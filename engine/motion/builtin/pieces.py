"""Rotations of single joints, put together to a motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import JOINT_COUNT, joint_index
from ...avatar.rotations import rotvec_from_matrix
from ..motion import Motion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float


_FEWEST_FRAMES = 4


def frames_in(seconds: float, fps: float) -> int:
    """How many frames a cycle or a take has.

    Raises:
        ValueError: If they are too few to show anything.
    """
    frames = round(fps * seconds)
    if frames < _FEWEST_FRAMES:
        raise ValueError(f"fps must give at least {_FEWEST_FRAMES} frames in {seconds} s, got {fps}")
    return frames


def require_cycles(cycles: int) -> None:
    """Check how often something is to be done.

    Raises:
        ValueError: If it is never.
    """
    if cycles < 1:
        raise ValueError(f"cycles must be at least 1, got {cycles}")


def assembled(pose: Mapping[str, Float], transl: Float, fps: float, name: str) -> Motion:
    """A motion from local rotations; joints without one stay as at rest.

    Args:
        pose: By joint. [F, 3, 3] each
        transl: Way of the pelvis from its rest, metres. [F, 3]
        fps: Frames per second.
        name: Of the motion.
    """
    rotvecs = np.zeros((len(transl), JOINT_COUNT, 3))
    for joint, rotation in pose.items():
        rotvecs[:, joint_index(joint)] = rotvec_from_matrix(rotation)
    return Motion(rotvecs.astype(np.float32), transl.astype(np.float32), fps, name)
