"""Trainers over the resting feet: a rounded upper, a flat rubber sole, laces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bmesh
import numpy as np

from ...engine.avatar.body import joint_index
from .shapes import Shape, Surface

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from .person import Person

SOLE_HEIGHT = 0.018  # metres under the foot
_UPPER_GAP, _SOLE_EDGE, _RIM = 0.008, 0.004, 0.009
_VOXEL = 0.004
_LACES = 6


@dataclass(frozen=True)
class Shoe:
    """One shoe around the resting foot.

    Args:
        upper: Leather.
        sole: Rubber.
        laces: Lines across the instep. [L, P, 3]
    """

    upper: Shape
    sole: Shape
    laces: Float


def make_shoe(person: Person, body: Shape, side: str) -> Shoe:
    """Build the shoe of one side."""
    ankle, ball = (person.joints[joint_index(f"{side}_{name}")] for name in ("ankle", "foot"))
    sign = np.sign(ankle[0])
    foot = body.cut((0, ankle[1] + 0.03, 0), (0, -1, 0)).cut((0, 0, 0), (sign, 0, 0))
    foot = foot.moved(foot.vertices + _UPPER_GAP * foot.normals())
    toes = _hull(foot.vertices[foot.vertices[:, 2] > ball[2] - 0.045])
    upper = _merged([_closed(foot), toes]).modified("REMESH", mode="VOXEL", voxel_size=_VOXEL).smoothed(14)
    floor = person.rest.vertices[:, 1].min()
    upper = upper.moved(np.maximum(upper.vertices, [-np.inf, floor - 0.002, -np.inf]))
    return Shoe(upper, _sole(upper.vertices, floor), _laces(upper, ankle, ball))


def _sole(upper: Float, floor: float) -> Shape:
    low = upper[upper[:, 1] < floor + 0.035]
    outline = _hull_2d(low[:, [0, 2]])
    middle = outline.mean(axis=0)
    away = outline - middle
    outline = outline + _SOLE_EDGE * away / np.linalg.norm(away, axis=1, keepdims=True)
    outline = _resampled(outline, 160)
    rings = []
    for height, inset in (
        (-SOLE_HEIGHT, 0.004),
        (-SOLE_HEIGHT + 0.003, 0.0),
        (_RIM - 0.002, 0.0),
        (_RIM, 0.003),
    ):
        away = outline - middle
        ring = outline - inset * away / np.linalg.norm(away, axis=1, keepdims=True)
        rings.append(np.stack([ring[:, 0], np.full(len(ring), floor + height), ring[:, 1]], axis=1))
    n = len(outline)
    sides = [
        (k * n + i, k * n + (i + 1) % n, (k + 1) * n + (i + 1) % n, (k + 1) * n + i)
        for k in range(len(rings) - 1)
        for i in range(n)
    ]
    caps = [tuple(range(n))[::-1], tuple(range((len(rings) - 1) * n, len(rings) * n))]
    return Shape(np.concatenate(rings), [polygon[::-1] for polygon in (*sides, *caps)])


def _laces(upper: Shape, ankle: Float, ball: Float) -> Float:
    surface = Surface(upper.vertices, upper.triangles())
    forward = (ball - ankle) * [1, 0, 1]
    forward /= np.linalg.norm(forward)
    right = np.array([forward[2], 0.0, -forward[0]])
    lines = []
    for along in np.linspace(0.055, 0.145, _LACES):
        across = np.linspace(-0.024, 0.024, 9)[:, None] * right
        above = ankle + along * forward + across + np.array([0, 0.2, 0])
        lines.append(surface.below(above) + np.array([0, 0.0015, 0]))
    return np.array(lines)


def _hull(points: Float) -> Shape:
    mesh = bmesh.new()
    for point in points:
        mesh.verts.new(point)
    made = bmesh.ops.convex_hull(mesh, input=mesh.verts[:], use_existing_faces=False)
    loose = {*made["geom_interior"], *made["geom_unused"]}
    bmesh.ops.delete(mesh, geom=[v for v in loose if isinstance(v, bmesh.types.BMVert)], context="VERTS")
    mesh.verts.index_update()
    hull = Shape(
        np.array([v.co[:] for v in mesh.verts]), [tuple(v.index for v in face.verts) for face in mesh.faces]
    )
    mesh.free()
    return hull


def _closed(shape: Shape) -> Shape:
    """Close the opening by a fan around its middle."""
    edges: dict[tuple[int, int], int] = {}
    for p in shape.polygons:
        for a, b in zip(p, (*p[1:], p[0]), strict=True):
            edges[a, b] = edges.get((a, b), 0) + 1
    open_ = [(a, b) for a, b in edges if (b, a) not in edges]
    middle = shape.vertices[[a for a, _ in open_]].mean(axis=0)
    top = len(shape.vertices)
    return Shape(np.vstack([shape.vertices, middle]), [*shape.polygons, *((b, a, top) for a, b in open_)])


def _merged(shapes: list[Shape]) -> Shape:
    offsets = np.cumsum([0, *(len(shape.vertices) for shape in shapes)])
    polygons = [
        tuple(int(v + o) for v in p)
        for shape, o in zip(shapes, offsets, strict=False)
        for p in shape.polygons
    ]
    return Shape(np.concatenate([shape.vertices for shape in shapes]), polygons)


def _hull_2d(points: Float) -> Float:
    """Counter-clockwise convex outline (Andrew 1979)."""
    order = points[np.lexsort((points[:, 1], points[:, 0]))]
    halves = []
    for run in (order, order[::-1]):
        half: list[Float] = []
        for p in run:
            while len(half) > 1:
                a, b = half[-1] - half[-2], p - half[-2]
                if a[0] * b[1] - a[1] * b[0] > 0:
                    break
                half.pop()
            half.append(p)
        halves += half[:-1]
    return np.array(halves)


def _resampled(outline: Float, count: int) -> Float:
    closed = np.vstack([outline, outline[:1]])
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.arange(count) / count * way[-1]
    points = np.stack([np.interp(at, way, closed[:, k]) for k in (0, 1)], axis=1)
    for _ in range(6):  # round the corners
        points = 0.5 * points + 0.25 * (np.roll(points, 1, axis=0) + np.roll(points, -1, axis=0))
    return points
