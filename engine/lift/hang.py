"""Arms that hang do so by gravity, whatever a detector thinks of their depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from .landmarks import Depths
    from .observation import Observation

# Shoulder, elbow and wrist; how far the upper arm and the forearm of a hanging arm come forward, as sines.
_ARMS = ((11, 13, 15), (12, 14, 16))
_FORWARD = (0.0, 0.1)
_SPREAD = 0.2
_SURELY, _HARDLY = np.radians(25.0), np.radians(45.0)  # from straight down in the image


def hanging(seen: Observation, known: Depths, wanted: Float) -> tuple[Float, Float]:
    """What the detector knows of directions in depth, made surer where an arm hangs.

    Args:
        seen: The photo.
        known: The pairs of landmarks.
        wanted: Their directions' z as the detector says. [D]

    Returns:
        Wanted z and its spread. [D], [D]
    """
    across = (seen.world[11] - seen.world[12]) + (seen.world[23] - seen.world[24])
    front = across[0] / (np.linalg.norm(across) + 1e-9)
    wanted, spread = wanted.copy(), known.spread.copy()
    pairs = {tuple(pair): row for row, pair in enumerate(known.pairs.tolist())}
    for arm in _ARMS:
        ways = np.diff(seen.points[list(arm)], axis=0)
        off = np.arccos(np.clip(ways[:, 1] / (np.linalg.norm(ways, axis=1) + 1e-9), -1, 1)).max()
        share = float(np.clip((_HARDLY - off) / (_HARDLY - _SURELY), 0, 1))
        if seen.confidence[list(arm)].min() == 0 or share == 0:
            continue
        for pair, forward in zip(((arm[0], arm[1]), (arm[1], arm[2])), _FORWARD, strict=True):
            row = pairs[pair]
            own, rest = spread[row] ** -2, share * _SPREAD**-2
            wanted[row] = (own * wanted[row] + rest * forward * front) / (own + rest)
            spread[row] = (own + rest) ** -0.5
    return wanted, spread
