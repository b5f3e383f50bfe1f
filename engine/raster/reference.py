"""The same image in float64, one Gaussian at a time: slow, readable, the judge of the fast kernels.

Source: Zwicker et al. 2001; Kerbl et al. 2023, sections 4 and 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.rotations import matrix_from_quat
from .check import check_camera, check_gaussians
from .values import Image, RasterSettings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Double = NDArray[np.float64]

_MIN_ALPHA, _MIN_TRANSMITTANCE, _MIN_BLUR_RATIO, _MARGIN = 1 / 255, 1e-4, 2.5e-5, 0.15
_WIDEST = 3.5  # standard deviations; a Gaussian of opacity 1 falls below 1 / 255 at 3.33


def rasterize_reference(
    means: ArrayLike,
    quats: ArrayLike,
    scales: ArrayLike,
    opacities: ArrayLike,
    colors: ArrayLike,
    viewmat: ArrayLike,
    K: ArrayLike,
    width: int,
    height: int,
    settings: RasterSettings | None = None,
    max_depth: ArrayLike | None = None,
) -> Image:
    """Render as ``rasterize`` does, in float64.

    Args and errors are those of ``rasterize``; its keywords come as ``settings``.
    """
    settings = settings or RasterSettings()
    gaussians = check_gaussians(means, quats, scales, opacities, colors)
    view, intrinsics = (matrix.astype(np.float64) for matrix in check_camera(viewmat, K, width, height))
    finite = np.isfinite(np.concatenate([array.reshape(len(array), -1) for array in gaussians], axis=1)).all(
        axis=1
    )
    finite &= np.linalg.norm(gaussians[1], axis=1) > 0
    centres, *others = (array[finite].astype(np.float64) for array in gaussians)
    t = centres @ view[:3, :3].T + view[:3, 3]
    drawn = np.flatnonzero((t[:, 2] > settings.near) & (t[:, 2] < settings.far))
    order = drawn[np.argsort(t[drawn, 2], kind="stable")]
    t, turns, sizes, peaks, shades = (array[order] for array in (t, *others))
    covars = _screen_covars(t, turns, sizes, view, intrinsics, width, height)
    blurred = covars + settings.eps2d * np.eye(2)
    if settings.antialiased:
        ratio = np.linalg.det(covars) / np.linalg.det(blurred)
        peaks = peaks * np.sqrt(np.maximum(ratio, _MIN_BLUR_RATIO))
    means2d = (t @ intrinsics.T)[:, :2] / t[:, 2:]
    values = np.concatenate([shades, t[:, 2:]], axis=1)
    limits = np.full((height, width), np.inf) if max_depth is None else np.asarray(max_depth, np.float64)
    return _blend(means2d, blurred, peaks, values, limits, settings.max_alpha)


def _screen_covars(
    t: Double, quats: Double, scales: Double, viewmat: Double, K: Double, width: int, height: int
) -> Double:
    """Covariances on the image: J W Sigma W^T J^T. [N, 2, 2]

    J is taken at the mean, or at the nearest point of the view widened by a margin.
    """
    focal, centre, size = np.array([K[0, 0], K[1, 1]]), K[:2, 2], np.array([width, height])
    z = t[:, 2:]
    lowest, highest = -(centre + _MARGIN * size) / focal, (size - centre + _MARGIN * size) / focal
    slopes = np.clip(t[:, :2] / z, lowest, highest)
    J = np.zeros((len(t), 2, 3))
    J[:, 0, 0], J[:, 1, 1] = focal[0] / t[:, 2], focal[1] / t[:, 2]
    J[:, :, 2] = -focal * slopes / z
    M = matrix_from_quat(quats) * scales[:, None, :]
    JWM = J @ viewmat[:3, :3] @ M
    return JWM @ JWM.transpose(0, 2, 1)


def _blend(
    means2d: Double,
    covars: Double,
    opacities: Double,
    values: Double,
    limits: Double,
    max_alpha: float,
) -> Image:
    """Blend front to back, each Gaussian on the window of pixels it can reach, in front of their limits."""
    height, width = limits.shape
    total = np.zeros((height, width, 4))
    left = np.ones((height, width))
    alive = np.ones((height, width), bool)
    conics = np.linalg.inv(covars)
    reach = _WIDEST * np.sqrt(np.diagonal(covars, axis1=1, axis2=2)) + 1
    lowest = np.clip(np.floor(means2d - reach), 0, [width, height]).astype(int)
    highest = np.clip(np.ceil(means2d + reach), 0, [width, height]).astype(int)
    for mean, conic, opacity, value, (x0, y0), (x1, y1) in zip(
        means2d, conics, opacities, values, lowest, highest, strict=True
    ):
        window = np.s_[y0:y1, x0:x1]
        dx = mean[0] - (np.arange(x0, x1) + 0.5)
        dy = mean[1] - (np.arange(y0, y1)[:, None] + 0.5)
        exponent = 0.5 * (conic[0, 0] * dx**2 + conic[1, 1] * dy**2) + conic[0, 1] * dx * dy
        alpha = np.minimum(max_alpha, opacity * np.exp(-exponent))
        alpha = np.where((alpha >= _MIN_ALPHA) & alive[window] & (value[3] < limits[window]), alpha, 0)
        finished = left[window] * (1 - alpha) <= _MIN_TRANSMITTANCE
        alive[window] &= ~finished
        weight = np.where(finished, 0, alpha * left[window])
        left[window] -= weight
        total[window] += weight[..., None] * value
    return Image(total[..., :3], 1 - left, total[..., 3])
