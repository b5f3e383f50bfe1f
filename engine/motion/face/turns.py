"""Jaw and eyes: the weights that joints follow instead of shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Curves = Mapping[str, NDArray[np.float64]]

JAW_OPEN, JAW_SIDE = math.radians(20), math.radians(6)
EYE_PITCH, EYE_YAW = math.radians(20), math.radians(25)
FACE_JOINTS = ("jaw", "left_eye", "right_eye")


def face_turns(weights: Curves) -> dict[str, NDArray[np.float64]]:
    """How far jaw and eyes turn; only those that a weight speaks of.

    Args:
        weights: By ARKit's names. Those of joints count from 0 to 1: a jaw has an end. [F] each

    Returns:
        Joint → axis-angle, radians, body axes. [F, 3]

    Source: docs/motion.md, angles of the jaw and the eyes.
    """
    turns = {}
    jaw = [_difference(weights, "jawOpen", None), _difference(weights, "jawLeft", "jawRight")]
    _add(turns, "jaw", jaw, (JAW_OPEN, JAW_SIDE))
    for side, left, right in (("Left", "Out", "In"), ("Right", "In", "Out")):
        eye = [
            _difference(weights, f"eyeLookDown{side}", f"eyeLookUp{side}"),
            _difference(weights, f"eyeLook{left}{side}", f"eyeLook{right}{side}"),
        ]
        _add(turns, f"{side.lower()}_eye", eye, (EYE_PITCH, EYE_YAW))
    return turns


def _difference(weights: Curves, plus: str, minus: str | None) -> NDArray[np.float64] | None:
    """One weight less its opposite; ``None`` if neither is there. [F]"""
    parts = [
        sign * np.clip(weights[name], 0.0, 1.0)
        for sign, name in ((1, plus), (-1, minus))
        if name is not None and name in weights
    ]
    return sum(parts[1:], parts[0]) if parts else None


def _add(
    turns: dict[str, NDArray[np.float64]],
    joint: str,
    parts: list[NDArray[np.float64] | None],
    most: tuple[float, float],
) -> None:
    count = next((len(part) for part in parts if part is not None), None)
    if count is None:
        return
    turn = np.zeros((count, 3))
    for axis, (part, angle) in enumerate(zip(parts, most, strict=True)):
        if part is not None:
            turn[:, axis] = angle * part
    turns[joint] = turn
