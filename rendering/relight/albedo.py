"""Albedo: an avatar's colours without the light of its photo, as far as one photo tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..picture import linear_from_srgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...engine.avatar.arrays import Float

LUMA = (0.2126, 0.7152, 0.0722)
_DARKEST, _BRIGHTEST = 0.55, 1.6  # of the light's mean: more than this is rather the cloth's own colour
_STIFFNESS = 0.05  # of the light's slope against its mean; without it a dark sleeve looks like a dark side
_ROUNDS = 8
_BLACK = 0.004  # linear; a logarithm of less would be noise


def albedo(colors: Float, normals: Float, seen: NDArray[np.bool_]) -> tuple[Float, Float]:
    """Take the photo's light off an avatar's colours.

    The light is taken to be as smooth as possible: a mean, and a slope along one direction. It is fitted to
    the logarithm of the colours' brightness, robustly, because most of that is the clothes' own.

    Args:
        colors: Display space. [N, 3]
        normals: As they stood in the photo. [N, 3]
        seen: Which are in the photo. [N]

    Returns:
        Scene-linear albedo, 0 to 1 [N, 3], and the light's slope over its mean, body axes [3].

    Source: Ramamoorthi and Hanrahan 2001, An efficient representation for irradiance environment maps: first
    order.
    """
    linear = linear_from_srgb(np.clip(np.asarray(colors, np.float64), 0, 1))
    slope = _slope(np.log(np.maximum(linear @ LUMA, _BLACK))[seen], normals[seen].astype(np.float64))
    light = np.clip(1 + normals @ slope, _DARKEST, _BRIGHTEST)
    return np.clip(linear / light[:, None], 0, 1).astype(np.float32), slope


def _slope(brightness: Float, normals: Float) -> Float:
    """Iteratively reweighted least squares on log E = m + log(1 + s.n), linear in s for small s. [3]"""
    if len(brightness) < 16:
        return np.zeros(3)
    design = np.concatenate([np.ones((len(normals), 1)), normals], axis=1)
    weight = np.ones(len(brightness))
    ridge = len(brightness) * _STIFFNESS * np.diag([0.0, 1.0, 1.0, 1.0])
    solution = np.zeros(4)
    for _ in range(_ROUNDS):
        weighted = design * weight[:, None]
        solution = np.linalg.solve(design.T @ weighted + ridge, weighted.T @ brightness)
        off = np.abs(brightness - design @ solution)
        scale = max(float(np.median(off)), 1e-3)
        weight = 1 / np.maximum(1, off / scale)  # Huber's: far off counts by its sign only
    slope = solution[1:]
    steepness = float(np.linalg.norm(slope))
    return slope * min(1.0, 0.6 / steepness) if steepness else slope
