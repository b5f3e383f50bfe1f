"""What goes into and comes out of the rasterizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

TILE_SIDE = 16  # pixels
NEVER = 1e300  # metres: the limit of a pixel that is not cut; infinity is undefined under fast math

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Doubles = NDArray[np.float64]
    Indices = NDArray[np.int32]
    Offsets = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Flags = NDArray[np.bool_]
    # What kernels compute with; all of it float32 once compiled.
    Scalar = float | np.float32
    Triple = tuple[Scalar, Scalar, Scalar]
    Four = tuple[Scalar, Scalar, Scalar, Scalar]
    Five = tuple[Scalar, Scalar, Scalar, Scalar, Scalar]
    Rows = tuple[Triple, Triple, Triple]


@dataclass(frozen=True)
class RasterSettings:
    """The numbers a 3D Gaussian image depends on besides the scene.

    Args:
        eps2d: Added to the diagonal of each projected covariance, pixels squared.
        max_alpha: Ceiling of one Gaussian's opacity at a pixel (0.99 in the original paper's code).
        near: Gaussians nearer than this are not drawn, metres.
        far: Nor those farther than this, metres.
        antialiased: Dim each Gaussian by the share that ``eps2d`` has blown it up.

    Raises:
        ValueError: If a number is outside its range.
    """

    eps2d: float = 0.3
    max_alpha: float = 0.99
    near: float = 0.01
    far: float = 1e10
    antialiased: bool = False

    def __post_init__(self) -> None:
        if not self.eps2d > 0:
            raise ValueError(f"eps2d must be positive, got {self.eps2d}")
        if not 0 < self.max_alpha < 1:
            raise ValueError(f"max_alpha must lie between 0 and 1, got {self.max_alpha}")
        if not 0 < self.near < self.far:
            raise ValueError(f"near and far must satisfy 0 < near < far, got {self.near} and {self.far}")


@dataclass(frozen=True)
class Image:
    """A rendered view; composite it over a background with ``color + (1 - alpha) * background``.

    float32; only the reference's is float64.

    Args:
        color: Premultiplied. [H, W, 3]
        alpha: [H, W]
        depth: Sum of weight times camera depth, metres; divide by alpha for the mean depth. [H, W]
    """

    color: NDArray[np.floating[Any]]
    alpha: NDArray[np.floating[Any]]
    depth: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Gradients:
    """Derivatives of a loss with respect to the five inputs; zero for Gaussians that were not drawn.

    Args:
        means: [N, 3]
        quats: With respect to the quaternions as given, not to their unit form. [N, 4]
        scales: [N, 3]
        opacities: [N]
        colors: [N, 3]
    """

    means: Array
    quats: Array
    scales: Array
    opacities: Array
    colors: Array


@dataclass(frozen=True)
class Contributions:
    """How much of a view comes from each Gaussian.

    Args:
        weight: Sum of its blend weights, in pixels: the area it is seen on. [N]
        footprint: Sum of its alphas, in pixels: the area it would be seen on with nothing in front. [N]
        peak: Its largest blend weight at any pixel, 0..1. [N]
    """

    weight: Array
    footprint: Array
    peak: Array

    def visibility(self) -> Array:
        """Share of each Gaussian that nothing in front covers, 0..1; 0 for those not drawn. [N]"""
        return self.weight / self.footprint.clip(min=1e-6)


@dataclass(frozen=True)
class Context:
    """What the forward pass leaves for the passes that follow it. Read-only; one image each.

    Args:
        means: [N, 3]
        quats: [N, 4]
        scales: [N, 3]
        opacities: [N]
        viewmat: [4, 4]
        camera: See ``project.pack_camera``. [10]
        settings: As given.
        order: The drawn Gaussians, nearest first. [M] int32
        splats: Their projection, in that order; columns as in ``project``. [M, 11]
        starts: Where each tile's list begins in ``ranks``; one more for the end. [tiles + 1] int64
        ranks: Row of ``splats`` for each tile entry, nearest first. int32
        work: Tiles with entries, in the order the threads take them. int64
        transmittance: Light left behind the last Gaussian. [H, W]
        last: Position in ``ranks`` of each pixel's last Gaussian, -1 for none. [H, W] int32
    """

    means: Array
    quats: Array
    scales: Array
    opacities: Array
    viewmat: Array
    camera: Array
    settings: RasterSettings
    order: Indices
    splats: Array
    starts: Offsets
    ranks: Indices
    work: Offsets
    transmittance: Array
    last: Indices

    @property
    def count(self) -> int:
        """Number of Gaussians given, drawn or not."""
        return len(self.means)

    @property
    def columns(self) -> int:
        """Tiles across."""
        return -(-self.last.shape[1] // TILE_SIDE)
