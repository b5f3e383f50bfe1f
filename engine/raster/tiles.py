"""Which Gaussians each 16 x 16 tile of the image must look at, and which thread takes which tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .jit import kernel

if TYPE_CHECKING:
    from .values import Indices, Offsets


@kernel
def _starts(boxes: Indices, columns: int, rows: int) -> Offsets:
    """Where each tile's list begins. [tiles + 1]"""
    starts = np.zeros(columns * rows + 1, np.int64)
    for k in range(boxes.shape[0]):
        for ty in range(boxes[k, 2], boxes[k, 3]):
            for tx in range(boxes[k, 0], boxes[k, 1]):
                starts[ty * columns + tx + 1] += 1
    for tile in range(columns * rows):
        starts[tile + 1] += starts[tile]
    return starts


@kernel
def list_tiles(boxes: Indices, columns: int, rows: int) -> tuple[Offsets, Indices]:
    """Each tile's Gaussians, nearest first.

    Two passes over the sorted Gaussians, count and fill: the lists come out sorted without sorting
    (tile, depth) pairs.

    Args:
        boxes: From ``pack``, nearest first. [M, 4]
        columns: Tiles across.
        rows: Tiles down.

    Returns:
        starts [tiles + 1] int64 and ranks int32: tile t's entries are ``ranks[starts[t]:starts[t + 1]]``,
        each a row of ``boxes``.
    """
    starts = _starts(boxes, columns, rows)
    cursor = starts[:-1].copy()
    ranks = np.empty(starts[-1], np.int32)
    for k in range(boxes.shape[0]):
        for ty in range(boxes[k, 2], boxes[k, 3]):
            for tx in range(boxes[k, 0], boxes[k, 1]):
                tile = ty * columns + tx
                ranks[cursor[tile]] = k
                cursor[tile] += 1
    return starts, ranks


def deal(starts: Offsets, threads: int) -> Offsets:
    """Order the tiles so that threads finish together.

    numba gives each thread one contiguous share of a loop, and a body fills only few tiles: fullest first,
    dealt round like cards, every share costs about the same.

    Args:
        starts: From ``list_tiles``. [tiles + 1]
        threads: Number of shares.

    Returns:
        The tiles that have entries.
    """
    counts = np.diff(starts)
    filled = np.flatnonzero(counts)
    fullest = filled[np.argsort(-counts[filled], kind="stable")]
    return np.concatenate([fullest[share::threads] for share in range(threads)])
