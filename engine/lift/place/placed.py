"""Placed: Gaussians in the photo's pose, before they have colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import JOINT_COUNT
from ..parts import part_of_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int


NO_HAND = -1


@dataclass(frozen=True)
class Placed:
    """Gaussians in the photo's pose, before they have colours.

    Args:
        means: Body frame, metres. [N, 3]
        normals: Outward, unit. [N, 3]
        spacing: Metres to the neighbours. [N]
        weights: One column per joint, rows sum to one. [N, 55]
        pixels: Where the photo would show them. [N, 2]
        seen: Whether it does. [N]
        on_body: Whether they lie on the body's own surface. [N]
        under: Whether they line the photo's lattice from below. [N]
        hand: 0 or 1 for a thing in the left or right hand, else ``NO_HAND``. [N]
    """

    means: Float
    normals: Float
    spacing: Float
    weights: Float
    pixels: Float
    seen: NDArray[np.bool_]
    on_body: NDArray[np.bool_]
    under: NDArray[np.bool_]
    hand: NDArray[np.int64]

    @property
    def parts(self) -> Int:
        """Body part of each. [N]"""
        columns = np.broadcast_to(np.arange(JOINT_COUNT), self.weights.shape)
        return part_of_weights(columns, self.weights)
