"""Geometry of the body's mesh: normals, samples, nearest points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int

_DARTS = 4.0  # per square of the spacing, before thinning
THINNED_DENSITY = 0.546
"""Points per square of the spacing that this many darts leave, measured on a plane."""


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


def sample_surface(
    vertices: Float, faces: Int, spacing: float, rng: np.random.Generator
) -> tuple[Int, Float]:
    """Points spread evenly over a mesh, no two nearer than the spacing.

    Args:
        vertices: [V, 3]
        faces: [F, 3]
        spacing: Metres.
        rng: Source of the first, random points.

    Returns:
        The face of each point and its barycentric weights. [N], [N, 3]

    Source: Poisson-disk sampling by parallel dart throwing; Wei 2008.
    """
    corners = vertices[faces]
    area = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    count = int(_DARTS * area.sum() / spacing**2)
    cumulative = np.cumsum(area)
    # Systematic sampling: darts are already about even before any is removed.
    at = (np.arange(count) + rng.random(count)) * cumulative[-1] / count
    face = np.minimum(np.searchsorted(cumulative, at), len(faces) - 1)
    u, v = rng.random((2, count))
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    weights = np.stack([1 - u - v, u, v], axis=1)
    keep = thin_out(np.einsum("nk,nkc->nc", weights, corners[face]), spacing, rng)
    return face[keep], weights[keep]


def thin_out(points: Float, spacing: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Keep a largest set of points of which no two are nearer than the spacing.

    Args:
        points: [N, 3]
        spacing: Metres.
        rng: Decides who stays.

    Returns:
        Mask of the points that stay. [N]

    Source: Luby 1986: in each round, a point stays if it comes before all its undecided neighbours.
    """
    pairs = KDTree(points).query_pairs(spacing, output_type="ndarray")
    rank = rng.permutation(len(points))
    keep, open_ = np.zeros(len(points), bool), np.ones(len(points), bool)
    while open_.any():
        a, b = pairs.T
        beaten = np.zeros(len(points), bool)
        beaten[np.where(rank[a] > rank[b], a, b)] = True
        winners = open_ & ~beaten
        keep |= winners
        open_ &= ~winners
        open_[b[winners[a]]] = False
        open_[a[winners[b]]] = False
        pairs = pairs[open_[a] & open_[b]]
    return keep
