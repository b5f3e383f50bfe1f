"""The weights' way through the air: kernels that link, smooth, keep and read a field of weights.

Neighbouring nodes of the grid are linked as far as their nearest places on the surface belong together, so
that nothing flows from one thigh to the other, or from a hand to the thigh beside it, although they are near.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from ..raster.jit import exact_kernel, kernel, parallel_kernel

if TYPE_CHECKING:
    from ..raster.values import Array, Indices, Scalar

_APART, _TOGETHER = 0.05, 0.35  # shared weight of two places below which, from which on they are one piece
_EXACT_WITHIN, _FIELD_FROM = 0.1, 1.0  # steps from the surface over which the field takes over
_TRUST = np.float32(1e-3)  # of the surface's own weights, where no neighbour belongs to it
_ONE, _ALL = np.float32(1.0), np.float32(0.999)


@exact_kernel
def _linked(joints: Indices, weights: Array, core: Array, a: int, b: int) -> Scalar:
    """0 to 1: how much two points of the surface belong together."""
    core_share = core[a] * core[b]
    if a == b or core_share > _ALL:
        return _ONE
    shared = np.float32(0.0)
    for m in range(joints.shape[1]):
        if weights[a, m] <= 0.0:  # the strongest come first
            break
        for n in range(joints.shape[1]):
            if joints[b, n] == joints[a, m]:
                shared += min(weights[a, m], weights[b, n])
                break
    t = min(max((shared - _APART) / (_TOGETHER - _APART), 0.0), 1.0)
    return np.float32(max(core_share, t * t * (3.0 - 2.0 * t)))


@parallel_kernel
def link(
    joints: Indices, weights: Array, core: Array, owner: Indices, active: Array, fixed: Array,
    links: Array, keep: Array, inverse: Array,
) -> None:  # fmt: skip
    """Link each node with its next neighbour along each axis.

    Args:
        joints: Of the surface. [V, K]
        weights: Of the surface. [V, K]
        core: Share of each point of the surface that is trunk or head: those are always linked. [V]
        owner: Nearest point of the surface. [X, Y, Z]
        active: Nodes that take part. [X, Y, Z] bool
        fixed: Nodes that keep their weights. [X, Y, Z] bool
        links: Filled: to the node before along x, y, z. [3, X, Y, Z]
        keep: Filled: 1 for nodes that stay as they are, else 0. [X, Y, Z]
        inverse: Filled: one over the sum of a node's links, 0 for nodes that stay. [X, Y, Z]
    """
    nx, ny, nz = owner.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                for axis in range(3):
                    ii, jj, kk = i - (axis == 0), j - (axis == 1), k - (axis == 2)
                    links[axis, i, j, k] = 0.0
                    if ii >= 0 and jj >= 0 and kk >= 0 and active[i, j, k] and active[ii, jj, kk]:
                        links[axis, i, j, k] = _linked(
                            joints, weights, core, owner[i, j, k], owner[ii, jj, kk]
                        )
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                total = links[0, i, j, k] + links[1, i, j, k] + links[2, i, j, k]
                if i + 1 < nx:
                    total += links[0, i + 1, j, k]
                if j + 1 < ny:
                    total += links[1, i, j + 1, k]
                if k + 1 < nz:
                    total += links[2, i, j, k + 1]
                stays = fixed[i, j, k] or not active[i, j, k] or total < 0.01
                keep[i, j, k] = 1.0 if stays else 0.0
                inverse[i, j, k] = 0.0 if stays else 1.0 / total


@exact_kernel
def boxes(joints: Indices, weights: Array, owner: Indices, active: Array, found: Indices) -> None:
    """First and last node of each joint's weights along each axis.

    Args:
        joints: Of the surface. [V, K]
        weights: Of the surface. [V, K]
        owner: Nearest point of the surface. [X, Y, Z]
        active: Nodes that take part. [X, Y, Z] bool
        found: Filled; the last before the first where a joint has none. [J, 3, 2]
    """
    found[:, :, 0] = 1 << 30
    found[:, :, 1] = -1
    nx, ny, nz = owner.shape
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                if not active[i, j, k]:
                    continue
                v = owner[i, j, k]
                for m in range(joints.shape[1]):
                    if weights[v, m] <= 0.0:
                        break
                    box = found[joints[v, m]]
                    box[0, 0], box[0, 1] = min(box[0, 0], i), max(box[0, 1], i)
                    box[1, 0], box[1, 1] = min(box[1, 0], j), max(box[1, 1], j)
                    box[2, 0], box[2, 1] = min(box[2, 0], k), max(box[2, 1], k)


@kernel
def smooth(
    joint: int, joints: Indices, weights: Array, owner: Indices, active: Array, low: Indices,
    links: Array, keep: Array, inverse: Array, iterations: int, one: Array, two: Array,
) -> None:  # fmt: skip
    """Smooth one joint's weights over the part of the grid that they may reach.

    Args:
        joint: Which.
        joints: Of the surface. [V, K]
        weights: Of the surface. [V, K]
        owner: Nearest point of the surface. [X, Y, Z]
        active: Nodes that take part. [X, Y, Z] bool
        low: First node of the part. [3]
        links: From ``link``. [3, X, Y, Z]
        keep: From ``link``. [X, Y, Z]
        inverse: From ``link``. [X, Y, Z]
        iterations: Even.
        one: Filled with the part's weights, with an empty node around. [x + 2, y + 2, z + 2]
        two: Room as large.

    Source: Jacobi's method for Laplace's equation, begun from the nearest point's weights and not finished.
    """
    nx, ny, nz = one.shape[0] - 2, one.shape[1] - 2, one.shape[2] - 2
    x0, y0, z0 = low[0], low[1], low[2]
    one[:] = 0.0
    two[:] = 0.0
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                if active[x0 + i, y0 + j, z0 + k]:
                    v = owner[x0 + i, y0 + j, z0 + k]
                    for m in range(joints.shape[1]):
                        if joints[v, m] == joint:
                            one[i + 1, j + 1, k + 1] += weights[v, m]
    for _ in range(iterations // 2):
        _step(x0, y0, z0, links, keep, inverse, one, two)
        _step(x0, y0, z0, links, keep, inverse, two, one)


@kernel
def _step(
    x0: int, y0: int, z0: int, links: Array, keep: Array, inverse: Array, old: Array, new: Array
) -> None:
    """One iteration: each free node becomes the mean of its neighbours, as far as they are linked."""
    nx, ny, nz = old.shape[0] - 2, old.shape[1] - 2, old.shape[2] - 2
    last_x, last_y = links.shape[1] - 1, links.shape[2] - 1
    for i in range(nx):
        for j in range(ny):
            x, y = x0 + i, y0 + j
            before, along, across = links[0, x, y], links[1, x, y], links[2, x, y]
            # Past the grid's last node there is nothing: what is read there meets an empty node.
            after, beside = links[0, min(x + 1, last_x), y], links[1, x, min(y + 1, last_y)]
            kept, share = keep[x, y], inverse[x, y]
            middle, out = old[i + 1, j + 1], new[i + 1, j + 1]
            left, right = old[i, j + 1], old[i + 2, j + 1]
            below, above = old[i + 1, j], old[i + 1, j + 2]
            for k in range(nz):
                z = z0 + k
                onward = across[min(z + 1, across.shape[0] - 1)]
                total = (
                    before[z] * left[k + 1] + after[z] * right[k + 1] + along[z] * below[k + 1]
                    + beside[z] * above[k + 1] + across[z] * middle[k] + onward * middle[k + 2]
                )  # fmt: skip
                out[k + 1] = kept[z] * middle[k + 1] + share[z] * total


@exact_kernel
def keep_strongest(
    joint: int, low: Indices, values: Array, row: Indices, kept_joints: Indices, kept: Array
) -> None:
    """Put one joint's weights among the strongest of each node.

    Args:
        joint: Which.
        low: First node of the part. [3]
        values: From ``smooth``. [x + 2, y + 2, z + 2]
        row: Row of each node that takes part, else -1. [X, Y, Z]
        kept_joints: Strongest first. [R, K]
        kept: Their weights. [R, K]
    """
    count = kept.shape[1]
    for i in range(values.shape[0] - 2):
        for j in range(values.shape[1] - 2):
            for k in range(values.shape[2] - 2):
                r, value = row[low[0] + i, low[1] + j, low[2] + k], values[i + 1, j + 1, k + 1]
                if r < 0 or value <= kept[r, count - 1]:
                    continue
                at = count - 1
                while at > 0 and kept[r, at - 1] < value:
                    kept[r, at], kept_joints[r, at] = kept[r, at - 1], kept_joints[r, at - 1]
                    at -= 1
                kept[r, at], kept_joints[r, at] = value, joint


@parallel_kernel
def read(
    joints: Indices, weights: Array, core: Array, faces: Indices, points: Array, owner: Indices,
    row: Indices, kept_joints: Indices, kept: Array, origin: Array, step: Scalar, reach: Scalar,
    places: Array, point: Indices, face: Indices, corners: Array, distance: Array, out: Array,
) -> None:  # fmt: skip
    """Weights at any places: the surface's own on it, the field's beyond, a smooth change between.

    Args:
        joints: Of the surface. [V, K]
        weights: Of the surface. [V, K]
        core: Share of each point of the surface that is trunk or head. [V]
        faces: Of the surface. [F, 3]
        points: Of the surface. [V, 3]
        owner: Nearest point of the surface. [X, Y, Z]
        row: Row of each node that takes part, else -1. [X, Y, Z]
        kept_joints: Of the nodes. [R, K]
        kept: Rows sum to one. [R, K]
        origin: Of the grid's first node. [3]
        step: Metres.
        reach: Metres from the surface that the field goes; farther places are drawn in.
        places: Metres. [N, 3]
        point: From ``NearestGrid.locate``. [N]
        face: The same. [N]
        corners: The same. [N, 3]
        distance: The same. [N]
        out: Filled; rows sum to one. [N, J]
    """
    nx, ny, nz = owner.shape
    for n in prange(places.shape[0]):
        v = point[n]
        out[n, :] = 0.0
        # The surface's own weights.
        for corner in range(3 if face[n] >= 0 else 1):
            at = faces[face[n], corner] if face[n] >= 0 else v
            share = corners[n, corner] if face[n] >= 0 else _ONE
            for m in range(joints.shape[1]):
                out[n, joints[at, m]] += share * weights[at, m]
        t = (distance[n] / step - np.float32(_EXACT_WITHIN)) / np.float32(_FIELD_FROM - _EXACT_WITHIN)
        t = min(max(t, np.float32(0.0)), _ONE)
        t = t * t * (np.float32(3.0) - np.float32(2.0) * t)
        if t <= 0.0:
            continue
        in_reach = min(_ONE, reach / max(distance[n], np.float32(1e-9)))
        x = (points[v, 0] + (places[n, 0] - points[v, 0]) * in_reach - origin[0]) / step
        y = (points[v, 1] + (places[n, 1] - points[v, 1]) * in_reach - origin[1]) / step
        z = (points[v, 2] + (places[n, 2] - points[v, 2]) * in_reach - origin[2]) / step
        i = max(0, min(nx - 2, math.floor(x)))
        j = max(0, min(ny - 2, math.floor(y)))
        k = max(0, min(nz - 2, math.floor(z)))
        x, y, z = x - i, y - j, z - k
        shares = np.zeros(8, np.float32)
        total = _TRUST
        for corner in range(8):
            a, b, c = corner >> 2, corner >> 1 & 1, corner & 1
            if row[i + a, j + b, k + c] < 0:
                continue
            near = (x if a else _ONE - x) * (y if b else _ONE - y) * (z if c else _ONE - z)
            shares[corner] = near * _linked(joints, weights, core, v, owner[i + a, j + b, k + c])
            total += shares[corner]
        own = _ONE - t * (_ONE - _TRUST / total)
        for m in range(out.shape[1]):
            out[n, m] *= own
        for corner in range(8):
            if shares[corner] > 0.0:
                r = row[i + (corner >> 2), j + (corner >> 1 & 1), k + (corner & 1)]
                for m in range(kept.shape[1]):
                    out[n, kept_joints[r, m]] += t * shares[corner] / total * kept[r, m]
