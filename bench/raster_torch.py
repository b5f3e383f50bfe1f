"""The rasterizer in plain torch, tile by tile, differentiated by autograd.

In float64 it judges our gradients, in float32 it is what our speed is measured against. It shares no code
with the rasterizer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from torch import Tensor

TILE = 16
_MIN_ALPHA, _MIN_TRANSMITTANCE, _MIN_BLUR_RATIO = 1 / 255, 1e-4, 2.5e-5
_NEAR, _EPS2D, _MARGIN, _WIDEST = 0.01, 0.3, 0.15, 3.33


def rasterize_torch(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    viewmat: Tensor,
    K: Tensor,
    width: int,
    height: int,
    *,
    max_alpha: float = 0.99,
    antialiased: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Render as ``engine.raster`` does.

    Args:
        means: World, metres. [N, 3]
        quats: w, x, y, z. [N, 4]
        scales: Metres. [N, 3]
        opacities: [N]
        colors: [N, 3]
        viewmat: [4, 4]
        K: Pixels. [3, 3]
        width: Pixels.
        height: Pixels.
        max_alpha: Ceiling of alpha.
        antialiased: Whether to dim by the blur's growth.

    Returns:
        Premultiplied color [H, W, 3], alpha [H, W], depth sum [H, W].
    """
    t = means @ viewmat[:3, :3].T + viewmat[:3, 3]
    drawn = torch.nonzero(t[:, 2] > _NEAR)[:, 0]
    order = drawn[torch.sort(t[drawn, 2].detach(), stable=True).indices]
    t, opacities = t[order], opacities[order]
    means2d = (t @ K.T)[:, :2] / t[:, 2:]
    sharp = _screen_covars(t, quats[order], scales[order], viewmat, K, width, height)
    covars = sharp + _EPS2D * torch.eye(2, dtype=t.dtype)
    if antialiased:
        ratio = torch.linalg.det(sharp) / torch.linalg.det(covars)
        opacities = opacities * ratio.clamp(min=_MIN_BLUR_RATIO).sqrt()
    conics = torch.linalg.inv(covars)
    return composite_torch(means2d, conics, t[:, 2], opacities, colors[order], width, height, max_alpha)


def composite_torch(
    means2d: Tensor,
    conics: Tensor,
    depths: Tensor,
    opacities: Tensor,
    colors: Tensor,
    width: int,
    height: int,
    max_alpha: float = 0.99,
) -> tuple[Tensor, Tensor, Tensor]:
    """Blend projected Gaussians that come nearest first.

    Args:
        means2d: Pixels. [N, 2]
        conics: Inverse covariances on the image. [N, 2, 2]
        depths: Metres. [N]
        opacities: [N]
        colors: [N, 3]
        width: Pixels.
        height: Pixels.
        max_alpha: Ceiling of alpha.

    Returns:
        Premultiplied color [H, W, 3], alpha [H, W], depth sum [H, W].
    """
    values = torch.cat([colors, depths[:, None], torch.ones_like(depths)[:, None]], dim=1)
    image = depths.new_zeros(height, width, 5)
    covars = torch.linalg.inv(conics)
    for x0, y0, members in _tile_lists(means2d.detach(), covars.detach(), width, height):
        x1, y1 = min(x0 + TILE, width), min(y0 + TILE, height)
        weights = _tile_weights(
            means2d[members], conics[members], opacities[members], (x0, x1, y0, y1), max_alpha
        )
        image[y0:y1, x0:x1] = (weights @ values[members]).reshape(y1 - y0, x1 - x0, 5)
    return image[..., :3], image[..., 4], image[..., 3]


def _screen_covars(
    t: Tensor, quats: Tensor, scales: Tensor, viewmat: Tensor, K: Tensor, width: int, height: int
) -> Tensor:
    """Covariances on the image before the blur. [N, 2, 2]"""
    focal, centre, size = K.diagonal()[:2], K[:2, 2], t.new_tensor([width, height])
    margin = _MARGIN * size
    slopes = torch.minimum(
        torch.maximum(t[:, :2] / t[:, 2:], -(centre + margin) / focal), (size - centre + margin) / focal
    )
    J = torch.cat([torch.diag_embed(focal / t[:, 2:]), (-focal * slopes / t[:, 2:])[:, :, None]], dim=2)
    w, x, y, z = normalize(quats, dim=1).unbind(1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    rotations = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    roots = J @ viewmat[:3, :3] @ (rotations * scales[:, None])
    return roots @ roots.transpose(1, 2)


def _tile_lists(means2d: Tensor, covars: Tensor, width: int, height: int) -> list[tuple[int, int, Tensor]]:
    """First pixel and members, nearest first, of each tile that has any."""
    reach = _WIDEST * torch.diagonal(covars, dim1=1, dim2=2).sqrt()
    tiles = torch.tensor([-(-width // TILE), -(-height // TILE)])
    first = torch.floor((means2d - reach) / TILE).long().clamp(min=0)
    end = torch.minimum(torch.ceil((means2d + reach) / TILE).long(), tiles)
    across, down = (end - first).clamp(min=0).unbind(1)
    counts = across * down
    member = torch.repeat_interleave(torch.arange(len(counts)), counts)
    nth = torch.arange(len(member)) - (counts.cumsum(0) - counts)[member]
    tile = (first[member, 1] + nth // across[member]) * tiles[0] + first[member, 0] + nth % across[member]
    tile, by_tile = torch.sort(tile, stable=True)
    found, sizes = torch.unique_consecutive(tile, return_counts=True)
    parts = torch.split(member[by_tile], sizes.tolist())
    columns = int(tiles[0])
    return [
        (i % columns * TILE, i // columns * TILE, part) for i, part in zip(found.tolist(), parts, strict=True)
    ]


def _tile_weights(
    means2d: Tensor, conics: Tensor, opacities: Tensor, box: tuple[int, int, int, int], max_alpha: float
) -> Tensor:
    """Blend weight of each member at each pixel. [pixels, members]"""
    x0, x1, y0, y1 = box
    ys, xs = torch.meshgrid(torch.arange(y0, y1), torch.arange(x0, x1), indexing="ij")
    pixels = torch.stack([xs, ys], dim=-1).reshape(-1, 1, 2) + 0.5
    dx, dy = (means2d - pixels).unbind(-1)
    exponents = 0.5 * (conics[:, 0, 0] * dx * dx + conics[:, 1, 1] * dy * dy) + conics[:, 0, 1] * dx * dy
    alphas = (opacities * torch.exp(-exponents)).clamp(max=max_alpha)
    alphas = torch.where(alphas >= _MIN_ALPHA, alphas, 0)
    logs = torch.log1p(-alphas)
    after = logs.cumsum(1)
    weights = alphas * torch.exp(after - logs)
    return torch.where(torch.exp(after) > _MIN_TRANSMITTANCE, weights, 0)
