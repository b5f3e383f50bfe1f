"""Stage 4: the mean person and the directions in which people differ most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .samples import Array

SHAPE_COUNT = 10


@dataclass(frozen=True)
class ShapeSpace:
    """Principal components of the people in the zero pose.

    Args:
        mean: Metres. [V, 3]
        directions: Metres per standard deviation; more of one makes a person taller. [10, V, 3]
        explained: Share of the variance that the first 1, 2, … 10 explain. [10]
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    explained: NDArray[np.float64]


def find_shape_space(vertices: Array) -> ShapeSpace:
    """Principal component analysis.

    Args:
        vertices: Every person in the zero pose, metres. [N, V, 3]
    """
    people = vertices.astype(np.float64)
    mean = people.mean(axis=0)
    offsets = (people - mean).reshape(len(people), -1)
    # There are far fewer people than coordinates, so the small [N, N] matrix gives the same components.
    values, vectors = np.linalg.eigh(offsets @ offsets.T / len(people))
    largest = np.argsort(-values)[:SHAPE_COUNT]
    directions = (vectors[:, largest].T @ offsets).reshape(SHAPE_COUNT, -1, 3) / np.sqrt(len(people))
    signs = [np.sign(_height(mean + direction) - _height(mean - direction)) for direction in directions]
    return ShapeSpace(
        mean=mean,
        directions=directions * np.array(signs)[:, None, None],
        explained=np.cumsum(values[largest]) / values.sum(),
    )


def _height(vertices: NDArray[np.float64]) -> float:
    return float(np.ptp(vertices[:, 1]))
