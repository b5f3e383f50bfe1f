"""Albedo: an avatar's colours without the light of its photo, as far as one photo tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.color import linear_from_srgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...engine.avatar.arrays import Float

LUMA = (0.2126, 0.7152, 0.0722)
_DARKEST, _BRIGHTEST = 0.55, 1.6  # of the light's mean: more than this is rather the cloth's own colour
_STEEPEST = 0.6
_FEWEST = 16  # Gaussians that say something about the light
_STIFFNESS = 0.01  # of the light's slope against its mean; without it a dark sleeve looks like a dark side
_ROUNDS = 10
_BLACK = 0.004  # linear; a logarithm of less would be noise


def photo_light(colors: Float, normals: Float, seen: NDArray[np.bool_]) -> tuple[Float, Float]:
    """The light that stood on an avatar in its photo; colours divided by it are its albedo.

    It is taken to be as smooth as possible: a mean, and a slope along one direction. It is fitted to the
    logarithm of the colours' brightness, robustly, because most of that is the clothes' own.

    Args:
        colors: Display space. [N, 3]
        normals: As they stood in the photo. [N, 3]
        seen: Which are in the photo. [N]

    Returns:
        The light over its mean [N], and its slope, in the axes of the normals [3].

    Source: Ramamoorthi and Hanrahan 2001, An efficient representation for irradiance environment maps: first
    order.
    """
    linear = linear_from_srgb(np.clip(np.asarray(colors, np.float64), 0, 1))
    slope = _slope(np.log(np.maximum(linear @ LUMA, _BLACK))[seen], normals[seen].astype(np.float64))
    return np.clip(1 + normals @ slope, _DARKEST, _BRIGHTEST).astype(np.float32), slope


def _slope(brightness: Float, normals: Float) -> Float:
    """The slope s of a light E = m (1 + s.n), by iteratively reweighted least squares on log E. [3]"""
    slope = np.zeros(3)
    if len(brightness) < _FEWEST:
        return slope
    design = np.concatenate([np.ones((len(normals), 1)), normals], axis=1)
    weight = np.ones(len(brightness))
    for _ in range(_ROUNDS):
        along = normals @ slope
        target = brightness - (np.log(np.maximum(1 + along, _DARKEST)) - along)  # what is not linear in s
        weighted = design * weight[:, None]
        ridge = weight.sum() * _STIFFNESS * np.diag([0.0, 1.0, 1.0, 1.0])
        solution = np.linalg.solve(design.T @ weighted + ridge, weighted.T @ target)
        off = np.abs(target - design @ solution)
        scale = max(float(np.median(off)), 1e-3)
        weight = 1 / np.maximum(1, off / scale)  # Huber's: far off counts by its sign only
        slope = solution[1:] * min(1.0, _STEEPEST / max(float(np.linalg.norm(solution[1:])), 1e-9))
    return slope
