"""Carry: what was recorded of another SMPL-X person needs no bone map, only legs of another length."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.arrays import require_shape
from ...avatar.body import JOINT_COUNT, joint_index
from ...avatar.rotations import matrix_from_rotvec
from ..proportions import body_leg_length
from .root import Placing, follow_hips, placed

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion
    from ..smplx_take import Recording

_HIPS = [joint_index("left_hip"), joint_index("right_hip")]


def carried(
    recording: Recording, joints: Float, *, scale: float | None = None, placing: Placing | None = None
) -> Motion:
    """The recorded turns on our person, the way scaled by the legs.

    Args:
        recording: Of any SMPL-X person.
        joints: Our rest joints, metres. [55, 3]
        scale: Of the way; by default the ratio of the legs' lengths.
        placing: Heading, start, floor, travel.

    Raises:
        ValueError: If the joints' shape is wrong.
    """
    joints = np.asarray(joints, np.float64)
    require_shape("joints", joints, (JOINT_COUNT, 3))
    motion, rest = recording.motion, recording.rest
    pose = motion.pose.astype(np.float64)
    if scale is None:
        scale = body_leg_length(joints) / recording.leg_length
    middle = rest[_HIPS].mean(axis=0) - rest[0]
    hips = rest[0] + motion.transl + np.einsum("fab,b->fa", matrix_from_rotvec(pose[:, 0]), middle)
    transl = follow_hips(joints, pose, scale * hips)
    pose, transl = placed(joints, pose, transl, placing or Placing())
    return replace(motion, pose=pose.astype(np.float32), transl=transl.astype(np.float32))
