"""The body image as the official code cuts it, number by number: what the released weights were trained on.

It loses detail on the way (896 pixels, a hard mask); whoever wants better cuts the photo differently.

Source: measured on golden tensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.float32]

ASPECT = 5 / 3  # height over width
LONGER_SIDE = 896  # pixels, between crop and last resize
PATCH = 14  # sizes are whole patches of the head's encoder, although the body's has 16
_ROOM = 1.1  # of the person's box
_ASPECT_TOLERANCE = 0.03
_SHARES = (np.arange(256) / 255).astype(np.float32)


@dataclass(frozen=True)
class BodyImage:
    """The network's body image.

    Args:
        rgb: 0..1, white background. [H, W, 3]
        mask: 0..1. [H, W]
        box: Left, top, right, bottom of the crop in the photo, pixels.
    """

    rgb: Pixels
    mask: Pixels
    box: tuple[int, int, int, int]


def body_image(
    rgb: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    width: int,
    *,
    longer_side: int = LONGER_SIDE,
    multiple: int = PATCH,
    aspect: float = ASPECT,
) -> BodyImage:
    """Cut the person out, on white, five to three.

    Args:
        rgb: The photo, upright. [height, width, 3]
        mask: 0..255, the person is white. [height, width]
        width: What the model's images are as wide as, before whole patches are made of it.
        longer_side: Pixels, between crop and last resize.
        multiple: Both sides are made multiples of it.
        aspect: Height over width.

    Raises:
        AvatarError: If the mask is empty, or the person is wider than tall.
    """
    box = person_box(mask)
    left, top, right, bottom = box
    color, cover = _padded(rgb[top:bottom, left:right], mask[top:bottom, left:right], aspect)
    cover = (cover > 127).astype(np.float32)
    color = _SHARES[color]  # a table: dividing would take gigabytes for a large photo
    color[cover == 0] = 1
    scale = longer_side / max(cover.shape)
    color, cover = (_resized(each, [round(side * scale) for side in cover.shape]) for each in (color, cover))
    window = _centred_window(cover, aspect)
    height = int(width * aspect / multiple) * multiple
    target = (height, int(width / multiple) * multiple)
    return BodyImage(
        rgb=np.ascontiguousarray(_resized(color[window], target)),
        mask=np.ascontiguousarray(_resized(cover[window], target)),
        box=box,
    )


def person_box(mask: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The person's box with a tenth of room, inside the photo.

    Args:
        mask: 0..255. [height, width]

    Returns:
        Left, top, right, bottom, pixels; right and bottom are the first that do not belong to it.

    Raises:
        AvatarError: If the mask is empty.
    """
    inside = mask >= 255 * 0.5
    if not inside.any():
        raise AvatarError("The mask leaves nothing of the photo. Paint the person white and try again.")
    sides = []
    for axis, limit in ((0, mask.shape[1]), (1, mask.shape[0])):
        used = np.flatnonzero(inside.any(axis=axis))
        first, last = int(used[0]), int(used[-1])
        length = (last - first) * _ROOM
        before = math.floor(length / 2)
        start = (first + last) // 2 - before
        sides.append((max(start, 0), int(min(start + length, limit))))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom


def _padded(
    rgb: NDArray[np.uint8], mask: NDArray[np.uint8], aspect: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bring the crop to the aspect: white to both sides, or above the person, who stays on the ground.

    Raises:
        AvatarError: If it is wider than tall.
    """
    height, width = mask.shape
    if width >= height:
        raise AvatarError(
            "The person is wider than tall in this photo. Choose one that shows the person upright, "
            "with the arms not spread."
        )
    # In this order: now and then the rounding makes it one pixel less than height / aspect.
    wanted = int(min(width * (height / width / aspect), height))
    if wanted > width:
        rows, columns = (0, 0), ((wanted - width) // 2,) * 2
    else:
        rows, columns = (int(width * aspect - height), 0), (0, 0)
    return (
        np.pad(rgb, (rows, columns, (0, 0)), constant_values=255),
        np.pad(mask, (rows, columns), constant_values=0),
    )


def _centred_window(cover: Pixels, aspect: float) -> tuple[slice, slice]:
    """The smallest window about the image's middle that holds the mask and has the aspect.

    Raises:
        AvatarError: If no such window fits into the image.
    """
    height, width = cover.shape
    middle_y, middle_x = height // 2, width // 2
    ys, xs = (np.flatnonzero((cover > 0).any(axis=axis)) for axis in (1, 0))
    reach_y = int(max(abs(middle_y - ys[0]), abs(middle_y - ys[-1])))
    reach_x = int(max(abs(middle_x - xs[0]), abs(middle_x - xs[-1])))
    # Where the enlarged window does not fit, the official code cuts the other way: of someone as tall as the
    # photo it may leave the middle only.
    if reach_y / reach_x >= aspect:
        half_y, half_x = reach_y, round(reach_y / aspect)
        if half_x > middle_x:
            half_y, half_x = round(reach_x * aspect), reach_x
    else:
        half_y, half_x = round(reach_x * aspect), reach_x
        if half_y > middle_y:
            half_y, half_x = reach_y, round(reach_y / aspect)
    if half_y > middle_y or half_x > middle_x or abs(half_y / half_x - aspect) >= _ASPECT_TOLERANCE:
        raise AvatarError(
            "The person cannot be cut out of this photo at the size that the model wants. "
            "Choose one that shows the person upright and not at the very border."
        )
    return slice(middle_y - half_y, middle_y + half_y), slice(middle_x - half_x, middle_x + half_x)


def _resized(image: Pixels, size: tuple[int, int] | list[int]) -> Pixels:
    """Mean over areas; ``size`` is height, width."""
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.float32)
