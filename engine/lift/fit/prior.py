"""How joints bend, and what a body does when the photo does not say: angles, their ranges, their habits.

Every joint has three angles that mean the same on both sides. Limbs bend in their own hinge or ball: how far
forwards, how far to the side, how far twisted about the bone; other joints have the parts of their rotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import BODY_JOINT_COUNT, JOINT_NAMES, joint_index
from ...avatar.rotations import matrix_from_rotvec, quat_from_rotvec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_HANGING_ARM = 1.1  # radians below the zero pose's spread arm
_UNSEEN = 0.15  # of the spread that a joint has which the photo shows
# Of the bend of a knee that stands and looks straight: a detector bends it in depth, where nobody sees it.
_STANDING_KNEE = (0.05, 0.25)
# A leg that the photo does not show hangs straight down: bend, and sideways against the zero pose's astride.
_UNSEEN_LEG = {"hip": (0.02, -0.075), "knee": (0.03, 0.0)}
# Landmark that tells a joint's rotation.
_MOVED_BY = {
    13: "left_shoulder", 14: "right_shoulder", 15: "left_elbow", 16: "right_elbow", 25: "left_hip",
    26: "right_hip", 27: "left_knee", 28: "right_knee", 31: "left_ankle", 32: "right_ankle",
    19: "left_wrist", 20: "right_wrist",
}  # fmt: skip

# Mean, spread, least and most of each of a joint's three angles, radians.
# Elbow, knee, hip: bend, sideways, twist. Shoulder: forwards (as a sine), up, twist. Others: about x, y, z.
_HABITS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "spine1": ((0.03, 0.12, -0.3, 0.5), (0, 0.12, -0.3, 0.3), (0, 0.10, -0.3, 0.3)),
    "spine2": ((0.03, 0.12, -0.3, 0.5), (0, 0.12, -0.3, 0.3), (0, 0.10, -0.3, 0.3)),
    "spine3": ((0.03, 0.12, -0.3, 0.5), (0, 0.12, -0.3, 0.3), (0, 0.10, -0.3, 0.3)),
    "neck": ((0.05, 0.15, -0.5, 0.6), (0, 0.25, -0.7, 0.7), (0, 0.12, -0.4, 0.4)),
    "head": ((0.0, 0.2, -0.5, 0.5), (0, 0.35, -0.8, 0.8), (0, 0.15, -0.4, 0.4)),
    "collar": ((0, 0.08, -0.2, 0.2), (0, 0.12, -0.4, 0.4), (0, 0.12, -0.3, 0.6)),
    "shoulder": ((0.1, 1.0, -0.8, 1.1), (-1.1, 1.2, -1.6, 1.6), (0, 0.7, -1.6, 1.6)),
    "elbow": ((0.4, 0.8, 0.0, 2.6), (0, 0.08, -0.2, 0.2), (0, 0.6, -1.7, 1.7)),
    "wrist": ((0, 0.3, -0.6, 0.6), (0, 0.3, -0.6, 0.6), (0, 0.3, -1.2, 1.2)),
    "hip": ((0.05, 0.7, -0.6, 2.2), (0.05, 0.35, -0.5, 1.1), (0, 0.3, -0.8, 0.8)),
    "knee": ((0.1, 0.7, 0.0, 2.6), (0, 0.08, -0.15, 0.15), (0, 0.12, -0.4, 0.4)),
    "ankle": ((0, 0.25, -0.6, 0.8), (0, 0.2, -0.5, 0.5), (0, 0.15, -0.4, 0.4)),
    "foot": ((0, 0.1, -0.6, 0.3), (0, 0.05, -0.2, 0.2), (0, 0.05, -0.2, 0.2)),
}


@dataclass(frozen=True)
class Habits:
    """The three angles of each body joint, radians.

    Args:
        mean: [21, 3]
        spread: Standard deviation. [21, 3]
        least: [21, 3]
        most: [21, 3]
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]


