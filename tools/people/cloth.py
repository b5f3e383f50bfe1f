"""Tools to cut cloth: solids around the posed body are merged, smoothed, cut open and folded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bmesh
import numpy as np
from mathutils import Vector

from ..example.noise import SEED
from ..example.shapes import Shape, Surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.avatar.arrays import Float
    from ..example.shapes import Mask


def to_bmesh(shape: Shape) -> bmesh.types.BMesh:
    """A shape for Blender's mesh operations; the caller frees it."""
    mesh = bmesh.new()
    vertices = [mesh.verts.new(v) for v in shape.vertices]
    for polygon in shape.polygons:
        mesh.faces.new([vertices[v] for v in polygon])
    mesh.normal_update()
    mesh.faces.index_update()
    return mesh


def from_bmesh(mesh: bmesh.types.BMesh) -> Shape:
    """Back to arrays; frees the mesh."""
    mesh.verts.index_update()
    vertices = np.array([v.co[:] for v in mesh.verts]).reshape(-1, 3)
    shape = Shape(vertices, [tuple(v.index for v in face.verts) for face in mesh.faces])
    mesh.free()
    return shape


def middles(shape: Shape) -> Float:
    """Mean of each polygon's vertices. [P, 3]"""
    count = np.array([len(p) for p in shape.polygons])
    flat = shape.vertices[np.concatenate([np.array(p) for p in shape.polygons])]
    return np.add.reduceat(flat, np.concatenate([[0], np.cumsum(count)[:-1]]), axis=0) / count[:, None]


def sliced(
    shape: Shape,
    point: Sequence[float],
    normal: Sequence[float],
    where: Mask | None = None,
    *,
    clear: bool = True,
) -> Shape:
    """Cut along a plane and keep what is on the normal's side.

    Args:
        shape: To be cut.
        point: On the plane. [3]
        normal: [3]
        where: Only these polygons are touched. [P] of truth values
        clear: Whether to remove the other side.
    """
    mesh = to_bmesh(shape)
    faces = mesh.faces[:] if where is None else [f for f in mesh.faces if where[f.index]]
    geometry = [*{v for f in faces for v in f.verts}, *{e for f in faces for e in f.edges}, *faces]
    bmesh.ops.bisect_plane(
        mesh, geom=geometry, plane_co=Vector(point), plane_no=Vector(normal), clear_inner=clear, dist=1e-5
    )
    return from_bmesh(mesh)


def filled(shape: Shape) -> Shape:
    """Close every opening."""
    mesh = to_bmesh(shape)
    bmesh.ops.holes_fill(mesh, edges=[e for e in mesh.edges if e.is_boundary], sides=0)
    return from_bmesh(mesh)


def biggest(shape: Shape) -> Shape:
    """The connected piece with the most vertices."""
    label = np.arange(len(shape.vertices))
    edges = shape.edges()
    while True:
        low = label.copy()
        np.minimum.at(low, edges[:, 0], label[edges[:, 1]])
        np.minimum.at(low, edges[:, 1], label[edges[:, 0]])
        low = low[low]
        if (low == label).all():
            return shape.kept(label == np.bincount(label).argmax())
        label = low


def merged(shapes: Sequence[Shape]) -> Shape:
    """Several shapes as one, not joined."""
    offsets = np.cumsum([0, *(len(shape.vertices) for shape in shapes)])
    polygons = [
        tuple(int(v + o) for v in p)
        for shape, o in zip(shapes, offsets, strict=False)
        for p in shape.polygons
    ]
    return Shape(np.concatenate([shape.vertices for shape in shapes]), polygons)


def lofted(rings: Float, *, capped: bool = True, closed: bool = True) -> Shape:
    """A skin over rings of points, the first on top. ``rings``: [R, N, 3]"""
    count, n = rings.shape[:2]
    steps = n if closed else n - 1
    sides = [
        (k * n + i, (k + 1) * n + i, (k + 1) * n + (i + 1) % n, k * n + (i + 1) % n)
        for k in range(count - 1)
        for i in range(steps)
    ]
    caps = [tuple(range(n)), tuple(range((count - 1) * n, count * n))[::-1]] if capped else []
    return Shape(rings.reshape(-1, 3), [*sides, *caps])


def ring_torus(middle: Float, across: float, deep: float, thick: float, tilt: float) -> Shape:
    """A closed ring round the neck: half axes, thickness, and how much it drops to the front, metres."""
    turn, tube = np.linspace(0, 2 * np.pi, 48, endpoint=False), np.linspace(0, 2 * np.pi, 14, endpoint=False)
    away = np.stack([np.sin(turn), np.zeros_like(turn), np.cos(turn)], axis=1)
    line = middle + away * [across, 0, deep] - np.outer(np.cos(turn), [0, tilt, 0])
    rings = line[:, None] + thick * (
        np.cos(tube)[None, :, None] * away[:, None] + np.sin(tube)[None, :, None] * np.array([0, 1.0, 0])
    )
    n, total = len(tube), len(tube) * len(turn)
    shape = lofted(rings, capped=False)
    last = [((47 * n + i), i, (i + 1) % n, 47 * n + (i + 1) % n) for i in range(n)]
    return Shape(shape.vertices, [tuple(v % total for v in p) for p in (*shape.polygons, *last)])


