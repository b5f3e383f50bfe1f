"""The gradient of blending: each tile's Gaussians again, back to front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from .composite import tile_rows
from .jit import HALF, MIN_ALPHA, ONE, TILE, ZERO, F, exp_negative, inlined, kernel, parallel_kernel
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

if TYPE_CHECKING:
    from .values import Array, Indices, Offsets, Scalar

# Gradient columns share their numbers with the splat columns from MEAN_X to DEPTH.
GRADIENT_COLUMNS = 10

# Planes of a tile's state: light left before the current Gaussian; sum of weight times gradient of all behind
# it; upstream gradients of colours and depth; upstream gradient of alpha times the light left at the end.
_LEFT, _BEHIND, _V_RED, _V_GREEN, _V_BLUE, _V_DEPTH, _V_END = 0, 1, 2, 3, 4, 5, 6
_PLANES = 7
# Sums over a Gaussian's rows, one per column of the tile: lanes are added up once and not on each row.
_SUM, _SUM_Y, _SUM_YY, _SUM_RED, _SUM_GREEN, _SUM_BLUE, _SUM_DEPTH = 0, 1, 2, 3, 4, 5, 6
_SUMS = 7


@inlined
def _load(
    tile_y: int,
    tile_x: int,
    transmittance: Array,
    last: Indices,
    v_color: Array,
    v_alpha: Array,
    v_depth: Array,
    state: Array,
    tile_last: Indices,
) -> int:
    """Fill a tile's state from the images; returns the largest ``last`` in it."""
    height, width = last.shape
    furthest = -1
    for y in range(min(TILE, height - tile_y)):
        for x in range(min(TILE, width - tile_x)):
            from_y, from_x = tile_y + y, tile_x + x
            state[_LEFT, y, x] = transmittance[from_y, from_x]
            state[_V_RED, y, x] = v_color[from_y, from_x, 0]
            state[_V_GREEN, y, x] = v_color[from_y, from_x, 1]
            state[_V_BLUE, y, x] = v_color[from_y, from_x, 2]
            state[_V_DEPTH, y, x] = v_depth[from_y, from_x]
            state[_V_END, y, x] = v_alpha[from_y, from_x] * transmittance[from_y, from_x]
            tile_last[y, x] = last[from_y, from_x]
            furthest = max(furthest, last[from_y, from_x])
    return furthest


@inlined
def _unblend(
    splats: Array,
    k: int,
    position: int,
    left: Scalar,
    top: Scalar,
    max_alpha: Scalar,
    state: Array,
    tile_last: Indices,
    sums: Array,
) -> None:
    """Take one Gaussian off a tile and sum its gradients by column of pixels.

    With weight w = alpha T and colour c, the image is the sum of w c; T is recovered by division. Down the
    chain, ``exponent_gradient`` is the loss's derivative by the exponent at one pixel.
    """
    dx0, dy0 = splats[k, MEAN_X] - left, splats[k, MEAN_Y] - top
    xx, xy, yy = splats[k, CONIC_XX] * HALF, splats[k, CONIC_XY], splats[k, CONIC_YY] * HALF
    opacity, red, green, blue, depth = (
        splats[k, OPACITY],
        splats[k, RED],
        splats[k, GREEN],
        splats[k, BLUE],
        splats[k, DEPTH],
    )
    sums[:] = ZERO
    y0, y1 = tile_rows(dy0, splats[k, EXTENT_Y])
    for y in range(y0, y1):
        dy = dy0 - F(y)
        constant, linear = yy * dy * dy, xy * dy
        for x in range(TILE):
            dx = dx0 - F(x)
            exponent = (xx * dx + linear) * dx + constant
            raw = opacity * exp_negative(exponent)
            alpha = min(max_alpha, raw)
            drawn = (alpha >= MIN_ALPHA) & (exponent >= ZERO) & (position <= tile_last[y, x])
            alpha = alpha if drawn else ZERO
            passed = ONE / (ONE - alpha)
            before = state[_LEFT, y, x] * passed
            state[_LEFT, y, x] = before
            weight = alpha * before
            v_red, v_green, v_blue = state[_V_RED, y, x], state[_V_GREEN, y, x], state[_V_BLUE, y, x]
            v_depth = state[_V_DEPTH, y, x]
            shade = v_red * red + v_green * green + v_blue * blue + v_depth * depth
            v_opaque = shade * before + (state[_V_END, y, x] - state[_BEHIND, y, x]) * passed
            state[_BEHIND, y, x] += weight * shade
            exponent_gradient = -raw * v_opaque if drawn & (raw <= max_alpha) else ZERO
            sums[_SUM, x] += exponent_gradient
            sums[_SUM_Y, x] += exponent_gradient * dy
            sums[_SUM_YY, x] += exponent_gradient * dy * dy
            sums[_SUM_RED, x] += weight * v_red
            sums[_SUM_GREEN, x] += weight * v_green
            sums[_SUM_BLUE, x] += weight * v_blue
            sums[_SUM_DEPTH, x] += weight * v_depth


