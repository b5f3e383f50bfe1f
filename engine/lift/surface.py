"""Geometry of the body's mesh: normals, samples, nearest points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..avatar.arrays import Float, Int


def vertex_normals(vertices: Float, faces: Int) -> Float:
    """Area-weighted unit normals.

    Args:
        vertices: [V, 3]
        faces: [F, 3]

    Returns:
        [V, 3]
    """
    corners = vertices[faces]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [
            np.bincount(faces.ravel(), np.repeat(face[:, axis], 3), minlength=len(vertices))
            for axis in range(3)
        ],
        axis=1,
    )
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)
