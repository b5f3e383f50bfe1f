"""Draw on the graphics card with gsplat: the same picture as ours, and gradients by torch.

Never run on a graphics card so far: what is known of gsplat's CUDA code comes from its documentation, and
``try_gsplat`` looks before it is used.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..avatar.errors import AvatarError
from .backends import CEILINGS
from .check import check_camera, check_gaussians
from .gsplat_setup import COMPILED_NAME, PACKED_NAME
from .order import usable
from .values import Image, RasterSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike
    from torch import Tensor

DEVICE = "cuda"

_TOLERANCE = 2e-4
_TRIAL_SIDE = 17


def load_gsplat(binary: Path) -> None:
    """Import gsplat with this compiled code, and make sure that it neither looks for other nor compiles.

    Args:
        binary: As ``find_gsplat`` names it.

    Raises:
        ImportError: If the compiled code does not load, or gsplat does not take it.
    """
    with no_compilers():
        gsplat = importlib.import_module("gsplat")
    name = f"gsplat.{PACKED_NAME}"
    if binary.name.split(".")[0] == COMPILED_NAME:
        spec = importlib.util.spec_from_file_location(COMPILED_NAME, binary)
        if spec is None or spec.loader is None:
            raise ImportError(f"{binary} is not a compiled Python module")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # The place where gsplat looks for compiled code first.
        sys.modules[name] = module
        setattr(gsplat, PACKED_NAME, module)
    module = importlib.import_module(name)
    with no_compilers():
        backend = importlib.import_module("gsplat.cuda._backend")
    if backend._C is not module:
        raise ImportError(f"gsplat does not use {binary}")


@contextmanager
def no_compilers() -> Iterator[None]:
    """Hide every program from this process, so that nothing imported here can start a compiler."""
    kept = {name: os.environ.pop(name) for name in ("PATH", "CUDA_HOME", "CUDA_PATH") if name in os.environ}
    os.environ["PATH"] = ""
    try:
        yield
    finally:
        del os.environ["PATH"]
        os.environ.update(kept)


def try_gsplat() -> float:
    """Draw one Gaussian that fills the picture and see that it does.

    Returns:
        The ceiling of alpha that this gsplat was compiled with.

    Raises:
        RuntimeError: If the picture is wrong, or gsplat's code does not run on this graphics card.
    """
    middle = _TRIAL_SIDE / 2
    K = [[_TRIAL_SIDE, 0, middle], [0, _TRIAL_SIDE, middle], [0, 0, 1]]
    one = [
        _on_device(value) for value in ([[0, 0, 2.0]], [[1.0, 0, 0, 0]], [[9.0] * 3], [1.0], [[0.5, 1, 0]])
    ]
    with torch.no_grad():
        planes = draw_tensors(
            one, _on_device(np.eye(4)), _on_device(K), _TRIAL_SIDE, _TRIAL_SIDE, RasterSettings()
        )
    color, alpha, depth = (plane[_TRIAL_SIDE // 2, _TRIAL_SIDE // 2].cpu().numpy() for plane in planes)
    ceiling = min(CEILINGS, key=lambda value: abs(value - float(alpha)))
    expected = ceiling * np.array([0.5, 1, 0, 1, 2])
    if not np.allclose([*color, alpha, depth], expected, atol=_TOLERANCE):
        raise RuntimeError(f"gsplat drew {[*color, alpha, depth]} where {expected.tolist()} was expected")
    return ceiling


def _on_device(values: ArrayLike) -> Tensor:
    return torch.as_tensor(np.asarray(values, np.float32), device=DEVICE)


def draw_arrays(
    gaussians: Sequence[ArrayLike],
    viewmat: ArrayLike,
    K: ArrayLike,
    width: int,
    height: int,
    settings: RasterSettings,
) -> Image:
    """Render numpy arrays as ``api.rasterize`` does.

    Args:
        gaussians: Means, quats, scales, opacities, colors. [N, ...]
        viewmat: Camera from world. [4, 4]
        K: Pixels. [3, 3]
        width: Pixels.
        height: Pixels.
        settings: Its ``max_alpha`` is not looked at: it is compiled into gsplat.

    Raises:
        AvatarError: If the graphics card has too little free memory.
        ValueError: As ``api.rasterize``.
    """
    arrays = check_gaussians(*gaussians)
    viewmat, K = check_camera(viewmat, K, width, height)
    keep = usable(*arrays)
    if not keep.any():
        plane = np.zeros((height, width), np.float32)
        return Image(np.zeros((height, width, 3), np.float32), plane, plane.copy())
    try:
        with torch.no_grad():
            inputs = [_on_device(array[keep]) for array in arrays]
            planes = draw_tensors(inputs, _on_device(viewmat), _on_device(K), width, height, settings)
            color, alpha, depth = (plane.cpu().numpy() for plane in planes)
    except torch.cuda.OutOfMemoryError as error:
        raise AvatarError(
            f"The graphics card has too little free memory to draw {len(keep)} Gaussians. Close other "
            "programs, make the picture smaller, or set LHM_AVATARS_RASTERIZER=cpu before you start Blender."
        ) from error
    return Image(color, alpha, depth)


def draw_tensors(
    gaussians: Sequence[Tensor],
    viewmat: Tensor,
    K: Tensor,
    width: int,
    height: int,
    settings: RasterSettings,
) -> tuple[Tensor, Tensor, Tensor]:
    """Render tensors on their own device, differentiable in the Gaussians.

    Args:
        gaussians: As ``api.rasterize`` takes them: means [N, 3], quats [N, 4], scales [N, 3], opacities [N],
            colors [N, 3].
        viewmat: Camera from world, OpenCV axes. [4, 4]
        K: Pixels. [3, 3]
        width: Pixels.
        height: Pixels.
        settings: All but ``max_alpha``, which is compiled into gsplat.

    Returns:
        Premultiplied color [H, W, 3], alpha [H, W] and depth sum [H, W] as in ``Image``.
    """
    rasterization: Any = importlib.import_module("gsplat").rasterization
    colors_and_depth, alphas, _ = rasterization(
        *gaussians,
        viewmat[None],
        K[None],
        width,
        height,
        near_plane=settings.near,
        far_plane=settings.far,
        radius_clip=0.0,
        eps2d=settings.eps2d,
        sh_degree=None,
        packed=False,  # faster for one object that is in view as a whole
        backgrounds=None,  # so colours come premultiplied
        render_mode="RGB+D",  # D is the sum of weight times depth, ED would be divided by alpha
        rasterize_mode="antialiased" if settings.antialiased else "classic",
        camera_model="pinhole",
    )
    return colors_and_depth[0, ..., :3], alphas[0, ..., 0], colors_and_depth[0, ..., 3]
