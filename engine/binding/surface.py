"""The surface that weights come from: a mesh, or points spread over one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from ..avatar.arrays import require_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from ..avatar.body import Body

_NOT_FAR = 0.05  # metres


@dataclass(frozen=True)
class Surface:
    """Points with joint weights, and the triangles between them if there are any.

    Args:
        points: Metres, in the pose that is asked about. [V, 3]
        joint_indices: Strongest first. [V, K]
        joint_weights: Rows sum to one. [V, K]
        faces: Without them, a place on the surface has the weights of the nearest point. [F, 3]

    Raises:
        ValueError: If the shapes do not fit together, or there are no points.
    """

    points: Float
    joint_indices: Int
    joint_weights: Float
    faces: Int

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", np.ascontiguousarray(self.points, np.float32))
        object.__setattr__(self, "joint_indices", np.ascontiguousarray(self.joint_indices, np.int32))
        object.__setattr__(self, "joint_weights", np.ascontiguousarray(self.joint_weights, np.float32))
        object.__setattr__(self, "faces", np.ascontiguousarray(self.faces, np.int32))
        require_shape("points", self.points, (None, 3))
        require_shape("joint_indices", self.joint_indices, (len(self.points), None))
        require_shape("joint_weights", self.joint_weights, self.joint_indices.shape)
        require_shape("faces", self.faces, (None, 3))
        if not len(self.points):
            raise ValueError("points must not be empty")

    @cached_property
    def rings(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Faces around each point, one after the other, and where each point's begin. [3 F], [V + 1]"""
        order = np.argsort(self.faces.ravel(), kind="stable")
        counts = np.bincount(self.faces.ravel(), minlength=len(self.points))
        starts = np.concatenate([[0], np.cumsum(counts)])
        return (order // 3).astype(np.int32), starts.astype(np.int32)

    @cached_property
    def inlaid(self) -> NDArray[np.bool_]:
        """Points of the mesh's smaller pieces, such as the eyes, which lie close under the largest. [V]"""
        count = len(self.points)
        if not len(self.faces):
            return np.zeros(count, bool)
        a, b, c = self.faces.T
        edges = sparse.coo_matrix((np.ones(2 * len(a)), (np.r_[a, a], np.r_[b, c])), shape=(count, count))
        _, piece = connected_components(edges, directed=False)
        return piece != np.bincount(piece).argmax()

    @cached_property
    def layered(self) -> NDArray[np.bool_]:
        """Points with something inlaid not far. [V]"""
        if not self.inlaid.any():
            return self.inlaid
        far, _ = KDTree(self.points[self.inlaid]).query(self.points, distance_upper_bound=_NOT_FAR)
        return np.isfinite(far)


def body_surface(body: Body, vertices: Float) -> Surface:
    """The body's mesh.

    Args:
        body: Its faces and weights.
        vertices: In any shape and pose, metres. [V, 3]
    """
    return Surface(vertices, body.joint_indices, body.joint_weights, body.faces)


def point_surface(points: Float, joint_indices: Int, joint_weights: Float) -> Surface:
    """Points that lie so close that no triangles are needed.

    Args:
        points: Metres. [V, 3]
        joint_indices: [V, K]
        joint_weights: Rows sum to one. [V, K]
    """
    return Surface(points, joint_indices, joint_weights, np.zeros((0, 3), np.int32))
