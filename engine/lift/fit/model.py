"""The body as the fit sees it: from vectors of parameters to points in space, many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.binding import Binding, dense
from ...avatar.body import BODY_JOINT_COUNT, JOINT_COUNT, BodyParams
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ...avatar.skinning import forward_kinematics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body

SHAPE_COUNT = 10
ORIENT, TRANSL, POSE, BETAS = slice(0, 3), slice(3, 6), slice(6, 69), slice(69, 79)
PITCH, ZOOM = 79, 80
PARAMETERS = 81
"""[turn 3 after the base orientation, place of the pelvis 3, pose 63, betas 10, pitch, log of the zoom]."""


@dataclass(frozen=True)
class Posed:
    """Bodies in their poses.

    Args:
        rest: Rest joints. [B, 55, 3]
        moved: ``posed_from_rest``. [B, 55, 4, 4]
        joints: Posed joints. [B, 55, 3]
        pose: Of the body's joints 1..21. [B, 21, 3]
        betas: [B, 10]
    """

    rest: Float
    moved: Float
    joints: Float
    pose: Float
    betas: Float


class Model:
    """A body with the surface points that the fit needs.

    Args:
        body: Any body in SMPL-X layout.
        vertices: The surface points that :meth:`surface` gives. [V]
        hands: Rotations of the fingers, left and right. [2, 15, 3]
        offsets: Of the points from the vertices, rest pose, metres. [V, 3]
    """

    def __init__(
        self, body: Body, vertices: NDArray[np.int64], hands: Float, *, offsets: Float | None = None
    ) -> None:
        self.body, self.vertices, self.hands = body, vertices, hands
        self.jaw = 0.0
        self.base: Float = np.eye(3)
        binding = Binding(body.joint_indices[vertices], body.joint_weights[vertices])
        weights = dense(binding, JOINT_COUNT).astype(np.float64)
        self._used = np.flatnonzero(weights.any(axis=0))
        self._weights = np.ascontiguousarray(weights[:, self._used])
        self._template = body.v_template[vertices].astype(np.float64)
        if offsets is not None:
            self._template += offsets
        self._directions = _padded(body.shapedirs[vertices].astype(np.float64))
        self._joint_template = body.joints(np.zeros(0)).astype(np.float64)
        basis = np.einsum("jv,vcs->jcs", body.joint_regressor, body.shapedirs).astype(np.float64)
        self._joint_directions = _padded(basis)

    def posed(self, x: Float) -> Posed:
        """Bodies of parameter vectors. [B, P]"""
        betas = x[:, BETAS]
        rest = self._joint_template + (self._joint_directions.reshape(-1, SHAPE_COUNT) @ betas.T).T.reshape(
            len(x), JOINT_COUNT, 3
        )
        pose = self.full_pose(x)
        # The place is the pelvis's own, so that shape and turn do not move it.
        moved = forward_kinematics(rest, pose, x[:, TRANSL] - rest[:, 0])
        joints = (moved[..., :3, :3] @ rest[..., None])[..., 0] + moved[..., :3, 3]
        return Posed(rest, moved, joints, pose[:, 1 : 1 + BODY_JOINT_COUNT], betas)

    def surface(self, posed: Posed, rows: slice | NDArray[np.int64] = slice(None)) -> Float:
        """Surface points. [B, V, 3]"""
        template, directions, weights = self._template[rows], self._directions[rows], self._weights[rows]
        count = len(posed.betas)
        rest = template + (directions.reshape(-1, SHAPE_COUNT) @ posed.betas.T).T.reshape(count, -1, 3)
        flat = posed.moved[:, self._used, :3].reshape(count, -1, 12)
        blended = np.matmul(weights, flat).reshape(count, -1, 3, 4)
        return (blended[..., :3] @ rest[..., None])[..., 0] + blended[..., 3]

    def full_pose(self, x: Float) -> Float:
        """Rotations of all joints. [B, 55, 3]"""
        pose = np.zeros((len(x), JOINT_COUNT, 3))
        pose[:, 0] = rotvec_from_matrix(matrix_from_rotvec(x[:, ORIENT]) @ self.base)
        pose[:, 1 : 1 + BODY_JOINT_COUNT] = x[:, POSE].reshape(len(x), -1, 3)
        pose[:, 22, 0] = self.jaw
        pose[:, 25:40], pose[:, 40:55] = self.hands[0], self.hands[1]
        return pose

    def params(self, x: Float) -> BodyParams:
        """Body parameters of one vector. [P]"""
        betas = x[BETAS]
        pelvis = self._joint_template[0] + self._joint_directions[0] @ betas
        return BodyParams.from_pose(
            self.full_pose(x[None])[0], betas=betas, expression=np.zeros(10), transl=x[TRANSL] - pelvis
        )


def column(x: Float, number: int) -> Float:
    """One parameter of each vector, for functions like exp and sin. [B]

    Contiguous: of strided arrays numpy gives results that differ by a bit with the addresses.
    """
    return np.ascontiguousarray(x[:, number])


def _padded(directions: Float) -> Float:
    """The first shape directions; a body with fewer gets zeros. [..., SHAPE_COUNT]"""
    have = directions[..., :SHAPE_COUNT]
    missing = SHAPE_COUNT - have.shape[-1]
    return np.ascontiguousarray(np.pad(have, [(0, 0)] * (have.ndim - 1) + [(0, missing)]))
