"""The whole network, but for Sapiens, which comes in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from .body_data import BodyData
from .dinov2 import HeadEncoder
from .gaussian_head import GaussianAttributes, GaussianHead
from .global_embedding import GlobalEmbedding
from .point_embedding import PointEmbedding
from .tokens import image_tokens
from .transformer import BodyHeadTransformer

if TYPE_CHECKING:
    from torch import Tensor

    from .config import LhmConfig


class Lhm(nn.Module):
    """Body tokens, head image and query points to Gaussians.

    Args:
        config: Sizes.

    Source: Qiu et al. 2025, figure 3.
    """

    def __init__(self, config: LhmConfig) -> None:
        super().__init__()
        self.config = config
        self.head_encoder = HeadEncoder(config.vit, config.width)
        self.point_embedding = PointEmbedding(config.width, config.frequencies)
        self.global_embedding = GlobalEmbedding(config.context_width, config.global_hidden, config.width)
        self.transformer = BodyHeadTransformer(config)
        self.gaussian_head = GaussianHead(config.width, config.decoder_hidden)
        self.body = BodyData(config)

    def forward(self, body_tokens: Tensor, head_image: Tensor, query_points: Tensor) -> GaussianAttributes:
        """One person.

        Args:
            body_tokens: From Sapiens. [B, body tokens, C]
            head_image: RGB, 0..1. [B, 3, height, width]
            query_points: Neutral pose, metres. [B, N, 3]

        Returns:
            Of each query point, neutral pose.
        """
        context = image_tokens(body_tokens, self.head_encoder(head_image))
        modulation = self.global_embedding(body_tokens)
        tokens = self.transformer(self.point_embedding(query_points), context, modulation)
        return self.gaussian_head(tokens, self.body.is_upper_body)


def blueprint(config: LhmConfig) -> Lhm:
    """The network without weights or memory: shapes and types only, on torch's meta device."""
    with torch.device("meta"):
        return Lhm(config)
