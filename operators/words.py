"""Sentences for narrow places."""

from __future__ import annotations

import textwrap


def wrapped(sentence: str, letters: int) -> list[str]:
    """A sentence in lines.

    Args:
        sentence: Any text.
        letters: The longest line.
    """
    return textwrap.wrap(sentence, letters)


def size_words(count: float) -> str:
    """Bytes as one reads them.

    Args:
        count: Bytes.
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def reported(error: RuntimeError) -> str:
    """What an operator reported as an error, as its caller in Python is told.

    Args:
        error: Raised by ``bpy.ops``.
    """
    return str(error).removeprefix("Error: ").strip()