@kernel
def _store(splats: Array, k: int, left: Scalar, sums: Array, entry: Array) -> None:
    """Turn the column sums of one Gaussian in one tile into its gradient row."""
    dx0 = splats[k, MEAN_X] - left
    total, sum_x, sum_y, sum_xx, sum_xy, sum_yy = ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
    red, green, blue, depth = ZERO, ZERO, ZERO, ZERO
    for x in range(TILE):
        dx = dx0 - F(x)
        total += sums[_SUM, x]
        sum_x += sums[_SUM, x] * dx
        sum_xx += sums[_SUM, x] * dx * dx
        sum_y += sums[_SUM_Y, x]
        sum_xy += sums[_SUM_Y, x] * dx
        sum_yy += sums[_SUM_YY, x]
        red += sums[_SUM_RED, x]
        green += sums[_SUM_GREEN, x]
        blue += sums[_SUM_BLUE, x]
        depth += sums[_SUM_DEPTH, x]
    xx, xy, yy = splats[k, CONIC_XX], splats[k, CONIC_XY], splats[k, CONIC_YY]
    entry[MEAN_X], entry[MEAN_Y] = xx * sum_x + xy * sum_y, yy * sum_y + xy * sum_x
    entry[CONIC_XX], entry[CONIC_XY], entry[CONIC_YY] = HALF * sum_xx, sum_xy, HALF * sum_yy
    entry[OPACITY] = -total / splats[k, OPACITY]
    entry[RED], entry[GREEN], entry[BLUE], entry[DEPTH] = red, green, blue, depth


@parallel_kernel
def composite_backward(
    work: Offsets,
    starts: Offsets,
    ranks: Indices,
    splats: Array,
    columns: int,
    max_alpha: Scalar,
    transmittance: Array,
    last: Indices,
    v_color: Array,
    v_alpha: Array,
    v_depth: Array,
    entries: Array,
) -> None:
    """Gradients of each tile entry. Every tile writes only its own rows, so no thread waits for another.

    Args:
        work: As in ``composite``, like the next five.
        starts: [tiles + 1]
        ranks: [entries]
        splats: [M, 11]
        columns: Tiles across.
        max_alpha: Ceiling of alpha.
        transmittance: Light left, from the forward pass. [H, W]
        last: Position of the last Gaussian drawn, from the forward pass. [H, W]
        v_color: Gradient of the loss by the image. [H, W, 3]
        v_alpha: [H, W]
        v_depth: [H, W]
        entries: Filled: gradients by mean, conic, opacity, colour, depth. [entries, 10]
    """
    for item in prange(work.shape[0]):
        tile = work[item]
        row = tile // columns
        tile_y, tile_x = row * TILE, (tile - row * columns) * TILE
        left, top = F(tile_x) + HALF, F(tile_y) + HALF
        state = np.zeros((_PLANES, TILE, TILE), F)
        tile_last = np.full((TILE, TILE), -1, np.int32)
        sums = np.empty((_SUMS, TILE), F)
        furthest = _load(tile_y, tile_x, transmittance, last, v_color, v_alpha, v_depth, state, tile_last)
        begin, end = starts[tile], starts[tile + 1]
        # Entries behind the last one drawn were never blended. That may be all of them: then furthest is
        # -1, and the rows before `begin` are another tile's.
        entries[max(furthest + 1, begin) : end] = ZERO
        for position in range(furthest, begin - 1, -1):
            k = ranks[position]
            _unblend(splats, k, position, left, top, max_alpha, state, tile_last, sums)
            _store(splats, k, left, sums, entries[position])


@kernel
def sum_entries(ranks: Indices, order: Indices, entries: Array, totals: Array) -> None:
    """Add each tile entry's row to its Gaussian, one after the other: the sum is the same every time.

    Args:
        ranks: Row in ``order`` of each entry. [entries]
        order: Gaussian of each rank. [M]
        entries: [entries, C]
        totals: Added to. [N, C]
    """
    for position in range(ranks.shape[0]):
        i = order[ranks[position]]
        for column in range(entries.shape[1]):
            totals[i, column] += entries[position, column]
