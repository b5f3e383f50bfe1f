"""ARKit's facial actions on any body in SMPL-X layout, by way of our own.

The heads are laid on each other, our actions are carried over to the nearest place, and what the other body's
own expressions can make of them is fitted: its lids and lips then move as its makers meant.

Source: the alignment is Besl and McKay 1992 with the similarity of Umeyama 1991; the fit is ridge regression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..avatar.body import bundled_body, joint_index
from .face import FAR, actions_at, head_faces
from .on_faces import on_faces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int

_JOINTS = ("neck", "head", "jaw", "left_eye", "right_eye")
_ROUNDS = 40
_ENOUGH = 2000  # points
_NEAREST = 0.7  # of the points decide: ears and necks of two bodies differ
_NOISE = 3e-5  # metres: how well a carried motion is known, against a coefficient of one
_OURS = 1e-4  # metres: a head that lies as near on ours, by the median of its points, is ours
_MOST = 3.0  # standard deviations; beyond it an expression space makes things up


class Similarity(NamedTuple):
    """``scale * rotation @ point + shift``."""

    scale: float
    rotation: NDArray[np.float64]
    shift: NDArray[np.float64]

    def __call__(self, points: Float) -> NDArray[np.float64]:
        """Move points. [N, 3]"""
        return self.scale * points @ self.rotation.T + self.shift


class Carried(NamedTuple):
    """Our facial actions on another head.

    Args:
        names: ARKit's. [A]
        dirs: Metres at full strength. [N, 3, A]
        distance: From our head laid on the other, in our metres. [N]
    """

    names: tuple[str, ...]
    dirs: NDArray[np.float64]
    distance: NDArray[np.float64]


def carried_actions(points: Float, joints: Float) -> Carried:
    """Carry our facial actions over to another head.

    Args:
        points: Of its surface, zero pose, metres. [N, 3]
        joints: Of that body. [55, 3]
    """
    body = bundled_body()
    faces = head_faces(body)
    chosen = [joint_index(name) for name in _JOINTS]
    start = similarity(joints[chosen], body.joints(np.zeros(0))[chosen])
    ours_from_theirs = aligned(points, body.v_template, faces, start)
    places = on_faces(ours_from_theirs(points), body.v_template, faces)
    dirs = np.einsum("ji,njs->nis", ours_from_theirs.rotation, actions_at(body, places))
    return Carried(body.face_names, dirs / ours_from_theirs.scale, places.distance)


def similarity(points: Float, targets: Float) -> Similarity:
    """The similarity that brings points onto their targets best.

    Args:
        points: [N, 3]
        targets: [N, 3]
    """
    a, b = points - points.mean(axis=0), targets - targets.mean(axis=0)
    u, stretch, vt = np.linalg.svd(b.T @ a)
    turn = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * turn) @ vt
    scale = float((stretch * turn).sum() / (a**2).sum())
    return Similarity(scale, rotation, targets.mean(axis=0) - scale * rotation @ points.mean(axis=0))


def aligned(points: Float, vertices: Float, faces: Int, start: Similarity) -> Similarity:
    """Lay points on a mesh, the nearest of them deciding.

    Args:
        points: [N, 3]
        vertices: [V, 3]
        faces: [F, 3]
        start: A first guess.
    """
    some, found = points[:: -(-len(points) // _ENOUGH)], start
    for _ in range(_ROUNDS):
        places = on_faces(found(some), vertices, faces)
        sure = places.distance <= np.quantile(places.distance, _NEAREST)
        found = similarity(some[sure], places.read(vertices)[sure])
    return found


def fitted(expressions: Float, dirs: Float) -> NDArray[np.float64]:
    """Coefficients of a body's own expressions that come nearest to given motions.

    Args:
        expressions: Metres per coefficient. [N, 3, E]
        dirs: Metres. [N, 3, A]

    Returns:
        [E, A]
    """
    count = expressions.shape[2]
    e, d = np.reshape(expressions, (-1, count)).astype(np.float64), np.reshape(dirs, (-1, dirs.shape[2]))
    ridge = _NOISE**2 * len(expressions) * np.eye(count)
    return np.clip(np.linalg.solve(e.T @ e + ridge, e.T @ d), -_MOST, _MOST).astype(np.float64)


def arkit_on(points: Float, joints: Float, expressions: Float) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """ARKit's facial actions on points of a head.

    Args:
        points: Of its surface, zero pose, metres. [N, 3]
        joints: Of that body. [55, 3]
        expressions: What its own coefficients do to the points. [N, 3, E]

    Returns:
        Names, and metres at full strength. [A], [N, 3, A]
    """
    carried = carried_actions(points, joints)
    if np.median(carried.distance) < _OURS:
        return carried.names, carried.dirs
    near = carried.distance < FAR
    weights = fitted(expressions[near], carried.dirs[near])
    return carried.names, expressions @ weights
