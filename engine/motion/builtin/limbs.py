"""Two-bone limbs that reach their ends, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.rotations import matrix_from_rotvec

if TYPE_CHECKING:
    from ...avatar.arrays import Float


@dataclass(frozen=True)
class Limb:
    """Rest geometry of a leg or an arm, body axes, metres.

    Args:
        upper: Knee minus hip, or elbow minus shoulder. [3]
        lower: Ankle minus knee, or wrist minus elbow. [3]
        hinge: Unit axis that the knee or elbow bends about. [3]
    """

    upper: Float
    lower: Float
    hinge: Float

    @property
    def length(self) -> float:
        """Distance from end to end when it is straight."""
        return float(np.sqrt(self._fixed + 2 * self._turning))

    def bend(self, distance: Float) -> Float:
        """Turn about the hinge that puts the ends at a distance, radians. [F]

        Args:
            distance: Metres. [F]

        Raises:
            ValueError: If the limb is too short.
        """
        cosine = (distance**2 - self._fixed) / (2 * self._turning)
        if not (cosine <= 1).all():
            raise ValueError(f"distance must be at most {self.length:.3f} m, got {distance.max():.3f}")
        return np.arccos(cosine) - self._bent_at_rest

    def aim(self, bend: Float, target: Float, side: Float) -> Float:
        """Rotation of the upper bone that brings the far end to a target.

        Args:
            bend: Turn about the hinge, radians. [F]
            target: Far end minus near end. [F, 3]
            side: Where the hinge should point, as nearly as possible. [F, 3]

        Returns:
            World from rest. [F, 3, 3]
        """
        folded = self.upper + matrix_from_rotvec(bend[:, None] * self.hinge) @ self.lower
        return _frame(target, side) @ np.swapaxes(
            _frame(folded, np.broadcast_to(self.hinge, folded.shape)), -1, -2
        )

    @property
    def _fixed(self) -> float:
        # The law of cosines for a hinge: what is along its axis does not turn.
        along = float((self.upper @ self.hinge) * (self.lower @ self.hinge))
        return float(self.upper @ self.upper + self.lower @ self.lower) + 2 * along

    @property
    def _turning(self) -> float:
        upper, lower = (np.cross(bone, self.hinge) for bone in (self.upper, self.lower))
        return float(np.linalg.norm(upper) * np.linalg.norm(lower))

    @property
    def _bent_at_rest(self) -> float:
        # A knee is slightly bent at rest: that much of the bend is there already.
        upper, lower = (np.cross(bone, self.hinge) for bone in (self.upper, self.lower))
        return float(np.arctan2(np.cross(upper, lower) @ self.hinge, upper @ lower))


def _frame(direction: Float, side: Float) -> Float:
    """Orthonormal columns: the direction, the part of ``side`` square to it, and their product. [F, 3, 3]"""
    first = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    second = side - (side * first).sum(axis=-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
