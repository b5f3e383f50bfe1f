"""Skirts as closed forms: elliptic cones around the bundled body's legs in its rest pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEPTH = 0.75  # of the cone, against its width
AXIS_Z = 0.02  # metres: where the cone's axis stands


@dataclass(frozen=True)
class Skirt:
    """Radii and heights of a cone, metres, body axes."""

    waist_radius: float
    hem_radius: float
    waist: float
    hem: float

    def points(self, step: float = 0.008) -> NDArray[np.float64]:
        """A lattice over the cone. [N, 3]"""
        slant = np.hypot(self.waist - self.hem, self.hem_radius - self.waist_radius)
        rings = []
        for number, t in enumerate(np.linspace(0, 1, int(slant / step))):
            radius = self.waist_radius + t * (self.hem_radius - self.waist_radius)
            # An even number, half a step off the middle: the cone is its own mirror image.
            count = 2 * int(np.pi * radius / step)
            turn = (np.arange(count) + 0.5 + number % 2) * 2 * np.pi / count
            height = np.full(count, self.waist + t * (self.hem - self.waist))
            rings.append(
                np.stack([radius * np.cos(turn), height, DEPTH * radius * np.sin(turn) + AXIS_Z], axis=1)
            )
        return np.concatenate(rings)


KNEE = Skirt(0.16, 0.28, -0.28, -0.84)
SHORT = Skirt(0.17, 0.25, -0.28, -0.62)
LONG = Skirt(0.16, 0.36, -0.28, -1.26)
NARROW = Skirt(0.17, 0.21, -0.28, -0.84)
