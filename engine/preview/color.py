"""Between what splats blend, display space, and what Blender wants, scene-linear light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.color import linear_from_srgb

if TYPE_CHECKING:
    from .values import Array


def light_from_blend(color: Array, alpha: Array) -> Array:
    """Premultiplied display-space colours to premultiplied scene-linear ones.

    Splats blend in display space, as they were made to, and are decoded afterwards: the blended colour,
    not each splat's, is what the photo shows.

    Args:
        color: Premultiplied, display space. [H, W, 3]
        alpha: [H, W]

    Returns:
        [H, W, 4]
    """
    result = np.zeros((*alpha.shape, 4), np.float32)
    drawn = alpha > 0
    some = alpha[drawn][:, None]
    result[drawn, :3] = linear_from_srgb(np.maximum(color[drawn], 0) / some) * some
    result[..., 3] = alpha
    return result


def over(front: Array, back: tuple[float, float, float]) -> Array:
    """Lay a premultiplied picture over an opaque colour.

    Args:
        front: [H, W, 4]
        back: Scene-linear. [3]
    """
    uncovered = 1 - front[..., 3:]
    return np.concatenate(
        [front[..., :3] + uncovered * np.asarray(back, np.float32), np.ones_like(uncovered)], 2
    )
