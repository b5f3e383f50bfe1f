"""Copies of a photo in which the models may see whom they do not see in the photo itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BRIGHTENED = "The photo is very dark and was brightened to find the person; a brighter one works better."
SMOOTHED = (
    "The person was found only after the picture was smoothed, as happens with drawings. Look whether the "
    "pose is right, and paint a mask if the cut-out is wrong."
)
_DARK, _BLACK = 110, 8  # of 255, the brightest pixels: below is dark, or nothing at all
_BRIGHTEST, _DARKEST = 99.5, 0.5  # percentiles
_GAMMA = 0.6
_SMOOTH = 0.002  # of the longer side: as wide as a pen's line


def easier(rgb: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Copies in which to look again, and what the artist is told if somebody is found there.

    Args:
        rgb: The photo. [H, W, 3]
    """
    bright = float(np.percentile(rgb.max(axis=2), _BRIGHTEST))
    if bright < _BLACK:
        return
    if bright < _DARK:
        yield brightened(rgb), BRIGHTENED
    yield np.asarray(cv2.GaussianBlur(rgb, (0, 0), max(1.0, _SMOOTH * max(rgb.shape))), np.uint8), SMOOTHED


def brightened(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo with its darkest pixels black and its brightest white. [H, W, 3]"""
    low, high = np.percentile(rgb.min(axis=2), _DARKEST), np.percentile(rgb.max(axis=2), _BRIGHTEST)
    share = np.clip((rgb - low) / max(high - low, 1.0), 0, 1)
    return (255 * share**_GAMMA).astype(np.uint8)
