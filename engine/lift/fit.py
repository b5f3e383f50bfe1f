"""Fit: pose, shape and place of the body so that it explains the photo's landmarks and outline.

Everything is one robust least-squares problem. Landmarks fix the pose in the image; the detector's 3D
directions, joint ranges, gravity and contact fix what the image leaves open; the outline fixes the girth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..avatar.body import BodyParams, joint_index
from ..avatar.skinning import forward_kinematics, skin_means
from .flips import best_flips
from .ground import upward
from .hands import fit_hand
from .model import PARAMETERS, PITCH, SHAPE_COUNT, ZOOM
from .problem import Problem
from .solve import levenberg_marquardt
from .start import first_guess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..avatar.arrays import Float
    from ..avatar.body import Body
    from .hands import HandFit
    from .observation import Camera, Observation

_RELAXED_HAND = 0.6  # of the file's mean hand: between flat and relaxed
_USUAL_STATURE = 1.806  # metres


@dataclass(frozen=True)
class Fit:
    """The body that explains the photo.

    Args:
        params: Pose, shape and place, in the frame of the photo's camera (see :class:`Camera`).
        landmark_error: Median distance of seen landmarks, as a part of the person's height in the image.
        outline_iou: Overlap of the body's and the person's outline, 0..1.
        camera: The photo's camera, its focal length as the fit found it.
        up: Against gravity, in the frame of the camera. [3]
    """

    params: BodyParams
    landmark_error: float
    outline_iou: float
    camera: Camera
    up: tuple[float, float, float] = (0.0, 1.0, 0.0)


def fit_body(body: Body, seen: Observation, report: Callable[[float], None]) -> Fit:
    """Find pose, shape and place of the body.

    Args:
        body: Any body in SMPL-X layout.
        seen: The photo.
        report: Told the fraction done.

    Returns:
        The fit; landmarks that were not seen leave their joints near rest.
    """
    problem = Problem(body, seen, relaxed_hands(body), usual_shape(body))
    x = first_guess(problem.model, seen, problem.table, problem.shape_mean)
    # Twice without the outline: place and trunk first, so that the limbs start near where they belong.
    trunk = np.zeros(PARAMETERS, bool)
    trunk[:6] = True
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=15, free=trunk)
    report(0.1)
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=60)
    report(0.4)
    x = best_flips(problem, x)
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=20)
    report(0.5)
    for round_ in range(3):
        problem.match_outline(x, skinned_vertices(body, problem.model.params(x)))
        x = levenberg_marquardt(problem.all_residuals, x, iterations=8)
        report(0.5 + 0.5 * (round_ + 1) / 3)
    return _fit_of(problem, x)


def _fit_of(problem: Problem, x: Float) -> Fit:
    seen, params = problem.seen, problem.model.params(x)
    camera = replace(seen.camera, focal=float(seen.camera.focal * np.exp(x[ZOOM])))
    up = upward(x[PITCH : PITCH + 1])[0][0]
    vertices = skinned_vertices(problem.body, params)
    hands = _hands(problem, params, camera)
    params = _with_hands(params, hands)
    return Fit(
        params=params,
        landmark_error=problem.landmark_error(x),
        outline_iou=_outline_iou(problem.body, vertices, camera, seen),
        camera=camera,
        up=(float(up[0]), float(up[1]), float(up[2])),
    )


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
    count = len(photos)
    fits = [
        fit_body(body, seen, lambda done, i=i: report((i + done) / count)) for i, seen in enumerate(photos)
    ]
    betas = fits[0].params.betas
    return [replace(fit, params=replace(fit.params, betas=betas)) for fit in fits]


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
