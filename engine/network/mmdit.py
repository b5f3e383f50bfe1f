"""One multimodal block: points and image tokens attend together, each stream has its own weights.

Source: Esser et al. 2024, figure 2b, but for what the comments say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from .attention import JointAttention

if TYPE_CHECKING:
    from torch import Tensor

_RATIO = 4  # hidden channels of a feed-forward over its width


class FeedForward(nn.Module):
    """Two linear maps around a GELU, which here is the tanh approximation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, _RATIO * width)
        self.down = nn.Linear(_RATIO * width, width)

    def forward(self, tokens: Tensor, rows: int | None = None) -> Tensor:
        """Tokens in, tokens out, ``rows`` at a time. [B, T, D]"""
        pieces = tokens.split(rows or tokens.shape[1], dim=1)
        mapped = [self.down(functional.gelu(self.up(piece), approximate="tanh")) for piece in pieces]
        return mapped[0] if len(mapped) == 1 else torch.cat(mapped, dim=1)


class ModulationHead(nn.Module):
    """Shifts, scales and gates of one stream, from the modulation vector."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.linear = nn.Linear(width, parts * width)

    def forward(self, modulation: Tensor) -> tuple[Tensor, ...]:
        """[B, D] to ``parts`` vectors for all tokens, as exact as the modulation vector. [B, 1, D]"""
        weight, bias = (each.to(modulation.dtype) for each in (self.linear.weight, self.linear.bias))
        return functional.linear(functional.silu(modulation), weight, bias)[:, None].chunk(self.parts, dim=-1)


class MultimodalBlock(nn.Module):
    """One block.

    Points and image tokens may be more exact than the weights: each step is computed in the precision of the
    weights and added in that of the tokens, so that roundings do not add up from layer to layer.

    Args:
        width: D.
        heads: H.
        last: Whether image tokens end here; they are still looked at, but not changed.
        eps: Of every norm.
    """

    def __init__(self, width: int, heads: int, *, last: bool, eps: float = 1e-6) -> None:
        super().__init__()
        self.last, self.eps = last, eps
        self.modulation = ModulationHead(width, 6)
        self.context_modulation = ModulationHead(width, 2 if last else 6)
        self.attention = JointAttention(width, heads, context_continues=not last, eps=eps)
        self.feed_forward = FeedForward(width)
        if not last:
            self.context_feed_forward = FeedForward(width)

    def forward(
        self, points: Tensor, context: Tensor, modulation: Tensor, rows: int | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Points and image tokens learn from each other.

        Args:
            points: [B, N, D]
            context: Image tokens. [B, M, D]
            modulation: [B, D]
            rows: Tokens at a time where that saves memory.

        Returns:
            Points [B, N, D]; image tokens [B, M, D], none after the last block.
        """
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(modulation)
        normed = self.norm(points, shift1, scale1)
        context_normed, *context_rest = self.context_norm(context, modulation)
        attended, context_attended = self.attention(
            normed, context_normed, with_context=not self.last, rows=rows
        )
        points = points + gate1 * attended
        normed = self.norm(points, shift2, scale2)
        points = points + gate2 * self.feed_forward(normed, rows)
        if self.last:
            return points, None
        context_gate1, context_shift2, context_scale2, context_gate2 = context_rest
        context = context + context_gate1 * context_attended
        normed = self.norm(context, context_shift2, context_scale2)
        # One more than the gate says: the paper's block adds gate * step, but the weights were trained with
        # the step itself added once more.
        return points, context + (context_gate2 + 1) * self.context_feed_forward(normed, rows)

    def norm(self, tokens: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Tokens as this block's linear maps want them. [B, T, D]"""
        return modulated_norm(tokens, shift, scale, self.eps).to(self.feed_forward.up.weight.dtype)

    def context_norm(self, context: Tensor, modulation: Tensor) -> tuple[Tensor, ...]:
        """Image tokens as the attention gets them, and what modulates them afterwards."""
        vectors = self.context_modulation(modulation)
        if self.last:
            scale, shift = vectors  # this way round, unlike everywhere else
            return (self.norm(context, shift, scale),)
        shift, scale, *rest = vectors
        return (self.norm(context, shift, scale), *rest)


def modulated_norm(tokens: Tensor, shift: Tensor, scale: Tensor, eps: float = 1e-6) -> Tensor:
    """Layer norm whose factor and offset come from the picture.

    Args:
        tokens: [B, T, D]
        shift: [B, 1, D]
        scale: Added to one. [B, 1, D]
        eps: Of the norm.

    Source: Peebles & Xie 2023, section 3.2 (adaLN).
    """
    return torch.addcmul(shift, functional.layer_norm(tokens, tokens.shape[-1:], eps=eps), 1 + scale)
