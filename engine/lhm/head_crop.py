"""The network's head image: whose head, and how it is cut from the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.errors import AvatarError
from ..network.head_image import SIDE, head_image, head_square
from ..prepare.boxes import clipped
from ..prepare.spread import spread
from ..request import OFFICIAL
from .enlarge import WORTHWHILE
from .head import Head, find_head
from .sampling import moved, sample, stretched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..prepare.person import PreparedPhoto
    from .detector import Detector
    from .enlarge import Enlarger

    Pixels = NDArray[np.float32]
    Edges = tuple[float, float, float, float]

_ROOM = 8  # pixels about the crop that cubic interpolation looks at
_EMPTY = 0.02  # alpha: less is background
_MINE = 0.3  # of a head box, covered by the person's matte
_LEAST = 4  # pixels along a head box
_USER, _DETECTOR = "your box", "LHM's own head detector"


def chosen_head(
    prepared: PreparedPhoto, rgb: NDArray[np.uint8], box: Sequence[float] | None, detector: Detector | None
) -> Head | None:
    """The head in pixels of the photo as it was read: the user's box, the detector's, or the built-in way.

    Raises:
        AvatarError: If the user's box is none or lies beside the photo.
    """
    if box is not None:
        ratio = rgb.shape[1] / prepared.photo.original_size[0]
        left, top, right, bottom = (float(edge) * ratio for edge in box)
        if not (right - left >= _LEAST and bottom - top >= _LEAST):
            raise AvatarError("The head box is empty. Give its left, top, right and bottom edge in pixels.")
        if right <= 0 or bottom <= 0 or left >= rgb.shape[1] or top >= rgb.shape[0]:
            raise AvatarError("The head box lies beside the photo. Move it over the head, or leave it out.")
        return Head((left, top, right, bottom), _USER)
    scale = rgb.shape[1] / prepared.photo.width
    if detector is not None:
        mine = [found for found in detector(rgb) if _on_person(found, prepared, scale)]
        if mine:
            return Head(mine[0], _DETECTOR)  # the largest
    found = find_head(prepared)
    return Head(stretched(found.box, scale), found.source) if found else None


def _on_person(box: Edges, prepared: PreparedPhoto, scale: float) -> bool:
    """Whether a head box (pixels of the photo as it was read) lies on the person who was cut out."""
    alpha = prepared.matte.alpha
    view = clipped(stretched(box, 1 / scale), (alpha.shape[1], alpha.shape[0]))
    return float(alpha[view.slices].mean()) > _MINE


def square_about(box: Edges, mode: str) -> tuple[int, int, int, int]:
    """The square about a head's box; the official rounding may leave it a pixel or two from square."""
    left, top, right, bottom = head_square(box)
    return (left, top, right, bottom) if mode == OFFICIAL else (left, top, right, top + max(1, right - left))


def head_picture(
    prepared: PreparedPhoto,
    rgb: NDArray[np.uint8],
    square: tuple[int, int, int, int] | None,
    side: int,
    mode: str,
    enlarger: Enlarger | None,
) -> tuple[Pixels, str]:
    """The head image, and how it came about in words. [S, S, 3]"""
    if square is None:
        return np.zeros((side, side, 3), np.float32), ""
    width = square[2] - square[0]
    if mode == OFFICIAL:
        small = head_image(rgb, square, SIDE)
        # The network enlarges it by itself; with a network for it, the official way does so before.
        return (_enlarged(small, side, enlarger), _by(enlarger)) if enlarger else (small, "made 112 pixels")
    crop, area = _head_crop(prepared, rgb, square)
    if enlarger is not None and width < WORTHWHILE * side:
        return _enlarged(sample(crop, area, (width, width)), side, enlarger), _by(enlarger)
    way = "stretched (bicubic)" if width < side else "reduced" if width > side else "as it is"
    return _within(sample(crop, area, (side, side))), way


def _head_crop(
    prepared: PreparedPhoto, rgb: NDArray[np.uint8], square: tuple[int, int, int, int]
) -> tuple[Pixels, Edges]:
    """The part of the photo about a square, and the square in its pixels. [h, w, 3]

    Where the square passes the photo's borders, the background beside the person goes on. Cutting there would
    stretch the head; white would be a shape that is not in the photo; hair that goes on would be a tower.
    """
    height, width = rgb.shape[:2]
    left, top, right, bottom = square
    view = clipped((left - _ROOM, top - _ROOM, right + _ROOM, bottom + _ROOM), (width, height))
    crop = rgb[view.slices].astype(np.float32) / 255
    over = (max(-left, 0), max(-top, 0), max(right - width, 0), max(bottom - height, 0))
    if any(over):
        edges = (view.left, view.top, view.right, view.bottom)
        shape = (view.height, view.width)
        alpha = sample(prepared.matte.alpha, stretched(edges, prepared.photo.width / width), shape)
        empty = (alpha < _EMPTY).astype(np.uint8)
        ground = spread(crop, empty) if empty.any() else crop
        sides = ((over[1], over[3]), (over[0], over[2]), (0, 0))
        padded = np.pad(ground, sides, mode="edge")
        padded[over[1] : over[1] + shape[0], over[0] : over[0] + shape[1]] = crop
        crop = padded
    return crop, moved(square, view.left - over[0], view.top - over[1])


def _enlarged(image: Pixels, side: int, enlarger: Enlarger) -> Pixels:
    large = enlarger.run(np.clip(image, 0, 1))
    return _within(sample(large, (0.0, 0.0, large.shape[1], large.shape[0]), (side, side)))


def _within(image: Pixels) -> Pixels:
    """Without what a cubic overshoots."""
    return np.clip(image, 0, 1).astype(np.float32, copy=False)


def _by(enlarger: Enlarger) -> str:
    return f"enlarged by {enlarger.name}"
