"""Render Gaussians, on the CPU unless another backend is asked for.

Axes: ``viewmat`` takes world to camera, OpenCV (x right, y down, z forward); pixel centres lie at +0.5.
Nothing here depends on the number of threads. Gaussians with a nan, an infinity or a zero quaternion are
not drawn and have zero gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from .backends import choose_backend
from .check import check_camera, check_gaussians, check_max_depth
from .composite import composite
from .jit import TILE, F, one_at_a_time
from .order import near_to_far, usable
from .project import SPLAT_COLUMNS, pack, pack_camera, project
from .tiles import deal, list_tiles
from .values import Context, Image, RasterSettings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .backends import Wanted


def rasterize(
    means: ArrayLike,
    quats: ArrayLike,
    scales: ArrayLike,
    opacities: ArrayLike,
    colors: ArrayLike,
    viewmat: ArrayLike,
    K: ArrayLike,
    width: int,
    height: int,
    *,
    eps2d: float = 0.3,
    max_alpha: float | None = None,
    near: float = 0.01,
    far: float = 1e10,
    antialiased: bool = False,
    max_depth: ArrayLike | None = None,
    backend: Wanted = "cpu",
) -> Image:
    """Render N Gaussians.

    Args:
        means: World, metres. [N, 3]
        quats: w, x, y, z, any length but zero. [N, 4]
        scales: Standard deviations along the Gaussian's own axes, metres. [N, 3]
        opacities: 0..1. [N]
        colors: Any range; blended as they are. [N, 3]
        viewmat: Camera from world. [4, 4]
        K: Intrinsics, pixels, without skew. [3, 3]
        width: Pixels.
        height: Pixels.
        eps2d: As in ``RasterSettings``, like the rest.
        max_alpha: Ceiling of one Gaussian's alpha; what the backend has if left out, 0.99 on the processor.
        near: Metres.
        far: Metres.
        antialiased: Dim each Gaussian by what ``eps2d`` adds to it.
        max_depth: Behind it nothing is drawn: at a pixel the Gaussians count whose centre has a smaller
            camera z. Infinity where nothing is cut. [H, W]
        backend: As ``choose_backend`` takes it. On the graphics card pictures differ in the last digits.
            gsplat has no depth to cut at, so "auto" is the processor where ``max_depth`` is given.

    Raises:
        AvatarError: If gsplat is wanted and cannot be used, or the graphics card's memory is too small.
        ValueError: If a shape or a number is wrong, or gsplat is to cut.
    """
    if max_depth is not None and backend == "gsplat":
        raise ValueError("max_depth needs the processor: backend must be auto or cpu, got gsplat")
    if max_depth is not None:
        backend = "cpu"
    chosen = choose_backend(backend, max_alpha=max_alpha)
    settings = RasterSettings(eps2d, chosen.max_alpha, near, far, antialiased)
    gaussians = means, quats, scales, opacities, colors
    if chosen.name == "gsplat":
        from .gsplat_backend import draw_arrays

        return draw_arrays(gaussians, viewmat, K, width, height, settings)
    return _forward(gaussians, viewmat, K, width, height, settings, max_depth)[0]


def forward(
    means: ArrayLike,
    quats: ArrayLike,
    scales: ArrayLike,
    opacities: ArrayLike,
    colors: ArrayLike,
    viewmat: ArrayLike,
    K: ArrayLike,
    width: int,
    height: int,
    *,
    eps2d: float = 0.3,
    max_alpha: float = 0.99,
    near: float = 0.01,
    far: float = 1e10,
    antialiased: bool = False,
    max_depth: ArrayLike | None = None,
) -> tuple[Image, Context]:
    """Render, and keep what ``backward``, ``contributions`` and ``splat_back`` need.

    Arguments and errors are those of ``rasterize``.
    """
    settings = RasterSettings(eps2d, max_alpha, near, far, antialiased)
    gaussians = means, quats, scales, opacities, colors
    return _forward(gaussians, viewmat, K, width, height, settings, max_depth)


def _forward(
    gaussians: tuple[ArrayLike, ...],
    viewmat: ArrayLike,
    K: ArrayLike,
    width: int,
    height: int,
    settings: RasterSettings,
    max_depth: ArrayLike | None,
) -> tuple[Image, Context]:
    """Project, sort, list, composite."""
    means, quats, scales, opacities, colors = check_gaussians(*gaussians)
    viewmat, K = check_camera(viewmat, K, width, height)
    limits = check_max_depth(max_depth, width, height)
    camera = pack_camera(K, width, height)
    columns, rows = -(-width // TILE), -(-height // TILE)
    color, depth = np.zeros((height, width, 3), F), np.zeros((height, width), F)
    transmittance, last = np.ones((height, width), F), np.full((height, width), -1, np.int32)
    unsorted, depths = np.empty((len(means), SPLAT_COLUMNS), F), np.empty(len(means), np.float64)
    keep = usable(means, quats, scales, opacities, colors)
    with one_at_a_time:
        project(
            means,
            quats,
            scales,
            opacities,
            keep,
            viewmat,
            camera,
            F(settings.eps2d),
            F(settings.near),
            F(settings.far),
            settings.antialiased,
            unsorted,
            depths,
        )
        order = near_to_far(depths.view(np.uint64))
        splats, boxes = np.empty((len(order), SPLAT_COLUMNS), F), np.empty((len(order), 4), np.int32)
        pack(order, unsorted, colors, columns, rows, splats, boxes)
        starts, ranks = list_tiles(boxes, columns, rows)
        work = deal(starts, numba.get_num_threads())
        sorted_depths = depths[order] if limits.size else depths[:0]
        composite(
            work,
            starts,
            ranks,
            splats,
            columns,
            F(settings.max_alpha),
            sorted_depths,
            limits,
            color,
            depth,
            transmittance,
            last,
        )
    context = Context(
        means,
        quats,
        scales,
        opacities,
        viewmat,
        camera,
        settings,
        order,
        splats,
        starts,
        ranks,
        work,
        transmittance,
        last,
    )
    return Image(color, 1 - transmittance, depth), context
