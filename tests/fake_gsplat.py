"""Stands in for a gsplat with compiled code: takes its call, draws with our plain torch rasterizer."""

from __future__ import annotations

from typing import Any

import torch
from lhm_avatars.bench.raster_torch import rasterize_torch


class FakeGsplat:
    """The module's only function that we call.

    Attributes:
        max_alpha: The ceiling that it is "compiled" with.
        calls: Named arguments of each call so far, with those given by place under "placed".
    """

    def __init__(self, max_alpha: float = 0.999) -> None:
        self.max_alpha = max_alpha
        self.calls: list[dict[str, Any]] = []

    def rasterization(self, *placed: Any, **named: Any) -> tuple[torch.Tensor, torch.Tensor, dict]:
        self.calls.append({"placed": placed, **named})
        *gaussians, viewmats, Ks, width, height = placed
        if len(gaussians[0]) == 0:
            raise RuntimeError("no Gaussians")  # not known of the real one; we do not find out
        color, alpha, depth = rasterize_torch(
            *gaussians, viewmats[0], Ks[0], width, height, max_alpha=self.max_alpha,
            antialiased=named["rasterize_mode"] == "antialiased",
        )  # fmt: skip
        return torch.cat([color, depth[..., None]], dim=-1)[None], alpha[None, ..., None], {}
