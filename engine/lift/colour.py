"""Colours of the photo without the background that soft edges mix in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..prepare.foreground import foreground_colors
from ..prepare.spread import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .observation import Observation

_EDGE = 0.007  # metres: mixed pixels reach this far in from the outline


def clean_colors(seen: Observation, pixels_per_metre: float) -> NDArray[np.float32]:
    """The photo with the person's own colours along the outline, carried on outside of it.

    Args:
        seen: The photo.
        pixels_per_metre: At the person.

    Returns:
        Display-space RGB, 0..1; every pixel has the person's colour. [H, W, 3]
    """
    sure = (seen.alpha > 0.95).astype(np.uint8)
    size = 2 * max(1, round(_EDGE * pixels_per_metre)) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    core = np.asarray(cv2.erode(sure, disk, borderValue=(1.0,)), np.uint8)
    # Fingers and straps thinner than the eroded band keep what they have.
    thin = sure & np.bitwise_not(cv2.dilate(core, np.ones((2 * size + 1, 2 * size + 1), np.uint8)))
    core = core | thin
    if not core.any():
        return seen.rgb
    front, _ = foreground_colors(seen.rgb, np.where(core > 0, 1, seen.alpha).astype(np.float32))
    # A matte is off by a pixel here and there and cameras smear colours over edges: what the core nearby does
    # not have is the background's.
    pushed = spread(seen.rgb, core)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
    front = np.clip(front, cv2.erode(pushed, around), cv2.dilate(pushed, around))
    return np.where(core[..., None] > 0, seen.rgb, front)


def lab(colors: Float) -> NDArray[np.float32]:
    """Display-space RGB (0..1) to CIE L*a*b*, where distance is how different colours look. [N, 3]"""
    return cv2.cvtColor(np.ascontiguousarray(colors, np.float32)[None], cv2.COLOR_RGB2LAB)[0]
