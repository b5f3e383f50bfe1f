"""What the rasterizer refuses: wrong shapes, and numbers that mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import float_array
from .values import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from .values import Array, Doubles


def kernel_array(name: str, values: ArrayLike, shape: Sequence[int | None]) -> Array:
    """Float32 as the kernels were compiled for: C-contiguous, aligned and writable.

    A read-only array, as it comes from a file, would be another type to numba, which would compile anew.

    Raises:
        ValueError: If the shape is wrong.
    """
    return np.require(float_array(name, values, shape), requirements=["C", "A", "W"])


def check_gaussians(
    means: ArrayLike, quats: ArrayLike, scales: ArrayLike, opacities: ArrayLike, colors: ArrayLike
) -> tuple[Array, Array, Array, Array, Array]:
    """The five inputs as C-contiguous float32. Not-a-number may stay: such rows are left out later.

    Raises:
        ValueError: If a shape is wrong or an opacity is above 1.
    """
    means = kernel_array("means", means, (None, 3))
    count = len(means)
    opacities = kernel_array("opacities", opacities, (count,))
    # Above 1 a Gaussian would end in a visible edge, where the exponential's approximation ends.
    if (opacities > 1).any():
        raise ValueError(f"opacities must lie in 0..1, got {opacities[opacities > 1].max():.6g}")
    return (
        means,
        kernel_array("quats", quats, (count, 4)),
        kernel_array("scales", scales, (count, 3)),
        opacities,
        kernel_array("colors", colors, (count, 3)),
    )


def check_camera(viewmat: ArrayLike, K: ArrayLike, width: int, height: int) -> tuple[Array, Array]:
    """View matrix and intrinsics as float32.

    Raises:
        ValueError: If a shape is wrong, a number is not finite, a focal length is not positive, K is skewed,
            or the image has no pixels.
    """
    viewmat, K = kernel_array("viewmat", viewmat, (4, 4)), kernel_array("K", K, (3, 3))
    for name, matrix in (("viewmat", viewmat), ("K", K)):
        if not np.isfinite(matrix).all():
            raise ValueError(f"{name} must be finite, got {matrix.tolist()}")
    if K[0, 0] <= 0 or K[1, 1] <= 0:
        raise ValueError(f"K must have positive focal lengths, got {K[0, 0]} and {K[1, 1]}")
    if K[0, 1] != 0 or K[1, 0] != 0:
        raise ValueError(f"K must have no skew, got {K[0, 1]} and {K[1, 0]} beside the diagonal")
    if width < 1 or height < 1:
        raise ValueError(f"width and height must be at least 1, got {width} and {height}")
    return viewmat, K


def check_max_depth(max_depth: ArrayLike | None, width: int, height: int) -> Doubles:
    """The image of depths behind which nothing is drawn, as the kernel reads it; empty for none.

    Raises:
        ValueError: If the shape is wrong or a depth is not a number.
    """
    if max_depth is None:
        return np.empty((0, 0))
    limits = np.array(max_depth, np.float64, order="C")
    if limits.shape != (height, width):
        raise ValueError(f"max_depth must have shape ({height}, {width}), got {limits.shape}")
    if np.isnan(limits).any():
        raise ValueError("max_depth must hold numbers, got nan; infinity is where nothing is cut")
    return limits.clip(-NEVER, NEVER)