def habits(confidence: Float, straight: Sequence[float] = (0.0, 0.0)) -> Habits:
    """The table, tighter where the photo shows nothing of the limb, or shows a straight leg.

    Args:
        confidence: Of mediapipe's landmarks, 0 where they were not seen. [33]
        straight: Whether the left and the right leg stand straight, 0..1. [2]
    """
    names = [name.split("_")[-1] for name in JOINT_NAMES[1 : 1 + BODY_JOINT_COUNT]]
    table = np.array([_HABITS[name] for name in names], np.float64)
    mean, spread = table[..., 0].copy(), table[..., 1].copy()
    for row, share in zip(_rows("knee"), straight, strict=True):
        (usual, width), own = _STANDING_KNEE, spread[row, 0] ** -2
        total = own + share * width**-2
        mean[row, 0] = (own * mean[row, 0] + share * width**-2 * usual) / total
        spread[row, 0] = total**-0.5
    for landmark, name in _MOVED_BY.items():
        if confidence[landmark] == 0:
            row, part = joint_index(name) - 1, name.split("_")[-1]
            spread[row] *= _UNSEEN
            mean[row, :2] = _UNSEEN_LEG.get(part, mean[row, :2])
    return Habits(mean, spread, table[..., 2], table[..., 3])


def resting_pose() -> Float:
    """Standing with hanging arms. [21, 3]"""
    pose = np.zeros((BODY_JOINT_COUNT, 3))
    pose[joint_index("left_shoulder") - 1, 2] = -_HANGING_ARM
    pose[joint_index("right_shoulder") - 1, 2] = _HANGING_ARM
    return pose


def _rows(part: str) -> NDArray[np.int64]:
    return np.array([joint_index(f"{side}_{part}") - 1 for side in ("left", "right")])


_SIDES = np.array([1.0, -1.0])
_SIDE_OF_JOINT = np.array(
    [-1.0 if name.startswith("right") else 1.0 for name in JOINT_NAMES[1 : 1 + BODY_JOINT_COUNT]]
)
_ARM_PARTS, _LEG_PARTS = (_rows("shoulder"), _rows("elbow")), (_rows("hip"), _rows("knee"))


def angles(pose: Float) -> Float:
    """The three angles of each body joint; smooth while bones stay off the poles of their balls.

    Args:
        pose: Rotations of joints 1..21. [B, 21, 3]

    Returns:
        Radians. [B, 21, 3]
    """
    result = pose.copy()
    result[..., 1:] *= _SIDE_OF_JOINT[:, None]
    for kind, rows in enumerate(_ARM_PARTS):
        # The right arm lies along -x; its mirror image is measured.
        x, y, z = _bone(pose[:, rows], 0)
        y, z = y * _SIDES, z * _SIDES
        twist = _twist(pose[:, rows], 0)  # about the left arm's +x: mirrored, the right one's is the same
        if kind:
            result[:, rows] = np.stack([np.arctan2(z, x), np.arcsin(np.clip(y, -1, 1)), twist], axis=-1)
        else:
            result[:, rows] = np.stack([z, np.arcsin(np.clip(y, -1, 1)), twist], axis=-1)
    for kind, rows in enumerate(_LEG_PARTS):
        x, y, z = (-c for c in _bone(pose[:, rows], 1))
        bend = np.arctan2(-z if kind else z, -y)
        side = np.arcsin(np.clip(x * _SIDES, -1, 1))
        result[:, rows] = np.stack([bend, side, _SIDES * _twist(pose[:, rows], 1)], axis=-1)
    return result


def _bone(pose: Float, axis: int) -> tuple[Float, Float, Float]:
    """Where the rest pose's x or y axis points. Three times [B, 2]"""
    # Contiguous: numpy's arcsin and arctan2 of strided arrays differ by a bit with the addresses.
    x, y, z = np.ascontiguousarray(np.moveaxis(matrix_from_rotvec(pose)[..., axis], -1, 0))
    return x, y, z


def _twist(pose: Float, axis: int) -> Float:
    """Turn about the bone. [B, 2]

    Source: Dobrowolski 2015, swing-twist decomposition.
    """
    w, *turn = np.ascontiguousarray(np.moveaxis(quat_from_rotvec(pose), -1, 0))
    return 2 * np.arctan2(turn[axis], w)
