"""Rotations and forward kinematics one number at a time, to judge the readers' arrays by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Matrix = np.ndarray


def about(axis: str, degrees: float) -> Matrix:
    """The textbook matrix of a turn about x, y or z. [3, 3]"""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def euler(order: str, degrees: Sequence[float]) -> Matrix:
    """Turns multiplied in the order they are written. [3, 3]"""
    result = np.eye(3)
    for axis, angle in zip(order, degrees, strict=True):
        result = result @ about(axis, angle)
    return result


def chain(
    parents: Sequence[int], local: Mapping[int, Matrix], places: Sequence[Sequence[float]]
) -> tuple[Matrix, Matrix]:
    """World rotations [J, 3, 3] and positions [J, 3] from those against the parent."""
    rotations, positions = [], []
    for joint, parent in enumerate(parents):
        turn = np.eye(3) if parent < 0 else rotations[parent]
        start = np.zeros(3) if parent < 0 else positions[parent]
        rotations.append(turn @ local.get(joint, np.eye(3)))
        positions.append(start + turn @ np.asarray(places[joint], float))
    return np.array(rotations), np.array(positions)
