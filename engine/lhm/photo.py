"""The two pictures LHM is given: the person on white, five to three, and the head.

``official`` makes them as the released code does, number by number, and refuses what that refuses. ``best``
shows the same part of the photo at the same place, but takes it from the photo's own pixels in one step (the
official way passes through 896), with soft edges free of the background's colours, and refuses nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.errors import AvatarError
from ..network.body_image import body_image
from ..network.head_image import SIDE, head_image, head_square
from ..prepare.boxes import clipped, resized
from ..prepare.decode import decode_photo
from ..prepare.reach import pixels_per_metre
from ..prepare.spread import spread
from ..request import BEST, OFFICIAL
from .edges import own_colors
from .enlarge import WORTHWHILE
from .frame import frame, image_size
from .head import Head, find_head
from .sampling import inside, sample
from .told import Facts, facts_report, sentences, warnings_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..prepare.person import PreparedPhoto
    from .detector import Detector
    from .enlarge import Enlarger

    Pixels = NDArray[np.float32]
    Edges = tuple[float, float, float, float]

MOST_PIXELS = 48_000_000
"""A larger photo is read at this size; even then a head that fills a tenth of its height has 600 pixels."""

_ROOM = 8  # pixels about a crop that cubic interpolation and edge cleaning look at
_EMPTY = 0.02  # alpha: less is background
_LEAST = 4  # pixels along a head box
_USER, _DETECTOR = "your box", "LHM's own head detector"


@dataclass(frozen=True)
class NetworkPhoto:
    """What the network gets, and what was done for it. Photo pixels are those of the upright file.

    Args:
        body: The person on white, 0..1. [H, W, 3]
        head: 0..1, the photo's background still in it; black if no head was found. [S, S, 3]
        mask: The person in the body image, 0..1. [H, W]
        head_found: Whether the head image shows a head.
        head_square: Left, top, right, bottom in photo pixels; it may pass the borders. None without a head.
        box: The person's box with a tenth of room, in photo pixels; it may pass the sides.
        warnings: Sentences for the user, in addition to those of the prepared photo.
        report: Plain values, and ``sentences`` on what was cropped, padded, found, guessed and enlarged.
    """

    body: Pixels
    head: Pixels
    mask: Pixels
    head_found: bool
    head_square: tuple[int, int, int, int] | None
    box: tuple[int, int, int, int]
    warnings: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)


def network_photo(
    prepared: PreparedPhoto,
    image_width: int,
    head_side: int,
    *,
    mode: str = BEST,
    head_box: Sequence[float] | None = None,
    detector: Detector | None = None,
    enlarger: Enlarger | None = None,
    notes: Sequence[str] = (),
) -> NetworkPhoto:
    """Make the network's pictures.

    Args:
        prepared: The photo with the person cut out.
        image_width: What the model's body images are as wide as, before whole patches are made of it.
        head_side: Of the network's head image, pixels.
        mode: ``best`` or ``official``.
        head_box: The user's: left, top, right, bottom in photo pixels. It wins.
        detector: LHM's own head detector, in place of the built-in way.
        enlarger: For heads with fewer pixels than wanted.
        notes: Sentences for the report, such as why there is no enlarger.

    Raises:
        AvatarError: If the head box is none or lies beside the photo, if the photo has changed on disk, or,
            in the official mode, if the official code cannot use the photo.
        ValueError: If the mode is not known.
    """
    if mode not in (BEST, OFFICIAL):
        raise ValueError(f"mode must be {BEST!r} or {OFFICIAL!r}, got {mode!r}")
    rgb = full_photo(prepared)
    scale = rgb.shape[1] / prepared.photo.width
    mask = _hard(prepared.matte.alpha, rgb.shape[:2])
    head = _head(prepared, rgb, head_box, detector)
    if mode == OFFICIAL:
        cut = body_image(rgb, mask, image_width)
        body, cover, box, padded, step = cut.rgb, cut.mask, cut.box, None, None
    else:
        framed = frame(mask)
        body, cover = _composed(prepared, rgb, framed.rectangle, image_size(image_width))
        box, padded = framed.box, framed.padded
        step = (framed.rectangle[3] - framed.rectangle[1]) / body.shape[0]
    square = _square(head.box, mode) if head else None
    picture, way = _head_picture(prepared, rgb, square, head_side, mode, enlarger)
    to_file = prepared.photo.original_size[0] / rgb.shape[1]
    rows = np.flatnonzero((mask > 127).any(axis=1))
    facts = Facts(
        mode=mode,
        photo_size=prepared.photo.original_size,
        box=_scaled(box, to_file),
        padded=_scaled(padded, to_file) if padded else None,
        person_height=round((int(rows[-1]) + 1 - int(rows[0])) * to_file),
        image_size=(body.shape[0], body.shape[1]),
        step=step * to_file if step else None,
        head_source=head.source if head else None,
        head_square=_scaled(square, to_file) if square else None,
        head_side=head_side,
        head_way=way,
        reread=scale > 1,
        notes=tuple(notes),
    )
    return NetworkPhoto(
        body=body,
        head=picture,
        mask=cover,
        head_found=head is not None,
        head_square=facts.head_square,
        box=facts.box,
        warnings=warnings_about(facts),
        report=facts_report(facts) | {"sentences": sentences(facts)},
    )


def full_photo(prepared: PreparedPhoto) -> NDArray[np.uint8]:
    """The photo with all its pixels (48 million at most), read again if it was made smaller. [H, W, 3]

    Raises:
        AvatarError: If the file has changed since it was prepared.
    """
    photo = prepared.photo
    if photo.path is None or photo.original_size == (photo.width, photo.height):
        return photo.rgb
    again = decode_photo(photo.path, max_pixels=MOST_PIXELS)
    if again.sha256 != photo.sha256:
        raise AvatarError(f"{photo.name} has changed while it was being used. Start again.")
    return again.rgb


def _hard(alpha: Pixels, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The matte at the photo's size, 0 or 255. [H, W]"""
    if alpha.shape != shape:
        alpha = resized(alpha, shape[1], shape[0])
    return np.where(alpha > 0.5, 255, 0).astype(np.uint8)


