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
