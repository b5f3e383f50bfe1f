"""From points beside a body to the joints they follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.binding import DEFAULT_INFLUENCES, Binding, strongest
from ..avatar.body import JOINT_COUNT
from ..request import BINDINGS, DIFFUSED
from .field import surface_weights, weight_field

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from .surface import Surface


def bind(
    points: Float, surface: Surface, *, method: str = DIFFUSED, influences: int = DEFAULT_INFLUENCES
) -> Binding:
    """Bind points to joints.

    Args:
        points: In the surface's pose, metres. [N, 3]
        surface: Of the body.
        method: ``diffused`` through the air, or ``surface``: as the nearest place on the body.
        influences: Joints per point.

    Raises:
        ValueError: If there is no such method, or points are not finite.
    """
    if method not in BINDINGS:
        raise ValueError(f"method must be {' or '.join(BINDINGS)}, got {method!r}")
    if method == DIFFUSED:
        weights = weight_field(surface).weights(points)
    else:
        weights = surface_weights(surface, points)
    return strongest(weights, influences)


def rigid_binding(count: int, joint: int, influences: int = DEFAULT_INFLUENCES) -> Binding:
    """Bind points wholly to one joint: a ball in a hand, a bag on an arm.

    Args:
        count: How many points.
        joint: Which.
        influences: Columns of the binding; all but the first weigh nothing.

    Raises:
        ValueError: If there is no such joint.
    """
    if not 0 <= joint < JOINT_COUNT:
        raise ValueError(f"joint must be 0 to {JOINT_COUNT - 1}, got {joint}")
    weights = np.zeros((count, influences), np.float32)
    weights[:, 0] = 1.0
    return Binding(np.full((count, influences), joint), weights)