def _composed(
    prepared: PreparedPhoto, rgb: NDArray[np.uint8], rectangle: Edges, size: tuple[int, int]
) -> tuple[Pixels, Pixels]:
    """The person on white, and their mask, in one step from the photo. [H, W, 3], [H, W]"""
    height, width = rgb.shape[:2]
    left, top, right, bottom = rectangle
    room = _ROOM * max(1.0, (bottom - top) / size[0])
    view = clipped((left - room, top - room, right + room, bottom + room), (width, height))
    factor = max(1, int((bottom - top) / size[0]))  # whole pixels first: means of means are the same means
    shape = (-(-view.height // factor), -(-view.width // factor))
    extent = (view.left, view.top, view.left + shape[1] * factor, view.top + shape[0] * factor)
    color = sample(rgb[view.slices].astype(np.float32) / 255, _moved(extent, view.left, view.top), shape)
    small = prepared.photo.width / width  # the matte has the working photo's size
    alpha = np.clip(sample(prepared.matte.alpha, _stretched(extent, small), shape), 0, 1)
    unit = pixels_per_metre(prepared.keypoints) / prepared.crop.scale / small / factor
    color = own_colors(color, alpha, unit)
    target = _stretched(_moved(rectangle, view.left, view.top), 1 / factor)
    both = sample(np.concatenate([color * alpha[..., None], alpha[..., None]], axis=2), target, size)
    across = inside(left, (right - left) / size[1], size[1], width)
    down = inside(top, (bottom - top) / size[0], size[0], height)
    both = np.clip(both, 0, 1) * (down[:, None] * across)[..., None]
    cover = both[..., 3]
    return np.clip(both[..., :3] + (1 - cover)[..., None], 0, 1), np.ascontiguousarray(cover)


def _head(
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
    return Head(_stretched(found.box, scale), found.source) if found else None


def _on_person(box: Edges, prepared: PreparedPhoto, scale: float) -> bool:
    """Whether a head box (pixels of the photo as it was read) lies on the person who was cut out."""
    alpha = prepared.matte.alpha
    view = clipped(_stretched(box, 1 / scale), (alpha.shape[1], alpha.shape[0]))
    return float(alpha[view.slices].mean()) > 0.3


def _square(box: Edges, mode: str) -> tuple[int, int, int, int]:
    """The square about a head's box; the official rounding may leave it a pixel or two from square."""
    left, top, right, bottom = head_square(box)
    return (left, top, right, bottom) if mode == OFFICIAL else (left, top, right, top + max(1, right - left))


def _head_picture(
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
        alpha = sample(prepared.matte.alpha, _stretched(edges, prepared.photo.width / width), shape)
        empty = (alpha < _EMPTY).astype(np.uint8)
        ground = spread(crop, empty) if empty.any() else crop
        sides = ((over[1], over[3]), (over[0], over[2]), (0, 0))
        padded = np.pad(ground, sides, mode="edge")
        padded[over[1] : over[1] + shape[0], over[0] : over[0] + shape[1]] = crop
        crop = padded
    return crop, _moved(square, view.left - over[0], view.top - over[1])


def _enlarged(image: Pixels, side: int, enlarger: Enlarger) -> Pixels:
    large = enlarger.run(np.clip(image, 0, 1))
    return _within(sample(large, (0.0, 0.0, large.shape[1], large.shape[0]), (side, side)))


def _within(image: Pixels) -> Pixels:
    """Without what a cubic overshoots."""
    return np.clip(image, 0, 1).astype(np.float32, copy=False)


def _by(enlarger: Enlarger) -> str:
    return f"enlarged by {enlarger.name}"


def _moved(edges: Edges, left: float, top: float) -> Edges:
    return edges[0] - left, edges[1] - top, edges[2] - left, edges[3] - top


def _stretched(edges: Edges, factor: float) -> Edges:
    return edges[0] * factor, edges[1] * factor, edges[2] * factor, edges[3] * factor


def _scaled(values: tuple[int, ...], factor: float) -> Any:
    return tuple(round(value * factor) for value in values)
