"""One row of image tokens: the body's, then the head's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def image_tokens(body: Tensor, head: Tensor) -> Tensor:
    """Widen the head's tokens with zeros and append them to the body's.

    Both then go through one shared linear map, of which head tokens see the first channels only.

    Args:
        body: From Sapiens. [B, body tokens, C]
        head: From the head encoder, narrower. [B, head tokens, D]

    Returns:
        [B, M, C]
    """
    head = functional.pad(head.to(body.dtype), (0, body.shape[-1] - head.shape[-1]))
    return torch.cat([body, head], dim=1)
