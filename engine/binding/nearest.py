"""Which point of a surface is nearest: to all nodes of a grid at once, and exactly to places beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from ..raster.jit import HALF, ZERO, exact_kernel, one_at_a_time, parallel_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from ..raster.values import Array, Indices, Scalar
    from .surface import Surface

NOBODY = -1
_LAYERS = np.float32(0.004)  # metres: an eye under its lid, by the distances of their points
_ROUNDING, _NOTHING = np.float32(1.0001), np.float32(1e-9)  # of a square, so that the guess itself is found
_BESIDE = 0.6  # of a face's longest side: how far its nearest corner may be from a place over its middle


@dataclass(frozen=True)
class Located:
    """Where places lie beside a surface.

    Args:
        point: About the nearest point of the surface. [N]
        face: The nearest face, ``NOBODY`` where the point has none or the place is far off. [N]
        corners: Barycentric weights of the face's corners. [N, 3]
        distance: To the surface, metres. [N]
    """

    point: NDArray[np.int32]
    face: NDArray[np.int32]
    corners: NDArray[np.float32]
    distance: NDArray[np.float32]


@dataclass(frozen=True)
class NearestGrid:
    """A regular grid around a surface that knows the nearest point to each of its nodes.

    Args:
        surface: The surface.
        origin: First node, metres. [3]
        step: Between nodes, metres.
        owner: Nearest point of the surface. [X, Y, Z]
        distance: To it, metres. [X, Y, Z]
        order: Points of the surface, cell by cell. [V]
        starts: Where each cell's begin. [cells + 1]
    """

    surface: Surface
    origin: NDArray[np.float32]
    step: float
    owner: NDArray[np.int32]
    distance: NDArray[np.float32]
    order: NDArray[np.int32]
    starts: NDArray[np.int32]

    @cached_property
    def exact_within(self) -> float:
        """Metres from the nearest point within which faces are looked at: a step off a face."""
        corners = self.surface.points[self.surface.faces]
        sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
        return math.hypot(self.step, _BESIDE * float(sides.max(initial=0.0)))

    def locate(self, places: Float) -> Located:
        """Nearest points and faces; exact near the surface.

        Args:
            places: Metres, finite. [N, 3]
        """
        count = len(places)
        point, face = np.empty(count, np.int32), np.empty(count, np.int32)
        corners, distance = np.zeros((count, 3), np.float32), np.empty(count, np.float32)
        surface, (ring, ring_starts) = self.surface, self.surface.rings
        with one_at_a_time:
            _locate(
                surface.points, surface.faces, surface.inlaid, surface.layered, ring, ring_starts,
                self.order, self.starts, self.origin, np.float32(self.step), np.float32(self.exact_within),
                self.owner, places, point, face, corners, distance,
            )  # fmt: skip
        return Located(point, face, corners, distance)


def nearest_grid(surface: Surface, resolution: int, margin: float) -> NearestGrid:
    """Lay a grid around a surface.

    Args:
        surface: The surface.
        resolution: Steps along the longest side.
        margin: Metres around the surface's box.
    """
    low, high = surface.points.min(axis=0) - margin, surface.points.max(axis=0) + margin
    step = float((high - low).max() / resolution)
    shape = np.ceil((high - low) / step).astype(int) + 1
    # The surface's middle is the grid's: a body as its mirror image has weights as their mirror image.
    origin = (0.5 * (low + high) - 0.5 * step * (shape - 1)).astype(np.float32)
    nodes = np.rint((surface.points - origin) / step).astype(int).clip(0, shape - 1)
    order, starts = _cell_lists(nodes, tuple(shape))
    owner, square = np.empty(shape, np.int32), np.empty(shape, np.float32)
    _nearest_to_nodes(surface.points, order, starts, origin, np.float32(step), owner, square)
    return NearestGrid(surface, origin, step, owner, np.sqrt(square), order, starts)


def _cell_lists(nodes: Int, shape: tuple[int, int, int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Sort points into the cells around the grid's nodes.

    Args:
        nodes: The nearest node of each point. [V, 3]
        shape: Nodes of the grid along each axis.

    Returns:
        Points cell by cell, and where each cell's begin. [V], [cells + 1]
    """
    cell = np.ravel_multi_index(tuple(nodes.T), shape)
    counts = np.bincount(cell, minlength=math.prod(shape))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return np.argsort(cell, kind="stable").astype(np.int32), starts.astype(np.int32)


@exact_kernel
def _square_to(points: Array, v: int, x: Scalar, y: Scalar, z: Scalar) -> Scalar:
    """Squared distance of a point of the surface from a place."""
    dx, dy, dz = points[v, 0] - x, points[v, 1] - y, points[v, 2] - z
    return dx * dx + dy * dy + dz * dz


