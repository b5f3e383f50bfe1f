"""Points and image tokens in one attention, each with its own linear maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


class JointAttention(nn.Module):
    """Queries, keys and values of both streams in one row, points first; queries and keys are normed.

    Args:
        width: D.
        heads: H.
        context_continues: Whether image tokens are needed after this block.
        eps: Of the norms.

    Source: Esser et al. 2024, figure 2b; Zhang & Sennrich 2019 (root mean square norm).
    """

    def __init__(self, width: int, heads: int, *, context_continues: bool, eps: float = 1e-6) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.context_query, self.context_key, self.context_value = (nn.Linear(width, width) for _ in range(3))
        self.query_norm, self.key_norm = (nn.RMSNorm(width // heads, eps=eps) for _ in range(2))
        self.context_query_norm, self.context_key_norm = (
            nn.RMSNorm(width // heads, eps=eps) for _ in range(2)
        )
        self.out = nn.Linear(width, width)
        if context_continues:
            self.context_out = nn.Linear(width, width)

    def forward(
        self, points: Tensor, context: Tensor, *, with_context: bool, rows: int | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            points: [B, N, D]
            context: Image tokens. [B, M, D]
            with_context: Whether image tokens ask, too; where they do not go on, their questions cost time
                and change nothing.
            rows: Queries at a time, all by default; fewer need less memory where no fused kernel runs.

        Returns:
            Attended points [B, N, D]; attended context [B, M, D], before its own last map in the last layer.
        """
        count = points.shape[1]
        query = self.query_norm(self._split(self.query(points)))
        if with_context:
            context_query = self.context_query_norm(self._split(self.context_query(context)))
            query = torch.cat([query, context_query], dim=1)
        key = torch.cat(
            [
                self.key_norm(self._split(self.key(points))),
                self.context_key_norm(self._split(self.context_key(context))),
            ],
            dim=1,
        )
        value = torch.cat([self._split(self.value(points)), self._split(self.context_value(context))], dim=1)
        attended = attend(query, key, value, rows).flatten(2)  # [B, N (+ M), D]
        out = self.out(attended[:, :count])
        if not with_context:
            return out, None
        context = attended[:, count:]
        return out, self.context_out(context) if hasattr(self, "context_out") else context

    def _split(self, tokens: Tensor) -> Tensor:
        """[B, T, D] to [B, T, H, d]."""
        return tokens.unflatten(-1, (self.heads, -1))


def attend(query: Tensor, key: Tensor, value: Tensor, rows: int | None = None) -> Tensor:
    """Softmax attention by torch's fused kernel.

    Args:
        query: [B, Q, H, d]
        key: [B, K, H, d]
        value: [B, K, H, d]
        rows: Queries at a time.

    Returns:
        [B, Q, H, d]
    """
    key, value = key.transpose(1, 2), value.transpose(1, 2)
    pieces = query.transpose(1, 2).split(rows or query.shape[1], dim=2)
    attended = [functional.scaled_dot_product_attention(piece, key, value) for piece in pieces]
    return (attended[0] if len(attended) == 1 else torch.cat(attended, dim=2)).transpose(1, 2)
