"""Held: things in the hands, told from the person, as a layer of their own that goes with a hand.

The photo shows a thing's front; its back is taken to be the same, and its thickness that of something round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...avatar.body import JOINT_COUNT, joint_index
from ..labels import HELD
from .lattice import lattice
from .placed import NO_HAND, Placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..observation import Observation

_HANDS = (("left_wrist", "left_middle1"), ("right_wrist", "right_middle1"))
_THICKEST = 0.12  # metres, half of it
_STEEP = 1.0  # slope of the surface from where it is more rim than front
_RIM_STEP = 1.3  # pitches
_SMALLEST = 1e-3  # of the person's pixels


@dataclass(frozen=True)
class Held:
    """Which pixels show something held.

    Args:
        hand: 0 for the left hand, 1 for the right, ``NO_HAND`` elsewhere. [H, W]
        depth: Of each hand along the viewing axis, metres. [2]
    """

    hand: NDArray[np.int8]
    depth: Float

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Whether a pixel shows something held. [H, W]"""
        return self.hand != NO_HAND


def held_things(labels: NDArray[np.uint8], joints: Float, seen: Observation) -> Held:
    """Give each held thing to the hand that is nearest in the photo.

    Args:
        labels: As from ``parse``. [H, W]
        joints: Posed, in the frame of the camera. [55, 3]
        seen: The photo.
    """
    centers = np.stack([joints[[joint_index(name) for name in names]].mean(axis=0) for names in _HANDS])
    pixels = seen.camera.project(centers)
    hand = np.full(labels.shape, NO_HAND, np.int8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((labels == HELD).astype(np.uint8))
    smallest = _SMALLEST * float((seen.alpha > 0.5).sum())
    for piece in range(1, count):
        if stats[piece, cv2.CC_STAT_AREA] < smallest:
            continue
        rows, columns = np.nonzero(pieces == piece)
        spots = np.stack([columns, rows], axis=1) + 0.5
        gap = [np.linalg.norm(spots - pixel, axis=1).min() for pixel in pixels]
        hand[rows, columns] = int(np.argmin(gap))
    return Held(hand, seen.camera.depth(centers))


def without(seen: Observation, mask: NDArray[np.bool_]) -> Observation:
    """The photo as if what is masked were background: a ball must not fatten the arm that holds it."""
    return replace(seen, alpha=np.where(mask, np.float32(0), seen.alpha)) if mask.any() else seen


def held_layer(held: Held, seen: Observation, pitch: float) -> Placed:
    """Gaussians of the held things, front and back.

    Args:
        held: Where they are.
        seen: The photo.
        pitch: Pixels from one Gaussian to the next.

    Returns:
        May be empty.
    """
    pixels = lattice(held.mask, pitch)
    columns, rows = pixels.astype(int).T
    metres = float(np.mean(held.depth)) / seen.camera.focal
    half, slope = _round(held.mask, metres)
    half, slope = half[rows, columns], slope[rows, columns]
    steep = np.flatnonzero(np.linalg.norm(slope, axis=1) > _STEEP)
    # From the side the sheets would gape at the rim: there the thing is as thick as the lattice is fine.
    between = np.maximum(np.round(2 * half[steep] / (_RIM_STEP * pitch * metres)).astype(int) - 1, 0)
    rim = np.repeat(steep, between)
    share = (np.arange(len(rim)) - np.repeat(np.cumsum(between) - between, between) + 1.0) / (
        np.repeat(between, between) + 1.0
    )
    everything = np.arange(len(pixels))
    own = np.concatenate([everything, everything, rim])
    side = np.concatenate([-np.ones(len(pixels)), np.ones(len(pixels)), 2 * share - 1])
    hand = held.hand[rows, columns].astype(np.int64)[own]
    middle = held.depth[hand]
    normals = np.column_stack([slope[own] * [1.0, -1.0], -side])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    weights = np.zeros((len(own), JOINT_COUNT))
    weights[np.arange(len(own)), np.array([joint_index(names[0]) for names in _HANDS])[hand]] = 1.0
    return Placed(
        means=seen.camera.unproject(pixels[own], middle + side * half[own]),
        normals=normals,
        spacing=pitch * middle / seen.camera.focal,
        weights=weights,
        pixels=pixels[own],
        seen=side == -1.0,
        on_body=np.zeros(len(own), bool),
        under=np.zeros(len(own), bool),
        hand=hand,
    )


def _round(mask: NDArray[np.bool_], metres: float) -> tuple[Float, Float]:
    """Half the thickness of something round with this outline, and the way its surface turns outwards.

    Args:
        mask: [H, W]
        metres: Of a pixel.

    Returns:
        [H, W] metres; [H, W, 2] in the image, 0 in the middle, long at the rim.
    """
    inset = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float64) * metres
    pieces = np.asarray(cv2.connectedComponents(mask.astype(np.uint8))[1], np.int64)
    deepest = np.zeros(int(pieces.max()) + 1)
    np.maximum.at(deepest, pieces.ravel(), inset.ravel())
    radius = np.clip(deepest[pieces], metres, _THICKEST)
    half = radius * np.sqrt(1.0 - (1.0 - np.clip(inset / radius, 0.0, 1.0)) ** 2)
    smooth = cv2.GaussianBlur(half.astype(np.float32), (0, 0), 2.0) / metres
    down, across = np.gradient(smooth)
    return half, -np.stack([across, down], axis=-1)
