"""Drape: a skirt or a coat stands off the legs in depth as it does sideways in the photo.

The photo tells how far cloth reaches beyond the legs on both sides. Taken to stand off as far in front and
behind, it is a level ring around both legs at each height; the legs inside give the ring its middle and its
depth. Rings are level in the world, not in the photo: a camera that looks down on a hem sees its back higher.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from ...binding.find_loose import COAT, NONE
from ..outcome import upright
from ..parts import LEFT_LEG, RIGHT_LEG, TRUNK, part_of_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ...binding.find_loose import LooseRegion
    from ..observation import Camera, Observation
    from .depth import DepthMaps

_FREE = (0.004, 0.025)  # metres off the legs: from where on cloth is a ring of its own, and wholly so
_OFF = 0.004  # metres that cloth keeps from the legs inside
_STEP = 0.005  # metres from ring to ring
_SLICE = 0.02  # metres above and below a ring where the legs count as inside it
_FEWEST = 12  # rings
_BEGINS = 0.12  # metres of height over which the ring leaves the body
_SMOOTH = 0.03  # metres of height
_DEEPER = 1.12  # times as far as at the sides, as skirts seen from the side measure
_LARGEST = 0.45  # metres that cloth may stand off
_DROP = 0.04  # metres by which the person gets narrower at once where a hem ends
_DROP_OVER = 0.02  # metres of height
_HEM_ABOVE, _HEM_BELOW = 0.12, 0.06  # metres around where it ends between the legs
_LEFT = 0.2  # of the drop, where the hem's lowest pixels are
_FRINGE = 0.03  # metres under the hem where what is none of the body still is the cloth
_ROUNDED = 0.012  # metres above the hem where the matte cuts its corners
_ROUNDS = 5
_LOWEST = 0.9  # of the way to a hem's front, seen from above, the hem is about as low as there


@dataclass(frozen=True)
class Drape:
    """Level rings around both legs, from the waist down to the hem.

    Lengths are metres in an upright frame: that of the camera, turned so that +y is up.

    Args:
        turn: The upright frame from the camera's. [3, 3]
        heights: Falling. [R]
        center: x of the middle. [R]
        depth: Level distance of the middle from the camera. [R]
        width: Half of it. [R]
        thickness: Half of it, away from the camera. [R]
        free: How far the cloth is a ring of its own, 0..1. [R]
        mask: Pixels that may show the cloth. [H, W]
    """

    turn: Float
    heights: Float
    center: Float
    depth: Float
    width: Float
    thickness: Float
    free: Float
    mask: NDArray[np.bool_]

    def at(self, heights: Float) -> tuple[Float, Float, Float, Float, Float]:
        """Middle, depth, half width, half thickness and freedom at heights."""
        rows = (self.center, self.depth, self.width, self.thickness, self.free)
        found = [np.interp(-heights, -self.heights, values) for values in rows]
        return found[0], found[1], found[2], found[3], found[4]


def drape(
    body: Body, skin: Float, maps: DepthMaps, region: LooseRegion, seen: Observation,
    up: tuple[float, float, float],
) -> Drape | None:  # fmt: skip
    """Find the rings.

    Args:
        body: The fitted body.
        skin: Its vertices, posed, in the frame of the camera. [V, 3]
        maps: Near and far sheet of the clothed person.
        region: Where clothes are loose.
        seen: The photo.
        up: Against gravity, in the frame of the camera.

    Returns:
        None where nothing hangs loose, or the photo shows too little of it.
    """
    if region.kind == NONE:
        return None
    turn = upright(np.asarray(up, np.float64))
    below = trunk_and_legs(body)
    legs = skin[below] @ turn.T
    mask = maps.inside & below[body.faces[:, 0]][maps.layer.face[tuple(maps.body_pixel)]]
    first, last = (float(np.clip(row, 0, len(mask) - 1)) for row in (region.waist_row, region.hem_row))
    mask[: round(first)] = False
    depth = float(np.median(-legs[:, 2]))
    row, cut = _hem(mask, last, depth / seen.camera.focal)
    top = _height(first, depth, turn, seen.camera)
    low = _front_height(row, mask, legs, depth, turn, seen.camera)
    heights = np.arange(top, low, -_STEP)
    if len(heights) < _FEWEST or not mask.any():
        return None
    inner = _inside(legs, heights)
    center, middle, width = _outer(mask, heights, inner, turn, seen.camera)
    off = np.clip(width - 0.5 * (inner[:, 1] - inner[:, 0]), 0.0, _LARGEST)
    known = len(heights) - (round(_ROUNDED / _STEP) if cut else 0)
    smooth = [_smoothed(v, known) for v in (center, middle, width, off, inner[:, 3] - inner[:, 2])]
    center, middle, width, off, thick = smooth
    # It begins at the waist, where the clothed body still is what the photo shows.
    off = np.clip(off, 0.0, _LARGEST) * np.clip((top - heights) / _BEGINS, 0, 1)
    free = np.clip((off - _FREE[0]) / (_FREE[1] - _FREE[0]), 0, 1)
    return Drape(turn, heights, center, middle, width, 0.5 * thick + _DEEPER * off, free, mask)


def trunk_and_legs(body: Body) -> NDArray[np.bool_]:
    """Vertices that a skirt or a coat hangs about. [V]"""
    part = part_of_weights(body.joint_indices, body.joint_weights)
    return np.isin(part, (TRUNK, LEFT_LEG, RIGHT_LEG))


def draped(maps: DepthMaps, found: Drape, region: LooseRegion, seen: Observation) -> tuple[DepthMaps, Drape]:
    """Near and far sheet with the cloth where it hangs, and the rings with the pixels that show them.

    An open coat shows the legs inside, so its front stays as it was.
    """
    rows, columns = np.nonzero(found.mask)
    rays = seen.camera.unproject(np.stack([columns, rows], axis=1) + 0.5, np.ones(len(rows))) @ found.turn.T
    near, height = _met(found, rays, -1.0)
    loose = np.where(maps.covered[rows, columns], 0.0, _FRINGE)
    there = (height > found.heights[-1] - loose) & (height < found.heights[0])
    mask = np.zeros_like(found.mask)
    mask[rows[there], columns[there]] = True
    rows, columns, rays, near = rows[there], columns[there], rays[there], near[there]
    free = found.at(height[there])[4]
    far, _ = _met(found, rays, 1.0)
    front, back, covered = maps.front.copy(), maps.back.copy(), maps.covered.copy()
    ring_front = np.minimum(near, front[rows, columns] + _OFF)
    ring_back = np.maximum(far, back[rows, columns] - _OFF)
    if region.kind != COAT:
        front[rows, columns] += (free * (ring_front - front[rows, columns])).astype(np.float32)
        covered[rows[free > 0], columns[free > 0]] = False
    back[rows, columns] += (free * (ring_back - back[rows, columns])).astype(np.float32)
    return replace(maps, front=front, back=back, covered=covered), replace(found, mask=mask)


def _met(found: Drape, rays: Float, side: float) -> tuple[Float, Float]:
    """Depth at which rays meet the rings' near (-1) or far side (1), and the height there. [N], [N]

    Args:
        found: The rings.
        rays: Upright, a metre of the camera's depth long. [N, 3]
        side: Which.
    """
    depth = np.full(len(rays), float(np.median(found.depth))) / -rays[:, 2]
    for _ in range(_ROUNDS):
        center, middle, width, thickness, _ = found.at(depth * rays[:, 1])
        across = np.clip((depth * rays[:, 0] - center) / width, -1, 1)
        depth = (middle + side * thickness * np.sqrt(1 - across**2)) / -rays[:, 2]
    return depth, depth * rays[:, 1]


def _height(row: float, depth: float, turn: Float, camera: Camera) -> float:
    """Height at which a row of the photo lies at a level distance."""
    ray = camera.unproject(np.array([camera.center[0], row]), np.ones(())) @ turn.T
    return float(ray[1] * depth / -ray[2])


def _hem(mask: NDArray[np.bool_], last: float, metres: float) -> tuple[float, bool]:
    """Row where the cloth ends in front, and whether the person gets narrower there.

    Args:
        mask: Trunk and legs with what hangs about them. [H, W]
        last: Row where it ends between the legs.
        metres: Of a pixel.
    """
    left, right = _ends(mask)
    width = np.where(mask.any(axis=1), right - left, 0.0) * metres
    half = max(1, round(0.5 * _DROP_OVER / metres))
    lowest, highest = round(last + _HEM_BELOW / metres), round(last - _HEM_ABOVE / metres)
    rows = np.arange(max(half, highest), min(len(mask) - half, lowest))
    drop = width[rows - half] - width[rows + half]
    if not len(rows) or drop.max() < _DROP:
        return last, False
    best = int(rows[drop.argmax()])
    within = width[best - half : best + half + 1]
    return best - half + float((within > within[-1] + _LEFT * (within[0] - within[-1])).sum()), True


def _front_height(
    row: float, mask: NDArray[np.bool_], legs: Float, depth: float, turn: Float, camera: Camera
) -> float:
    """Height of a hem whose front the photo shows in a row; it stands off as the sides do."""
    side = _height(row, depth, turn, camera)
    inner = _inside(legs, np.array([side]))[0]
    metres = depth / camera.focal
    above = slice(max(0, round(row - _HEM_ABOVE / metres)), round(row))
    left, right = (ends[above] for ends in _ends(mask))
    width = float(np.max(right - left, initial=0.0)) * metres
    off = np.clip(0.5 * (width - (inner[1] - inner[0])), 0.0, _LARGEST)
    return _height(
        row,
        0.5 * (inner[2] + inner[3]) - _LOWEST * (0.5 * (inner[3] - inner[2]) + _DEEPER * off),
        turn,
        camera,
    )


def _inside(legs: Float, heights: Float) -> NDArray[np.float64]:
    """Least and largest x, and least and largest level distance, of the legs at heights. [R, 4]"""
    order = np.argsort(legs[:, 1])
    legs = legs[order]
    lowest, highest = legs[0, 1], legs[-1, 1]
    rows = []
    for height in np.clip(heights, lowest, highest):
        begin, end = np.searchsorted(legs[:, 1], [height - _SLICE, height + _SLICE])
        near = legs[begin : max(end, begin + 1)]
        rows.append([near[:, 0].min(), near[:, 0].max(), -near[:, 2].max(), -near[:, 2].min()])
    return np.array(rows)


def _outer(
    mask: NDArray[np.bool_], heights: Float, inner: Float, turn: Float, camera: Camera
) -> tuple[Float, Float, Float]:
    """Middle, its level distance and half the width of what the photo shows at heights. [R] each"""
    middle = 0.5 * (inner[:, 2] + inner[:, 3])
    axis = np.stack([0.5 * (inner[:, 0] + inner[:, 1]), heights, -middle], axis=1) @ turn
    rows = np.clip(camera.project(axis)[:, 1], 0, len(mask) - 1).astype(int)
    filled = np.flatnonzero(mask.any(axis=1))
    rows = filled[np.abs(rows[:, None] - filled[None]).argmin(axis=1)]
    metres = camera.depth(axis) / camera.focal
    left, right = ((ends[rows] - camera.center[0]) * metres for ends in _ends(mask))
    return 0.5 * (left + right), middle, 0.5 * (right - left)


def _ends(mask: NDArray[np.bool_]) -> tuple[Float, Float]:
    """First column of each row, and the one after the last. [H], [H]"""
    width = mask.shape[1]
    return mask.argmax(axis=1).astype(np.float64), width - mask[:, ::-1].argmax(axis=1).astype(np.float64)


def _smoothed(values: Float, known: int) -> NDArray[np.float64]:
    """Values over heights, smooth, and going on as they did beyond the last known one. [R]"""
    blur = _SMOOTH / _STEP
    size = 2 * round(blur) + 1
    calm = median_filter(values[:known], min(size, 2 * (known // 2) - 1), mode="nearest")
    # The median flattens the end of a slope; the slope itself goes on there.
    calm[-size // 2 :] = values[known - len(calm[-size // 2 :]) : known]
    pad = min(3 * size, known - 1)
    wide = np.pad(calm, (pad, pad), mode="reflect", reflect_type="odd")
    smooth = gaussian_filter1d(wide, blur)[pad:]
    return smooth[: len(values)]


def tucked(vertices: Float, rows: NDArray[np.bool_], found: Drape) -> NDArray[np.float64]:
    """The clothed surface, nowhere outside the rings of what hangs about it.

    Args:
        vertices: Posed, in the frame of the camera. [V, 3]
        rows: Those of trunk and legs. [V]
        found: The rings.
    """
    level = vertices[rows] @ found.turn.T
    center, depth, width, thickness, free = found.at(level[:, 1])
    free = np.where((level[:, 1] > found.heights[-1]) & (level[:, 1] < found.heights[0]), free, 0.0)
    middle = np.stack([center, level[:, 1], -depth], axis=1)
    way = level - middle
    size = np.hypot(way[:, 0] / width, way[:, 2] / thickness)
    result = vertices.astype(np.float64)
    result[rows] = (middle + way * (1 - free * (1 - 1 / np.maximum(size, 1.0)))[:, None]) @ found.turn
    return result
