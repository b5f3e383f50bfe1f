"""From the expression coefficients of an SMPL-X body to ARKit's shapes, by what both do to a head.

ARKit's displacements of our own body are carried to the other head, nearest point by nearest point, after a
similarity has laid one head on the other. Each coefficient's displacement is then the sum of shapes that
comes nearest, with a small price on weights, so that shapes which look alike share what they explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index
from .names import JAW_NAMES, LOOK_NAMES, coefficient_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ...avatar.body import Body

    Floats = NDArray[np.float64]

_HEAD = tuple(joint_index(name) for name in ("head", "jaw", "left_eye", "right_eye"))
_ROUNDS = 20
_FITTED = 1500  # points that the heads are laid on each other by
_KEPT = 0.8  # of them: the rest may be an ear that the other head has elsewhere
_NEAREST = 3
_CHUNK = 512
_PRICE = 1e-3  # of a weight of one, against the mean square displacement of a shape


@dataclass(frozen=True)
class CoefficientMap:
    """Weights of shapes for one unit of each coefficient.

    Args:
        names: Of the shapes. [M]
        matrix: [M, E]
    """

    names: tuple[str, ...]
    matrix: Floats

    def weights(self, coefficients: Mapping[str, Floats]) -> dict[str, Floats]:
        """Curves of shapes from curves of coefficients; those beyond the map's are left out.

        Args:
            coefficients: By ``Exp000`` ... . [F] each
        """
        result: dict[str, Floats] = {}
        for name, curve in coefficients.items():
            number = coefficient_index(name)
            if number is None or number >= self.matrix.shape[1]:
                continue
            for shape, weight in zip(self.names, self.matrix[:, number], strict=True):
                result[shape] = result.get(shape, 0.0) + weight * np.asarray(curve, np.float64)
        return result


def coefficient_map(smplx: Body, ours: Body) -> CoefficientMap:
    """Fit facial actions to the coefficients of a body; those that joints follow are left out.

    Args:
        smplx: The body whose ``exprdirs`` are to be explained.
        ours: The body that has facial actions.

    Raises:
        ValueError: If our body has none.

    Source: Umeyama 1991 for the similarity; Besl and McKay 1992 for its refinement; ridge regression.
    """
    names, dirs = _actions(ours)
    theirs_rows, our_rows = _head_vertices(smplx), _head_vertices(ours)
    theirs = smplx.v_template[theirs_rows].astype(np.float64)
    points = ours.v_template[our_rows].astype(np.float64)
    turn, shift = _laid_on(points, theirs, _similarity(_face_joints(ours), _face_joints(smplx)))
    near, share = _neighbours(points @ turn.T + shift, theirs)
    moves = np.einsum("ab,pbm->pam", turn, dirs[our_rows])
    carried = np.einsum("pk,pkam->pam", share, moves[near]).reshape(-1, len(names))
    wanted = smplx.exprdirs[theirs_rows].astype(np.float64).reshape(len(carried), -1)
    square = carried.T @ carried
    price = _PRICE * np.trace(square) / len(names)
    matrix = np.linalg.solve(square + price * np.eye(len(names)), carried.T @ wanted)
    return CoefficientMap(names, matrix)


def _actions(body: Body) -> tuple[tuple[str, ...], Floats]:
    """Facial actions that are shapes, over all vertices. [V, 3, M]"""
    columns = [k for k, name in enumerate(body.face_names) if name not in (*JAW_NAMES, *LOOK_NAMES)]
    if not columns:
        raise ValueError("the body must have facial actions, got none")
    dirs = np.zeros((body.vertex_count, 3, len(columns)))
    dirs[body.face_vertices] = body.face_dirs[..., columns]
    return tuple(body.face_names[k] for k in columns), dirs


def _head_vertices(body: Body) -> NDArray[np.intp]:
    return np.flatnonzero(np.isin(body.joint_indices[:, 0], _HEAD))


def _face_joints(body: Body) -> Floats:
    return body.joints(np.zeros(0))[list(_HEAD)].astype(np.float64)


def _similarity(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Turn times scale, and shift, that lay points on others best. [3, 3], [3]"""
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - goal
    u, sizes, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = (u * sign) @ vt * ((sizes * sign).sum() / (a * a).sum())
    return turn, goal - turn @ middle


def _laid_on(points: Floats, target: Floats, start: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Refine a similarity by nearest points."""
    turn, shift = start
    some = points[:: max(1, len(points) // _FITTED)]
    for _ in range(_ROUNDS):
        near, distance = _nearest(target, some @ turn.T + shift, 1)
        kept = distance[:, 0] <= np.quantile(distance[:, 0], _KEPT)
        turn, shift = _similarity(some[kept], target[near[kept, 0]])
    return turn, shift


def _neighbours(points: Floats, at: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The points nearest to each place, and shares of them by the inverse of their distances. [P, k] each"""
    near, distance = _nearest(points, at, _NEAREST)
    share = 1.0 / np.maximum(distance, 1e-6) ** 2
    return near, share / share.sum(axis=1, keepdims=True)


def _nearest(points: Floats, at: Floats, count: int) -> tuple[NDArray[np.intp], Floats]:
    """Rows of the nearest points, and how far they are, metres. [P, count] each"""
    rows = np.empty((len(at), count), np.intp)
    far = np.empty((len(at), count))
    for start in range(0, len(at), _CHUNK):
        part = at[start : start + _CHUNK]
        square = (part * part).sum(1)[:, None] + (points * points).sum(1) - 2 * part @ points.T
        found = np.argpartition(square, count - 1, axis=1)[:, :count]
        rows[start : start + _CHUNK] = found
        far[start : start + _CHUNK] = np.linalg.norm(part[:, None] - points[found], axis=2)
    return rows, far
