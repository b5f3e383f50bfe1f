"""Stage 8: face landmarks as points on triangles: 51 fixed ones, and the contour for each turn of the head.

The places follow the iBUG scheme: brows, nose, eyes, mouth. They are laid out by proportions on the front of
the face and snapped to the nearest triangle; they mark our face, not SMPL-X's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .vertex_ids import VERTEX_IDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .samples import Array

    Matrix = NDArray[np.float64]
    Faces = NDArray[np.int64]

CONTOUR_YAWS = (*range(40), *range(-1, -40, -1))  # degrees, in the order of the rows
_CONTOUR_ANGLES = np.radians(np.linspace(-100, 100, 17))
# Angles in degrees, clockwise from the person's right corner.
_EYE = (180, 120, 60, 0, -60, -120)
_LIPS_OUTSIDE = tuple(range(180, -180, -30))
_LIPS_INSIDE = (180, 120, 90, 60, 0, -60, -90, -120)
_DEPTH_PREFERENCE = 0.3  # between two triangles at the same place, the one in front


def find_face_landmarks(
    vertices: Matrix, faces: Faces, joints: Matrix, weights: Array
) -> tuple[Faces, Faces]:
    """Triangles of the landmarks; each landmark is its triangle's centre.

    Args:
        vertices: Mean person, zero pose, renumbered, metres. [V, 3]
        faces: [F, 3]
        joints: [55, 3]
        weights: [V, 55]

    Returns:
        Static [51] and contour [79, 17] triangle numbers.
    """
    on_head = np.isin(weights.argmax(axis=1)[faces], [joint_index("head"), joint_index("jaw")]).all(axis=1)
    centers = vertices[faces].mean(axis=1)
    edges = vertices[faces[:, 1:]] - vertices[faces[:, :1]]
    normals = np.cross(edges[:, 0], edges[:, 1])
    front = np.flatnonzero(on_head & (normals[:, 2] > 0))
    offsets = _static_layout(vertices, joints)[:, None] - centers[front, :2]
    cost = np.linalg.norm(offsets, axis=2) - _DEPTH_PREFERENCE * centers[front, 2]
    head = np.flatnonzero(on_head)
    return front[cost.argmin(axis=1)], _snap_contour(_contour_layout(joints), centers, head)


def _eyes(joints: Matrix) -> tuple[float, float]:
    """Distance between the eyes, and their height."""
    left, right = joints[joint_index("left_eye")], joints[joint_index("right_eye")]
    return float(left[0] - right[0]), float(left[1])


def _static_layout(vertices: Matrix, joints: Matrix) -> Matrix:
    """The 51 places seen from the front, from the person's right to the left. [51, 2]"""
    unit, eye_height = _eyes(joints)
    nose = float(vertices[VERTEX_IDS["nose"], 1])
    mouth = nose - 0.62 * unit
    return np.concatenate(
        [
            _brows(unit, eye_height),
            np.stack([np.zeros(4), eye_height + (nose - eye_height) * np.array([0, 0.33, 0.66, 1])], axis=1),
            np.stack(
                [np.array([-0.22, -0.11, 0, 0.11, 0.22]) * unit, np.full(5, nose - 0.13 * unit)], axis=1
            ),
            *(_ellipse(side * unit, eye_height, 0.22 * unit, 0.09 * unit, _EYE) for side in (-0.5, 0.5)),
            _ellipse(0, mouth, 0.40 * unit, 0.16 * unit, _LIPS_OUTSIDE),
            _ellipse(0, mouth, 0.28 * unit, 0.05 * unit, _LIPS_INSIDE),
        ]
    )


def _brows(unit: float, eye_height: float) -> Matrix:
    across = np.linspace(0.28, 0.95, 5)
    height = eye_height + unit * (0.30 + 0.10 * np.sin(np.pi * (across - 0.28) / 0.67))
    left = np.stack([across * unit, height], axis=1)
    return np.concatenate([left[::-1] * [-1, 1], left])


def _ellipse(x: float, y: float, width: float, height: float, degrees: tuple[int, ...]) -> Matrix:
    """Points on an ellipse about (x, y). [count, 2]"""
    angles = np.radians(degrees)
    return np.stack([x + width * np.cos(angles), y + height * np.sin(angles)], axis=1)


def _contour_layout(joints: Matrix) -> Matrix:
    """The arc of the jaw, turned by each yaw. [79, 17, 3]"""
    unit, eye_height = _eyes(joints)
    turned = _CONTOUR_ANGLES + np.radians(CONTOUR_YAWS)[:, None]
    low = np.cos(np.broadcast_to(_CONTOUR_ANGLES, turned.shape)) ** 2
    height = eye_height - unit * (0.2 + 1.45 * 0.9 * low)
    depth = joints[joint_index("head"), 2] + 1.25 * unit * np.cos(turned)
    return np.stack([1.15 * unit * np.sin(turned), height, depth], axis=2)


def _snap_contour(places: Matrix, centers: Matrix, head: NDArray[np.intp]) -> Faces:
    rows = [np.linalg.norm(centers[head] - row[:, None], axis=2).argmin(axis=1) for row in places]
    return head[np.array(rows)]
