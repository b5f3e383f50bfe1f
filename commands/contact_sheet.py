"""A contact sheet: every photo beside its avatar, with names, and what went wrong."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import blf
import bpy
import imbuf
import numpy as np

from .portraits import HEIGHT, WIDTH
from .shared import blender, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

PAPER, EMPTY = 38, 52  # grey values of the sheet and of a cell where nothing is
_CELLS = 4  # in a card: the photo and three views
_GAP, _CAPTION = 6, 30  # pixels between cells, and below them for the name
_FONT, _NAME_SIZE, _TEXT_SIZE, _LINE = 0, 16, 13, 19  # Blender's own font, which knows most scripts
CARD_WIDTH = _CELLS * (WIDTH + _GAP) + _GAP
CARD_HEIGHT = HEIGHT + 2 * _GAP + _CAPTION


@dataclass(frozen=True)
class Card:
    """A person of the sheet.

    Args:
        name: Below the pictures.
        photo: Small, if it can be read. [h, w, 3]
        views: Of the avatar; none if it failed. [HEIGHT, WIDTH, 3] each
        sentence: Why it failed.
    """

    name: str
    photo: Picture | None = None
    views: tuple[Picture, ...] = ()
    sentence: str = ""


def write_contact_sheet(file: Path, cards: list[Card]) -> None:
    """Draw a sheet and write it as PNG.

    Args:
        file: Replaced when the new one is complete.
        cards: In order.

    Raises:
        AvatarError: If it cannot be written.
    """
    columns = 1 if len(cards) <= 4 else 2 if len(cards) <= 24 else 3
    rows = ceil(len(cards) / columns)
    sheet = np.full((rows * CARD_HEIGHT, columns * CARD_WIDTH, 3), PAPER, np.uint8)
    texts: list[_Text] = []
    for number, card in enumerate(cards):
        row, column = divmod(number, columns)
        top, left = row * CARD_HEIGHT, column * CARD_WIDTH
        _draw(sheet[top : top + CARD_HEIGHT, left : left + CARD_WIDTH], card)
        texts += _texts(card, left, top)
    with replaced(file) as partial:
        # Blender writes text into files only, so it is read back and laid over.
        _write_texts(partial, texts, sheet.shape[1], sheet.shape[0])
        written = _read(partial)
        share = written[..., 3:]
        _write(partial, sheet / np.float32(255) * (1 - share) + share * written[..., :3])


def _draw(area: Picture, card: Card) -> None:
    """Put a card's pictures into its part of the sheet, each in the middle of its cell."""
    for number, picture in enumerate((card.photo, *card.views)):
        left = _GAP + number * (WIDTH + _GAP)
        cell = area[_GAP : _GAP + HEIGHT, left : left + WIDTH]
        cell[:] = EMPTY
        if picture is not None:
            height, width = picture.shape[:2]
            y, x = (HEIGHT - height) // 2, (WIDTH - width) // 2
            cell[y : y + height, x : x + width] = picture


@dataclass(frozen=True)
class _Text:
    """A line; its left end on the base line, pixels from the upper left corner of the sheet."""

    line: str
    left: int
    base: int
    size: int
    color: tuple[float, float, float]


def _texts(card: Card, left: int, top: int) -> Iterator[_Text]:
    base = top + CARD_HEIGHT - _CAPTION + 14
    color = (1.0, 0.55, 0.45) if card.sentence else (0.92, 0.92, 0.92)
    yield _Text(card.name, left + _GAP + 2, base, _NAME_SIZE, color)
    x, width = left + WIDTH + 3 * _GAP, CARD_WIDTH - WIDTH - 5 * _GAP
    for number, line in enumerate(_wrapped(card.sentence, width)):
        yield _Text(line, x, top + 4 * _LINE + number * _LINE, _TEXT_SIZE, (0.85, 0.85, 0.85))


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines of at most so many pixels; a longer word stays whole."""
    blf.size(_FONT, _TEXT_SIZE)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and blf.dimensions(_FONT, longer)[0] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _write_texts(file: Path, texts: list[_Text], width: int, height: int) -> None:
    """A transparent picture with text."""
    buffer = imbuf.new((width, height))
    with blf.bind_imbuf(_FONT, buffer):
        for text in texts:
            blf.size(_FONT, text.size)
            blf.color(_FONT, *text.color, 1.0)
            blf.position(_FONT, text.left, height - text.base, 0)
            blf.draw_buffer(_FONT, text.line)
    imbuf.write(buffer, filepath=str(file))
    buffer.free()


def _read(file: Path) -> NDArray[np.float32]:
    with _image(lambda: bpy.data.images.load(str(file))) as image:
        pixels = np.empty(4 * image.size[0] * image.size[1], np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(image.size[1], image.size[0], 4)[::-1]


def _write(file: Path, rgb: NDArray[np.float32]) -> None:
    height, width = rgb.shape[:2]
    rgba = np.ones((height, width, 4), np.float32)
    rgba[..., :3] = rgb[::-1]
    with _image(lambda: bpy.data.images.new("sheet", width, height)) as image:
        image.pixels.foreach_set(rgba.ravel())
        image.file_format, image.filepath_raw = "PNG", str(file)
        blender(image.save, f"{file} could not be written")


@contextmanager
def _image(make: Callable[[], bpy.types.Image]) -> Iterator[bpy.types.Image]:
    """An image that does not stay in the file."""
    image = make()
    try:
        yield image
    finally:
        bpy.data.images.remove(image)
