"""Fit: pose, shape and place of the body so that it explains the photo's landmarks and outline.

Everything is one robust least-squares problem. Landmarks fix the pose in the image, the detector's 3D
directions and a prior of joint limits fix what the image leaves open, the outline fixes the girth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.spatial import KDTree

from ..avatar.binding import Binding, dense
from ..avatar.body import BODY_JOINT_COUNT, JOINT_COUNT, BodyParams
from ..avatar.rotations import polar_rotation, rotvec_from_matrix
from ..avatar.skinning import forward_kinematics, posed_joints, skin_means
from .landmarks import LIMBS, gather, landmarks
from .outline import outline_points, sample_signed, signed_distance
from .prior import LIMITS, prior_mean, prior_weights, unseen_factor
from .solve import levenberg_marquardt, robust
from .surface import vertex_normals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import Body
    from .observation import Observation

SHAPE_COUNT = 10
_POSE = slice(6, 6 + 3 * BODY_JOINT_COUNT)
_BETAS = slice(_POSE.stop, _POSE.stop + SHAPE_COUNT)
_PARAMETERS = _BETAS.stop

_OUTLINE_VERTICES = 900
_OUTLINE_POINTS = 260
_RIM_COSINE = 0.3
_SPACE_WEIGHT = 3.0  # of limb directions against percent of the person's height in the image
_PLUMB = 40.0  # per metre: the photo hardly tells how far someone leans to or from it
_RELAXED_HAND = 0.6  # of the file's mean hand: between flat and relaxed


@dataclass(frozen=True)
class Fit:
    """The body that explains the photo.

    Args:
        params: Pose, shape and place, in the frame of the photo's camera (see :class:`Camera`).
        landmark_error: Median distance of seen landmarks, as a part of the person's height in the image.
        outline_iou: Overlap of the body's and the person's outline, 0..1.
    """

    params: BodyParams
    landmark_error: float
    outline_iou: float


def fit_body(body: Body, seen: Observation, report: Callable[[float], None]) -> Fit:
    """Find pose, shape and place of the body.

    Args:
        body: Any body in SMPL-X layout.
        seen: The photo.
        report: Told the fraction done.

    Returns:
        The fit; landmarks that were not seen leave their joints near rest.
    """
    problem = _Problem(body, seen)
    x = problem.first_guess()
    # Twice without the outline: place and trunk first, so that the limbs start near where they belong.
    trunk = np.zeros(_PARAMETERS, bool)
    trunk[:6] = True
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=15, free=trunk)
    report(0.2)
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=60)
    report(0.5)
    for round_ in range(3):
        problem.match_outline(x)
        x = levenberg_marquardt(problem.all_residuals, x, iterations=8)
        report(0.5 + 0.5 * (round_ + 1) / 3)
    return Fit(problem.params(x), problem.landmark_error(x), problem.outline_iou(x))


def fit_together(body: Body, photos: Sequence[Observation], report: Callable[[float], None]) -> list[Fit]:
    """Find the body in several photos of one person: one shape, a pose and a place for each.

    Args:
        body: Any body in SMPL-X layout.
        photos: One or more.
        report: Told the fraction done.
    """
    count = len(photos)
    fits = [
        fit_body(body, seen, lambda done, i=i: report((i + done) / count)) for i, seen in enumerate(photos)
    ]
    betas = fits[0].params.betas
    return [replace(fit, params=replace(fit.params, betas=betas)) for fit in fits]


class _Problem:
    """The residuals and what they need; parameter vectors are [orient 3, transl 3, pose 63, betas 10]."""

    def __init__(self, body: Body, seen: Observation) -> None:
        self.body, self.seen = body, seen
        self.table = landmarks()
        surface = self.table.vertices[self.table.vertices >= 0]
        step = body.vertex_count // _OUTLINE_VERTICES
        self.outline_vertices = np.arange(step // 2, body.vertex_count, step)
        self.vertices = np.concatenate([surface, self.outline_vertices])
        self.landmark_count = len(surface)
        self.template = body.v_template[self.vertices].astype(np.float64)
        self.directions = body.shapedirs[self.vertices, :, :SHAPE_COUNT].astype(np.float64)
        binding = Binding(body.joint_indices[self.vertices], body.joint_weights[self.vertices])
        self.weights = dense(binding, JOINT_COUNT).astype(np.float64)
        self.joint_template = body.joints(np.zeros(0)).astype(np.float64)
        self.joint_directions = np.stack(
            [body.joints(unit) - body.joints(np.zeros(0)) for unit in np.eye(SHAPE_COUNT)], axis=-1
        )
        self.hands = relaxed_hands(body)
        self.scale = 100.0 / seen.person_height  # residuals in percent of the person's height
        self.confidence = seen.confidence[self.table.ids] * self.table.trust
        self.distance = signed_distance(seen.alpha)
        self.prior_weights = prior_weights() * unseen_factor(seen.confidence)[:, None]
        self.prior_mean = prior_mean()
        self.tilt_weight = 1.0 if seen.confidence[[23, 24, 27, 28]].min() > 0 else 6.0
        self.contour: tuple[NDArray[np.int64], Float, Float] | None = None

    def split(self, x: Float) -> tuple[Float, Float, Float]:
        """Full pose, translation and betas of parameter vectors. [B, 55, 3], [B, 3], [B, 10]"""
        pose = np.zeros((len(x), JOINT_COUNT, 3))
        pose[:, 0] = x[:, :3]
        pose[:, 1 : 1 + BODY_JOINT_COUNT] = x[:, _POSE].reshape(len(x), -1, 3)
        pose[:, 25:40], pose[:, 40:55] = self.hands[0], self.hands[1]
        return pose, x[:, 3:6], x[:, _BETAS]

    def params(self, x: Float) -> BodyParams:
        """Body parameters of one parameter vector."""
        pose, transl, betas = self.split(x[None])
        return BodyParams.from_pose(pose[0], betas=betas[0], expression=np.zeros(10), transl=transl[0])

    def posed(self, x: Float, *, outline: bool) -> tuple[Float, Float]:
        """Landmarks and, if asked for, outline vertices. [B, M, 3], [B, V, 3]"""
        pose, transl, betas = self.split(x)
        joints = self.joint_template + np.einsum("jcs,bs->bjc", self.joint_directions, betas)
        moved = forward_kinematics(joints, pose, transl)
        end = None if outline else self.landmark_count
        rest = self.template[:end] + np.einsum("vcs,bs->bvc", self.directions[:end], betas)
        blended = np.matmul(self.weights[:end], moved[:, :, :3].reshape(len(x), JOINT_COUNT, 12))
        blended = blended.reshape(len(x), -1, 3, 4)
        surface = np.einsum("bvij,bvj->bvi", blended[..., :3], rest) + blended[..., 3]
        points = gather(
            self.table, np.stack([posed_joints(j, m) for j, m in zip(joints, moved, strict=True)]),
            surface[:, : self.landmark_count],
        )  # fmt: skip
        return points, surface[:, self.landmark_count :]

    def first_guess(self) -> Float:
        """Turn the trunk as the detector's 3D points say, place it by its size in the image."""
        seen, table = self.seen, self.table
        x = np.zeros(_PARAMETERS)
        trunk = [table.row(i) for i in (11, 12, 23, 24)]
        rest = self.posed(x[None], outline=False)[0][0]
        world = seen.world[[11, 12, 23, 24]]
        turn = polar_rotation((world - world.mean(0)).T @ (rest[trunk] - rest[trunk].mean(0)))
        x[:3] = rotvec_from_matrix(turn)
        x[_POSE] = self.prior_mean.ravel()
        points = self.posed(x[None], outline=False)[0][0]
        used = self.confidence > 0
        extent = np.linalg.norm(np.ptp(points[used][:, :2], axis=0))
        pixels = np.linalg.norm(np.ptp(seen.points[table.ids][used], axis=0))
        distance = seen.camera.focal * extent / pixels
        middle = seen.points[table.ids][used].mean(0)
        x[3:6] = seen.camera.unproject(middle, np.asarray(distance)) - points[used].mean(0)
        return x

    def landmark_residuals(self, x: Float) -> Float:
        """Landmarks in the image, limb directions in space, and the prior. [B, R]"""
        points, _ = self.posed(x, outline=False)
        return np.concatenate([self._image(points), self._space(points), self._prior(x, points)], axis=1)

    def all_residuals(self, x: Float) -> Float:
        """As above, with the outline. [B, R]"""
        points, surface = self.posed(x, outline=True)
        parts = [self._image(points), self._space(points), self._prior(x, points), self._outline(surface)]
        return np.concatenate(parts, axis=1)

    def _image(self, points: Float) -> Float:
        error = (self.seen.camera.project(points) - self.seen.points[self.table.ids]) * self.scale
        return (robust(error, 6.0) * self.confidence[:, None]).reshape(len(points), -1)

    def _space(self, points: Float) -> Float:
        rows = np.array([[self.table.row(a), self.table.row(b)] for a, b in LIMBS])
        have = points[:, rows[:, 1]] - points[:, rows[:, 0]]
        have = have / np.linalg.norm(have, axis=-1, keepdims=True)
        want = self.seen.world[[b for _, b in LIMBS]] - self.seen.world[[a for a, _ in LIMBS]]
        want = want / np.linalg.norm(want, axis=-1, keepdims=True)
        trust = np.minimum(self.confidence[rows[:, 0]], self.confidence[rows[:, 1]])
        # Depth is what the image does not tell, and what the detector knows least well.
        return (_SPACE_WEIGHT * robust(have - want, 0.7) * trust[:, None]).reshape(len(points), -1)

    def _prior(self, x: Float, points: Float) -> Float:
        pose = x[:, _POSE].reshape(len(x), -1, 3)
        bend = (pose - self.prior_mean) * self.prior_weights
        tilt = self.tilt_weight * x[:, (0, 2)]
        limits = np.stack([hinge(pose) for hinge in LIMITS], axis=1) * 20.0
        betas = 0.5 * x[:, _BETAS]
        parts = [bend.reshape(len(x), -1), tilt, limits, betas, self._standing(points)]
        return np.concatenate(parts, axis=1)

    def _standing(self, points: Float) -> Float:
        """A standing person's hips and shoulders are above the feet, and both feet are on one floor."""
        ankles, heels, hips, shoulders = (
            [self.table.row(i) for i in pair] for pair in ((27, 28), (29, 30), (23, 24), (11, 12))
        )
        trust = self.confidence[ankles + heels].min()
        middle = [points[:, pair].mean(axis=1) for pair in (ankles, hips, shoulders)]
        lean = np.stack([middle[1][:, 2] - middle[0][:, 2], middle[2][:, 2] - middle[0][:, 2]], axis=1)
        floor = (points[:, heels[0]] - points[:, heels[1]])[:, 1:2]
        feet = np.concatenate([_PLUMB * robust(lean, 0.3), 8.0 * robust(floor, 0.1)], axis=1) * trust
        stoop = middle[2][:, 2:] - middle[1][:, 2:]
        hidden = 1.0 - self.confidence[hips].min() / self.table.trust[hips[0]]
        return np.concatenate([feet, _PLUMB * hidden * robust(stoop, 0.3)], axis=1)

    def match_outline(self, x: Float) -> None:
        """Pair points of the person's outline with the body's rim that faces the same way."""
        surface = self.posed(x[None], outline=True)[1][0]
        body, params = self.body, self.params(x)
        vertices = skinned_vertices(body, params)
        normals = vertex_normals(vertices, body.faces)[self.outline_vertices]
        ray = surface / np.linalg.norm(surface, axis=1, keepdims=True)
        rim = np.flatnonzero(np.abs((normals * ray).sum(1)) < _RIM_COSINE)
        flat = normals[rim, :2] * [1, -1]
        flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9
        points, outward = outline_points(self.seen, _OUTLINE_POINTS)
        reach = 0.05 * self.seen.person_height
        pixels = self.seen.camera.project(surface[rim])
        # Direction counts as much as place, so that an arm's outline never pulls the trunk.
        tree = KDTree(np.concatenate([pixels / reach, flat], axis=1))
        gap, nearest = tree.query(np.concatenate([points / reach, outward], axis=1))
        good = gap < 1.0
        self.contour = (rim[nearest][good], points[good], outward[good])

    def _outline(self, surface: Float) -> Float:
        pixels = self.seen.camera.project(surface)
        outside = np.maximum(sample_signed(self.distance, pixels), 0.0) * self.scale
        rows, points, outward = (
            self.contour if self.contour is not None else (np.zeros(0, int), *np.zeros((2, 0, 2)))
        )
        along = ((pixels[:, rows] - points) * outward).sum(-1) * self.scale
        return np.concatenate([0.10 * robust(outside, 3.0), 0.25 * robust(along, 2.5)], axis=1)

    def landmark_error(self, x: Float) -> float:
        """Median image distance of trusted landmarks over the person's height."""
        points, _ = self.posed(x[None], outline=False)
        error = np.linalg.norm(self.seen.camera.project(points[0]) - self.seen.points[self.table.ids], axis=1)
        return float(np.median(error[self.confidence > 0.3]) / self.seen.person_height)

    def outline_iou(self, x: Float) -> float:
        """Overlap of the fitted body's filled outline with the person's mask."""
        vertices = self.seen.camera.project(skinned_vertices(self.body, self.params(x)))
        canvas = np.zeros(self.seen.alpha.shape, np.uint8)
        # Sixteenths of a pixel; one call a face, because overlapping faces in one call would cancel out.
        for triangle in np.round(vertices[self.body.faces] * 16).astype(np.int32):
            cv2.fillConvexPoly(canvas, triangle, (1.0,), shift=4)
        mask = self.seen.alpha > 0.5
        return float((mask & (canvas > 0)).sum() / (mask | (canvas > 0)).sum())


def relaxed_hands(body: Body) -> Float:
    """Rotations of the fingers when nothing is known of them, left and right, radians. [2, 15, 3]"""
    return _RELAXED_HAND * body.hands_mean.reshape(2, 15, 3).astype(np.float64)


def skinned_vertices(body: Body, params: BodyParams) -> Float:
    """The body's surface in a pose.

    Args:
        body: The body.
        params: Shape, expression and pose.

    Returns:
        Metres, body axes. [V, 3]
    """
    moved = forward_kinematics(body.joints(params.betas), params.pose(), params.transl)
    return skin_means(
        body.shaped(params.betas, params.expression), moved, body.joint_indices, body.joint_weights
    )
