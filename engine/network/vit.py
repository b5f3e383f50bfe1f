"""DINOv2's vision transformer with registers.

Source: Oquab et al. 2023; Darcet et al. 2023 (registers); Touvron et al. 2021 (layer scale).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from .config import VitConfig

MLP_RATIO = 4


class SelfAttention(nn.Module):
    """Every token looks at every token."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens in, tokens out. [B, T, width]"""
        batch, count, width = tokens.shape
        qkv = self.qkv(tokens).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each [B, H, T, d]
        attended = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(attended.transpose(1, 2).reshape(batch, count, width))


class Mlp(nn.Module):
    """Two linear maps around an exact GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, MLP_RATIO * width)
        self.fc2 = nn.Linear(MLP_RATIO * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens in, tokens out. [B, T, width]"""
        return self.fc2(functional.gelu(self.fc1(tokens)))


class LayerScale(nn.Module):
    """One learnt factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens in, tokens out. [B, T, width]"""
        return tokens * self.gamma


class TokenNorm(nn.LayerNorm):
    """Layer norm of tokens that may be more exact than the weights; its answer is as exact as these."""

    def forward(self, input: Tensor) -> Tensor:
        """Tokens in, tokens out. [B, T, width]"""
        weight, bias = (each.to(input.dtype) for each in (self.weight, self.bias))
        normed = functional.layer_norm(input, self.normalized_shape, weight, bias, self.eps)
        return normed.to(self.weight.dtype)


class VitBlock(nn.Module):
    """Attention, then the MLP, each normed before, scaled after and added."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.norm1 = TokenNorm(config.width, eps=config.eps)
        self.attn = SelfAttention(config.width, config.heads)
        self.ls1 = LayerScale(config.width)
        self.norm2 = TokenNorm(config.width, eps=config.eps)
        self.mlp = Mlp(config.width)
        self.ls2 = LayerScale(config.width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens in, tokens out. [B, T, width]"""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))


class PatchEmbedding(nn.Module):
    """One token per patch, by a linear map of its pixels."""

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, image: Tensor) -> Tensor:
        """Image [B, 3, height, width] to tokens, row by row. [B, T, width]"""
        return self.proj(image).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Tokens in the order class, registers, patches; the names are DINOv2's own.

    Args:
        config: Sizes.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.config = config
        grid = config.trained_size // config.patch
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid * grid, config.width))
        self.register_tokens = nn.Parameter(torch.zeros(1, config.registers, config.width))
        self.patch_embed = PatchEmbedding(config.patch, config.width)
        self.blocks = nn.ModuleList([VitBlock(config) for _ in range(config.depth)])
        self.norm = TokenNorm(config.width, eps=config.eps)

    def positions(self, resolution: int) -> Tensor:
        """Position embedding of the class token and of a grid of patches, resampled from the stored grid.

        Args:
            resolution: Pixels along the square image.

        Returns:
            float32, on the CPU. [1, 1 + patches, width]
        """
        # On the CPU, because this kernel is missing on some devices; it is a moment's work.
        stored = self.pos_embed.float().cpu()
        width, patches = stored.shape[-1], resolution // self.config.patch
        trained = self.config.trained_size // self.config.patch
        if patches == trained:
            return stored
        grid = stored[:, 1:].reshape(1, trained, trained, width).permute(0, 3, 1, 2)
        # The factor, not the size: sampling positions follow from what is handed over, and weights were
        # trained with this one.
        grid = functional.interpolate(
            grid, scale_factor=patches / trained, mode="bicubic", antialias=True, align_corners=False
        )
        return torch.cat([stored[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)

    def embed(self, image: Tensor) -> Tensor:
        """Tokens before the first block, in float32 whatever the weights are; registers get no position.

        Args:
            image: Square, 0..1: the fine-tuned weights want no mean and deviation. [B, 3, S, S]

        Returns:
            [B, 1 + registers + patches, width]
        """
        batch = len(image)
        patches = self.patch_embed(image)
        tokens = torch.cat([self.cls_token.expand(batch, -1, -1), patches], dim=1)
        tokens = tokens + self.positions(image.shape[-1]).to(tokens.device)
        registers = self.register_tokens.expand(batch, -1, -1)
        return torch.cat([tokens[:, :1], registers.to(tokens.dtype), tokens[:, 1:]], dim=1)

    def patch_tokens(self, image: Tensor) -> Iterator[Tensor]:
        """The tapped blocks' outputs, each through the last norm, without class and registers.

        Args:
            image: Square, 0..1. [B, 3, S, S]

        Yields:
            [B, patches, width]
        """
        tokens = self.embed(image)
        for index, block in enumerate(self.blocks):
            tokens = block(tokens)
            if index in self.config.taps:
                yield self.norm(tokens[:, 1 + self.config.registers :])
