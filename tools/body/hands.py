"""Stage 9: the relaxed hand and 45 ways to move from it, the first six meaningful."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

_JOINTS = 15  # index, middle, pinky, ring, thumb: three each
_FIRST = {"index": 0, "middle": 3, "pinky": 6, "ring": 9, "thumb": 12}
_RELAXED = {"index": 0.30, "middle": 0.35, "pinky": 0.45, "ring": 0.42}  # radians at the first joint
_ALONG_FINGER = np.array([1.0, 1.2, 0.7])
_RELAXED_THUMB = np.array([0.15, 0.10, 0.15])
_SPREAD = {"index": 1.0, "middle": 0.2, "pinky": -1.0, "ring": -0.5}


def hand_mean(sign: float) -> Matrix:
    """The relaxed hand, axis-angle in radians.

    Args:
        sign: +1 for the left hand, -1 for the right.

    Returns:
        [45]
    """
    pose = np.zeros((_JOINTS, 3))
    for finger, bend in _RELAXED.items():
        pose[_FIRST[finger] : _FIRST[finger] + 3, 2] = -sign * bend * _ALONG_FINGER
    pose[_FIRST["thumb"] :, 1] = -sign * _RELAXED_THUMB
    return pose.ravel()


def hand_components(sign: float) -> Matrix:
    """Orthonormal rows: curl, thumb, spread, index curl, pinky and ring curl, outer joints, then the others.

    Args:
        sign: +1 for the left hand, -1 for the right.

    Returns:
        [45, 45]
    """
    poses = np.zeros((6, _JOINTS, 3))
    curl, thumb, spread, index, outer, bend = poses
    curl[: _FIRST["thumb"], 2] = -sign
    thumb[_FIRST["thumb"] :] = [0.4, -0.8 * sign, 0]
    for finger, share in _SPREAD.items():
        spread[_FIRST[finger], 1] = -sign * share
    index[:3, 2] = -sign
    outer[_FIRST["pinky"] : _FIRST["ring"] + 3, 2] = -sign
    bend[[k for k in range(_FIRST["thumb"]) if k % 3], 2] = -sign
    named = poses.reshape(6, -1)
    rows = np.linalg.qr(np.concatenate([named, np.eye(named.shape[1])]).T)[0].T
    signs = np.ones(len(rows))
    signs[:6] = np.where(np.sum(rows[:6] * named, axis=1) < 0, -1, 1)  # QR is free to flip a row
    return rows * signs[:, None]