@exact_kernel
def _nearest_to_nodes(
    points: Array, order: Indices, starts: Indices, origin: Array, step: Scalar, owner: Indices, square: Array
) -> None:
    """Nearest point of the surface to each node of a grid, all but exactly.

    Args:
        points: [V, 3]
        order: From ``_cell_lists``. [V]
        starts: From ``_cell_lists``. [cells + 1]
        origin: Of the grid's first node. [3]
        step: Between its nodes, metres.
        owner: Filled: the nearest point. [X, Y, Z]
        square: Filled: the squared distance to it. [X, Y, Z]

    Source: Danielsson 1980: nodes hand their nearest point on to their neighbours, there and back.
    """
    nx, ny, nz = owner.shape
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                owner[i, j, k] = NOBODY
                square[i, j, k] = np.float32(1e12)
                cell = (i * ny + j) * nz + k
                x, y, z = origin[0] + i * step, origin[1] + j * step, origin[2] + k * step
                for at in range(starts[cell], starts[cell + 1]):
                    far = _square_to(points, order[at], x, y, z)
                    if far < square[i, j, k]:
                        square[i, j, k], owner[i, j, k] = far, order[at]
    for sweep in range(4):
        sign = 1 if sweep % 2 == 0 else -1
        for a in range(nx):
            i = a if sign > 0 else nx - 1 - a
            x = origin[0] + i * step
            for b in range(ny):
                j = b if sign > 0 else ny - 1 - b
                y = origin[1] + j * step
                for c in range(nz):
                    k = c if sign > 0 else nz - 1 - c
                    z = origin[2] + k * step
                    mine, best = owner[i, j, k], square[i, j, k]
                    # The 13 neighbours that this sweep has passed.
                    for n in range(13):
                        ii, jj, kk = (
                            i + sign * (n // 9 - 1),
                            j + sign * (n // 3 % 3 - 1),
                            k + sign * (n % 3 - 1),
                        )
                        if ii < 0 or jj < 0 or kk < 0 or ii >= nx or jj >= ny or kk >= nz:
                            continue
                        v = owner[ii, jj, kk]
                        far = best if v == mine or v < 0 else _square_to(points, v, x, y, z)
                        if far < best:
                            mine, best = v, far
                    owner[i, j, k], square[i, j, k] = mine, best


@exact_kernel
def _nearest_points(
    points: Array, inlaid: Array, layered: Array, order: Indices, starts: Indices,
    shape: tuple[int, int, int], origin: Array, step: Scalar, x: Scalar, y: Scalar, z: Scalar, first: int,
) -> tuple[int, int]:  # fmt: skip
    """The nearest point of the surface's largest piece, and of what is inlaid, if they are about as near.

    Args:
        points: [V, 3]
        inlaid: Of the surface. [V] bool
        layered: Of the surface. [V] bool
        order: From ``_cell_lists``. [V]
        starts: From ``_cell_lists``. [cells + 1]
        shape: Nodes of the grid along each axis.
        origin: Of the grid's first node. [3]
        step: Between its nodes, metres.
        x: Of the place, metres.
        y: The same.
        z: The same.
        first: A guess: some point of the surface.

    Returns:
        Points, ``NOBODY`` where there is none near; at least one is there.
    """
    half = HALF * step
    slack = _LAYERS if layered[first] else ZERO
    reach = math.sqrt(_square_to(points, first, x, y, z)) + slack
    outer, inner = NOBODY, NOBODY
    to_outer = to_inner = reach * reach * _ROUNDING + _NOTHING
    i0, i1 = _span(x - origin[0], reach, step, shape[0])
    j0, j1 = _span(y - origin[1], reach, step, shape[1])
    k0, k1 = _span(z - origin[2], reach, step, shape[2])
    i, j, k = (i0 + i1) // 2, (j0 + j1) // 2, (k0 + k1) // 2
    middle = (i * shape[1] + j) * shape[2] + k
    cells = (i1 - i0) * (j1 - j0) * (k1 - k0)
    # The middle cell comes first: what is found there spares most of the others.
    for number in range(-1, cells):
        if number >= 0:
            i, rest = i0 + number // ((j1 - j0) * (k1 - k0)), number % ((j1 - j0) * (k1 - k0))
            j, k = j0 + rest // (k1 - k0), k0 + rest % (k1 - k0)
        cell = (i * shape[1] + j) * shape[2] + k
        if starts[cell] == starts[cell + 1] or (number >= 0 and cell == middle):
            continue
        off_x = max(abs(x - origin[0] - i * step) - half, ZERO)
        off_y = max(abs(y - origin[1] - j * step) - half, ZERO)
        off_z = max(abs(z - origin[2] - k * step) - half, ZERO)
        if off_x * off_x + off_y * off_y + off_z * off_z > max(to_outer, to_inner):
            continue
        for at in range(starts[cell], starts[cell + 1]):
            v = order[at]
            far = _square_to(points, v, x, y, z)
            if inlaid[v]:
                if far < to_inner:
                    inner, to_inner = v, far
            elif far < to_outer:
                outer, to_outer = v, far
                # Nothing inlaid that is farther off can have the nearer face.
                to_inner = min(to_inner, (math.sqrt(far) + slack) ** 2)
    return outer, inner


@exact_kernel
def _span(along: Scalar, reach: Scalar, step: Scalar, count: int) -> tuple[int, int]:
    """First and past-the-last cell of one axis within reach."""
    low = math.floor((along - reach) / step + 0.5)
    high = math.floor((along + reach) / step + 0.5) + 1
    return max(0, min(count - 1, low)), max(1, min(count, high))


@exact_kernel
def _nearest_on_faces(
    points: Array, faces: Indices, ring: Indices, ring_starts: Indices,
    x: Scalar, y: Scalar, z: Scalar, v: int, corners: Array,
) -> tuple[int, Scalar]:  # fmt: skip
    """The nearest face around the nearest point, and around the corners of the best one found so far.

    Args:
        points: [V, 3]
        faces: [F, 3]
        ring: From ``Surface.rings``. [3 F]
        ring_starts: From ``Surface.rings``. [V + 1]
        x: Of the place, metres.
        y: The same.
        z: The same.
        v: The nearest point.
        corners: Filled: barycentric weights of the face's corners. [3]

    Returns:
        The face, ``NOBODY`` if there is none, and the squared distance.
    """
    face, best = NOBODY, _square_to(points, v, x, y, z)
    if ring_starts[v] == ring_starts[v + 1]:
        return face, best
    best = np.float32(1e12)
    u = np.empty(3, np.float32)
    for corner in range(4):
        around = v if corner == 0 else faces[face, corner - 1]
        if corner > 0 and around == v:
            continue
        if corner > 0 and min(corners[0], corners[1], corners[2]) > 0.0:
            break  # it lies over the middle of the face: no other is nearer
        for at in range(ring_starts[around], ring_starts[around + 1]):
            f = ring[at]
            if f == face:
                continue
            far = _to_face(points, faces, f, x, y, z, u)
            if far < best:
                best, face = far, f
                corners[0], corners[1], corners[2] = u[0], u[1], u[2]
    return face, best


@exact_kernel
def _to_face(points: Array, faces: Indices, f: int, x: Scalar, y: Scalar, z: Scalar, u: Array) -> Scalar:
    """Squared distance to a triangle; ``u`` gets the barycentric weights of its nearest place.

    Source: Ericson 2005, Real-Time Collision Detection, section 5.1.5.
    """
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    abx, aby, abz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    acx, acy, acz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
    apx, apy, apz = x - points[a, 0], y - points[a, 1], z - points[a, 2]
    bb, bc, cc = (
        abx * abx + aby * aby + abz * abz,
        abx * acx + aby * acy + abz * acz,
        acx**2 + acy**2 + acz**2,
    )
    d1, d2 = abx * apx + aby * apy + abz * apz, acx * apx + acy * apy + acz * apz
    d3, d4, d5, d6 = d1 - bb, d2 - bc, d1 - bc, d2 - cc
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    s, t = 0.0, 0.0
    if d1 <= 0.0 and d2 <= 0.0:
        pass
    elif d3 >= 0.0 and d4 <= d3:
        s = 1.0
    elif d6 >= 0.0 and d5 <= d6:
        t = 1.0
    elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        s = d1 / (d1 - d3)
    elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        t = d2 / (d2 - d6)
    elif va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        t = (d4 - d3) / (d4 - d3 + d5 - d6)
        s = 1.0 - t
    else:
        s, t = vb / (va + vb + vc), vc / (va + vb + vc)
    u[0], u[1], u[2] = 1.0 - s - t, s, t
    dx, dy, dz = apx - s * abx - t * acx, apy - s * aby - t * acy, apz - s * abz - t * acz
    return dx * dx + dy * dy + dz * dz


@parallel_kernel
def _locate(
    points: Array, faces: Indices, inlaid: Array, layered: Array, ring: Indices, ring_starts: Indices,
    order: Indices, starts: Indices, origin: Array, step: Scalar, limit: Scalar, owner: Indices,
    places: Array, point: Indices, face: Indices, corners: Array, distance: Array,
) -> None:  # fmt: skip
    """Fill the last four arrays for all places; the others are those of the grid and its surface."""
    nx, ny, nz = owner.shape
    for n in prange(places.shape[0]):
        x, y, z = places[n, 0], places[n, 1], places[n, 2]
        i = max(0, min(nx - 1, math.floor((x - origin[0]) / step + np.float32(0.5))))
        j = max(0, min(ny - 1, math.floor((y - origin[1]) / step + np.float32(0.5))))
        k = max(0, min(nz - 1, math.floor((z - origin[2]) / step + np.float32(0.5))))
        v, f = owner[i, j, k], NOBODY
        square = _square_to(points, v, x, y, z)
        if square < limit * limit:
            outer, inner = _nearest_points(
                points, inlaid, layered, order, starts, (nx, ny, nz), origin, step, x, y, z, v
            )
            square = np.float32(1e12)
            if outer != NOBODY:
                v = outer
                f, square = _nearest_on_faces(points, faces, ring, ring_starts, x, y, z, v, corners[n])
            if inner != NOBODY:
                u = np.empty(3, np.float32)
                g, other = _nearest_on_faces(points, faces, ring, ring_starts, x, y, z, inner, u)
                if other < square:
                    v, f, square = inner, g, other
                    corners[n, 0], corners[n, 1], corners[n, 2] = u[0], u[1], u[2]
        point[n], face[n], distance[n] = v, f, math.sqrt(square)