ANGLES = np.linspace(0, 2 * np.pi, 96, endpoint=False)


def outline_radius(points: Float, middle: Float) -> Float:
    """Distance from a middle to the convex outline of points, by angle from +z towards +x. [96]

    Args:
        points: x and z. [N, 2]
        middle: x and z. [2]
    """
    ways = np.stack([np.sin(ANGLES), np.cos(ANGLES)], axis=1)
    support = ((points - middle) @ ways.T).max(axis=0)
    cosine = np.cos(ANGLES[:, None] - ANGLES[None])
    reach = np.where(cosine > 0.05, support[None] / np.maximum(cosine, 0.05), np.inf)
    return reach.min(axis=1)


@dataclass(frozen=True)
class Drop:
    """How a tube of cloth hangs: looseness by height, and what it may do on the way down.

    Args:
        loose: At the top and at the hem, metres.
        flare: Metres outwards per metre down, at least; negative lets the cloth fall inwards.
        least: Radius, metres.
    """

    loose: tuple[float, float]
    flare: float
    least: float = 0.0


def hanging_tube(points: Float, middle: Float, top: float, hem: float, drop: Drop) -> Shape:
    """A closed tube that hangs around points from a height down to another.

    Args:
        points: Of the body inside. [N, 3]
        middle: Axis, x and z, at the top and at the hem. [2, 2]
        top: Metres.
        hem: Metres.
        drop: How it hangs.
    """
    heights = np.linspace(top, hem, max(4, int((top - hem) / 0.02)))
    rings, above = [], np.zeros(len(ANGLES))
    for k, y in enumerate(heights):
        t = k / (len(heights) - 1)
        centre = middle[0] + t * (middle[1] - middle[0])
        near = points[np.abs(points[:, 1] - y) < 0.022][:, [0, 2]]
        radius = outline_radius(near, centre) if len(near) > 8 else np.zeros(len(ANGLES))
        radius = np.maximum(radius + drop.loose[0] + t * (drop.loose[1] - drop.loose[0]), drop.least)
        step = heights[0] - heights[1]
        above = np.maximum(radius, above + drop.flare * step) if k else radius
        ring = np.stack([np.sin(ANGLES) * above, np.cos(ANGLES) * above], axis=1) + centre
        rings.append(np.stack([ring[:, 0], np.full(len(ring), y), ring[:, 1]], axis=1))
    return lofted(np.array(rings))


def even_weights(shape: Shape, weights: Float, steps: int) -> Float:
    """Smooth weights along the cloth. [V, J]"""
    edges = shape.edges()
    both = np.concatenate([edges, edges[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    rows, starts, count = np.unique(both[:, 0], return_index=True, return_counts=True)
    used = np.flatnonzero(weights.max(axis=0) > 1e-4)
    few = weights[:, used].astype(np.float32)
    for _ in range(steps):
        total = np.add.reduceat(few[both[:, 1]], starts, axis=0)
        few[rows] = 0.4 * few[rows] + 0.6 * total / count[:, None]
    result = np.zeros_like(weights)
    result[:, used] = few
    return result


def ridged(points: Float, size: float, stream: int, seed: int) -> Float:
    """Noise with sharp ridges, -1..1, as cloth folds. [N]"""
    rng = np.random.default_rng([SEED, stream, seed])
    ways = rng.normal(size=(3, 24)) / size
    wave = np.cos(points @ ways + rng.uniform(0, 2 * np.pi, 24)).sum(axis=1) / np.sqrt(12.0)
    return 1 - 2 * np.minimum(np.abs(wave) * 0.9, 1.2)


_REACH = 0.22  # metres: cloth farther away covers nothing


def hidden(points: Float, normals: Float, covers: Sequence[Surface], sunk: float = 0.0) -> Mask:
    """Which spots lie so deep under covers that no look from outside meets them.

    Args:
        points: [N, 3]
        normals: Outwards. [N, 3]
        covers: Single layers around them.
        sunk: Spots that poke out of a cover by less than this, metres, are under it too.

    Returns:
        [N] of truth values
    """
    side = np.cross(normals, np.where(np.abs(normals[:, 1:2]) > 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    other = np.cross(normals, side)
    result = np.ones(len(points), bool)
    for way in (
        normals,
        normals + 1.1 * side,
        normals - 1.1 * side,
        normals + 1.1 * other,
        normals - 1.1 * other,
    ):
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        met = np.zeros(len(points), bool)
        for k in np.flatnonzero(result):
            start = points[k] + 1e-4 * way[k] - sunk * normals[k]
            met[k] = any(cover.in_the_way(start, way[k], _REACH) for cover in covers)
        result &= met
    return result


def joined(shapes: Sequence[Shape], voxel: float, steps: int) -> Shape:
    """One even, smooth skin around closed shapes that overlap."""
    return merged(shapes).modified("REMESH", mode="VOXEL", voxel_size=voxel).smoothed(steps)


def surface_of(shape: Shape) -> Surface:
    """A shape that can be asked for nearest points."""
    return Surface(shape.vertices, shape.triangles())
