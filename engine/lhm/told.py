"""What the user is told of LHM's pictures: warnings, and what was cropped, padded, found and guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .head import LANDMARKS

FEW_PIXELS = 96
"""Someone less tall than this in the photo is a guess of the network's for the most part."""

_LOW_HEAD = 64


@dataclass(frozen=True)
class Facts:
    """What was done. Photo pixels are those of the upright file.

    Args:
        mode: ``best`` or ``official``.
        photo_size: Width and height, photo pixels.
        box: The person's, with room, photo pixels.
        padded: White columns on each side and rows on top, photo pixels; None in the official mode.
        person_height: Photo pixels.
        image_size: Height and width of the body image.
        step: Photo pixels per pixel of the body image; None in the official mode.
        head_source: What the head was worked out from; None if there is none.
        head_square: Photo pixels.
        head_side: Of the network's head image, pixels.
        head_way: How the head image came about.
        reread: Whether the photo was read again with more pixels.
        notes: More sentences.
    """

    mode: str
    photo_size: tuple[int, int]
    box: tuple[int, int, int, int]
    padded: tuple[int, int] | None
    person_height: int
    image_size: tuple[int, int]
    step: float | None
    head_source: str | None
    head_square: tuple[int, int, int, int] | None
    head_side: int
    head_way: str
    reread: bool
    notes: tuple[str, ...] = ()


def warnings_about(facts: Facts) -> tuple[str, ...]:
    """Sentences about what makes the avatar worse."""
    said = []
    if facts.person_height < FEW_PIXELS:
        said.append(
            f"The person is only {facts.person_height} pixels tall; the avatar will be mostly invented. "
            f"Choose a photo that shows them larger, at best {facts.image_size[0]} pixels tall."
        )
    if facts.head_square is None:
        said.append(
            "No head was found; LHM gets a black picture in its place, and the face will be invented. Draw a "
            "head box, or choose a photo that shows the face."
        )
        return tuple(said)
    if facts.head_source == LANDMARKS:
        said.append(
            "No face was found; the head's place was guessed from the body. Look at it, and draw a head "
            "box if it is wrong."
        )
    side = facts.head_square[2] - facts.head_square[0]
    if side < _LOW_HEAD:
        said.append(f"The head has only {side} pixels in the photo; the face will be blurred.")
    return tuple(said)


def sentences(facts: Facts) -> list[str]:
    """What was done, in the order in which it was."""
    left, top, right, bottom = facts.box
    said = []
    if facts.reread:
        said.append(f"All {facts.photo_size[0]} × {facts.photo_size[1]} pixels of the photo were used.")
    said.append(
        f"The person is {facts.person_height} pixels tall; with room, {right - left} × {bottom - top} pixels "
        "of the photo were cropped."
    )
    said += _padding(facts)
    height, width = facts.image_size
    if facts.step is None:
        said.append(
            f"The body image has {width} × {height} pixels, made by way of 896 as LHM's own code does."
        )
    else:
        verb = "reduced" if facts.step > 1 else "enlarged"
        ratio = max(facts.step, 1 / facts.step)
        said.append(f"The body image has {width} × {height} pixels; the photo was {verb} {ratio:.2f} times.")
    return [*said, *_head(facts), *facts.notes]


def _padding(facts: Facts) -> list[str]:
    if facts.padded is None:
        return []
    columns, rows = facts.padded
    if rows:
        return [f"White was added above the person, who is wide for the picture: {_pixels(rows)}."]
    return [f"White was added on both sides of the person: {_pixels(columns)} each."] if columns else []


def _pixels(count: int) -> str:
    return f"{count} {'pixel' if count == 1 else 'pixels'}"


def _head(facts: Facts) -> list[str]:
    if facts.head_square is None:
        return ["No head was found; the head image is black."]
    left, top, right, bottom = facts.head_square
    over = [
        f"{_pixels(count)} at the {name}"
        for name, count in (
            ("left", -left),
            ("top", -top),
            ("right", right - facts.photo_size[0]),
            ("bottom", bottom - facts.photo_size[1]),
        )
        if count > 0
    ]
    said = [
        f"The head was found by {facts.head_source}; {right - left} × {bottom - top} pixels of the photo, "
        f"{facts.head_way}, for a head image of {facts.head_side} pixels."
    ]
    if over:
        done = "cut off" if facts.mode == "official" else "filled with the background at the border"
        said.append(f"The head's square passes the photo's border ({', '.join(over)}); that part was {done}.")
    return said


def facts_report(facts: Facts) -> dict[str, Any]:
    """Plain values for the report file and the panel."""
    return {
        "mode": facts.mode,
        "box": list(facts.box),
        "padded": list(facts.padded) if facts.padded else None,
        "person_height": facts.person_height,
        "image_size": list(facts.image_size),
        "photo_pixels_per_pixel": round(facts.step, 4) if facts.step else None,
        "head_found": facts.head_square is not None,
        "head_source": facts.head_source,
        "head_square": list(facts.head_square) if facts.head_square else None,
        "head_way": facts.head_way or None,
    }
