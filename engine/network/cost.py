"""What a model needs before it is downloaded or run: arithmetic, bytes, seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..preflight import SAPIENS_BYTES, Figures
from .config import BODY_SHARE
from .layout import byte_count, live_layout, released_layout

if TYPE_CHECKING:
    from .config import LhmConfig

_MLP = 4  # hidden channels over width, in every transformer here
SAPIENS_WIDTH, SAPIENS_DEPTH = 1536, 40
_SPARE = 600_000_000  # the device's own libraries and kernels
_STREAMS = 16  # token-wide rows of the long sequence that live at the same time, residuals in float32


@dataclass(frozen=True)
class Cost:
    """What one run costs.

    Args:
        flops: By stage; a multiply-add counts twice.
        download_bytes: The checkpoint; Sapiens and the points come on top.
        device_bytes: Most memory at a time when parts are loaded one after another.
        streamed_bytes: The same when the transformer's layers come one by one, too.
        resident_bytes: The same when they stay.
    """

    flops: dict[str, float]
    download_bytes: int
    device_bytes: int
    streamed_bytes: int
    resident_bytes: int

    @property
    def total_flops(self) -> float:
        """Of all stages."""
        return sum(self.flops.values())


def cost(config: LhmConfig, dtype: torch.dtype, sapiens_bytes: int = SAPIENS_BYTES) -> Cost:
    """Estimate a run.

    Args:
        config: The model.
        dtype: Of its weights on the device.
        sapiens_bytes: Size of the Sapiens file, whose weights are float32.
    """
    size = dtype.itemsize
    parts: dict[str, int] = {}
    for key, slot in live_layout(config).items():
        part = key.split(".")[0]
        parts[part] = parts.get(part, 0) + torch.Size(slot.shape).numel() * size
    sapiens = sapiens_bytes // torch.float32.itemsize * size
    longest = config.points + config.body_tokens + config.head_tokens
    activations = _STREAMS * longest * config.width * size
    encoder_activations = _STREAMS * config.body_tokens * SAPIENS_WIDTH * size
    weights = parts["encoder"] + parts["transformer"]
    encoding = max(sapiens + encoder_activations, parts["encoder"])
    layer = parts["transformer"] // config.layers
    return Cost(
        flops=stage_flops(config),
        download_bytes=byte_count(released_layout(config)),
        device_bytes=_SPARE + max(encoding, parts["transformer"] + activations),
        streamed_bytes=_SPARE + max(encoding, layer + activations),
        resident_bytes=_SPARE + sapiens + weights + max(activations, encoder_activations),
    )


def figures(config: LhmConfig) -> Figures:
    """What engine/preflight.py must know of a model."""
    half, full = (cost(config, dtype) for dtype in (torch.bfloat16, torch.float32))
    return Figures(half.device_bytes, full.device_bytes, half.total_flops)


def stage_flops(config: LhmConfig) -> dict[str, float]:
    """Arithmetic of each stage."""
    vit = config.vit
    return {
        "sapiens": encoder_flops(config.body_tokens, SAPIENS_WIDTH, SAPIENS_DEPTH),
        "head": encoder_flops(config.head_tokens + 1 + vit.registers, vit.width, vit.depth),
        "transformer": transformer_flops(config),
        "gaussians": 2.0 * config.points * config.decoder_hidden * (2 * config.width + config.decoder_hidden),
    }


def encoder_flops(tokens: int, width: int, depth: int) -> float:
    """Of a vision transformer: maps of queries, keys, values and output, the MLP, and attention."""
    return depth * (2.0 * tokens * width**2 * (4 + 2 * _MLP) + 4.0 * tokens**2 * width)


def transformer_flops(config: LhmConfig) -> float:
    """Of all body-head layers; the last one's image tokens ask nothing and have no feed-forward."""
    total = 2.0 * (config.body_tokens + config.head_tokens) * config.context_width * config.width
    head_points = config.points - int(config.points * BODY_SHARE)
    for points, context in ((head_points, config.head_tokens), (config.points, config.body_tokens)):
        for layer in range(config.layers):
            last = layer == config.layers - 1
            asking = points if last else points + context
            mapped = points * (4 + 2 * _MLP) + context * (2 if last else 4 + 2 * _MLP)
            total += 2.0 * mapped * config.width**2 + 4.0 * asking * (points + context) * config.width
    return total
