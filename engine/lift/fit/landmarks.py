"""Which point of the body each photo landmark stands for, and how surely a detector finds it.

A detector's hip is not the skeleton's hip. Each landmark rides on a joint, off the joint by some centimetres;
the offsets and spreads were measured on renderings of the bundled body in 80 known poses and shapes, a third
of them not facing the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

# mediapipe landmark (of the middle or the left): the joint it moves with, the joint it is near, millimetres
# from that one in the rest pose, and its spread in the image in percent of the person's height.
_PLACES: dict[int, tuple[str, str, tuple[float, float, float], float]] = {
    0: ("head", "head", (0, 10, 103), 0.5),
    1: ("head", "head", (17, 41, 83), 0.6),
    2: ("head", "head", (29, 41, 77), 0.6),
    3: ("head", "head", (40, 41, 71), 0.6),
    7: ("head", "head", (56, 28, 31), 0.5),
    9: ("head", "head", (22, -23, 86), 0.6),
    11: ("left_collar", "left_shoulder", (-9, 10, 8), 0.5),
    13: ("left_shoulder", "left_elbow", (-13, -3, 7), 0.6),
    15: ("left_elbow", "left_wrist", (9, -5, 3), 0.6),
    17: ("left_wrist", "left_pinky1", (-6, -4, 33), 0.8),
    19: ("left_wrist", "left_index1", (-20, -12, -15), 0.8),
    21: ("left_wrist", "left_thumb2", (11, 4, -26), 0.8),
    23: ("pelvis", "left_hip", (-16, 8, 31), 0.6),
    25: ("left_hip", "left_knee", (-2, -11, -2), 0.6),
    27: ("left_knee", "left_ankle", (0, 16, 9), 0.4),
    29: ("left_ankle", "left_ankle", (-5, -45, -31), 0.6),
    31: ("left_ankle", "left_foot", (-22, -8, 37), 0.5),
}

# Pairs of landmarks (of the left) whose direction in depth the detector knows: slope and offset that turn its
# direction's z (towards the camera) into the true one, and the spread of what is left.
_DEPTHS: dict[tuple[int, int], tuple[float, float, float]] = {
    (11, 13): (1.0, 0.02, 0.28),
    (13, 15): (1.05, -0.10, 0.33),
    (23, 25): (1.28, -0.10, 0.18),
    (25, 27): (0.95, 0.05, 0.14),
    (11, 12): (1.08, 0.0, 0.13),
    (23, 24): (1.08, 0.0, 0.12),
    (7, 8): (1.08, 0.0, 0.17),
    (11, 23): (0.8, -0.02, 0.12),
    (29, 31): (1.4, -0.4, 0.40),
}
_MIDDLE = (0,)


@dataclass(frozen=True)
class Landmarks:
    """The landmarks a body has.

    Args:
        ids: mediapipe landmark of each. [M]
        moved_by: Joint that each rides on. [M]
        near: Joint that each is near in the rest pose. [M]
        offsets: From that joint, rest pose, metres. [M, 3]
        spread: Standard deviation in the image, percent of the person's height. [M]
    """

    ids: NDArray[np.int64]
    moved_by: NDArray[np.int64]
    near: NDArray[np.int64]
    offsets: NDArray[np.float64]
    spread: NDArray[np.float64]

    def row(self, landmark: int) -> int:
        """Position of a mediapipe landmark in the table."""
        return int(np.flatnonzero(self.ids == landmark)[0])


@dataclass(frozen=True)
class Depths:
    """Pairs of landmarks whose 3D direction the detector knows.

    Args:
        pairs: mediapipe landmarks. [D, 2]
        slope: Of the true z against the detector's. [D]
        offset: [D]
        spread: Standard deviation of what is left. [D]
    """

    pairs: NDArray[np.int64]
    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    spread: NDArray[np.float64]


def _other_side(landmark: int) -> int:
    """The right landmark of a left one."""
    if landmark in _MIDDLE:
        return landmark
    return landmark + 3 if landmark in (1, 2, 3) else landmark + 1


def landmarks() -> Landmarks:
    """The table for a body in SMPL-X layout."""
    rows = {}
    for left, (moved_by, near, offset, spread) in _PLACES.items():
        rows[left] = (joint_index(moved_by), joint_index(near), np.array(offset), spread)
        if left not in _MIDDLE:
            right, mirrored = _other_side(left), np.array(offset) * (-1, 1, 1)
            names = (moved_by.replace("left", "right"), near.replace("left", "right"))
            rows[right] = (joint_index(names[0]), joint_index(names[1]), mirrored, spread)
    ids = sorted(rows)
    return Landmarks(
        ids=np.array(ids),
        moved_by=np.array([rows[i][0] for i in ids]),
        near=np.array([rows[i][1] for i in ids]),
        offsets=np.array([rows[i][2] for i in ids]) / 1000.0,
        spread=np.array([rows[i][3] for i in ids]),
    )


def depths() -> Depths:
    """The pairs for both sides."""
    rows = {}
    for (a, b), values in _DEPTHS.items():
        rows[a, b] = values
        if _other_side(a) != b:
            rows[_other_side(a), _other_side(b)] = values
    values = np.array(list(rows.values()))
    return Depths(np.array(list(rows)), values[:, 0], values[:, 1], values[:, 2])


def gather(table: Landmarks, joints: Float, posed_from_rest: Float) -> Float:
    """Landmark positions of a posed body; poses may come in batches.

    Args:
        table: The landmarks.
        joints: Rest joints, metres. [..., 55, 3]
        posed_from_rest: [..., 55, 4, 4]

    Returns:
        Metres. [..., M, 3]
    """
    rest = joints[..., table.near, :] + table.offsets
    moved = posed_from_rest[..., table.moved_by, :, :]
    return (moved[..., :3, :3] @ rest[..., None])[..., 0] + moved[..., :3, 3]
