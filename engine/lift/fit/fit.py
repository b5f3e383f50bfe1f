"""Fit: pose, shape and place of the body so that it explains the photo's landmarks and outline.

Everything is one robust least-squares problem. Landmarks fix the pose in the image; the detector's 3D
directions, joint ranges, gravity and contact fix what the image leaves open; the outline fixes the girth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...avatar.body import BodyParams, joint_index
from ...avatar.skinning import forward_kinematics, skin_means
from .doubt import doubts, reasons
from .facing import right_way_round
from .flips import best_flips
from .ground import upward
from .hands import fit_hand
from .model import BETAS, PARAMETERS, PITCH, SHAPE_COUNT, TRANSL, ZOOM
from .problem import Problem
from .solve import levenberg_marquardt
from .start import first_guess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..observation import Camera, Observation
    from .hands import HandFit

_TRUSTED = 0.3
_LOOK = 25  # iterations that tell whether a photo can be explained
_RELAXED_HAND = 0.6  # of the file's mean hand: between flat and relaxed
_USUAL_STATURE = 1.806  # metres: the mean of the bundled body
_STEP = 1e-5


@dataclass(frozen=True)
class FaceOffset:
    """What a local warp has left to do so that the photo's face lies on the body's.

    Args:
        ids: Points of mediapipe's face mesh. [A]
        body: Where the body's face has them, pixels of the crop. [A, 2]
        offset: From there to where the photo has them, pixels. [A, 2]
    """

    ids: NDArray[np.int64]
    body: Float
    offset: Float


@dataclass(frozen=True)
class Fit:
    """The body that explains the photo.

    Args:
        params: Pose, shape and place, in the frame of the photo's camera (see :class:`Camera`).
        landmark_error: Median distance of seen landmarks, as a part of the person's height in the image.
        outline_iou: Overlap of the body's and the person's outline, 0..1.
        camera: The photo's camera, its focal length as the fit found it.
        up: Against gravity, in the frame of the camera. [3]
        doubt: How unsure the pose of each part is, 0..1: head, trunk, left arm, ..., right hand.
        reasons: Sentences for the artist that say why.
        face: How the face in the photo lies on the body's, if a face was found.
        turned_round: Whether left and right of the photo's landmarks have been exchanged (``turned_round``).
    """

    params: BodyParams
    landmark_error: float
    outline_iou: float
    camera: Camera
    up: tuple[float, float, float] = (0.0, 1.0, 0.0)
    doubt: dict[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    face: FaceOffset | None = None
    turned_round: bool = False


def fit_body(
    body: Body, seen: Observation, report: Callable[[float], None], *, betas: Float | None = None
) -> Fit:
    """Find pose, shape and place of the body.

    Args:
        body: Any body in SMPL-X layout.
        seen: The photo.
        report: Told the fraction done.
        betas: The shape, if it is known; found in the photo otherwise. [10]

    Returns:
        The fit; landmarks that were not seen leave their joints near rest.
    """
    problem, x = _solved(body, seen, report, betas)
    return replace(_fit_of(problem, x), turned_round=problem.seen is not seen)


def _solved(
    body: Body, seen: Observation, report: Callable[[float], None], betas: Float | None
) -> tuple[Problem, Float]:
    seen = right_way_round(seen, lambda one: _unexplained(body, one))
    problem = Problem(body, seen, relaxed_hands(body), usual_shape(body))
    report(0.1)
    free = np.ones(PARAMETERS, bool)
    free[BETAS] = betas is None
    x = _landmarks_met(problem, problem.shape_mean if betas is None else betas, free)
    report(0.3)
    x = best_flips(problem, x)
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=20, free=free)
    report(0.5)
    for round_ in range(3):
        problem.match_outline(x, skinned_vertices(body, problem.model.params(x)))
        x = levenberg_marquardt(problem.all_residuals, x, iterations=8, free=free)
        report(0.5 + 0.5 * (round_ + 1) / 3)
    return problem, x


def _landmarks_met(problem: Problem, betas: Float, free: NDArray[np.bool_], iterations: int = 60) -> Float:
    """Place and trunk first, so that the limbs start near where they belong; then all that is free. [P]"""
    x = first_guess(problem.model, problem.seen, problem.table, betas)
    trunk = np.zeros(PARAMETERS, bool)
    trunk[:6] = True
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=15, free=trunk)
    return levenberg_marquardt(problem.landmark_residuals, x, iterations=iterations, free=free)


def _unexplained(body: Body, seen: Observation) -> float:
    """Squared residuals that are left of a photo's landmarks."""
    problem = Problem(body, seen, relaxed_hands(body), usual_shape(body))
    x = _landmarks_met(problem, problem.shape_mean, np.ones(PARAMETERS, bool), _LOOK)
    residual = problem.landmark_residuals(x[None])[0]
    return float(residual @ residual)


