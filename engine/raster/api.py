"""Render Gaussians on the CPU, and the passes that use what a render has seen.

Axes: ``viewmat`` takes world to camera, OpenCV (x right, y down, z forward); pixel centres lie at +0.5.
Nothing here depends on the number of threads. Gaussians with a nan, an infinity or a zero quaternion are
not drawn and have zero gradient.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numba
import numpy as np

from ..avatar.arrays import float_array
from .check import check_camera, check_gaussians
from .collect import COLLECT_COLUMNS, FIRST_COLOR, FOOTPRINT, PEAK, WEIGHT, collect, total_collected
from .composite import composite
from .composite_backward import GRADIENT_COLUMNS, composite_backward, sum_entries
from .jit import TILE, F
from .order import near_to_far, usable
from .project import RED, SPLAT_COLUMNS, pack, pack_camera, project
from .project_backward import project_backward
from .tiles import deal, list_tiles
from .values import Context, Contributions, Gradients, Image, RasterSettings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .values import Array

# numba's plainest thread pool (the one on macOS) aborts the process when two Python threads enter it at once.
_one_at_a_time = threading.Lock()


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
    max_alpha: float = 0.99,
    near: float = 0.01,
    far: float = 1e10,
    antialiased: bool = False,
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
        max_alpha: Ceiling of one Gaussian's alpha.
        near: Metres.
        far: Metres.
        antialiased: Dim each Gaussian by what ``eps2d`` adds to it.

    Raises:
        ValueError: If a shape or a number is wrong.
    """
    settings = RasterSettings(eps2d, max_alpha, near, far, antialiased)
    return _forward((means, quats, scales, opacities, colors), viewmat, K, width, height, settings)[0]


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
) -> tuple[Image, Context]:
    """Render, and keep what ``backward``, ``contributions`` and ``splat_back`` need.

    Arguments and errors are those of ``rasterize``.
    """
    settings = RasterSettings(eps2d, max_alpha, near, far, antialiased)
    return _forward((means, quats, scales, opacities, colors), viewmat, K, width, height, settings)


def _forward(
    gaussians: tuple[ArrayLike, ...],
    viewmat: ArrayLike,
    K: ArrayLike,
    width: int,
    height: int,
    settings: RasterSettings,
) -> tuple[Image, Context]:
    """Project, sort, list, composite."""
    means, quats, scales, opacities, colors = check_gaussians(*gaussians)
    viewmat, K = check_camera(viewmat, K, width, height)
    camera = pack_camera(K, width, height)
    columns, rows = -(-width // TILE), -(-height // TILE)
    color, depth = np.zeros((height, width, 3), F), np.zeros((height, width), F)
    transmittance, last = np.ones((height, width), F), np.full((height, width), -1, np.int32)
    unsorted, depths = np.empty((len(means), SPLAT_COLUMNS), F), np.empty(len(means), np.float64)
    keep = usable(means, quats, scales, opacities, colors)
    with _one_at_a_time:
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
        composite(
            work, starts, ranks, splats, columns, F(settings.max_alpha), color, depth, transmittance, last
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


def backward(
    context: Context, v_color: ArrayLike, v_alpha: ArrayLike | None = None, v_depth: ArrayLike | None = None
) -> Gradients:
    """Gradients of a loss by the five inputs, from its gradients by the image.

    Args:
        context: From ``forward``.
        v_color: By ``Image.color``. [H, W, 3]
        v_alpha: By ``Image.alpha``; zero if left out. [H, W]
        v_depth: By ``Image.depth``; zero if left out. [H, W]

    Raises:
        ValueError: If a shape is wrong.
    """
    shape = context.last.shape
    v_color = float_array("v_color", v_color, (*shape, 3))
    v_alpha = float_array("v_alpha", np.zeros(shape) if v_alpha is None else v_alpha, shape)
    v_depth = float_array("v_depth", np.zeros(shape) if v_depth is None else v_depth, shape)
    settings, count = context.settings, context.count
    entries, totals = (
        np.empty((len(context.ranks), GRADIENT_COLUMNS), F),
        np.zeros((count, GRADIENT_COLUMNS), F),
    )
    v_means, v_quats, v_scales = np.zeros((count, 3), F), np.zeros((count, 4), F), np.zeros((count, 3), F)
    v_opacities = np.zeros(count, F)
    with _one_at_a_time:
        composite_backward(
            context.work,
            context.starts,
            context.ranks,
            context.splats,
            context.columns,
            F(settings.max_alpha),
            context.transmittance,
            context.last,
            v_color,
            v_alpha,
            v_depth,
            entries,
        )
        sum_entries(context.ranks, context.order, entries, totals)
        project_backward(
            context.order,
            context.splats,
            context.means,
            context.quats,
            context.scales,
            context.opacities,
            context.viewmat,
            context.camera,
            F(settings.eps2d),
            settings.antialiased,
            totals,
            v_means,
            v_quats,
            v_scales,
            v_opacities,
        )
    return Gradients(v_means, v_quats, v_scales, v_opacities, totals[:, RED : RED + 3].copy())


def contributions(context: Context, weight_image: ArrayLike | None = None) -> Contributions:
    """How much of the view comes from each Gaussian.

    Args:
        context: From ``forward``.
        weight_image: Multiplies each pixel's weights, not negative, as a mask does; one if left out. [H, W]

    Raises:
        ValueError: If a shape is wrong.
    """
    totals = _collect(context, np.zeros((*context.last.shape, 3), F), weight_image)
    return Contributions(*(np.ascontiguousarray(totals[:, column]) for column in (WEIGHT, FOOTPRINT, PEAK)))


def splat_back(
    context: Context, image: ArrayLike, weight_image: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Give a picture back to the Gaussians that show it.

    The second result divided by the first is the mean colour that each Gaussian covers.

    Args:
        context: From ``forward``.
        image: [H, W, C]
        weight_image: As in ``contributions``. [H, W]

    Returns:
        Sum of blend weights [N], and sum of blend weight times image [N, C].

    Raises:
        ValueError: If a shape is wrong.
    """
    height, width = context.last.shape
    image = float_array("image", image, (height, width, None))
    channels = image.shape[2]
    triples = [image[..., first : first + 3] for first in range(0, max(channels, 1), 3)]
    totals = [_collect(context, _three_channels(triple), weight_image) for triple in triples]
    colors = np.concatenate([total[:, FIRST_COLOR : FIRST_COLOR + 3] for total in totals], axis=1)
    return np.ascontiguousarray(totals[0][:, WEIGHT]), np.ascontiguousarray(colors[:, :channels])


def _three_channels(image: Array) -> Array:
    """Pad with black to the three channels the kernel reads. [H, W, 3]"""
    return np.pad(image, ((0, 0), (0, 0), (0, 3 - image.shape[2])))


def _collect(context: Context, image: Array, weight_image: ArrayLike | None) -> Array:
    """Run ``collect`` and total it. [N, 6]"""
    shape = context.last.shape
    mask = float_array("weight_image", np.ones(shape) if weight_image is None else weight_image, shape)
    entries = np.empty((len(context.ranks), COLLECT_COLUMNS), F)
    totals = np.zeros((context.count, COLLECT_COLUMNS), F)
    with _one_at_a_time:
        collect(
            context.work,
            context.starts,
            context.ranks,
            context.splats,
            context.columns,
            F(context.settings.max_alpha),
            context.last,
            image,
            mask,
            entries,
        )
        total_collected(context.ranks, context.order, entries, totals)
    return totals
