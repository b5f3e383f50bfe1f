"""Decimal numbers from text, many at a time.

Reading one number after the other costs half a microsecond each. A plain decimal such as -12.345678 is two
whole numbers and a sign, and eight digits fit in one 64-bit word, so whole arrays of them are read at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Words = NDArray[np.uint64]

_PLAIN = b"0123456789.+-\t\n\x0b\x0c\r "
_WORD = 8
# An integer below 2^53 divided by one of these is rounded once, so the result is the nearest float64.
_TENS = np.array([10**k for k in range(2 * _WORD + 1)], np.uint64)
_EXACT = np.uint64(2**53)


def read_numbers(text: bytes) -> NDArray[np.float64]:
    """All numbers of a text, separated by white space.

    Args:
        text: ASCII.

    Returns:
        Exactly what ``float`` gives for each. [N]

    Raises:
        ValueError: If something is no number.
    """
    if not text.translate(None, _PLAIN):
        values = _plain_decimals(text)
        if values is not None:
            return values
    return np.array([float(word) for word in text.split()], np.float64)


def _plain_decimals(text: bytes) -> NDArray[np.float64] | None:
    """The numbers if each is a plain decimal of at most 15 digits or so, else nothing. [N]"""
    chars = np.frombuffer(b" " * _WORD + text + b" " * _WORD, np.uint8)
    blank = chars <= ord(" ")
    edges = np.flatnonzero(blank[1:] != blank[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    signed = (chars[starts] == ord("-")) | (chars[starts] == ord("+"))
    if np.count_nonzero(chars == ord("-")) + np.count_nonzero(chars == ord("+")) != signed.sum():
        return None
    dots = _dots(chars, starts, ends)
    if dots is None:
        return None
    whole, decimals = dots - starts - signed, np.maximum(ends - dots - 1, 0)
    count = whole + decimals
    if (whole > _WORD).any() or (count > 2 * _WORD).any() or (count == 0).any():
        return None
    words: _Words = np.ndarray((len(chars) - _WORD + 1,), "<u8", chars.data, strides=(1,))
    value = _digits(words, dots, whole) * _TENS[decimals] + _digits(words, ends, np.minimum(decimals, _WORD))
    long = np.flatnonzero(decimals > _WORD)
    if len(long):
        value[long] += _digits(words, ends[long] - _WORD, decimals[long] - _WORD) * _TENS[_WORD]
    if (value >= _EXACT).any():
        return None
    result = value.astype(np.float64) / _TENS[decimals].astype(np.float64)
    return np.where(chars[starts] == ord("-"), -result, result)


def _dots(
    chars: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.intp] | None:
    """Where the decimal point of each number is, its end if it has none. [N]"""
    found = np.flatnonzero(chars == ord("."))
    if len(found) == len(starts) and ((found >= starts) & (found < ends)).all():
        return found
    owner = np.searchsorted(starts, found, side="right") - 1
    if (owner[1:] == owner[:-1]).any():
        return None
    dots = ends.copy()
    dots[owner] = found
    return dots


def _digits(words: _Words, ends: NDArray[np.intp], counts: NDArray[np.intp]) -> _Words:
    """The whole numbers written in the ``counts`` (at most 8) characters before ``ends``. [N]"""
    u = np.uint64
    foreign = (u(8) * (_WORD - counts).astype(np.uint64)).astype(np.uint64)
    digits = words[ends - _WORD] >> foreign << foreign  # characters before the number become zeros
    digits = (digits & u(0x0F0F0F0F0F0F0F0F)) * u(10 * 2**8 + 1) >> u(8)
    digits = (digits & u(0x00FF00FF00FF00FF)) * u(100 * 2**16 + 1) >> u(16)
    return (digits & u(0x0000FFFF0000FFFF)) * u(10000 * 2**32 + 1) >> u(32)
