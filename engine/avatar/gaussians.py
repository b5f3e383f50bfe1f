"""The Gaussians themselves: activated values, metres, never logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import float_array
from .sh import rgb_from_sh, sh_from_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Float, Int


@dataclass(frozen=True)
class Gaussians:
    """N Gaussians in one frame of reference; given in any precision, kept in float32.

    Args:
        means: Centres, metres. [N, 3]
        quats: Orientation, unit w, x, y, z. [N, 4]
        scales: Standard deviations along the Gaussian's own axes, metres. [N, 3]
        opacities: Peak opacity, 0..1. [N]
        sh: Colour coefficients, display space; K = (degree + 1)^2. [N, K, 3]

    Raises:
        ValueError: If a shape is wrong.

    Source: Kerbl et al. 2023, section 4.
    """

    means: Float
    quats: Float
    scales: Float
    opacities: Float
    sh: Float

    def __post_init__(self) -> None:
        count = len(float_array("means", self.means, (None, 3)))
        shapes = {
            "means": (count, 3),
            "quats": (count, 4),
            "scales": (count, 3),
            "opacities": (count,),
            "sh": (count, None, 3),
        }
        for name, shape in shapes.items():
            object.__setattr__(self, name, float_array(name, getattr(self, name), shape))

    @classmethod
    def from_colors(
        cls, means: Float, quats: Float, scales: Float, opacities: Float, colors: Float
    ) -> Gaussians:
        """Gaussians of constant colour.

        Args:
            means: [N, 3]
            quats: [N, 4]
            scales: [N, 3]
            opacities: [N]
            colors: Display-space RGB, 0..1. [N, 3]
        """
        return cls(means, quats, scales, opacities, sh_from_rgb(np.asarray(colors))[:, None, :])

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return len(self.means)

    def colors(self) -> Float:
        """Display-space RGB of the constant term, 0 and up. [N, 3]"""
        return rgb_from_sh(self.sh[:, 0])

    def take(self, index: Int | NDArray[np.bool_]) -> Gaussians:
        """The Gaussians named by an index or mask."""
        return Gaussians(
            self.means[index], self.quats[index], self.scales[index], self.opacities[index], self.sh[index]
        )
