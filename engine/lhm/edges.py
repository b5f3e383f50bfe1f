"""The person's own colours along the outline, where the camera mixed in the background's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..prepare.spread import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

EDGE = 0.007
"""Metres: how far in from the outline, and out from it, pixels are mixtures."""

_SURE, _NOTHING = 0.95, 0.05
_THIN_BAND = 3  # times the edge: what lies farther than that from any sure pixel is a thin part
_FAINT, _SOLID = 0.15, 0.6  # alpha: below, a pixel tells little of the person; above, it is mostly the person


def own_colors(
    rgb: NDArray[np.float32], alpha: NDArray[np.float32], pixels_per_metre: float
) -> NDArray[np.float32]:
    """Take the background out of the colours along the outline, so that no fringe shows on white.

    Each pixel of the edge lies between the person's colour beside it and the background's beside it; what it
    has of the way to the background's is taken off, and texture that points elsewhere stays. The matte is not
    asked how much: where it is a little off, that would leave a halo.

    Args:
        rgb: 0..1. [H, W, 3]
        alpha: The person, 0..1. [H, W]
        pixels_per_metre: At the person.

    Returns:
        0..1. [H, W, 3]
    """
    radius = max(1, round(EDGE * pixels_per_metre))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    sure = (alpha > _SURE).astype(np.uint8)
    # A person cut off by the photo's border has no background there.
    core = np.asarray(cv2.erode(sure, disk, borderValue=(1.0,)), np.uint8)
    core |= sure & (_distance(core) > _THIN_BAND * radius)
    if not core.any():
        return rgb
    own = cv2.GaussianBlur(spread(rgb, core), (0, 0), radius / 2)
    empty = np.asarray(cv2.erode((alpha < _NOTHING).astype(np.uint8), disk, borderValue=(1.0,)), np.uint8)
    clean = rgb
    if empty.any():
        way = cv2.GaussianBlur(spread(rgb, empty), (0, 0), radius) - own
        share = ((rgb - own) * way).sum(axis=2) / np.maximum((way**2).sum(axis=2), 1e-3)
        clean = rgb - np.clip(share, 0, 1)[..., None] * way
    trust = np.clip((alpha - _FAINT) / (_SOLID - _FAINT), 0, 1)[..., None]
    clean = own + trust * (clean - own)
    return np.where(core[..., None] > 0, rgb, np.clip(clean, 0, 1)).astype(np.float32)


def _distance(region: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels to the nearest pixel of a region. [H, W]"""
    return np.asarray(cv2.distanceTransform(1 - region, cv2.DIST_L2, 3), np.float32)
