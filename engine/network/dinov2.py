"""The head image: DINOv2 at four depths, fused (the paper's HFPE)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from .resample import encoder_input
from .vit import VisionTransformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from .config import VitConfig


class FusionHead(nn.Module):
    """One linear map per depth, side by side, and one of all; no activation, no norm.

    The paper draws a pyramid; the released weights have neither scales nor upsampling.

    Args:
        in_width: Channels of a patch token.
        out_width: Channels of a fused token.
        depths: How many maps come in.
    """

    def __init__(self, in_width: int, out_width: int, depths: int = 4) -> None:
        super().__init__()
        self.projects = nn.ModuleList([nn.Conv2d(in_width, in_width, 1) for _ in range(depths)])
        self.output_conv = nn.Conv2d(depths * in_width, out_width, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Fuse feature maps.

        Args:
            maps: One per depth, shallow first. [B, in_width, rows, columns]

        Returns:
            [B, out_width, rows, columns]
        """
        projected = [project(each) for project, each in zip(self.projects, maps, strict=True)]
        return self.output_conv(torch.cat(projected, dim=1))


class HeadEncoder(nn.Module):
    """Head image to tokens.

    Args:
        config: Of the vision transformer.
        out_width: D.
    """

    def __init__(self, config: VitConfig, out_width: int) -> None:
        super().__init__()
        self.config = config
        self.model = VisionTransformer(config)
        self.fusion_head = FusionHead(config.width, out_width, len(config.taps))

    def forward(self, image: Tensor) -> Tensor:
        """Tokens of the head, row by row.

        Args:
            image: RGB, 0..1, any size. [B, 3, height, width]

        Returns:
            [B, patches, D]
        """
        square = encoder_input(image, self.config.resolution).to(self.model.patch_embed.proj.weight.dtype)
        rows = self.config.resolution // self.config.patch
        maps = [tokens.mT.unflatten(2, (rows, rows)) for tokens in self.model.patch_tokens(square)]
        return self.fusion_head(maps).flatten(2).mT
