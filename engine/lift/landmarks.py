"""Which point of the body each photo landmark stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float

# mediapipe pose landmark -> SMPL-X joint name, or vertex of the SMPL-X surface (the published landmark ids).
_JOINTS = {
    2: "left_eye", 5: "right_eye", 11: "left_shoulder", 12: "right_shoulder", 13: "left_elbow",
    14: "right_elbow", 15: "left_wrist", 16: "right_wrist", 17: "left_pinky1", 18: "right_pinky1",
    19: "left_index1", 20: "right_index1", 23: "left_hip", 24: "right_hip", 25: "left_knee",
    26: "right_knee", 27: "left_ankle", 28: "right_ankle",
}  # fmt: skip
_VERTICES = {0: 9120, 7: 6, 8: 616, 29: 8846, 30: 8635, 31: 5770, 32: 8463}

# The model's hip joints sit lower and closer together than the ones detectors are trained on; feet and
# fingers are found less surely than limbs.
_TRUST = {23: 0.3, 24: 0.3, 17: 0.4, 18: 0.4, 19: 0.4, 20: 0.4, 29: 0.5, 30: 0.5, 31: 0.5, 32: 0.5,
          7: 0.5, 8: 0.5, 27: 1.0, 28: 1.0}  # fmt: skip

LIMBS: tuple[tuple[int, int], ...] = (
    (11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28), (11, 12), (23, 24),
    (23, 11), (24, 12), (29, 31), (30, 32), (7, 8),
)  # fmt: skip
"""Pairs of landmarks whose 3D direction the detector knows."""


@dataclass(frozen=True)
class Landmarks:
    """The landmarks a body has, as joints and surface points.

    Args:
        ids: mediapipe landmark of each. [M]
        joints: Joint of each, -1 for a surface point. [M]
        vertices: Vertex of each, -1 for a joint. [M]
        trust: Weight of each, 0..1. [M]
    """

    ids: NDArray[np.int64]
    joints: NDArray[np.int64]
    vertices: NDArray[np.int64]
    trust: NDArray[np.float64]

    def row(self, landmark: int) -> int:
        """Position of a mediapipe landmark in the table."""
        return int(np.flatnonzero(self.ids == landmark)[0])


def landmarks() -> Landmarks:
    """The table for a body in SMPL-X layout."""
    ids = sorted(_JOINTS.keys() | _VERTICES.keys())
    return Landmarks(
        ids=np.array(ids),
        joints=np.array([joint_index(_JOINTS[i]) if i in _JOINTS else -1 for i in ids]),
        vertices=np.array([_VERTICES.get(i, -1) for i in ids]),
        trust=np.array([_TRUST.get(i, 0.8) for i in ids]),
    )


def gather(table: Landmarks, joints: Float, surface: Float) -> Float:
    """Landmark positions from posed joints and posed surface points.

    Args:
        table: The landmarks.
        joints: Posed joints. [..., 55, 3]
        surface: Posed surface points, in the order of the table's vertices >= 0. [..., S, 3]

    Returns:
        [..., M, 3]
    """
    points = np.empty((*joints.shape[:-2], len(table.ids), 3))
    is_joint = table.joints >= 0
    points[..., is_joint, :] = joints[..., table.joints[is_joint], :]
    points[..., ~is_joint, :] = surface
    return points
