"""How loose each point is: all of a skirt below the waist, of a coat what stands off the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import require_shape
from .find_loose import COAT, KNEE_SHARE, NONE
from .legs import beside_legs, leg_lengths
from .loose import smooth_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .find_loose import LooseRegion

_TIGHT, _FREE = 0.02, 0.05  # metres off the body: trousers under a coat, the coat itself
_AT_WAIST = 0.06  # metres below the waist over which cloth becomes loose
_AT_HEM = 0.02  # metres around the hem


def looseness(points: Float, distance: Float, joints: Float, region: LooseRegion) -> NDArray[np.float64]:
    """How loose points are.

    A skirt touches the thighs in front and is free between the legs. Were only what is free called loose, it
    would tear at the border between; so all of it is, whether it touches or not. Under an open coat the
    trousers' legs are seen, which are not: there the distance decides.

    Args:
        points: In any pose, metres. [N, 3]
        distance: To the body's surface in the same pose, metres. [N]
        joints: In the same pose. [55, 3]
        region: From ``find_loose``.

    Returns:
        0 to 1. [N]

    Raises:
        ValueError: If a shape is wrong.
    """
    require_shape("distance", np.asarray(distance), (len(points),))
    if region.kind == NONE:
        return np.zeros(len(points))
    down = beside_legs(points, joints).down
    waist, hem = (_metres(share, joints) for share in (region.waist, region.hem))
    inside = smooth_step((down - waist) / _AT_WAIST) * smooth_step((hem + _AT_HEM - down) / _AT_HEM)
    if region.kind == COAT:
        inside *= smooth_step((np.asarray(distance, np.float64) - _TIGHT) / (_FREE - _TIGHT))
    return inside


def _metres(share: float, joints: Float) -> float:
    """From a place along the legs as in ``LooseRegion`` to metres below the hips."""
    thigh, leg = leg_lengths(joints)
    if share < 0:
        return share * leg
    return float(np.interp(share, [0, KNEE_SHARE, 1, 2], [0, thigh, leg, 2 * leg]))
