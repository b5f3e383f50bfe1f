"""Blend each tile's Gaussians front to back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from .jit import (
    HALF,
    MIN_ALPHA,
    MIN_TRANSMITTANCE,
    ONE,
    STOP_CHECK,
    TILE,
    ZERO,
    F,
    exp_negative,
    inlined,
    kernel,
    parallel_kernel,
)
from .project import (
    BLUE,
    CONIC_XX,
    CONIC_XY,
    CONIC_YY,
    DEPTH,
    EXTENT_Y,
    GREEN,
    MEAN_X,
    MEAN_Y,
    OPACITY,
    RED,
)
from .values import NEVER

if TYPE_CHECKING:
    from .values import Array, Doubles, Indices, Offsets, Scalar

# Planes of a tile's state: 6 x 16 x 16 floats that stay in the processor's first cache.
_RED, _GREEN, _BLUE, _DEPTH, _LEFT, _ALIVE = 0, 1, 2, 3, 4, 5


@kernel
def tile_rows(dy: Scalar, extent: Scalar) -> tuple[int, int]:
    """First and one past the last of a tile's rows that a Gaussian reaches.

    Args:
        dy: Its mean, in rows from the tile's first.
        extent: Rows it reaches up and down.
    """
    return max(0, int(dy - extent + ONE)), min(TILE, int(dy + extent + ONE))


@inlined
def _blend(
    splats: Array,
    k: int,
    position: int,
    left: Scalar,
    top: Scalar,
    max_alpha: Scalar,
    state: Array,
    last: Indices,
) -> None:
    """Blend one Gaussian into a tile. Its loop over x, of fixed length and branchless, becomes vectors."""
    dx0, dy0 = splats[k, MEAN_X] - left, splats[k, MEAN_Y] - top
    xx, xy, yy = splats[k, CONIC_XX] * HALF, splats[k, CONIC_XY], splats[k, CONIC_YY] * HALF
    opacity, red, green, blue, depth = (
        splats[k, OPACITY],
        splats[k, RED],
        splats[k, GREEN],
        splats[k, BLUE],
        splats[k, DEPTH],
    )
    y0, y1 = tile_rows(dy0, splats[k, EXTENT_Y])
    for y in range(y0, y1):
        dy = dy0 - F(y)
        constant, linear = yy * dy * dy, xy * dy
        for x in range(TILE):
            dx = dx0 - F(x)
            exponent = (xx * dx + linear) * dx + constant
            alpha = min(max_alpha, opacity * exp_negative(exponent))
            drawn = (alpha >= MIN_ALPHA) & (exponent >= ZERO) & (state[_ALIVE, y, x] > ZERO)
            alpha = alpha if drawn else ZERO
            before = state[_LEFT, y, x]
            finished = before * (ONE - alpha) <= MIN_TRANSMITTANCE
            state[_ALIVE, y, x] = ZERO if finished else state[_ALIVE, y, x]
            alpha = ZERO if finished else alpha
            weight = alpha * before
            state[_LEFT, y, x] = before - weight
            state[_RED, y, x] += weight * red
            state[_GREEN, y, x] += weight * green
            state[_BLUE, y, x] += weight * blue
            state[_DEPTH, y, x] += weight * depth
            last[y, x] = position if alpha > ZERO else last[y, x]


@kernel
def _finished(state: Array) -> bool:
    """Whether no pixel of the tile takes light any more."""
    alive = ZERO
    for y in range(TILE):
        for x in range(TILE):
            alive += state[_ALIVE, y, x]
    return alive == ZERO


@kernel
def _next_limit(limits: Doubles, state: Array) -> float:
    """The nearest depth at which a pixel of the tile is cut that is not finished yet."""
    nearest = NEVER
    for y in range(TILE):
        for x in range(TILE):
            if state[_ALIVE, y, x] > ZERO:
                nearest = min(nearest, limits[y, x])
    return nearest


@kernel
def _cut(limits: Doubles, depth: float, state: Array) -> float:
    """Finish the pixels whose limit a depth reaches, and say which limit comes next.

    Gaussians come nearest first, so behind its limit a pixel takes nothing any more: the blending itself has
    nothing to ask.
    """
    for y in range(TILE):
        for x in range(TILE):
            if limits[y, x] <= depth:
                state[_ALIVE, y, x] = ZERO
    return _next_limit(limits, state)


@kernel
def _tile_limits(max_depth: Doubles, first_y: int, first_x: int) -> Doubles:
    """A tile of the depth image; pixels outside the image are never cut."""
    height, width = max_depth.shape
    limits = np.full((TILE, TILE), NEVER)
    for y in range(min(TILE, height - first_y)):
        for x in range(min(TILE, width - first_x)):
            limits[y, x] = max_depth[first_y + y, first_x + x]
    return limits


@parallel_kernel
def composite(
    work: Offsets,
    starts: Offsets,
    ranks: Indices,
    splats: Array,
    columns: int,
    max_alpha: Scalar,
    sorted_depths: Doubles,
    max_depth: Doubles,
    color: Array,
    depth: Array,
    transmittance: Array,
    last: Indices,
) -> None:
    """Blend all tiles.

    Args:
        work: Tiles to do, in order. [tiles with entries]
        starts: Where each tile's entries begin. [tiles + 1]
        ranks: Rows of ``splats``, nearest first.
        splats: [M, 11]
        columns: Tiles across.
        max_alpha: Ceiling of alpha.
        sorted_depths: Of the rows of ``splats``; not looked at where nothing is cut. [M]
        max_depth: Where each pixel is cut; without pixels where none is. [H, W] or [0, 0]
        color: Filled where there are Gaussians, premultiplied. [H, W, 3]
        depth: Likewise, sum of weight times depth. [H, W]
        transmittance: Likewise, light left. [H, W]
        last: Likewise, position in ``ranks`` of the last Gaussian drawn. [H, W]

    Source: Kerbl et al. 2023, section 6 and appendix C.
    """
    height, width = last.shape
    cuts = max_depth.size > 0
    for item in prange(work.shape[0]):
        tile = work[item]
        row = tile // columns
        first_y, first_x = row * TILE, (tile - row * columns) * TILE
        state = np.zeros((6, TILE, TILE), F)
        state[_LEFT:] = ONE
        tile_last = np.full((TILE, TILE), -1, np.int32)
        begin, end = starts[tile], starts[tile + 1]
        limits, limit = np.empty((0, 0)), NEVER
        if cuts:
            limits = _tile_limits(max_depth, first_y, first_x)
            limit = _next_limit(limits, state)
        for position in range(begin, end):
            if cuts and sorted_depths[ranks[position]] >= limit:
                limit = _cut(limits, sorted_depths[ranks[position]], state)
            _blend(
                splats,
                ranks[position],
                position,
                F(first_x) + HALF,
                F(first_y) + HALF,
                max_alpha,
                state,
                tile_last,
            )
            if (position - begin) % STOP_CHECK == STOP_CHECK - 1 and _finished(state):
                break
        for y in range(min(TILE, height - first_y)):
            for x in range(min(TILE, width - first_x)):
                to_y, to_x = first_y + y, first_x + x
                color[to_y, to_x, 0] = state[_RED, y, x]
                color[to_y, to_x, 1] = state[_GREEN, y, x]
                color[to_y, to_x, 2] = state[_BLUE, y, x]
                depth[to_y, to_x] = state[_DEPTH, y, x]
                transmittance[to_y, to_x] = state[_LEFT, y, x]
                last[to_y, to_x] = tile_last[y, x]
