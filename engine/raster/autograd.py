"""The rasterizer as a torch function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .api import forward
from .backends import choose_backend
from .gsplat_backend import DEVICE as CARD
from .gsplat_backend import draw_tensors
from .passes import backward
from .values import RasterSettings

if TYPE_CHECKING:
    from .values import Context


def _array(value: Any) -> Any:
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[torch.Tensor, ...]:
        *tensors, keywords = inputs
        means, quats, scales, opacities, colors, *camera = (_array(value) for value in tensors)
        viewmat, K, width, height = camera
        image, ctx.raster = forward(
            means, quats, scales, opacities, colors, viewmat, K, width, height, **keywords
        )
        return tuple(torch.from_numpy(plane) for plane in (image.color, image.alpha, image.depth))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  # once_differentiable hides ctx's name
        ctx: Any, *grad_outputs: torch.Tensor
    ) -> tuple[torch.Tensor | None, ...]:
        context: Context = ctx.raster
        found = backward(context, *(tensor.numpy() for tensor in grad_outputs))
        gradients = (found.means, found.quats, found.scales, found.opacities, found.colors)
        return (*(torch.from_numpy(gradient) for gradient in gradients), *[None] * 5)


def rasterize_tensors(
    means: torch.Tensor,
    quats: torch.Tensor,
    scales: torch.Tensor,
    opacities: torch.Tensor,
    colors: torch.Tensor,
    viewmat: torch.Tensor,
    K: torch.Tensor,
    width: int,
    height: int,
    **keywords: Any,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Render float32 tensors where they lie, differentiable in the first five.

    Args:
        means: World, metres. [N, 3]
        quats: w, x, y, z. [N, 4]
        scales: Metres. [N, 3]
        opacities: 0..1. [N]
        colors: [N, 3]
        viewmat: Camera from world; no gradient. [4, 4]
        K: Intrinsics, pixels; no gradient. [3, 3]
        width: Pixels.
        height: Pixels.
        keywords: Those of ``rasterize`` but ``backend``: tensors on a graphics card are drawn by gsplat.

    Returns:
        Premultiplied color [H, W, 3], alpha [H, W] and depth [H, W] as in ``Image``.

    Raises:
        AvatarError: If the tensors lie on a graphics card and gsplat cannot be used.
        ValueError: If a tensor is not float32 on the CPU or on a graphics card, or as ``rasterize`` does.
    """
    on_card = means.device.type == CARD
    for name, tensor in zip(
        ("means", "quats", "scales", "opacities", "colors"),
        (means, quats, scales, opacities, colors),
        strict=True,
    ):
        if tensor.dtype != torch.float32 or tensor.device.type != (CARD if on_card else "cpu"):
            where = "the graphics card as means is," if on_card else "the CPU,"
            raise ValueError(f"{name} must be float32 on {where} got {tensor.dtype} on {tensor.device}")
    if on_card:
        max_alpha = choose_backend("gsplat", max_alpha=keywords.pop("max_alpha", None)).max_alpha
        settings = RasterSettings(max_alpha=max_alpha, **keywords)
        gaussians = means, quats, scales, opacities, colors
        return draw_tensors(gaussians, viewmat, K, width, height, settings)
    return _Rasterize.apply(means, quats, scales, opacities, colors, viewmat, K, width, height, keywords)
