"""Lathe: hair and hats in the round, turned from their slices.

The photo shows a brim or a mop of hair left and right of the head only. Its slices, turned about the head's
axis, give the side views and the back their volume, and what the photo does show of them its depth.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.spatial import KDTree

from ..labels import HAIR, HAT
from ..parts import HEAD
from ..place.placed import NO_HAND, Placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..observation import Camera
    from .depth import DepthMaps
    from .headwear import Headwear

_STEP = 0.006  # metres between the points
_GOLDEN = 0.618034  # of a step from row to row, so that points do not line up
_SURE = 0.02  # metres beyond the body over which the slices replace the sheet
_HAIRLINE, _FULL = 0.05, 0.05  # metres above the eyes where hair begins, and over which it gets full
_SOFT = 2.0  # pixels
_THINNEST = 0.005  # metres from the near to the far sheet


def bulged(maps: DepthMaps, labels: NDArray[np.uint8], wear: Headwear, camera: Camera) -> DepthMaps:
    """The sheets with the hair and the hat in front as far from the camera as their slices say.

    Args:
        maps: Near and far sheet.
        labels: Of each pixel. [H, W]
        wear: The slices.
        camera: The photo's.
    """
    hat = labels == HAT
    rows, columns = np.nonzero(maps.inside & (hat | (labels == HAIR)))
    pixels = np.stack([columns, rows], axis=1) + 0.5
    depth = maps.front[rows, columns].astype(np.float64)
    across, height, away = wear.coordinates(camera.unproject(pixels, depth)).T
    slice_ = np.clip(np.round((height - wear.heights[0]) / _row(wear)).astype(int), 0, len(wear.heights) - 1)
    width = np.where(across > 0, wear.sides[slice_, 0], wear.sides[slice_, 1])
    inward = np.sqrt(1 - np.clip(np.abs(across) / np.maximum(width, 1e-3), 0, 1) ** 2)
    goal = wear.middle[slice_] - wear.front[slice_] * inward
    # Beside the body only the slices know; before it, hair and hats are never behind the skin.
    trust = np.clip(maps.beyond[rows, columns] / _SURE, 0, 1)
    full = np.maximum(trust, np.clip((height - _HAIRLINE) / _FULL, 0, 1))
    wanted = away + trust * (goal - away) + (1 - trust) * full * np.minimum(goal - away, 0)
    wanted = np.where(wear.thick[slice_] > 0, wanted, away)
    moved = camera.depth(wear.points(np.stack([across, height, wanted], axis=1)))
    if wear.brim.any():
        plate = _brim_depth(maps, hat, wear, camera)[rows, columns]
        moved = np.where(plate > 0, plate, moved)
    # Softly, so that a brim does not come off its crown.
    change = np.zeros(maps.front.shape, np.float32)
    change[rows, columns] = moved - depth
    mask = np.zeros_like(change)
    mask[rows, columns] = 1.0
    soft = cv2.GaussianBlur(change, (0, 0), _SOFT) / np.maximum(cv2.GaussianBlur(mask, (0, 0), _SOFT), 1e-3)
    front = maps.front + mask * soft
    back = np.where(mask > 0, np.maximum(maps.back, front + _THINNEST), maps.back)
    return replace(maps, front=front.astype(np.float32), back=back.astype(np.float32))


def _brim_depth(maps: DepthMaps, hat: NDArray[np.bool_], wear: Headwear, camera: Camera) -> Float:
    """Depth of the brim's front half where the photo shows it, else 0. [H, W]"""
    number = wear.widest
    rows, columns = np.nonzero(hat & maps.inside)
    pixels = np.stack([columns, rows], axis=1) + 0.5
    if wear.tilt == 0:  # seen from the side: the lowest pixels of the hat, as many as the brim is thick
        lowest = np.where(hat, np.arange(len(hat))[:, None], -1).max(axis=0)
        band = wear.brim.sum() * _row(wear) * maps.pixels_per_metre(camera)
        across = wear.coordinates(camera.unproject(pixels, maps.front[rows, columns]))[:, 0]
        away = -wear.front[number] * np.sqrt(
            1 - np.clip(np.abs(across) / wear.sides[number].mean(), 0, 1) ** 2
        )
        found = rows > lowest[columns] - band
    else:
        ray = camera.unproject(pixels, np.ones(len(pixels))) @ wear.axes.T
        start = wear.coordinates(np.zeros(3)) - [0, wear.heights[number], wear.middle[number]]
        far = (start[1] - wear.tilt * start[2]) / (wear.tilt * ray[:, 2] - ray[:, 1])
        across, away = start[0] + far * ray[:, 0], start[2] + far * ray[:, 2]
        share = np.hypot(across / wear.sides[number].mean(), away / wear.front[number])
        found = (away < 0) & (share < 1) & (share > wear.inner)
    spots = np.stack([across, wear.heights[number] + wear.tilt * away, wear.middle[number] + away], axis=1)
    result = np.zeros(hat.shape)
    result[rows[found], columns[found]] = camera.depth(wear.points(spots[found]))
    return result