def _fit_of(problem: Problem, x: Float) -> Fit:
    seen, params = problem.seen, problem.model.params(x)
    camera = replace(seen.camera, focal=float(seen.camera.focal * np.exp(x[ZOOM])))
    up = upward(x[PITCH : PITCH + 1])[0][0]
    vertices = skinned_vertices(problem.body, params)
    hands = _hands(problem, params, camera)
    missed = problem.missed(x)
    doubt = doubts(seen, problem.table.ids, missed, hands)
    height = float(np.ptp(problem.body.shaped(params.betas)[:, 1]))
    return Fit(
        params=_with_hands(params, hands),
        landmark_error=float(np.median(missed[seen.confidence[problem.table.ids] > _TRUSTED])),
        outline_iou=_outline_iou(problem.body, vertices, camera, seen),
        camera=camera,
        up=(float(up[0]), float(up[1]), float(up[2])),
        doubt=doubt,
        reasons=reasons(seen, doubt, float(-x[TRANSL][2]), height),
        face=_face_offset(problem, x),
    )


def _face_offset(problem: Problem, x: Float) -> FaceOffset | None:
    face = problem.seen.face
    if face is None or problem.face_trust < _TRUSTED:
        return None
    ids, body = problem.anchors.ids, problem.face_points(x)
    return FaceOffset(ids, body, face.points[ids, :2] - body)


def _hands(problem: Problem, params: BodyParams, camera: Camera) -> dict[str, HandFit]:
    found = {
        side: fit_hand(problem.body, side, points, camera, params)
        for side, points in zip(("left", "right"), problem.seen.hands, strict=True)
    }
    return {side: hand for side, hand in found.items() if hand is not None}


def _with_hands(params: BodyParams, hands: dict[str, HandFit]) -> BodyParams:
    """The body with the hands that were found."""
    pose = params.pose()
    for side, hand in hands.items():
        first = joint_index(f"{side}_index1")
        pose[joint_index(f"{side}_elbow")], pose[joint_index(f"{side}_wrist")] = hand.elbow, hand.wrist
        pose[first : first + len(hand.fingers)] = hand.fingers
    return BodyParams.from_pose(pose, betas=params.betas, expression=params.expression, transl=params.transl)


def fit_together(body: Body, photos: Sequence[Observation], report: Callable[[float], None]) -> list[Fit]:
    """Find the body in several photos of one person: one shape, a pose and a place for each.

    Args:
        body: Any body in SMPL-X layout.
        photos: One or more.
        report: Told the fraction done.
    """
    if len(photos) == 1:
        return [fit_body(body, photos[0], report)]
    count = 2 * len(photos)
    found = [
        _solved(body, seen, lambda done, i=i: report((i + done) / count), None)
        for i, seen in enumerate(photos)
    ]
    betas = _common_shape(found)
    return [
        fit_body(body, seen, lambda done, i=i: report((i + done) / count), betas=betas)
        for i, seen in enumerate(photos, len(photos))
    ]


def _common_shape(found: Sequence[tuple[Problem, Float]]) -> Float:
    """The betas that explain all photos best, each weighed by what it knows of them. [10]

    With all else free, a photo's squared residuals about its own optimum are a quadratic form of the betas:
    the Schur complement of its normal matrix. The prior is in each, so it is taken out of all but one.
    """
    total, weighted = np.zeros((SHAPE_COUNT, SHAPE_COUNT)), np.zeros(SHAPE_COUNT)
    prior = found[0][0].shape_information
    mean = found[0][0].shape_mean
    for problem, x in found:
        steps = np.eye(PARAMETERS) * _STEP
        at = problem.all_residuals(x[None])[0]
        jacobian = (problem.all_residuals(x + steps) - at) / _STEP
        normal = jacobian @ jacobian.T + 1e-9 * np.eye(PARAMETERS)
        others = np.setdiff1d(np.arange(PARAMETERS), np.arange(BETAS.start, BETAS.stop))
        cross = normal[BETAS][:, others]
        known = normal[BETAS, BETAS] - cross @ np.linalg.solve(normal[np.ix_(others, others)], cross.T)
        total += known
        weighted += known @ x[BETAS]
    extra = (len(found) - 1) * prior
    return np.linalg.solve(total - extra, weighted - extra @ mean)


def usual_shape(body: Body) -> Float:
    """Betas of a person of usual stature; the first of them is the one that makes tall. [10]"""
    betas = np.zeros(SHAPE_COUNT)
    mean = float(np.ptp(body.v_template[:, 1]))
    one = float(np.ptp(body.shaped(np.eye(1, SHAPE_COUNT)[0][: body.shapedirs.shape[2]])[:, 1]))
    if abs(one - mean) > 0.01:
        betas[0] = np.clip((_USUAL_STATURE - mean) / (one - mean), -2, 2)
    return betas


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


def _outline_iou(body: Body, vertices: Float, camera: Camera, seen: Observation) -> float:
    """Overlap of the fitted body's filled outline with the person's mask."""
    canvas = np.zeros(seen.alpha.shape, np.uint8)
    # Sixteenths of a pixel; one call a face, because overlapping faces in one call would cancel out.
    for triangle in np.round(camera.project(vertices)[body.faces] * 16).astype(np.int32):
        cv2.fillConvexPoly(canvas, triangle, (1.0,), shift=4)
    mask = seen.alpha > 0.5
    return float((mask & (canvas > 0)).sum() / (mask | (canvas > 0)).sum())
