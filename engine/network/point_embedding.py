"""Where a query point is, as a token: Fourier features and one linear map."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class PointEmbedding(nn.Module):
    """Sines and cosines of each coordinate at octave frequencies, then a linear map and a layer norm.

    It is computed in float32 whatever the rest runs in: the highest octave is pi * 128.

    Args:
        width: D.
        frequencies: F, octaves for each axis.
        eps: Of the layer norm.

    Source: Mildenhall et al. 2020, eq. 4.
    """

    basis: Tensor

    def __init__(self, width: int, frequencies: int = 8, eps: float = 1e-5) -> None:
        super().__init__()
        octaves = math.pi * 2.0 ** torch.arange(frequencies)
        self.register_buffer("basis", torch.block_diag(octaves, octaves, octaves))  # [3, 3F]
        self.linear = nn.Linear(6 * frequencies + 3, width)
        self.norm = nn.LayerNorm(width, eps=eps)

    def features(self, points: Tensor) -> Tensor:
        """Sines, cosines, and the coordinates themselves.

        Args:
            points: Metres, neutral pose. [..., 3]

        Returns:
            [..., 6F + 3]
        """
        phases = points @ self.basis  # [..., 3F]: x's octaves, then y's, then z's
        return torch.cat([phases.sin(), phases.cos(), points], dim=-1)

    def forward(self, points: Tensor) -> Tensor:
        """Tokens of query points.

        Args:
            points: Metres, neutral pose. [B, N, 3]

        Returns:
            [B, N, D]
        """
        return self.norm(self.linear(self.features(points)))
