"""Our CPU rasterizer beside gsplat on CUDA: agreement of image and gradients, and gsplat's speed.

Run with a Python that has numba, torch with CUDA and gsplat: ``python bench/raster_cuda.py``. Where one of
them is missing it says which, and ends with exit code 2.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from raster import CASES, load_package, say

if TYPE_CHECKING:
    from torch import Tensor

NOT_POSSIBLE = 2  # exit code
REPEATS = 20


def obstacle() -> str | None:
    """What keeps the comparison from running here, or nothing."""
    for name in ("numba", "torch", "gsplat"):
        if importlib.util.find_spec(name) is None:
            return f"this Python has no {name}"
    import torch

    if not torch.cuda.is_available():
        return "torch sees no CUDA GPU"
    from gsplat.cuda._backend import _C  # pyright: ignore[reportMissingImports] - on a GPU machine only

    return "gsplat has no compiled CUDA code (it needs nvcc or a wheel with it)" if _C is None else None


def gsplat_image(inputs: tuple[Any, ...], tensors: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Colour and depth [H, W, 4], and alpha [H, W], from gsplat's own rasterizer."""
    import torch
    from gsplat import rasterization  # pyright: ignore[reportMissingImports] - the same

    viewmat, K, width, height = inputs
    cameras = [torch.from_numpy(matrix)[None].cuda() for matrix in (viewmat, K)]
    colors, alphas, _ = rasterization(*tensors, *cameras, width, height, render_mode="RGB+D", packed=False)
    return colors[0], alphas[0, ..., 0]


def compare(count: int, side: int, max_alpha: float) -> None:
    """Print agreement and speed for one scene."""
    import torch
    from lhm_avatars.bench.raster_scene import body_scene, psnr
    from lhm_avatars.engine.raster import backward, forward

    scene = body_scene(count, side)
    tensors = [torch.from_numpy(array).cuda().requires_grad_() for array in scene.gaussians()]
    colors, alphas = gsplat_image(scene.camera(), tensors)
    image, context = forward(*scene.inputs(), max_alpha=max_alpha)
    theirs = colors.detach().cpu().numpy()
    say(f"{count // 1000}k at {side}², clamp {max_alpha}: {psnr(theirs[..., :3], image.color):.0f} dB")
    v = np.random.default_rng(0).normal(size=(side, side, 5)).astype(np.float32)
    upstream = [torch.from_numpy(v[..., :4]).cuda(), torch.from_numpy(v[..., 4]).cuda()]
    torch.autograd.backward([colors, alphas], upstream)
    ours = backward(context, v[..., :3], v[..., 4], v[..., 3])
    for (name, gradient), tensor in zip(vars(ours).items(), tensors, strict=True):
        expected = tensor.grad.cpu().numpy()
        share = np.linalg.norm(gradient - expected) / np.linalg.norm(expected)
        say(f"  gradient by {name}: relative L2 {share:.1e}")
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(REPEATS):
        gsplat_image(scene.camera(), tensors)
    torch.cuda.synchronize()
    say(f"  gsplat forward: {(time.perf_counter() - began) / REPEATS * 1e3:.2f} ms wall")


def main() -> int:
    """Compare at both ceilings of alpha: 0.999 is gsplat 1.5.3's, 0.99 that of its later versions."""
    problem = obstacle()
    if problem is not None:
        say(f"not compared with gsplat on CUDA: {problem}")
        return NOT_POSSIBLE
    load_package()
    for count, side in CASES:
        for max_alpha in (0.999, 0.99):
            compare(count, side, max_alpha)
    return 0


if __name__ == "__main__":
    sys.exit(main())
