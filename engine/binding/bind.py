"""From points beside a body to the joints they follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..avatar.binding import DEFAULT_INFLUENCES, Binding, strongest
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
