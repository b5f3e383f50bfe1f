"""A limb may point to the camera or away from it and look the same: try the other way, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from .model import PARAMETERS, POSE
from .solve import levenberg_marquardt
from .start import turned_limb

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from .problem import Problem

# Ball, hinge and end of each limb, its bone and hinge axis in the rest pose, and what else may move.
_LIMBS = (
    (("left_shoulder", "left_elbow", "left_wrist"), (1, 0, 0), (0, -1, 0), "left_collar"),
    (("right_shoulder", "right_elbow", "right_wrist"), (-1, 0, 0), (0, 1, 0), "right_collar"),
    (("left_hip", "left_knee", "left_ankle"), (0, -1, 0), (1, 0, 0), None),
    (("right_hip", "right_knee", "right_ankle"), (0, -1, 0), (1, 0, 0), None),
)
_FLIPS = ((1, -1), (-1, 1), (-1, -1))
_ITERATIONS = 12
_BETTER = 0.98  # of the cost: the detector's own answer wins a draw


def best_flips(problem: Problem, x: Float) -> Float:
    """Replace limbs by their mirror images in depth where that explains the photo better. [P]

    Args:
        problem: The residuals; the outline is not asked.
        x: Parameters. [P]
    """
    for joints, bone, axis, collar in _LIMBS:
        free = np.zeros(PARAMETERS, bool)
        for name in (*joints, collar):
            if name is not None:
                start = POSE.start + 3 * (joint_index(name) - 1)
                free[start : start + 3] = True
        best, lowest = x, _cost(problem, x)
        for signs in _FLIPS:
            trial = _flipped(problem, x, joints, bone, axis, signs)
            trial = levenberg_marquardt(problem.landmark_residuals, trial, iterations=_ITERATIONS, free=free)
            cost = _cost(problem, trial)
            if cost < _BETTER * lowest:
                best, lowest = trial, cost
        x = best
    return x


def _cost(problem: Problem, x: Float) -> float:
    residual = problem.landmark_residuals(x[None])[0]
    return float(residual @ residual)


def _flipped(
    problem: Problem,
    x: Float,
    joints: tuple[str, str, str],
    bone: tuple[int, int, int],
    axis: tuple[int, int, int],
    signs: tuple[int, int],
) -> Float:
    """The limb with its upper or lower part (or both) mirrored about the plane across the viewing ray. [P]"""
    posed = problem.model.posed(x[None])
    ball, hinge, end = (joint_index(name) for name in joints)
    places = posed.joints[0, [ball, hinge, end]]
    ray = places[0] / np.linalg.norm(places[0])
    ways = []
    for way, sign in zip(np.diff(places, axis=0), signs, strict=True):
        way = way / np.linalg.norm(way)
        ways.append(way if sign > 0 else way - 2 * (way @ ray) * ray)
    own = matrix_from_rotvec(posed.pose[0, ball - 1])
    parent = posed.moved[0, ball, :3, :3] @ own.T
    upper, lower = (parent.T @ way for way in ways)
    turn, bend = turned_limb(upper, lower, np.array(bone, float), np.array(axis, float))
    result = x.copy()
    for joint, rotation in ((ball, rotvec_from_matrix(turn)), (hinge, bend)):
        start = POSE.start + 3 * (joint - 1)
        result[start : start + 3] = rotation
    return result
