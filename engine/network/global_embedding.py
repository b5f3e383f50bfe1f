"""What the whole picture says, in two vectors: one modulates body blocks, the other head blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


class Modulation(NamedTuple):
    """The vectors that set shift, scale and gate in every block.

    Args:
        body: [B, D]
        head: [B, D]
    """

    body: Tensor
    head: Tensor


class GlobalEmbedding(nn.Module):
    """Two linear maps of the mean body token.

    Args:
        in_width: C.
        hidden: Channels between.
        width: D.
    """

    def __init__(self, in_width: int, hidden: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(in_width, hidden)
        self.out = nn.Linear(hidden, 2 * width)

    def forward(self, body_tokens: Tensor) -> Modulation:
        """Embed a picture.

        Args:
            body_tokens: As Sapiens gives them. [B, M, C]
        """
        mean = body_tokens.mean(dim=1)
        return Modulation(*self.out(functional.silu(self.hidden(mean))).chunk(2, dim=-1))
