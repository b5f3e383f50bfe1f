"""Joint weights anywhere around a body: its own on the surface, diffused through the air beyond.

A point beside the body that takes the weights of the nearest surface point jumps from one joint to another
where the nearest point does. In the field, weights change as smoothly as the distance to the surface allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import require_shape
from ..avatar.binding import Binding, dense
from ..avatar.body import JOINT_COUNT, joint_index
from ..raster.jit import one_at_a_time
from .diffuse import boxes, keep_strongest, link, read, smooth
from .nearest import NearestGrid, nearest_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .nearest import Located
    from .surface import Surface

RESOLUTION = 128
ITERATIONS = 40
MARGIN = 0.3  # metres
_FIXED = 0.87  # steps: half a cell's diagonal, so that the surface is covered without gaps
_SPREAD = 8  # nodes beyond its nearest-point region that a joint's weights may reach
_KEPT = 8  # joints of a node
_EDGE = 0.9  # of the margin: places farther off are drawn in to here
_CORE = (
    "pelvis", "spine1", "spine2", "spine3", "neck", "head", "jaw", "left_eye", "right_eye", "left_collar",
    "right_collar",
)  # fmt: skip


@dataclass(frozen=True)
class WeightField:
    """Weights on a grid around a surface.

    Args:
        grid: The surface and its grid.
        core: Share of each point of the surface that is trunk or head. [V]
        row: Row of each node within the margin, else -1. [X, Y, Z]
        joint_indices: Of the nodes, strongest first. [R, K]
        joint_weights: Rows sum to one. [R, K]
        reach: Metres from the surface that the field goes.
    """

    grid: NearestGrid
    core: NDArray[np.float32]
    row: NDArray[np.int32]
    joint_indices: NDArray[np.int32]
    joint_weights: NDArray[np.float32]
    reach: float

    def weights(self, points: Float) -> NDArray[np.float32]:
        """Weights at places on, in or around the surface.

        Args:
            points: Metres, in the surface's pose. [N, 3]

        Returns:
            One column per joint, rows sum to one. [N, 55]

        Raises:
            ValueError: If the shape is wrong or a number is not finite.
        """
        return self.weights_and_distance(points)[0]

    def weights_and_distance(self, points: Float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and how far off the surface each place is, metres. [N, 55], [N]"""
        places = _places(points)
        where = self.grid.locate(places)
        return self._read(places, where), where.distance

    def _read(self, places: NDArray[np.float32], where: Located) -> NDArray[np.float32]:
        grid, surface = self.grid, self.grid.surface
        out = np.empty((len(places), JOINT_COUNT), np.float32)
        with one_at_a_time:
            read(
                surface.joint_indices, surface.joint_weights, self.core, surface.faces, surface.points,
                grid.owner, self.row, self.joint_indices, self.joint_weights, grid.origin,
                np.float32(grid.step), np.float32(self.reach), places, where.point, where.face,
                where.corners, where.distance, out,
            )  # fmt: skip
        return out


def weight_field(
    surface: Surface, *, resolution: int = RESOLUTION, iterations: int = ITERATIONS, margin: float = MARGIN
) -> WeightField:
    """Diffuse a surface's weights through the air around it.

    Args:
        surface: In the pose that is asked about, usually the rest pose.
        resolution: Steps of the grid along its longest side.
        iterations: How often the air is smoothed; odd numbers count as the next even one.
        margin: Metres around the surface.

    Raises:
        ValueError: If a number is out of range.

    Source: Chen et al. 2023, Fast-SNARF, section 3.2, for a grid of weights smoothed away from the surface;
    Qiu et al. 2025, LHM, for its use on clothes. Links that respect what belongs together are ours.
    """
    if resolution < 8 or iterations < 0 or not margin > 0:
        raise ValueError(
            f"resolution must be 8 or more, iterations 0 or more, margin above 0, "
            f"got {resolution}, {iterations}, {margin}"
        )
    grid = nearest_grid(surface, resolution, margin)
    active = grid.distance < margin
    row = np.where(active, np.cumsum(active).reshape(active.shape) - 1, -1).astype(np.int32)
    core = _core_share(surface)
    joints, weights = _diffused(grid, core, active, row, iterations + iterations % 2)
    return WeightField(grid, core, row, joints, weights, _EDGE * margin)


def surface_weights(surface: Surface, points: Float) -> NDArray[np.float32]:
    """Weights of the nearest place on a surface, without a field.

    Args:
        surface: The surface.
        points: Metres, in the surface's pose. [N, 3]

    Returns:
        One column per joint, rows sum to one. [N, 55]

    Raises:
        ValueError: If the shape is wrong or a number is not finite.
    """
    where = nearest_grid(surface, RESOLUTION, MARGIN).locate(_places(points))
    weights = dense(Binding(surface.joint_indices, surface.joint_weights), JOINT_COUNT)
    found, beside = weights[where.point], where.face >= 0
    corners = weights[surface.faces[where.face[beside]]]
    found[beside] = np.einsum("nk,nkj->nj", where.corners[beside], corners)
    return found


def _places(points: Float) -> NDArray[np.float32]:
    places = np.ascontiguousarray(points, np.float32)
    require_shape("points", places, (None, 3))
    if not np.isfinite(places).all():
        raise ValueError("points must be finite")
    return places


def _core_share(surface: Surface) -> NDArray[np.float32]:
    core = np.isin(surface.joint_indices, [joint_index(name) for name in _CORE])
    return (surface.joint_weights * core).sum(axis=1).astype(np.float32)


def _diffused(
    grid: NearestGrid,
    core: NDArray[np.float32],
    active: NDArray[np.bool_],
    row: NDArray[np.int32],
    iterations: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The strongest joints of each active node. [R, K] twice"""
    joints, weights = grid.surface.joint_indices, grid.surface.joint_weights
    shape = grid.owner.shape
    links = np.empty((3, *shape), np.float32)
    keep, inverse = np.empty(shape, np.float32), np.empty(shape, np.float32)
    found = np.empty((JOINT_COUNT, 3, 2), np.int32)
    kept_joints = np.zeros((int(active.sum()), _KEPT), np.int32)
    kept = np.zeros(kept_joints.shape, np.float32)
    with one_at_a_time:
        fixed = grid.distance < _FIXED * grid.step
        link(joints, weights, core, grid.owner, active, fixed, links, keep, inverse)
        boxes(joints, weights, grid.owner, active, found)
        for joint in np.flatnonzero(found[:, 0, 1] >= 0):
            low = np.maximum(found[joint, :, 0] - _SPREAD, 0).astype(np.int32)
            size = np.minimum(found[joint, :, 1] + _SPREAD + 1, shape) - low
            one, two = (np.empty(size + 2, np.float32) for _ in range(2))
            smooth(
                joint, joints, weights, grid.owner, active, low, links, keep, inverse, iterations, one, two
            )
            keep_strongest(joint, low, one, row, kept_joints, kept)
    return kept_joints, kept / kept.sum(axis=1, keepdims=True)
