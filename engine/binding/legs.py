"""Places beside two legs, in any pose: how far down, how far to the left, how wide the legs stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import require_shape
from ..avatar.body import JOINT_COUNT, joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float

_LINES = tuple(
    tuple(joint_index(f"{side}_{name}") for name in ("hip", "knee", "ankle")) for side in ("left", "right")
)
_NARROWEST = 0.04  # metres: half the least distance of two legs, or left and right would mean nothing


@dataclass(frozen=True)
class BesideLegs:
    """Coordinates that go with the legs: the same for a garment when the person stands, strides or sits.

    Args:
        down: Metres below the hips along the legs, the mean of both; negative above. [N]
        left: Metres to the left of the middle between the legs. [N]
        half: Metres from there to either leg's axis. [N]
    """

    down: NDArray[np.float64]
    left: NDArray[np.float64]
    half: NDArray[np.float64]


def beside_legs(points: Float, joints: Float) -> BesideLegs:
    """Find the coordinates.

    Args:
        points: Metres. [N, 3]
        joints: In the same pose. [55, 3]

    Raises:
        ValueError: If a shape is wrong.
    """
    require_shape("points", np.asarray(points), (None, 3))
    require_shape("joints", np.asarray(joints), (JOINT_COUNT, 3))
    points = np.asarray(points, np.float64)
    lines = np.asarray(joints, np.float64)[np.array(_LINES)]
    down = np.mean([_along(points, line) for line in lines], axis=0)
    left, right = (_at(line, down) for line in lines)
    across = left - right
    width = np.maximum(np.linalg.norm(across, axis=1), 2 * _NARROWEST)
    offset = ((points - 0.5 * (left + right)) * across).sum(axis=1)
    return BesideLegs(down, offset / width, 0.5 * width)


def leg_lengths(joints: Float) -> tuple[float, float]:
    """Metres from the hip to the knee and to the ankle along the leg, the mean of both legs.

    Args:
        joints: [55, 3]
    """
    lines = np.asarray(joints, np.float64)[np.array(_LINES)]
    thigh, shin = np.linalg.norm(np.diff(lines, axis=1), axis=-1).mean(axis=0)
    return float(thigh), float(thigh + shin)


def _along(points: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres along a leg, which goes on straight beyond its ends. [N]

    Behind a bent knee a place lies beside both the thigh and the shin. The sum has no jump there, as the
    nearest place on the axis would have.
    """
    hip, knee, ankle = line
    thigh, shin = np.linalg.norm(knee - hip), np.linalg.norm(ankle - knee)
    upper = np.minimum((points - hip) @ (knee - hip) / thigh, thigh)
    return upper + np.maximum((points - knee) @ (ankle - knee) / shin, 0.0)


def _at(line: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places on a leg's axis. [N, 3]"""
    hip, knee, ankle = line
    thigh, shin = np.linalg.norm(knee - hip), np.linalg.norm(ankle - knee)
    upper = hip + np.minimum(down, thigh)[:, None] * (knee - hip) / thigh
    return upper + np.maximum(down - thigh, 0.0)[:, None] * (ankle - knee) / shin
