"""How much of each pixel along an outline is the person: closed-form matting with a prior.

Within a small window the colours of person and background each lie on a line, so there alpha is a linear
function of the colour. What this asks of neighbouring pixels is a sparse quadratic form; with what is known
of each pixel added to it, it has one minimum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .matting_kernels import add_product, diagonal, statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_EPSILON = 1e-5
_ENOUGH = 1e-3  # The residual against its start at which the solution is taken.
_WINDOW = np.ones((3, 3), np.uint8)


def solve_alpha(
    image: NDArray[np.float32],
    prior: NDArray[np.float32],
    weight: NDArray[np.float32],
    unknown: NDArray[np.bool_],
    *,
    start: NDArray[np.float32] | None = None,
    epsilon: float = _EPSILON,
    iterations: int = 150,
) -> NDArray[np.float32]:
    """The alpha that follows the picture's colours and stays near a prior.

    Args:
        image: 0..1. [H, W, 3]
        prior: 0..1; where a pixel is known it is taken as it is. [H, W]
        weight: How strongly the prior holds each unknown pixel; 0 leaves it to the colours. [H, W]
        unknown: Which pixels to solve for. [H, W]
        start: Where the solution starts in the unknown, 0..1; if missing, at the prior. [H, W]
        epsilon: Variance of colours in a window below which alpha should be constant in it.
        iterations: Of conjugate gradients, at most.

    Returns:
        0..1. [H, W]

    Source: Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting", 2008, equations 12
        and 14.
    """
    free = unknown.copy()
    middles = np.argwhere(cv2.dilate(free.astype(np.uint8), _WINDOW)[1:-1, 1:-1]).astype(np.int32) + 1
    if not free.any() or len(middles) == 0:
        return prior.astype(np.float32)
    colors = image.astype(np.float64)
    mean, inverse = statistics(colors, middles, epsilon / 9)
    pull = np.where(free, weight, 0).astype(np.float64)

    def gradient(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
        out = pull * alpha
        add_product(colors, middles, mean, inverse, alpha, out)
        return out * free

    alpha = np.where(free & (start is not None), prior if start is None else start, prior).astype(np.float64)
    whole = diagonal(colors, middles, mean, inverse) + pull
    scale = np.where(free & (whole > 0), 1 / np.maximum(whole, 1e-9), 0)
    _descend(gradient, alpha, pull * prior - gradient(alpha), scale, iterations)
    return np.clip(alpha, 0, 1).astype(np.float32)


def _descend(
    gradient: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    alpha: NDArray[np.float64],
    residual: NDArray[np.float64],
    scale: NDArray[np.float64],
    iterations: int,
) -> None:
    """Conjugate gradients with a diagonal preconditioner; changes alpha."""
    step = scale * residual
    product = first = float((residual * step).sum())
    for _ in range(iterations):
        if product <= _ENOUGH**2 * first:
            return
        moved = gradient(step)
        length = product / float((step * moved).sum())
        alpha += length * step
        residual -= length * moved
        scaled = scale * residual
        product, before = float((residual * scaled).sum()), product
        step = scaled + (product / before) * step
