"""Gaussians in the world become ellipses on the image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from .ewa import along_axes, cross_square, dot, rotation, slope, to_camera, unit_quat, view_rows
from .jit import (
    CLAMP_MARGIN,
    HALF,
    LAST_LANE,
    MIN_ALPHA,
    MIN_BLUR_RATIO,
    ONE,
    SLACK,
    TILE,
    TWO,
    ZERO,
    F,
    kernel,
    parallel_kernel,
)

if TYPE_CHECKING:
    from .values import Array, Doubles, Flags, Indices, Scalar

# Columns of a splat row. The conic is the inverse of the projected covariance; extents are half the sides of
# the box outside which alpha is below MIN_ALPHA, pixels.
MEAN_X, MEAN_Y, CONIC_XX, CONIC_XY, CONIC_YY, OPACITY = 0, 1, 2, 3, 4, 5
RED, GREEN, BLUE, DEPTH, EXTENT_Y = 6, 7, 8, 9, 10
SPLAT_COLUMNS = 11
# Until the rows are packed with their colours, the first of those columns holds the horizontal extent.
EXTENT_X = RED

_LEVELS = F(255)
_PER_TILE = F(1 / TILE)
_MAX_DETERMINANT = F(1e30)  # beyond lies the end of float32; such a Gaussian is a mistake of the caller


def pack_camera(K: Array, width: int, height: int) -> Array:
    """The camera as the kernels read it.

    Args:
        K: Intrinsics, pixels. [3, 3]
        width: Pixels.
        height: Pixels.

    Returns:
        fx, fy, cx, cy, then the least and largest x / z and y / z at which slopes are taken, then width and
        height. [10]
    """
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    margin_x, margin_y = CLAMP_MARGIN * width, CLAMP_MARGIN * height
    limits = [
        -(cx + margin_x) / fx,
        (width - cx + margin_x) / fx,
        -(cy + margin_y) / fy,
        (height - cy + margin_y) / fy,
    ]
    return np.array([fx, fy, cx, cy, *limits, width, height], np.float32)


@kernel
def _precise_depth(means: Array, i: int, viewmat: Array) -> Scalar:
    """Camera z of mean i in float64: in float32 one pair in some thousand neighbours would change places."""
    x, y, z = np.float64(means[i, 0]), np.float64(means[i, 1]), np.float64(means[i, 2])
    return viewmat[2, 0] * x + viewmat[2, 1] * y + viewmat[2, 2] * z + viewmat[2, 3]


@kernel
def blur_factor(det_sharp: Scalar, det: Scalar) -> Scalar:
    """What antialiasing multiplies the opacity by."""
    return math.sqrt(max(det_sharp / det, MIN_BLUR_RATIO))


@parallel_kernel
def project(
    means: Array,
    quats: Array,
    scales: Array,
    opacities: Array,
    usable: Flags,
    viewmat: Array,
    camera: Array,
    eps2d: Scalar,
    near: Scalar,
    far: Scalar,
    antialiased: bool,
    splats: Array,
    depths: Doubles,
) -> None:
    """Project every Gaussian.

    Args:
        means: World, metres. [N, 3]
        quats: w, x, y, z, any length but zero. [N, 4]
        scales: Metres. [N, 3]
        opacities: 0..1. [N]
        usable: False for rows that must not be looked at. [N]
        viewmat: Camera from world, OpenCV axes. [4, 4]
        camera: From ``pack_camera``. [10]
        eps2d: Pixels squared.
        near: Metres.
        far: Metres.
        antialiased: Whether opacity is lowered by the blur's growth.
        splats: Filled for drawn Gaussians, colours excepted. [N, 11]
        depths: Filled: camera z in metres for drawn Gaussians, else 0. [N] float64
    """
    for i in prange(means.shape[0]):
        depths[i] = 0.0
        if not usable[i]:
            continue
        tx, ty, tz = to_camera(means, i, viewmat)
        if tz <= near or tz >= far:
            continue
        w, x, y, z, _ = unit_quat(quats, i)
        j0, j2, k1, k2 = slope(tx, ty, tz, camera)
        a, b = view_rows(j0, j2, k1, k2, viewmat)
        rot = rotation(w, x, y, z)
        s = (scales[i, 0], scales[i, 1], scales[i, 2])
        p, q = along_axes(a, rot, s), along_axes(b, rot, s)
        xx, xy, yy = dot(p, p), dot(p, q), dot(q, q)
        det_sharp = cross_square(p, q)
        det = det_sharp + eps2d * (xx + yy + eps2d)
        xx += eps2d
        yy += eps2d
        opacity = opacities[i]
        if antialiased:
            opacity *= blur_factor(det_sharp, det)
        if opacity < MIN_ALPHA or det >= _MAX_DETERMINANT:
            continue
        spread = math.sqrt(TWO * math.log(opacity * _LEVELS))
        extent_x, extent_y = spread * math.sqrt(xx) + SLACK, spread * math.sqrt(yy) + SLACK
        mean_x, mean_y = j0 * tx + camera[2], k1 * ty + camera[3]
        if mean_x + extent_x <= ZERO or mean_x - extent_x >= camera[8]:
            continue
        if mean_y + extent_y <= ZERO or mean_y - extent_y >= camera[9]:
            continue
        inverse = ONE / det
        depths[i] = _precise_depth(means, i, viewmat)
        splats[i, MEAN_X], splats[i, MEAN_Y] = mean_x, mean_y
        splats[i, CONIC_XX], splats[i, CONIC_XY], splats[i, CONIC_YY] = (
            yy * inverse,
            -xy * inverse,
            xx * inverse,
        )
        splats[i, OPACITY], splats[i, DEPTH] = opacity, tz
        splats[i, EXTENT_X], splats[i, EXTENT_Y] = extent_x, extent_y


@kernel
def _first_tile(lowest: Scalar, tiles: int) -> int:
    """The first tile that has a pixel centre at or above a coordinate, kept within 0..tiles."""
    return int(min(max(math.ceil((lowest - HALF - LAST_LANE) * _PER_TILE), ZERO), F(tiles)))


@kernel
def _end_tile(highest: Scalar, tiles: int) -> int:
    """One past the last tile that has a pixel centre at or below a coordinate, kept within 0..tiles."""
    return int(min(max(math.floor((highest - HALF) * _PER_TILE) + ONE, ZERO), F(tiles)))


@parallel_kernel
def pack(
    order: Indices, unsorted: Array, colors: Array, columns: int, rows: int, splats: Array, boxes: Indices
) -> None:
    """Copy drawn Gaussians' rows nearest first and add their colours, so that tiles read memory in order.

    Args:
        order: [M]
        unsorted: Rows from ``project``. [N, 11]
        colors: [N, 3]
        columns: Tiles across.
        rows: Tiles down.
        splats: Filled. [M, 11]
        boxes: Filled: first and end tile across, first and end tile down. [M, 4] int32
    """
    for k in prange(order.shape[0]):
        i = order[k]
        x, extent_x = unsorted[i, MEAN_X], unsorted[i, EXTENT_X]
        y, extent_y = unsorted[i, MEAN_Y], unsorted[i, EXTENT_Y]
        boxes[k, 0], boxes[k, 1] = _first_tile(x - extent_x, columns), _end_tile(x + extent_x, columns)
        boxes[k, 2], boxes[k, 3] = _first_tile(y - extent_y, rows), _end_tile(y + extent_y, rows)
        for column in range(SPLAT_COLUMNS):
            splats[k, column] = unsorted[i, column]
        splats[k, RED], splats[k, GREEN], splats[k, BLUE] = colors[i, 0], colors[i, 1], colors[i, 2]
