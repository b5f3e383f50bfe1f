"""Lattice: even points over the pixels of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float


def lattice(mask: NDArray[np.bool_], step: float) -> Float:
    """Points of a triangular lattice inside a mask.

    Args:
        mask: [H, W]
        step: Pixels from one to the next.

    Returns:
        x and y, pixels. [N, 2]
    """
    height, width = mask.shape
    row_step = step * np.sqrt(0.75)
    rows = np.arange(0.5 * row_step, height, row_step)
    columns = np.arange(0.25 * step, width - 0.5 * step, step)
    x, y = np.meshgrid(columns, rows)
    x = x + (np.arange(len(rows)) % 2)[:, None] * 0.5 * step
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    at = points.astype(int)
    return points[mask[at[:, 1], at[:, 0]]]
