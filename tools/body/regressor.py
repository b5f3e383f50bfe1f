"""Stage 5: joints as fixed mixtures of nearby vertices, so that they follow any body shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import JOINT_COUNT, JOINT_PARENTS, joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .samples import Array

    Matrix = NDArray[np.float64]

_TORSO = tuple(joint_index(name) for name in ("pelvis", "spine1", "spine2", "spine3"))
_TORSO_BAND = 0.06  # metres: a ring around the trunk at the joint's height, not the nearest patch of skin
_NEAREST, _CHOSEN = 500, 64  # candidates for a joint, and how many of them it uses
_PULL_TO_UNIFORM = 3e-6
_SUM_TO_ONE = 1e2


def fit_regressor(vertices: Array, joints: Matrix, weights: Array) -> tuple[Matrix, Matrix]:
    """Fit one mixture per joint to all people.

    Args:
        vertices: Zero pose, metres. [N, V, 3]
        joints: Their joints. [N, 55, 3]
        weights: Skinning weights. [V, 55]

    Returns:
        The regressor, rows sum to one [55, V], and its error for each joint and person, metres [55, N].
    """
    mean = vertices.mean(axis=0, dtype=np.float64)
    regressor = np.zeros((JOINT_COUNT, len(mean)))
    errors = np.zeros((JOINT_COUNT, len(vertices)))
    for joint in range(JOINT_COUNT):
        chosen = _choose_vertices(mean, joints[:, joint].mean(axis=0), joint, weights.argmax(axis=1))
        points = vertices[:, chosen].astype(np.float64)
        mixture = _fit_mixture(points, joints[:, joint])
        regressor[joint, chosen] = mixture
        errors[joint] = np.linalg.norm(mixture @ points - joints[:, joint], axis=1)
    return regressor, errors


def _choose_vertices(
    mean: Matrix, center: Matrix, joint: int, strongest: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Vertices spread evenly over the skin around a joint."""
    around = [joint, max(JOINT_PARENTS[joint], 0), *(c for c, p in enumerate(JOINT_PARENTS) if p == joint)]
    near = np.isin(strongest, around)
    if joint in _TORSO:
        near &= np.abs(mean[:, 1] - center[1]) < _TORSO_BAND
    candidates = np.flatnonzero(near)
    distances = np.linalg.norm(mean[candidates] - center, axis=1)
    candidates = candidates[np.argsort(distances, kind="stable")[:_NEAREST]]
    return candidates[_farthest_points(mean[candidates], min(_CHOSEN, len(candidates)))]


def _farthest_points(points: Matrix, count: int) -> list[int]:
    """Start with the first point; again and again add the one farthest from all chosen."""
    chosen = [0]
    distances = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(distances.argmax()))
        distances = np.minimum(distances, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return chosen


def _fit_mixture(points: Matrix, targets: Matrix) -> Matrix:
    """Least squares over all people and axes, held near equal shares and to a sum of one.

    Args:
        points: [N, K, 3]
        targets: [N, 3]

    Returns:
        [K]
    """
    count = points.shape[1]
    rows = points.transpose(0, 2, 1).reshape(-1, count) / np.sqrt(targets.size)
    system = np.vstack([rows, np.sqrt(_PULL_TO_UNIFORM) * np.eye(count), np.full((1, count), _SUM_TO_ONE)])
    # The pull is towards a share of 1/K, so its right side is that share times the pull's own square.
    right = np.r_[targets.reshape(-1) / np.sqrt(targets.size), np.full(count, _PULL_TO_UNIFORM**0.5 / count)]
    mixture = np.linalg.lstsq(system, np.r_[right, _SUM_TO_ONE], rcond=None)[0]
    return mixture / mixture.sum()
