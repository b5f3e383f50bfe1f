"""The Multimodal Body-Head Transformer: query points become tokens that know the person in the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from .body_head import BodyHeadLayer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from .config import LhmConfig
    from .global_embedding import Modulation

_EPS = 1e-6


class BodyHeadTransformer(nn.Module):
    """Layers of body-head blocks between a map of the image tokens and a norm of the points.

    No mask, no positions but the points' own embedding, no dropout.

    Args:
        config: Sizes.
        eps: Of the norms inside the layers.
        last_eps: Of the last norm.
    """

    def __init__(self, config: LhmConfig, eps: float = _EPS, last_eps: float = _EPS) -> None:
        super().__init__()
        self.context_projection = nn.Linear(config.context_width, config.width)
        self.layers = nn.ModuleList(
            [
                BodyHeadLayer(
                    config.width,
                    config.heads,
                    config.body_tokens,
                    last=index == config.layers - 1,
                    eps=eps,
                )
                for index in range(config.layers)
            ]
        )
        self.norm = nn.LayerNorm(config.width, eps=last_eps)

    def forward(
        self,
        points: Tensor,
        context: Tensor,
        modulation: Modulation,
        rows: int | None = None,
        layers: Iterable[nn.Module] | None = None,
    ) -> Tensor:
        """Tokens of all query points.

        Args:
            points: Embedded query points. [B, N, D]
            context: Image tokens as the encoders give them. [B, M, C]
            modulation: Of the blocks.
            rows: Tokens at a time where that saves memory.
            layers: The layers, should they come one by one; its own by default.

        Returns:
            [B, N, D]
        """
        context = self.context_projection(context.to(self.context_projection.weight.dtype)).to(points.dtype)
        for layer in self.layers if layers is None else layers:
            points, context = layer(points, context, modulation, rows)
        return self.norm(points)
