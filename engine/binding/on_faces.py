"""The place on a mesh that a point beside it belongs to, by position and by which way the two face.

Lips touch and lids lie on eyes: there the nearest place may be on the wrong layer, which looks the other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int

_TURNED = 0.004  # metres; a place that looks the other way counts as twice that away
_CORNERS = 2  # nearest corners whose faces are looked at


@dataclass(frozen=True)
class OnFaces:
    """Places on a mesh.

    Args:
        corners: Of the face each lies on. [N, 3]
        weights: Barycentric. [N, 3]
        distance: From the points, metres. [N]
    """

    corners: NDArray[np.int64]
    weights: NDArray[np.float64]
    distance: NDArray[np.float64]

    def read(self, values: Float) -> NDArray[np.float64]:
        """Values of the vertices at these places.

        Args:
            values: [V, ...]

        Returns:
            [N, ...]
        """
        return np.einsum("nk,nk...->n...", self.weights, values[self.corners], optimize=True)


def on_faces(points: Float, vertices: Float, faces: Int, normals: Float | None = None) -> OnFaces:
    """The place of each point.

    Args:
        points: Metres. [N, 3]
        vertices: Metres. [V, 3]
        faces: The faces to choose from. [F, 3]
        normals: Where each point faces, unit; without them only position counts. [N, 3]
    """
    points, vertices = np.asarray(points, np.float64), np.asarray(vertices, np.float64)
    faces = np.asarray(faces, np.int64)
    used = np.unique(faces)
    face_normals, corner_normals = _normals(vertices, faces)
    place, turned = vertices[used], _TURNED * corner_normals[used]
    asked = points
    if normals is not None:
        place, asked = np.hstack([place, turned]), np.hstack([points, _TURNED * normals])
    _, near = KDTree(place).query(asked, k=_CORNERS)
    rings = _rings(faces, len(vertices))
    candidates = rings[used[near]].reshape(len(points), _CORNERS * rings.shape[1])
    missing = candidates < 0
    weights, square = _to_triangles(points[:, None], vertices[faces[candidates]])
    cost = np.where(missing, np.inf, square)
    if normals is not None:
        cosine = np.einsum("nc,nkc->nk", normals, face_normals[candidates])
        cost = cost + 2 * _TURNED**2 * (1 - cosine)
    best = cost.argmin(axis=1)
    row = np.arange(len(points))
    return OnFaces(faces[candidates[row, best]], weights[row, best], np.sqrt(square[row, best]))


def _normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> tuple[Float, Float]:
    """Unit normals of the faces and of the vertices. [F, 3], [V, 3]"""
    a, b, c = vertices[faces].transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], across)
    return _unit(across), _unit(summed)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)


def _rings(faces: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Faces around each vertex, filled up with -1. [V, most]"""
    order = np.argsort(faces.ravel(), kind="stable")
    degree = np.bincount(faces.ravel(), minlength=count)
    starts = np.concatenate([[0], np.cumsum(degree)[:-1]])
    rings = np.full((count, degree.max()), -1, np.int64)
    owner = faces.ravel()[order]
    rings[owner, np.arange(len(order)) - starts[owner]] = order // 3
    return rings


def _to_triangles(points: Float, corners: Float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The nearest place on each triangle: over its inside, else on the nearest of its sides.

    Args:
        points: [..., 3]
        corners: [..., 3, 3]

    Returns:
        Barycentric weights [..., 3] and squared distances [...].
    """
    a, b, c = (corners[..., k, :] for k in range(3))
    ab, ac, ap = b - a, c - a, points - a
    bb, bc, cc, pb, pc = (
        np.einsum("...c,...c->...", x, y) for x, y in ((ab, ab), (ab, ac), (ac, ac), (ap, ab), (ap, ac))
    )
    flat = np.maximum(bb * cc - bc * bc, 1e-30)
    s, t = (cc * pb - bc * pc) / flat, (bb * pc - bc * pb) / flat
    # On the sides ab, ac and bc.
    on_ab, on_ac = (np.clip(p / np.maximum(q, 1e-30), 0, 1) for p, q in ((pb, bb), (pc, cc)))
    long = np.maximum(bb - 2 * bc + cc, 1e-30)
    on_bc = np.clip((pc - pb - bc + bb) / long, 0, 1)
    inside = (s >= 0) & (t >= 0) & (s + t <= 1)
    zero = np.zeros_like(s)
    places = np.stack(
        [np.stack([s, t]), np.stack([on_ab, zero]), np.stack([zero, on_ac]), np.stack([1 - on_bc, on_bc])]
    )  # four ways, s and t
    s, t = places[:, 0], places[:, 1]
    pp = np.einsum("...c,...c->...", ap, ap)
    square = pp - 2 * (s * pb + t * pc) + s * s * bb + 2 * s * t * bc + t * t * cc
    square[0] = np.where(inside, square[0], np.inf)
    best = square.argmin(axis=0)[None]
    s, t = np.take_along_axis(s, best, 0)[0], np.take_along_axis(t, best, 0)[0]
    square = np.take_along_axis(square, best, 0)[0]
    return np.stack([1 - s - t, s, t], axis=-1), np.maximum(square, 0.0)
