"""Attention in bfloat16 on a CPU, by matrix products.

torch's fused kernel runs there at the speed of float32. Blocks of queries against all keys use the CPU's
bfloat16 products instead, which is faster (docs/performance.md).
"""

from __future__ import annotations

from contextlib import nullcontext
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

    from .plan import Plan

_FEWEST_KEYS = 512  # below, the fused kernel is as fast
_ROWS = 512  # queries at a time
_SPARE_CHANNELS = 8  # the first is used; products of odd widths are slower
_SAMPLE = 16  # one key of so many tells about the greatest score
_ATTENTION = torch.ops.aten.scaled_dot_product_attention.default


def attention_for(plan: Plan) -> AbstractContextManager[object]:
    """What to run the network in, so that its attention is as fast as the plan's device allows."""
    by_products = plan.device.type == "cpu" and plan.dtype == torch.bfloat16
    return AttentionByProducts() if by_products else nullcontext()


class AttentionByProducts(TorchDispatchMode):
    """Takes the place of torch's kernel, in TorchScript files, too, which cannot be changed otherwise.

    Only plain attention in bfloat16 over many keys is taken; all else goes where it went.
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Look at every operation; costs some microseconds each."""
        del types
        if func is _ATTENTION and not kwargs and len(args) == len("qkv") and _fits(*args):
            return blocked_attention(*args)
        return func(*args, **(kwargs or {}))


def _fits(query: Tensor, key: Tensor, value: Tensor) -> bool:
    same = query.dtype == key.dtype == value.dtype == torch.bfloat16
    whole = query.ndim == 4 and query.shape[:2] == key.shape[:2] == value.shape[:2]
    return same and whole and query.device.type == "cpu" and key.shape[2] >= _FEWEST_KEYS


def blocked_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention, head by head and block by block.

    The product of queries and keys is rounded to bfloat16, which would blur large scores most, and these are
    the ones that count. So a further channel takes about the row's greatest score off before the rounding;
    softmax does not mind.

    Args:
        query: bfloat16. [B, H, Q, d]
        key: bfloat16. [B, H, K, d]
        value: bfloat16. [B, H, K, d]

    Returns:
        bfloat16. [B, H, Q, d]
    """
    count, keys, width = query.shape[2], key.shape[2], query.shape[3]
    rows = min(_ROWS, count)
    asking = query.new_zeros(count, width + _SPARE_CHANNELS)
    columns = query.new_zeros(width + _SPARE_CHANNELS, keys)
    columns[width] = 1
    scores = query.new_empty(rows, keys)
    answer = query.new_empty(query.shape)
    for batch, number in product(range(query.shape[0]), range(query.shape[1])):
        asking[:, :width] = query[batch, number].float() * width**-0.5
        columns[:width] = key[batch, number].t()
        torch.neg((asking[:, :width] @ columns[:width, ::_SAMPLE]).amax(dim=1), out=asking[:, width])
        content, out = value[batch, number].contiguous(), answer[batch, number]
        for first in range(0, count, rows):
            block = asking[first : first + rows]
            used = len(block)
            torch.mm(block, columns, out=scores[:used])
            torch.softmax(scores[:used], dim=-1, out=scores[:used])
            torch.mm(scores[:used], content, out=out[first : first + used])
    return answer
