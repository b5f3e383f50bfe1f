"""Smooth noise in space with a fixed seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float

SEED = 20261
_WAVES = 40


def noise(points: Float, size: float, stream: int) -> Float:
    """A sum of random waves: mean 0, standard deviation about 0.5.

    Args:
        points: [N, 3]
        size: Of the spots, metres.
        stream: Different noises for different numbers.

    Returns:
        [N]
    """
    rng = np.random.default_rng([SEED, stream])
    ways = rng.normal(size=(3, _WAVES)) / size
    return 0.5 * np.cos(points @ ways + rng.uniform(0, 2 * np.pi, _WAVES)).sum(axis=1) / np.sqrt(_WAVES / 2)
