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
    """Three pictures side by side.

    Args:
        photo: [H, W, 3]
        body: The person on white, 0..1. [h, w, 3]
        head: 0..1. [S, S, 3]
        box: The person's: left, top, right, bottom, pixels of ``photo``; orange.
        square: The head's; blue. It may pass the borders: then dark ground is shown beside the photo.
        side: Height of the pictures, pixels.
        labels: Texts under the pictures.
    """
    panels = [_source(photo, box, square, side), _panel(body, side), _panel(head, side)]
    width = sum(panel.width for panel in panels) + _GAP * (len(panels) - 1)
    sheet = Image.new("RGB", (width, side + (_LABEL if labels else 0)), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    left = 0
    for number, panel in enumerate(panels):
        sheet.paste(panel, (left, 0))
        if labels:
            draw.text((left + 2, side + 2), labels[number], fill=(230, 230, 230))
        left += panel.width + _GAP
    return sheet


def _source(photo: NDArray[np.uint8], box: Box, square: Box | None, side: int) -> Image.Image:
    """The photo with its boxes, on as much ground as they need."""
    height, width = photo.shape[:2]
    boxes = [(0.0, 0.0, float(width), float(height)), box, *([square] if square else [])]
    left, top = (min(each[axis] for each in boxes) for axis in (0, 1))
    right, bottom = (max(each[axis] for each in boxes) for axis in (2, 3))
    scale = side / (bottom - top)
    sheet = Image.new("RGB", (max(1, round((right - left) * scale)), side), _BACKGROUND)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    sheet.paste(small, (round(-left * scale), round(-top * scale)))
    draw = ImageDraw.Draw(sheet)
    line = max(2, side // 200)
    for edges, color in ((box, _BOX), (square, _SQUARE)):
        if edges is not None:
            x0, y0, x1, y1 = (
                (edge - origin) * scale for edge, origin in zip(edges, (left, top) * 2, strict=True)
            )
            draw.rectangle((x0, y0, max(x1 - 1, x0), max(y1 - 1, y0)), outline=color, width=line)
    return sheet


def _panel(image: NDArray[np.float32], side: int) -> Image.Image:
    """A picture at that height."""
    pixels = Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))
    width = max(1, round(pixels.width * side / pixels.height))
    return pixels.resize((width, side), Image.Resampling.LANCZOS)
