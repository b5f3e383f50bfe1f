"""Robust nonlinear least squares with batched finite differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_STEP = 1e-5
_FIRST_DAMPING = 1e-2


def levenberg_marquardt(
    residuals: Callable[[Float], Float],
    start: Float,
    *,
    iterations: int,
    free: NDArray[np.bool_] | None = None,
) -> Float:
    """Minimise half the sum of squared residuals.

    Many parameter vectors are evaluated at once, so a whole Jacobian costs one call.

    Args:
        residuals: Parameter vectors [B, P] to residual vectors [B, R].
        start: First parameters. [P]
        iterations: Accepted or refused steps at most.
        free: Mask of the parameters that may move; all by default. [P]

    Returns:
        The best parameters found. [P]

    Source: Marquardt 1963; the damping is scaled by the diagonal of the normal matrix.
    """
    best = np.array(start, np.float64)
    moving = np.arange(len(best)) if free is None else np.flatnonzero(free)
    damping, jacobian = _FIRST_DAMPING, None
    current = residuals(best[None])[0]
    for _ in range(iterations):
        if jacobian is None:
            steps = np.zeros((len(moving), len(best)))
            steps[np.arange(len(moving)), moving] = _STEP
            jacobian = (residuals(best + steps) - current) / _STEP  # [P, R], transposed
        normal = jacobian @ jacobian.T
        scale = np.diag(normal) + 1e-9
        step = np.linalg.solve(normal + damping * np.diag(scale), -jacobian @ current)
        trial = best.copy()
        trial[moving] += step
        value = residuals(trial[None])[0]
        if value @ value < current @ current:
            small = current @ current - value @ value < 1e-6 * (current @ current)
            best, current, jacobian, damping = trial, value, None, max(damping / 3, 1e-7)
            if small:
                break
        else:
            damping *= 4
    return best


def robust(residual: Float, width: float) -> Float:
    """Bend residuals so that their squares grow like Geman-McClure's function: outliers stop pulling.

    Args:
        residual: Any shape.
        width: Residual at which the pull has clearly weakened.

    Returns:
        Same shape, bounded by ``width``.

    Source: Barron 2019, table 1 (alpha = -2).
    """
    return residual / np.sqrt(1.0 + (residual / width) ** 2)
