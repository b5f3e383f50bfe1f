"""Arms that hang and legs that stand do so by gravity, whatever a detector thinks of their depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .ground import straight_legs
from .tilt import camera_pitch

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..observation import Observation
    from .landmarks import Depths

    # Pair of landmarks, usual z of its direction, its spread, and how much to believe it.
    _Usual = tuple[tuple[int, ...], float, float, float]

# Shoulder, elbow and wrist; how far the upper arm and the forearm of a hanging arm come forward, as sines.
_ARMS = ((11, 13, 15), (12, 14, 16))
_FORWARD = (0.0, 0.15)
_SPREAD = 0.11
# A standing leg's shin goes back a little, and a usual camera looks down on it a little: detectors take it to
# lean further.
_SHINS = ((25, 27), (26, 28))
_BACK, _LOOKED_DOWN_ON, _SHIN_SPREAD = -0.08, -0.09, 0.08
_UNSURE = 0.3
_SURELY, _HARDLY = np.radians(25.0), np.radians(45.0)  # from straight down in the image


def hanging(seen: Observation, known: Depths, wanted: Float) -> tuple[Float, Float]:
    """What the detector knows of directions in depth, made surer where an arm hangs or a leg stands.

    Args:
        seen: The photo.
        known: The pairs of landmarks.
        wanted: Their directions' z as the detector says. [D]

    Returns:
        Wanted z and its spread. [D], [D]
    """
    across = (seen.world[11] - seen.world[12]) + (seen.world[23] - seen.world[24])
    front = across[0] / (np.linalg.norm(across) + 1e-9)
    information = known.spread**-2
    weighted = information * wanted
    pairs = {tuple(pair): row for row, pair in enumerate(known.pairs.tolist())}
    down = np.sin(camera_pitch(seen))  # of what hangs straight
    for pair, usual, spread, share in [*_arms(seen, front), *_shins(seen, front)]:
        # Gravity is as sure of a limb that the detector saw poorly: the fit trusts all by its confidence.
        sure = max(float(seen.confidence[list(pair)].min()), _UNSURE)
        extra = share * (spread * sure) ** -2
        information[pairs[pair]] += extra
        weighted[pairs[pair]] += extra * np.clip(usual + down, -1, 1)
    return weighted / information, information**-0.5


def _arms(seen: Observation, front: float) -> list[_Usual]:
    found: list[_Usual] = []
    for arm in _ARMS:
        ways = np.diff(seen.points[list(arm)], axis=0)
        off = np.arccos(np.clip(ways[:, 1] / (np.linalg.norm(ways, axis=1) + 1e-9), -1, 1)).max()
        share = float(np.clip((_HARDLY - off) / (_HARDLY - _SURELY), 0, 1))
        if seen.confidence[list(arm)].min() > 0:
            found += [(arm[i : i + 2], _FORWARD[i] * front, _SPREAD, share) for i in range(2)]
    return found


def _shins(seen: Observation, front: float) -> list[_Usual]:
    z = _BACK * front + _LOOKED_DOWN_ON
    return [(pair, z, _SHIN_SPREAD, share) for pair, share in zip(_SHINS, straight_legs(seen), strict=True)]
