"""One layer of the Multimodal Body-Head Transformer: first the head's points, then all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from .config import BODY_SHARE
from .mmdit import MultimodalBlock

if TYPE_CHECKING:
    from torch import Tensor

    from .global_embedding import Modulation


class BodyHeadLayer(nn.Module):
    """Head points with head tokens, then all points with body tokens.

    Head points are changed twice. Body tokens and head tokens never meet; what one knows reaches the other
    through the points.

    Args:
        width: D.
        heads: H.
        body_tokens: How many of the image tokens are the body's; they come first.
        last: Whether image tokens end here.
        eps: Of every norm.
    """

    def __init__(self, width: int, heads: int, body_tokens: int, *, last: bool, eps: float = 1e-6) -> None:
        super().__init__()
        self.body_tokens = body_tokens
        self.head = MultimodalBlock(width, heads, last=last, eps=eps)
        self.body = MultimodalBlock(width, heads, last=last, eps=eps)

    def forward(
        self, points: Tensor, context: Tensor, modulation: Modulation, rows: int | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Points and image tokens after this layer.

        Args:
            points: Body points, then a quarter of head points. [B, N, D]
            context: Body tokens, then head tokens. [B, M, D]
            modulation: Of both blocks.
            rows: Tokens at a time where that saves memory.

        Returns:
            Points [B, N, D]; image tokens [B, M, D], none after the last layer.
        """
        body_points, head_points = points.tensor_split([int(points.shape[1] * BODY_SHARE)], dim=1)
        body_context, head_context = context.tensor_split([self.body_tokens], dim=1)
        head_points, head_context = self.head(head_points, head_context, modulation.head, rows)
        points = torch.cat([body_points, head_points], dim=1)
        points, body_context = self.body(points, body_context, modulation.body, rows)
        if body_context is None or head_context is None:
            return points, None
        return points, torch.cat([body_context, head_context], dim=1)
