"""What each Gaussian contributes to a view, and what a picture gives back to each Gaussian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from .composite import tile_rows
from .jit import HALF, MIN_ALPHA, ONE, TILE, ZERO, F, exp_negative, inlined, kernel, parallel_kernel
from .project import CONIC_XX, CONIC_XY, CONIC_YY, EXTENT_Y, MEAN_X, MEAN_Y, OPACITY

if TYPE_CHECKING:
    from .values import Array, Indices, Offsets, Scalar

# Columns of a tile entry, then of a Gaussian's total: sum of weights, sum of alphas, sum of weight times red,
# green, blue; largest weight.
WEIGHT, FOOTPRINT, FIRST_COLOR, PEAK = 0, 1, 2, 5
COLLECT_COLUMNS = 6

# Planes of a tile's state: light left in front of the current Gaussian, the picture, the mask.
_LEFT, _RED, _GREEN, _BLUE, _MASK = 0, 1, 2, 3, 4
_PLANES = 5


@inlined
def _load(
    tile_y: int, tile_x: int, last: Indices, image: Array, mask: Array, state: Array, tile_last: Indices
) -> None:
    """Fill a tile's state from the images. Pixels outside the image have mask 0."""
    height, width = last.shape
    state[_LEFT] = ONE
    for y in range(min(TILE, height - tile_y)):
        for x in range(min(TILE, width - tile_x)):
            from_y, from_x = tile_y + y, tile_x + x
            state[_RED, y, x] = image[from_y, from_x, 0]
            state[_GREEN, y, x] = image[from_y, from_x, 1]
            state[_BLUE, y, x] = image[from_y, from_x, 2]
            state[_MASK, y, x] = mask[from_y, from_x]
            tile_last[y, x] = last[from_y, from_x]


@inlined
def _gather(
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
    """Blend one Gaussian as the forward pass did, and sum by column of pixels what it meets."""
    dx0, dy0 = splats[k, MEAN_X] - left, splats[k, MEAN_Y] - top
    xx, xy, yy = splats[k, CONIC_XX] * HALF, splats[k, CONIC_XY], splats[k, CONIC_YY] * HALF
    opacity = splats[k, OPACITY]
    sums[:] = ZERO
    y0, y1 = tile_rows(dy0, splats[k, EXTENT_Y])
    for y in range(y0, y1):
        dy = dy0 - F(y)
        constant, linear = yy * dy * dy, xy * dy
        for x in range(TILE):
            dx = dx0 - F(x)
            exponent = (xx * dx + linear) * dx + constant
            alpha = min(max_alpha, opacity * exp_negative(exponent))
            alpha = alpha if (alpha >= MIN_ALPHA) & (exponent >= ZERO) else ZERO
            before = state[_LEFT, y, x]
            weight = alpha * before if position <= tile_last[y, x] else ZERO
            state[_LEFT, y, x] = before - weight
            mask = state[_MASK, y, x]
            weight = weight * mask
            sums[WEIGHT, x] += weight
            sums[FOOTPRINT, x] += alpha * mask
            sums[FIRST_COLOR, x] += weight * state[_RED, y, x]
            sums[FIRST_COLOR + 1, x] += weight * state[_GREEN, y, x]
            sums[FIRST_COLOR + 2, x] += weight * state[_BLUE, y, x]
            sums[PEAK, x] = max(sums[PEAK, x], weight)


@kernel
def _store(sums: Array, entry: Array) -> None:
    """Add up the columns of pixels."""
    for column in range(PEAK):
        total = ZERO
        for x in range(TILE):
            total += sums[column, x]
        entry[column] = total
    peak = ZERO
    for x in range(TILE):
        peak = max(peak, sums[PEAK, x])
    entry[PEAK] = peak


@parallel_kernel
def collect(
    work: Offsets,
    starts: Offsets,
    ranks: Indices,
    splats: Array,
    columns: int,
    max_alpha: Scalar,
    last: Indices,
    image: Array,
    mask: Array,
    entries: Array,
) -> None:
    """Sum weights, and weights times a picture, for each tile entry.

    Args:
        work: As in ``composite``, like the next five.
        starts: [tiles + 1]
        ranks: [entries]
        splats: [M, 11]
        columns: Tiles across.
        max_alpha: Ceiling of alpha.
        last: Position of the last Gaussian drawn, from the forward pass. [H, W]
        image: Any three channels. [H, W, 3]
        mask: Multiplies every weight, not negative. [H, W]
        entries: Filled. [entries, 6]
    """
    for item in prange(work.shape[0]):
        tile = work[item]
        row = tile // columns
        tile_y, tile_x = row * TILE, (tile - row * columns) * TILE
        left, top = F(tile_x) + HALF, F(tile_y) + HALF
        state = np.zeros((_PLANES, TILE, TILE), F)
        tile_last = np.full((TILE, TILE), -1, np.int32)
        sums = np.empty((COLLECT_COLUMNS, TILE), F)
        _load(tile_y, tile_x, last, image, mask, state, tile_last)
        for position in range(starts[tile], starts[tile + 1]):
            _gather(splats, ranks[position], position, left, top, max_alpha, state, tile_last, sums)
            _store(sums, entries[position])


@kernel
def total_collected(ranks: Indices, order: Indices, entries: Array, totals: Array) -> None:
    """Add each tile entry's sums to its Gaussian and keep its largest weight.

    Args:
        ranks: Row in ``order`` of each entry. [entries]
        order: Gaussian of each rank. [M]
        entries: [entries, 6]
        totals: Zeros, filled. [N, 6]
    """
    for position in range(ranks.shape[0]):
        i = order[ranks[position]]
        for column in range(PEAK):
            totals[i, column] += entries[position, column]
        totals[i, PEAK] = max(totals[i, PEAK], entries[position, PEAK])
