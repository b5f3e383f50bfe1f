"""Which way is up: the axis that heads of recorded people mostly point to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..avatar.axes import BODY_FROM_BLENDER, OPENCV_FROM_BODY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float

BODY_FROM_UP: dict[str, NDArray[np.float64]] = {
    "y": np.eye(3),
    "z": BODY_FROM_BLENDER,
    "-y": OPENCV_FROM_BODY.T,  # a camera's frame: y goes down in the image
}
"""The rotation into a frame with +y up, by the axis that points up in the source. [3, 3] each"""

UP_CHOICES = ("auto", *BODY_FROM_UP)
_CLEAR = 0.5  # mean cosine; a person who stands or walks has above 0.9
_MARGIN = 0.2


class Up(NamedTuple):
    """The up axis of a source.

    Args:
        axis: "y", "z" or "-y".
        note: For the user, where it is not what such files say.
        guessed: Whether nothing told it.
    """

    axis: str
    note: str | None = None
    guessed: bool = False


def choose_up(asked: str, directions: Float, usual: str, *, stated: bool = False) -> Up:
    """The up axis of a source.

    Args:
        asked: One of ``UP_CHOICES``; anything but "auto" is taken as it is.
        directions: From the feet or the pelvis to the head, any lengths, source axes. [N, 3]
        usual: The axis of this kind of file, taken where the directions do not tell.
        stated: Whether the format itself fixes ``usual``.

    Raises:
        ValueError: If there is no such choice.
    """
    if asked not in UP_CHOICES:
        raise ValueError(f"up must be one of {', '.join(UP_CHOICES)}, got {asked!r}")
    if asked != "auto":
        return Up(asked)
    if stated:
        return Up(usual)
    mean = _mean_direction(directions)
    scores = {up: float((matrix @ mean)[1]) for up, matrix in BODY_FROM_UP.items()}
    best, second = sorted(scores.values(), reverse=True)[:2]
    if best >= _CLEAR and best - second >= _MARGIN:
        up = max(scores, key=scores.__getitem__)
        found = None if up == usual else f"{_spoken(up)} up was found from the pose; choose it if wrong."
        return Up(up, found)
    note = f"The file does not tell which way is up; {_spoken(usual)} was taken. Choose it if wrong."
    return Up(usual, note, guessed=True)


def _mean_direction(directions: Float) -> NDArray[np.float64]:
    directions = np.asarray(directions, np.float64).reshape(-1, 3)
    lengths = np.linalg.norm(directions, axis=1)
    usable = np.isfinite(lengths) & (lengths > 0)
    if not usable.any():
        return np.zeros(3)
    return (directions[usable] / lengths[usable, None]).mean(axis=0)


def _spoken(up: str) -> str:
    return up.upper() if up.startswith("-") else f"+{up.upper()}"
