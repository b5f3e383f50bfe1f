"""Two-bone legs that reach their ankles, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.rotations import matrix_from_rotvec

if TYPE_CHECKING:
    from ..avatar.arrays import Float

_HINGE = np.array([1.0, 0.0, 0.0])  # of the knee in the rest pose: it bends backwards about +x


@dataclass(frozen=True)
class Leg:
    """Rest geometry of a leg, body axes, metres.

    Args:
        thigh: Knee minus hip. [3]
        shin: Ankle minus knee. [3]
    """

    thigh: Float
    shin: Float

    @property
    def length(self) -> float:
        """Distance from hip to ankle when the knee is straight."""
        return float(np.sqrt(self._fixed + 2 * self._turning))

    def knee(self, distance: Float) -> Float:
        """Turn of the knee about x that puts the ankle at a distance from the hip, radians. [F]

        Args:
            distance: Metres. [F]

        Raises:
            ValueError: If the leg is too short.
        """
        cosine = (distance**2 - self._fixed) / (2 * self._turning)
        if not (cosine <= 1).all():
            raise ValueError(f"distance must be at most {self.length:.3f} m, got {distance.max():.3f}")
        # The knee is slightly bent at rest: that much of the bend is there already.
        return np.arccos(cosine) - (_angle(self.shin) - _angle(self.thigh))

    def hip(self, knee: Float, target: Float, side: Float) -> Float:
        """Rotation of the thigh that brings the ankle to a target.

        Args:
            knee: Turn of the knee, radians. [F]
            target: Ankle minus hip. [F, 3]
            side: Where the hinge of the knee should point, as nearly as possible. [F, 3]

        Returns:
            World from rest. [F, 3, 3]
        """
        folded = self.thigh + matrix_from_rotvec(knee[:, None] * _HINGE) @ self.shin
        return _frame(target, side) @ np.swapaxes(
            _frame(folded, np.broadcast_to(_HINGE, folded.shape)), -1, -2
        )

    @property
    def _fixed(self) -> float:
        # The law of cosines for a hinge about x: what is along the axis does not turn.
        return float(self.thigh @ self.thigh + self.shin @ self.shin + 2 * self.thigh[0] * self.shin[0])

    @property
    def _turning(self) -> float:
        return float(np.hypot(*self.thigh[1:]) * np.hypot(*self.shin[1:]))


def _angle(bone: Float) -> float:
    """Angle of a bone about +x, seen from the side; rises when it turns backwards."""
    return np.arctan2(-bone[2], -bone[1])


def _frame(direction: Float, side: Float) -> Float:
    """Orthonormal columns: the direction, the part of ``side`` square to it, and their product. [F, 3, 3]"""
    first = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    second = side - (side * first).sum(axis=-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
