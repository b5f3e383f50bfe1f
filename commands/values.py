"""What single arguments are made of: each takes a text and refuses it with a few words."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from math import isfinite

from ..engine.weights.catalogue import LICENCES
from ..properties import BETAS


@dataclass(frozen=True)
class Size:
    """Of a picture, pixels."""

    width: int
    height: int


def licences(text: str) -> tuple[str, ...]:
    """Names of licences, with commas between them."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if name not in LICENCES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(LICENCES)}")
    return names


def shape(text: str) -> str | tuple[float, ...]:
    """``fit``, ``zero``, or betas, filled up with zeros."""
    if text in ("fit", "zero"):
        return text
    try:
        betas = tuple(float(part) for part in text.split(","))
    except ValueError:
        betas = ()
    if not 1 <= len(betas) <= BETAS or not all(map(isfinite, betas)):
        raise argparse.ArgumentTypeError(f"{text!r} is neither fit nor zero nor up to {BETAS} numbers")
    return betas + (0.0,) * (BETAS - len(betas))


def strength(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no strength from 0 to 1")
    return value


def rate(text: str) -> float:
    """Frames per second."""
    return _positive(text, "frame rate such as 30")


def angle(text: str) -> float:
    """Degrees."""
    return _positive(text, "angle such as 0.25")


def _positive(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (value > 0 and isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
    return value


def point(text: str) -> tuple[float, ...]:
    """A place, metres. [3]"""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3 or not all(map(isfinite, numbers)):
        raise argparse.ArgumentTypeError(f"{text!r} is no place such as 0,1.5,0")
    return numbers


def box(text: str) -> tuple[int, ...]:
    """Left, top, right, bottom, pixels."""
    found = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)", text)
    sides = tuple(map(int, found.groups())) if found else (0, 0, 0, 0)
    if not (sides[0] < sides[2] and sides[1] < sides[3]):
        raise argparse.ArgumentTypeError(f"{text!r} is no box such as 100,40,220,180")
    return sides


def frames(text: str) -> tuple[int, int]:
    """First and last frame."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if last < first:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of frames such as 1-24")
    return first, last


def size(text: str) -> Size:
    """Of a picture."""
    found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 512x768")
    return Size(int(found[1]), int(found[2]))