def _row(wear: Headwear) -> float:
    return float(wear.heights[1] - wear.heights[0])


def turned(front: Placed, wear: Headwear | None) -> Placed:
    """Gaussians behind the head for what stands off it, and all around it for a brim.

    Args:
        front: The photo's lattice.
        wear: The slices, if there are any.

    Returns:
        None of them seen; each remembers a pixel that shows the same. May be empty.
    """
    spots, normals, slices, side = _points(wear) if wear is not None else _none()
    rows = np.zeros(0, np.int64)
    if wear is not None and len(spots):
        heads = np.flatnonzero(~front.on_body | (front.parts == HEAD))
        _, nearest = KDTree(front.pixels[heads]).query(wear.ends[slices, side])
        rows = heads[nearest]
        spots, normals = wear.points(spots), normals @ wear.axes
    count = len(spots)
    return Placed(
        means=spots, normals=normals, spacing=np.full(count, _STEP), weights=front.weights[rows],
        pixels=front.pixels[rows], seen=np.zeros(count, bool), on_body=np.zeros(count, bool),
        under=np.zeros(count, bool), hand=np.full(count, NO_HAND),
    )  # fmt: skip


def _none() -> tuple[Float, Float, NDArray[np.int64], NDArray[np.int64]]:
    return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64)


def _points(wear: Headwear) -> tuple[Float, Float, NDArray[np.int64], NDArray[np.int64]]:
    """Across, up and away; normals likewise; slice and side of each."""
    there = np.flatnonzero((wear.sides > 0).all(axis=1)).tolist()
    groups = [_arc(wear, number, side, 1.0) for number in there for side in (0, 1)]
    if wear.brim.any():
        groups += _ring(wear)
    if not groups:
        return _none()
    spots, normals, slices, sides = (np.concatenate(one) for one in zip(*groups, strict=True))
    return spots, normals, slices, sides


def _arc(
    wear: Headwear, number: int, side: int, share: float, *, before: bool = False, rise: float | None = None
) -> tuple[Float, Float, NDArray[np.int64], NDArray[np.int64]]:
    """A quarter of a slice, from its end to the middle of the back, or of the front; level at a rise."""
    # Gaussians reach beyond their means, and none must stick out of the outline.
    width, mean = wear.sides[number, side] - 0.5 * _STEP, wear.sides[number].mean() - 0.5 * _STEP
    deep = wear.front[number] if before else wear.back[number]
    count = max(2, round(0.5 * np.pi * np.sqrt(0.5 * (width**2 + deep**2)) * share / _STEP))
    angle = (np.arange(count) + np.modf(number * _GOLDEN)[0]) / count * 0.5 * np.pi
    sign, turn = (1.0, -1.0)[side], -1.0 if before else 1.0
    reach = width * np.cos(angle) ** 2 + mean * np.sin(angle) ** 2  # both sides meet behind
    away = turn * share * deep * np.sin(angle)
    slope = wear.tilt if wear.brim[number] else 0.0
    up = wear.heights[number] + (slope * away if rise is None else rise)
    spots = np.stack(
        [sign * share * reach * np.cos(angle), np.broadcast_to(up, count), wear.middle[number] + away], 1
    )
    flat = wear.brim[number] and share < 1.0 and rise is None
    outward = np.stack([sign * np.cos(angle), np.zeros(count), turn * np.sin(angle)], axis=1)
    normals = np.broadcast_to([0.0, 1.0, 0.0], (count, 3)) if flat else outward
    return spots, normals, np.full(count, number), np.full(count, side)


def _ring(wear: Headwear) -> list[tuple[Float, Float, NDArray[np.int64], NDArray[np.int64]]]:
    """The brim as a plate, from under the crown to its edge, and its edge in front."""
    widest = wear.widest
    across = (1 - wear.inner) * wear.sides[widest].mean()
    shares = np.linspace(wear.inner, 1.0, max(2, round(across / _STEP)))[:-1]
    # The crown goes on down to a brim that is lower behind.
    base = int(np.flatnonzero(wear.brim)[-1]) + 1
    crown = []
    if base < len(wear.heights) and wear.sides[base].min() > 0:
        lowest = wear.heights[widest] + min(0.0, wear.tilt * wear.back[base]) - wear.heights[base]
        rises = np.arange(lowest, 2 * _STEP, _STEP).tolist()
        crown = [_arc(wear, base, side, 1.0, rise=rise) for rise in rises for side in (0, 1)]
    return crown + [
        _arc(wear, widest, side, float(share), before=before)
        for share in shares for side in (0, 1) for before in ((False, True) if wear.tilt == 0 else (False,))
    ]  # fmt: skip
