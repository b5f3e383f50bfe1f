"""Wall: Gaussians of the rings of a skirt or a coat where the photo does not show them squarely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..place.placed import NO_HAND, Placed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...avatar.arrays import Float
    from ..observation import Observation
    from .drape import Drape

_GRAZING = 0.35  # cosine above which the photo's lattice is the cloth
_FREE = 0.3  # from where the rings are cloth of their own
_GOLDEN = 0.618  # of a step from one ring to the next, so that no seams run down


def wall(found: Drape, weights_at: Callable[[Float], Float], spacing: float, seen: Observation) -> Placed:
    """Gaussians of the rings; the lowest row stands on the hem, so that it ends in a level line.

    Args:
        found: The rings.
        weights_at: Joint weights at pixels. [N, 2] to [N, 55]
        spacing: Metres from one to the next.
        seen: The photo.

    Returns:
        None of them seen. May be empty.
    """
    heights = np.arange(found.heights[-1], found.heights[0], spacing)
    center, depth, width, thickness, free = found.at(heights)
    chosen = np.flatnonzero(free > _FREE)
    around = 2 * np.pi * np.sqrt(0.5 * (width[chosen] ** 2 + thickness[chosen] ** 2))
    counts = np.maximum(np.round(around / spacing).astype(int), 8)
    ring = np.repeat(chosen, counts)
    number = np.arange(len(ring)) - np.repeat(np.cumsum(counts) - counts, counts)
    angle = 2 * np.pi * (number + _GOLDEN * ring) / np.repeat(counts, counts)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = center[ring] + width[ring] * cos, heights[ring]
    means = np.stack([x, y, -(depth[ring] + thickness[ring] * sin)], axis=1) @ found.turn
    flare = [
        np.gradient(np.log(half), heights)[ring] if len(heights) > 1 else 0.0 * x
        for half in (width, thickness)
    ]
    slope = -(cos**2 * flare[0] + sin**2 * flare[1])
    normals = np.stack([cos / width[ring], slope, -sin / thickness[ring]], axis=1) @ found.turn
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    facing = -(normals * means).sum(axis=1) / np.linalg.norm(means, axis=1)
    # Where the photo shows the cloth at this height: the far side itself may lie behind the legs below.
    pixels = seen.camera.project(np.stack([x, y, -depth[ring]], axis=1) @ found.turn)
    pixels = np.clip(pixels, 0.5, np.array(found.mask.shape[::-1]) - 0.5)
    keep = facing < _GRAZING
    count = int(keep.sum())
    return Placed(
        means=means[keep],
        normals=normals[keep],
        spacing=np.full(count, spacing),
        weights=weights_at(pixels[keep]),
        pixels=pixels[keep],
        seen=np.zeros(count, bool),
        on_body=np.zeros(count, bool),
        under=np.zeros(count, bool),
        hand=np.full(count, NO_HAND),
    )
