"""Pictures at another size in one step, from any rectangle, whole pixels or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rectangle = tuple[float, float, float, float]

_SHARPNESS = -0.5  # of the cubic: it passes through its samples and hardly overshoots


def sample(image: NDArray[np.float32], rectangle: Rectangle, size: tuple[int, int]) -> NDArray[np.float32]:
    """A rectangle of a picture at another size: means over areas to shrink, cubic to grow, per direction.

    Beyond the picture its border goes on.

    Args:
        image: [H, W, C] or [H, W]
        rectangle: Left, top, right, bottom, pixels; a pixel's centre is at +0.5.
        size: Height and width of the answer.

    Source: Keys 1981 for the cubic.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = rectangle
    rows = weights(top, (bottom - top) / size[0], size[0], height)
    columns = weights(left, (right - left) / size[1], size[1], width)
    flat = rows @ np.ascontiguousarray(image, np.float32).reshape(height, -1)
    turned = np.asarray(flat, np.float32).reshape(size[0], width, -1).transpose(1, 0, 2)
    flat = columns @ np.ascontiguousarray(turned).reshape(width, -1)
    result = np.asarray(flat, np.float32).reshape(size[1], size[0], -1).transpose(1, 0, 2)
    return np.ascontiguousarray(result.reshape((*size, *image.shape[2:])))


def weights(start: float, step: float, count: int, size: int) -> sparse.csr_matrix:
    """How much of each pixel of a line goes into each pixel of a resized piece of it.

    Args:
        start: Where the piece begins, pixels.
        step: Pixels of the line per pixel of the answer.
        count: Pixels of the answer.
        size: Pixels of the line.

    Returns:
        Rows sum to one. [count, size]
    """
    edges = start + step * np.arange(count)
    if step >= 1:
        first = np.floor(edges).astype(np.int64)
        taps = first[:, None] + np.arange(int(np.ceil(step)) + 1)
        shares = np.minimum(taps + 1, (edges + step)[:, None]) - np.maximum(taps, edges[:, None])
    else:
        middles = edges + step / 2 - 0.5
        taps = np.floor(middles).astype(np.int64)[:, None] + np.arange(-1, 3)
        shares = _cubic(np.abs(taps - middles[:, None]))
    shares = np.where(np.abs(shares) > 1e-9, np.maximum(shares, 0) if step >= 1 else shares, 0)
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(count), taps.shape[1])
    columns = np.clip(taps, 0, size - 1).ravel()
    return sparse.csr_matrix((shares.ravel().astype(np.float32), (rows, columns)), shape=(count, size))


def inside(start: float, step: float, count: int, size: int) -> NDArray[np.float32]:
    """Which share of each pixel of the answer lies on the line and not beyond its ends. [count]"""
    edges = start + step * np.arange(count)
    return (np.clip(edges + step, 0, size) - np.clip(edges, 0, size)).astype(np.float32) / np.float32(step)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    a = _SHARPNESS
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = a * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


def moved(edges: Rectangle, left: float, top: float) -> Rectangle:
    """A rectangle seen from another corner."""
    return edges[0] - left, edges[1] - top, edges[2] - left, edges[3] - top


def stretched(edges: Rectangle, factor: float) -> Rectangle:
    """A rectangle in a picture that many times as large."""
    return edges[0] * factor, edges[1] * factor, edges[2] * factor, edges[3] * factor
