"""For each pixel near a rough outline: how much speaks for the person, from shape and from local colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from .boxes import mask_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_NEAR = 0.03  # Share of the person's size about the outline that is looked at again.
_WINDOW = 0.12  # The same, side of the windows whose colours are compared.
_CORE = 0.01  # The same: colours count in full from this far off the outline.
_BINS = 16
_LEAST = 30.0  # Pixels of either side without which a window says nothing.
_FLOOR = 1e-5  # Of a colour's frequency, so that a colour never seen speaks for neither side.
_MOST = 6.0  # Log odds: no single witness counts for more.
_SURE = 0.99


@dataclass(frozen=True)
class Evidence:
    """What speaks for the person, as natural logarithms of odds: above 0 for, below 0 against.

    Args:
        shape: The pose model's opinion. [H, W]
        color: Whether the colour is found more among the person's nearby or the background's. [H, W]
        unsure: Where the outline may still move. [H, W]
    """

    shape: NDArray[np.float32]
    color: NDArray[np.float32]
    unsure: NDArray[np.bool_]


def person_size(front: NDArray[np.bool_]) -> int:
    """The longer side of the box around a mask, pixels; 0 if it is empty. [H, W]"""
    box = mask_box(front)
    return max(box.width, box.height) if box else 0


def distances(front: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Distance of inner pixels from the outside, and of outer ones from the inside, else 0. [H, W] each"""
    mask = front.astype(np.uint8)
    inner = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outer = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    return np.asarray(inner, np.float32), np.asarray(outer, np.float32)


def gather_evidence(
    rgb: NDArray[np.uint8], front: NDArray[np.bool_], likely: NDArray[np.float32], doubted: NDArray[np.bool_]
) -> Evidence:
    """Ask shape and colour about the surroundings of an outline.

    Args:
        rgb: [H, W, 3]
        front: The outline so far; somewhere true, somewhere false. [H, W]
        likely: The pose model's probability of the person, 0..1. [H, W]
        doubted: What is to be looked at again wherever it lies. [H, W]
    """
    size = person_size(front)
    inner, outer = distances(front)
    near = _NEAR * size
    unsure = front & ((inner < near / 2) | ((likely < 0.9) & (inner < 2 * near)))
    unsure |= ~front & (((outer < near) & (likely > 0.02)) | ((likely > 0.3) & (outer < 2 * near)))
    unsure |= doubted
    core = max(1.0, _CORE * size)
    mine = np.where(front & ~doubted, likely**2 * np.clip(inner / core, 0.05, 1), 0)
    theirs = np.where(~front & ~doubted, (1 - likely) ** 2 * np.clip(outer / core, 0.05, 1), 0)
    odds = np.clip(likely, 1 - _SURE, _SURE)
    color = _color_odds(_color_bins(rgb), mine, theirs, unsure, max(32, round(_WINDOW * size)))
    return Evidence(np.log(odds / (1 - odds)).astype(np.float32), np.clip(color, -_MOST, _MOST), unsure)


def _color_bins(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Which of 16³ bins of CIE L*a*b* each pixel falls into. [H, W]"""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32) / 256
    # Colours of photos fill the middle of the a and b axes only.
    lab[..., 1:] = (lab[..., 1:] - 0.5) * 1.6 + 0.5
    bins = np.clip((lab * _BINS).astype(np.int64), 0, _BINS - 1)
    return (bins[..., 0] * _BINS + bins[..., 1]) * _BINS + bins[..., 2]


def _color_odds(
    bins: NDArray[np.int64],
    mine: NDArray[np.float64],
    theirs: NDArray[np.float64],
    unsure: NDArray[np.bool_],
    side: int,
) -> NDArray[np.float32]:
    """Log odds of the colours in overlapping windows, blended. [H, W]"""
    total = np.zeros(bins.shape, np.float32)
    weight = np.zeros(bins.shape, np.float32)
    for window, room, blend in _windows(bins.shape, side):
        if not unsure[window].any():
            continue
        around = bins[room].ravel()
        person = _frequencies(around, mine[room].ravel())
        wall = _frequencies(around, theirs[room].ravel())
        if person is None or wall is None:
            continue
        odds = np.log((person + _FLOOR) / (wall + _FLOOR))
        total[window] += blend * odds[bins[window]]
        weight[window] += blend
    return total / np.maximum(weight, 1e-6)


def _windows(
    shape: tuple[int, ...], side: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice], NDArray[np.float32]]]:
    """Windows that overlap by half, the room about each whose colours count, and how they blend."""
    height, width = shape
    ramp = np.hanning(side + 2)[1:-1]
    blend = (np.outer(ramp, ramp) + 1e-3).astype(np.float32)
    more = side // 3
    for top in range(-(side // 2), height, side // 2):
        for left in range(-(side // 2), width, side // 2):
            rows = slice(max(top, 0), min(top + side, height))
            columns = slice(max(left, 0), min(left + side, width))
            room = (
                slice(max(rows.start - more, 0), rows.stop + more),
                slice(max(columns.start - more, 0), columns.stop + more),
            )
            part = blend[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            yield (rows, columns), room, part


def _frequencies(bins: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """How often each colour occurs, blurred over its neighbours, summing to 1. [16³]"""
    if weights.sum() < _LEAST:
        return None
    cube = np.bincount(bins, weights, _BINS**3).reshape(_BINS, _BINS, _BINS)
    cube = gaussian_filter(cube, 1.0, mode="nearest")
    return cube.ravel() / cube.sum()
