"""Betas for the model's own body: measure the fitted body, and find the betas that measure alike.

The fitted body and the checkpoint's body have different shape spaces, so betas mean nothing across them. What
carries over is how the person differs from the mean: each length and girth over that of the body's own mean
shape. The bodies' joints may lie differently inside, so absolute lengths would say something else.

Source: lengths and girths as in anthropometry; the least squares is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from ..avatar.binding import Binding, dense
from ..avatar.body import JOINT_COUNT, joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import Body

LIMIT = 2.0  # standard deviations; beyond it a shape space makes things up
_EXACTNESS = 0.005  # of a length, against a beta of 1: how well a fitted body is known
_GIRTH_EXACTNESS = 0.03  # clothes are in it
_SIZE = 0.05  # one photo hardly tells a tall person from a near one: sizes may differ by so much for free
_MIDDLE = (0.2, 0.8)  # of a bone: where its girth is measured
_FEWEST_POINTS = 8

# Ends of each length; two joints are the point between them. Left and right are one measure.
_LENGTHS = (
    (("left_hip",), ("right_hip",)),
    (("left_shoulder",), ("right_shoulder",)),
    (("left_hip",), ("left_knee",)),
    (("right_hip",), ("right_knee",)),
    (("left_knee",), ("left_ankle",)),
    (("right_knee",), ("right_ankle",)),
    (("left_ankle",), ("left_foot",)),
    (("right_ankle",), ("right_foot",)),
    (("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")),
    (("left_shoulder", "right_shoulder"), ("head",)),
    (("left_shoulder",), ("left_elbow",)),
    (("right_shoulder",), ("right_elbow",)),
    (("left_elbow",), ("left_wrist",)),
    (("right_elbow",), ("right_wrist",)),
    (("left_wrist",), ("left_middle3",)),
    (("right_wrist",), ("right_middle3",)),
    (("head",), ("left_eye", "right_eye")),
    (("left_eye",), ("right_eye",)),
)
_TRUNK = ("pelvis", "spine1", "spine2", "spine3")
# The line a girth goes around, and the joints whose surface it is.
_GIRTHS = (
    (("left_hip",), ("left_knee",), ("left_hip",)),
    (("right_hip",), ("right_knee",), ("right_hip",)),
    (("left_knee",), ("left_ankle",), ("left_knee",)),
    (("right_knee",), ("right_ankle",), ("right_knee",)),
    (("left_shoulder",), ("left_elbow",), ("left_shoulder",)),
    (("right_shoulder",), ("right_elbow",), ("right_shoulder",)),
    (("left_elbow",), ("left_wrist",), ("left_elbow",)),
    (("right_elbow",), ("right_wrist",), ("right_elbow",)),
    (("left_hip", "right_hip"), ("spine2",), _TRUNK),
    (("spine2",), ("left_shoulder", "right_shoulder"), _TRUNK),
)


@dataclass(frozen=True)
class ShapedBody:
    """A body as the measures need it: joints and points of the surface, both linear in betas.

    Args:
        joints: Of the mean shape, metres. [55, 3]
        joint_dirs: Metres per unit of beta. [55, 3, S]
        points: Of the surface, mean shape, metres. [P, 3]
        point_dirs: Metres per unit of beta. [P, 3, S]
        areas: Share of the surface that each point stands for. [P]
        owners: The joint that each point follows most. [P]
    """

    joints: Float
    joint_dirs: Float
    points: Float
    point_dirs: Float
    areas: Float
    owners: NDArray[np.intp]


def mesh_body(body: Body) -> ShapedBody:
    """A body with a mesh: one point in the middle of each face.

    Args:
        body: In SMPL-X layout.
    """
    corners = body.v_template[body.faces].astype(np.float64)
    areas = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    weights = dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
    mean, regressor = np.zeros(0), body.joint_regressor.astype(np.float64)
    return ShapedBody(
        joints=body.joints(mean).astype(np.float64),
        joint_dirs=np.einsum("jv,vcs->jcs", regressor, body.shapedirs),
        points=corners.mean(axis=1),
        point_dirs=body.shapedirs[body.faces].mean(axis=1, dtype=np.float64),
        areas=areas,
        owners=weights[body.faces].sum(axis=1).argmax(axis=1),
    )


def carried_over(fitted: ShapedBody, betas: Float, body: ShapedBody) -> NDArray[np.float32]:
    """Betas with which a body differs from its mean as the fitted one does from its own.

    Args:
        fitted: The body that was fitted to the photo.
        betas: What was fitted, at most as many as it has. [<=S]
        body: The model's.

    Returns:
        Within ``LIMIT``. [S of ``body``]
    """
    ours, theirs = _Measures(fitted), _Measures(body)
    known = ours.usable & theirs.usable
    padded = np.zeros(fitted.joint_dirs.shape[2])
    padded[: len(betas)] = betas
    wanted = ours.change(padded)[known]
    exactness = np.where(np.arange(len(known)) < len(_LENGTHS), _EXACTNESS, _GIRTH_EXACTNESS)[known]
    count = body.joint_dirs.shape[2]

    def residuals(x: Float) -> Float:
        size, tried = x[0], x[1:]
        off = (theirs.change(tried)[known] + size - wanted) / exactness
        return np.concatenate([off, [size / _SIZE], tried])

    bounds = np.array([1.0, *[LIMIT] * count])
    found = least_squares(residuals, np.zeros(1 + count), bounds=(-bounds, bounds), x_scale="jac")
    return found.x[1:].astype(np.float32)


class _Measures:
    """Logarithms of a body's lengths and girths, as they differ from those of its mean shape."""

    def __init__(self, body: ShapedBody) -> None:
        self.body = body
        self.girths = [self._points_around(*girth) for girth in _GIRTHS]
        enough = [len(chosen) >= _FEWEST_POINTS for chosen in self.girths]
        self.usable = np.array([True] * len(_LENGTHS) + enough)
        self.mean = np.zeros(len(self.usable))
        self.mean = self.change(np.zeros(body.joint_dirs.shape[2]))

    def change(self, betas: Float) -> Float:
        """Logarithm of each measure over that of the mean shape. [M]"""
        joints = self.body.joints + self.body.joint_dirs @ betas
        lengths = [np.linalg.norm(_at(joints, a) - _at(joints, b)) for a, b in _LENGTHS]
        girths = [
            self._spread(chosen, _at(joints, a), _at(joints, b), betas)
            for chosen, (a, b, _) in zip(self.girths, _GIRTHS, strict=True)
        ]
        return np.log(np.array([*lengths, *girths])) - self.mean

    def _points_around(self, start: Names, end: Names, owners: Names) -> NDArray[np.intp]:
        """Points of these joints' surface beside the middle of the line; the same for every shape."""
        a, b = _at(self.body.joints, start), _at(self.body.joints, end)
        along = (self.body.points - a) @ (b - a) / ((b - a) @ (b - a))
        own = np.isin(self.body.owners, [joint_index(name) for name in owners])
        return np.flatnonzero(own & (along > _MIDDLE[0]) & (along < _MIDDLE[1]))

    def _spread(self, chosen: NDArray[np.intp], a: Float, b: Float, betas: Float) -> float:
        """Root mean square distance of points from a line, weighted by their areas."""
        if len(chosen) < _FEWEST_POINTS:
            return 1.0
        points = self.body.points[chosen] + self.body.point_dirs[chosen] @ betas
        away = np.cross(points - a, (b - a) / np.linalg.norm(b - a))
        return float(np.sqrt(np.average((away**2).sum(axis=1), weights=self.body.areas[chosen])))


Names = tuple[str, ...]


def _at(joints: Float, names: Names) -> Float:
    return joints[[joint_index(name) for name in names]].mean(axis=0)
