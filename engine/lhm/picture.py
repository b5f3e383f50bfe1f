"""The picture that is shown before a run: the photo with its boxes, the person on white, the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Box = tuple[float, float, float, float]

_BOX, _SQUARE = (255, 160, 0), (0, 190, 255)
_BACKGROUND = (58, 58, 58)
_GAP = 8  # pixels
_LABEL = 18  # pixels
_UPPER = 0.62  # of the left half is the photo's


def check_picture(
    photo: NDArray[np.uint8],
    body: NDArray[np.float32],
    head: NDArray[np.float32],
    *,
    box: Box,
    square: Box | None,
    side: int,
    labels: tuple[str, str, str] | None = None,
) -> Image.Image:
    """Three pictures on a square, which is what a panel of Blender shows without waste.

    Photo and, below it, head on the left, the person on the right.

    Args:
        photo: [H, W, 3]
        body: The person on white, 0..1. [h, w, 3]
        head: 0..1. [S, S, 3]
        box: The person's: left, top, right, bottom, pixels of ``photo``; orange.
        square: The head's; blue. It may pass the borders: then dark ground is shown beside the photo.
        side: Of the whole, pixels.
        labels: Texts under photo, person and head.
    """
    text = _LABEL if labels else 0
    half, upper = (side - _GAP) // 2, round(_UPPER * (side - _GAP))
    below = upper + _GAP
    cells = [  # left, top, width, height without the label
        (0, 0, half, upper - text),
        (half + _GAP, 0, half, side - text),
        (0, below, half, side - below - text),
    ]
    sheet = Image.new("RGB", (side, side), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, (left, top, width, height) in enumerate(cells):
        size = (width, height)
        panel = _source(photo, box, square, size) if number == 0 else _panel((body, head)[number - 1], size)
        sheet.paste(panel, (left + (width - panel.width) // 2, top))
        if labels:
            draw.text((left + 2, top + panel.height + 2), labels[number], fill=(230, 230, 230))
    return sheet


def _source(photo: NDArray[np.uint8], box: Box, square: Box | None, size: tuple[int, int]) -> Image.Image:
    """The photo with its boxes, on as much ground as they need; as large as fits."""
    height, width = photo.shape[:2]
    boxes = [(0.0, 0.0, float(width), float(height)), box, *([square] if square else [])]
    left, top = (min(each[axis] for each in boxes) for axis in (0, 1))
    right, bottom = (max(each[axis] for each in boxes) for axis in (2, 3))
    scale = min(size[0] / (right - left), size[1] / (bottom - top))
    sheet = Image.new("RGB", _whole((right - left) * scale, (bottom - top) * scale), _BACKGROUND)
    small = Image.fromarray(photo).resize(
        _whole(width * scale, height * scale), Image.Resampling.LANCZOS, reducing_gap=3.0
    )
    sheet.paste(small, (round(-left * scale), round(-top * scale)))
    draw = ImageDraw.Draw(sheet)
    line = max(2, size[1] // 200)
    for edges, color in ((box, _BOX), (square, _SQUARE)):
        if edges is not None:
            x0, y0, x1, y1 = (
                (edge - origin) * scale for edge, origin in zip(edges, (left, top) * 2, strict=True)
            )
            draw.rectangle((x0, y0, max(x1 - 1, x0), max(y1 - 1, y0)), outline=color, width=line)
    return sheet


def _panel(image: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """A picture as large as fits."""
    pixels = Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))
    scale = min(size[0] / pixels.width, size[1] / pixels.height)
    return pixels.resize(_whole(pixels.width * scale, pixels.height * scale), Image.Resampling.LANCZOS)


def _whole(width: float, height: float) -> tuple[int, int]:
    """At least one pixel each way."""
    return max(1, round(width)), max(1, round(height))
