"""The passes that use what a render has seen: gradients, contributions, pictures given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .check import kernel_array
from .collect import COLLECT_COLUMNS, FIRST_COLOR, FOOTPRINT, PEAK, WEIGHT, collect, total_collected
from .composite_backward import GRADIENT_COLUMNS, composite_backward, sum_entries
from .jit import F, one_at_a_time
from .project import RED
from .project_backward import project_backward
from .values import Context, Contributions, Gradients

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .values import Array


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
    v_color = kernel_array("v_color", v_color, (*shape, 3))
    v_alpha = kernel_array("v_alpha", np.zeros(shape) if v_alpha is None else v_alpha, shape)
    v_depth = kernel_array("v_depth", np.zeros(shape) if v_depth is None else v_depth, shape)
    settings, count = context.settings, context.count
    entries, totals = (
        np.empty((len(context.ranks), GRADIENT_COLUMNS), F),
        np.zeros((count, GRADIENT_COLUMNS), F),
    )
    v_means, v_quats, v_scales = np.zeros((count, 3), F), np.zeros((count, 4), F), np.zeros((count, 3), F)
    v_opacities = np.zeros(count, F)
    with one_at_a_time:
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
    image = kernel_array("image", image, (height, width, None))
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
    mask = kernel_array("weight_image", np.ones(shape) if weight_image is None else weight_image, shape)
    entries = np.empty((len(context.ranks), COLLECT_COLUMNS), F)
    totals = np.zeros((context.count, COLLECT_COLUMNS), F)
    with one_at_a_time:
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
