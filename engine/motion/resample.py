"""Resample: another number of poses per second, at the same speed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.rotations import quat_from_rotvec, rotvec_from_quat, slerp

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from .motion import Motion

_SAME = 1e-6  # of a frame: rates like 29.97 and 30000/1001 are the same
_CHUNK = 4096  # frames


def resampled(motion: Motion, fps: float) -> Motion:
    """The motion at another rate: turns by slerp, the rest by straight lines.

    The first pose stays; the last one stays where it falls on a new frame, else the motion ends before it.

    Args:
        motion: At any rate.
        fps: Poses per second wanted.

    Raises:
        ValueError: If ``fps`` is not positive.
    """
    if not fps > 0:
        raise ValueError(f"fps must be positive, got {fps}")
    step = motion.fps / fps
    if abs(step - 1.0) * motion.count < _SAME:
        return replace(motion, fps=fps)
    count = int(np.floor((motion.count - 1) / step + _SAME)) + 1
    at = np.minimum(np.arange(count) * step, motion.count - 1)
    low = np.minimum(np.floor(at).astype(int), max(motion.count - 2, 0))
    high = np.minimum(low + 1, motion.count - 1)
    share = at - low
    pose = np.empty((count, *motion.pose.shape[1:]), np.float32)
    for start in range(0, count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        before = quat_from_rotvec(motion.pose[low[rows]].astype(np.float64))
        after = quat_from_rotvec(motion.pose[high[rows]].astype(np.float64))
        pose[rows] = rotvec_from_quat(slerp(before, after, share[rows, None]))
    return replace(
        motion,
        pose=pose,
        transl=_between(motion.transl, low, high, share),
        expression=_between(motion.expression, low, high, share),
        fps=fps,
    )


def _between(values: Float, low: np.ndarray, high: np.ndarray, share: Float) -> Float:
    share = share[:, None].astype(np.float32)
    return values[low] * (1 - share) + values[high] * share
