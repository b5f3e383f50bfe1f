"""Drape: a skirt or a coat stands off the legs in depth as it does sideways in the photo.

The photo tells how far cloth reaches beyond the legs on both sides. Taken to stand off as far in front and
behind, it is a ring around both legs at each height; the legs inside give the ring its middle and its depth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from ..binding.find_loose import COAT, NONE
from .parts import LEFT_LEG, RIGHT_LEG, TRUNK, part_of_weights
from .placed import NO_HAND, Placed
from .zbuffer import first_layer, last_layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import Body
    from ..binding.find_loose import LooseRegion
    from .depth import DepthMaps
    from .observation import Observation

_FREE = (0.004, 0.025)  # metres off the legs: from where on cloth is a ring of its own, and wholly so
_OFF = 0.004  # metres that cloth keeps from the legs inside
_GRAZING = 0.35  # cosine above which the photo's lattice is the cloth
_FEWEST_ROWS = 12
_BEGINS = 0.12  # metres of height over which the ring leaves the body
_SMOOTH = 0.03  # metres of height
_LARGEST = 0.45  # metres that cloth may stand off


@dataclass(frozen=True)
class Drape:
    """Rings around both legs, one for each row of the photo.

    Args:
        rows: Rows of the photo. [R]
        center: Pixel column of the middle. [R]
        depth: Of the middle, metres. [R]
        width: Half of it, metres. [R]
        thickness: Half of it, along the viewing axis, metres. [R]
        free: How far the cloth is a ring of its own, 0..1. [R]
        mask: Pixels of the cloth. [H, W]
    """

    rows: NDArray[np.int64]
    center: Float
    depth: Float
    width: Float
    thickness: Float
    free: Float
    mask: NDArray[np.bool_]


def drape(body: Body, skin: Float, maps: DepthMaps, region: LooseRegion, seen: Observation) -> Drape | None:
    """Find the rings.

    Args:
        body: The fitted body.
        skin: Its vertices, posed, in the frame of the camera. [V, 3]
        maps: Near and far sheet of the clothed person.
        region: Where clothes are loose.
        seen: The photo.

    Returns:
        None where nothing hangs loose, or the photo shows too little of it.
    """
    if region.kind == NONE:
        return None
    part = part_of_weights(body.joint_indices, body.joint_weights)[body.faces[:, 0]]
    legs = np.isin(part, (TRUNK, LEFT_LEG, RIGHT_LEG))
    near, far = (layer(skin, body.faces[legs], seen.camera) for layer in (first_layer, last_layer))
    height = len(seen.alpha)
    first, last = (round(float(np.clip(row, 0, height - 1))) for row in (region.waist_row, region.hem_row))
    owner = part[maps.layer.face[tuple(maps.body_pixel)]]
    mask = maps.inside & np.isin(owner, (TRUNK, LEFT_LEG, RIGHT_LEG))
    mask[:first] = mask[last:] = False
    rows = np.flatnonzero(mask.any(axis=1) & near.covered.any(axis=1))
    if len(rows) < _FEWEST_ROWS:
        return None
    left, right = _ends(mask[rows])
    inner_left, inner_right = _ends(near.covered[rows])
    front = np.where(near.covered, near.depth, np.inf)[rows].min(axis=1)
    back = np.where(far.covered, far.depth, 0.0)[rows].max(axis=1)
    middle = 0.5 * (front + back)
    metres = middle / seen.camera.focal
    width = 0.5 * (right - left) * metres
    off = np.clip(width - 0.5 * (inner_right - inner_left) * metres, 0.0, _LARGEST)
    # It begins at the waist, where the clothed body still is what the photo shows.
    off *= np.clip((rows - first) * metres / _BEGINS, 0, 1)
    blur = _SMOOTH / float(np.median(metres))
    smooth = [_smoothed(values, blur) for values in (0.5 * (left + right), middle, width, off, back - front)]
    center, middle, width, off, thick = smooth
    free = np.clip((off - _FREE[0]) / (_FREE[1] - _FREE[0]), 0, 1)
    return Drape(rows, center, middle, width, 0.5 * thick + off, free, mask)


def draped(maps: DepthMaps, found: Drape, region: LooseRegion, seen: Observation) -> DepthMaps:
    """Near and far sheet with the cloth where it hangs.

    An open coat shows the legs inside, so its front stays as it was.
    """
    rows, columns = np.nonzero(found.mask)
    index = np.searchsorted(found.rows, rows)
    there = (index < len(found.rows)) & (found.rows[np.minimum(index, len(found.rows) - 1)] == rows)
    rows, columns, index = rows[there], columns[there], index[there]
    across = (columns + 0.5 - found.center[index]) * found.depth[index] / seen.camera.focal
    half = found.thickness[index] * np.sqrt(np.clip(1 - (across / found.width[index]) ** 2, 0, 1))
    free = found.free[index]
    front, back, covered = maps.front.copy(), maps.back.copy(), maps.covered.copy()
    ring_front = np.minimum(found.depth[index] - half, front[rows, columns] + _OFF)
    ring_back = np.maximum(found.depth[index] + half, back[rows, columns] - _OFF)
    if region.kind != COAT:
        front[rows, columns] += (free * (ring_front - front[rows, columns])).astype(np.float32)
        covered[rows[free > 0], columns[free > 0]] = False
    back[rows, columns] += (free * (ring_back - back[rows, columns])).astype(np.float32)
    return replace(maps, front=front, back=back, covered=covered)


def wall(found: Drape, weights_at: Callable[[Float], Float], spacing: float, seen: Observation) -> Placed:
    """Gaussians of the rings where the photo does not show them squarely.

    Args:
        found: The rings.
        weights_at: Joint weights at pixels. [N, 2] to [N, 55]
        spacing: Metres from one to the next.
        seen: The photo.

    Returns:
        None of them seen. May be empty.
    """
    step = max(1, round(spacing * seen.camera.focal / float(np.median(found.depth))))
    chosen = np.arange(len(found.rows))[::step]
    chosen = chosen[found.free[chosen] > 0.3]
    around = 2 * np.pi * np.sqrt(0.5 * (found.width[chosen] ** 2 + found.thickness[chosen] ** 2))
    counts = np.maximum(np.round(around / spacing).astype(int), 8)
    ring = np.repeat(chosen, counts)
    number = np.arange(len(ring)) - np.repeat(np.cumsum(counts) - counts, counts)
    angle = 2 * np.pi * (number + 0.618 * (ring % 2)) / np.repeat(counts, counts)
    cos, sin = np.cos(angle), np.sin(angle)
    depth = found.depth[ring] + found.thickness[ring] * sin
    columns = found.center[ring] + found.width[ring] * cos * seen.camera.focal / depth
    pixels = np.stack([columns, found.rows[ring] + 0.5], axis=1)
    means = seen.camera.unproject(pixels, depth)
    normals = np.stack([cos / found.width[ring], np.zeros(len(ring)), -sin / found.thickness[ring]], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    facing = -(normals * means).sum(axis=1) / np.linalg.norm(means, axis=1)
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


def _ends(mask: NDArray[np.bool_]) -> tuple[Float, Float]:
    """First column of each row, and the one after the last. [R], [R]"""
    width = mask.shape[1]
    return mask.argmax(axis=1).astype(np.float64), width - mask[:, ::-1].argmax(axis=1).astype(np.float64)


def _smoothed(values: Float, blur: float) -> Float:
    size = 2 * round(blur) + 1
    return gaussian_filter1d(median_filter(values, size, mode="nearest"), max(blur, 1e-3), mode="nearest")
