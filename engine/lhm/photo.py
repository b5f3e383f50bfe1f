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
from ..prepare.boxes import resized
from ..prepare.decode import decode_photo
from ..request import BEST, OFFICIAL
from .body_crop import composed
from .frame import frame, image_size
from .head_crop import chosen_head, head_picture, square_about
from .told import Facts, facts_report, sentences, warnings_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..prepare.person import PreparedPhoto
    from .detector import Detector
    from .enlarge import Enlarger

    Pixels = NDArray[np.float32]

MOST_PIXELS = 48_000_000
"""A larger photo is read at this size; even then a head that fills a tenth of its height has 600 pixels."""


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
    head = chosen_head(prepared, rgb, head_box, detector)
    if mode == OFFICIAL:
        cut = body_image(rgb, mask, image_width)
        body, cover, box, padded, step = cut.rgb, cut.mask, cut.box, None, None
    else:
        framed = frame(mask)
        body, cover = composed(prepared, rgb, framed.rectangle, image_size(image_width))
        box, padded = framed.box, framed.padded
        step = (framed.rectangle[3] - framed.rectangle[1]) / body.shape[0]
    square = square_about(head.box, mode) if head else None
    picture, way = head_picture(prepared, rgb, square, head_side, mode, enlarger)
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
    return (alpha > 0.5).astype(np.uint8) * np.uint8(255)  # np.where would take eight bytes a pixel


def _scaled(values: tuple[int, ...], factor: float) -> Any:
    return tuple(round(value * factor) for value in values)
