"""Meshes as arrays in body axes, and the few operations on them that Blender does for us."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import bmesh
import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from ...engine.avatar.axes import BLENDER_FROM_BODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...engine.avatar.arrays import Float, Int

    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Shape:
    """Polygons in body axes, metres.

    Args:
        vertices: [V, 3]
        polygons: Vertex numbers of each polygon.
    """

    vertices: Float
    polygons: list[tuple[int, ...]]

    def moved(self, vertices: Float) -> Shape:
        """The same polygons elsewhere."""
        return Shape(vertices, self.polygons)

    def kept(self, keep: Mask) -> Shape:
        """Only the polygons whose vertices are all kept. ``keep``: [V] of truth values."""
        polygons = [polygon for polygon in self.polygons if keep[list(polygon)].all()]
        used = np.zeros(len(self.vertices), bool)
        used[[v for polygon in polygons for v in polygon]] = True
        number = np.cumsum(used) - 1
        return Shape(self.vertices[used], [tuple(int(number[v]) for v in polygon) for polygon in polygons])

    def normals(self) -> Float:
        """Unit normals of the vertices. [V, 3]"""
        triangles = self.triangles()
        a, b, c = (self.vertices[triangles[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        total = np.zeros_like(self.vertices)
        for k in range(3):
            np.add.at(total, triangles[:, k], across)
        return total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-12)

    def triangles(self) -> Int:
        """Fans of the polygons. [T, 3]"""
        return np.array([(p[0], p[k], p[k + 1]) for p in self.polygons for k in range(1, len(p) - 1)])

    def _sides(self) -> tuple[Int, Int]:
        """Each edge once, sorted [E, 2], and of how many polygons it is a side [E]."""
        counts = np.array([len(p) for p in self.polygons])
        start = np.fromiter(chain.from_iterable(self.polygons), np.int64, int(counts.sum()))
        following = np.roll(start, -1)
        ends = np.cumsum(counts)
        following[ends - 1] = start[ends - counts]
        total = len(self.vertices)
        keys = np.minimum(start, following) * total + np.maximum(start, following)
        keys, times = np.unique(keys, return_counts=True)
        return np.stack([keys // total, keys % total], axis=1), times

    def edges(self) -> Int:
        """Each edge once. [E, 2]"""
        return self._sides()[0]

    def border_edges(self) -> Int:
        """Edges of one polygon only. [E, 2]"""
        edges, times = self._sides()
        return edges[times == 1]

    def border(self) -> Mask:
        """Which vertices lie on an open edge. [V] of truth values"""
        result = np.zeros(len(self.vertices), bool)
        result[self.border_edges().ravel()] = True
        return result

    def with_even_border(self, steps: int) -> Shape:
        """Straighten open edges along themselves without shortening them.

        Source: Taubin 1995: each step forward is followed by a slightly larger step back.
        """
        edges, points = self.border_edges(), self.vertices.copy()
        inside = np.unique(edges)
        for strength in (0.5, -0.53) * steps:
            total = np.zeros_like(points)
            np.add.at(total, edges[:, 0], points[edges[:, 1]])
            np.add.at(total, edges[:, 1], points[edges[:, 0]])
            points[inside] += strength * (0.5 * total - points)[inside]
        return self.moved(points)

    def smoothed(self, steps: int, strength: float = 0.5, *, hold: Mask | None = None) -> Shape:
        """Move every vertex towards its neighbours' mean; those in ``hold`` stay."""
        edges, points = self.edges(), self.vertices.copy()
        count = np.bincount(edges.ravel(), minlength=len(points))[:, None]
        free = np.ones(len(points), bool) if hold is None else ~hold
        for _ in range(steps):
            total = np.zeros_like(points)
            np.add.at(total, edges[:, 0], points[edges[:, 1]])
            np.add.at(total, edges[:, 1], points[edges[:, 0]])
            points[free] += strength * (total / np.maximum(count, 1) - points)[free]
        return self.moved(points)

    def cut(self, point: Sequence[float], normal: Sequence[float], within: float = np.inf) -> Shape:
        """Keep what is on the normal's side of a plane, with a straight edge.

        Args:
            point: On the plane. [3]
            normal: Of the plane. [3]
            within: Polygons that lie farther than this from the middle of the body are left alone, metres.
        """
        mesh = self._bmesh()
        faces = [face for face in mesh.faces if max(abs(v.co.x) for v in face.verts) < within]
        edges = {edge for face in faces for edge in face.edges}
        geometry = [*{v for face in faces for v in face.verts}, *edges, *faces]
        bmesh.ops.bisect_plane(
            mesh, geom=geometry, plane_co=Vector(point), plane_no=Vector(normal), clear_inner=True, dist=1e-5
        )
        return _from_bmesh(mesh)

    def quads(self) -> Shape:
        """Join pairs of triangles; quads subdivide into a smoother surface."""
        mesh = self._bmesh()
        bmesh.ops.join_triangles(
            mesh, faces=mesh.faces[:], angle_face_threshold=0.9, angle_shape_threshold=1.2, cmp_seam=False
        )
        return _from_bmesh(mesh)

    def subdivided(self, levels: int = 1) -> Shape:
        """Catmull-Clark subdivision."""
        return self.modified("SUBSURF", levels=levels, render_levels=levels, boundary_smooth="ALL")

    def modified(self, kind: str, **settings: Any) -> Shape:
        """What one of Blender's modifiers makes of it."""
        made = add_object("temporary", self)
        modifier = made.modifiers.new(kind, kind)
        for name, value in settings.items():
            setattr(modifier, name, value)
        result = evaluated(made)
        bpy.data.objects.remove(made)
        return result

    def _bmesh(self) -> bmesh.types.BMesh:
        mesh = bmesh.new()
        vertices = [mesh.verts.new(v) for v in self.vertices]
        for polygon in self.polygons:
            mesh.faces.new([vertices[v] for v in polygon])
        mesh.normal_update()
        return mesh


def _from_bmesh(mesh: bmesh.types.BMesh) -> Shape:
    mesh.verts.index_update()
    vertices = np.array([v.co[:] for v in mesh.verts])
    polygons = [tuple(v.index for v in face.verts) for face in mesh.faces]
    mesh.free()
    return Shape(vertices, polygons)


def add_object(name: str, shape: Shape, values: dict[str, Float] | None = None) -> bpy.types.Object:
    """Make a Blender object, in Blender's axes.

    Args:
        name: Of the object.
        shape: Its mesh.
        values: Attributes of the vertices by name: [V] numbers, [V, 3] vectors.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata((shape.vertices @ BLENDER_FROM_BODY.T).tolist(), [], shape.polygons)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    for key, value in (values or {}).items():
        kind, field_ = ("FLOAT", "value") if value.ndim == 1 else ("FLOAT_VECTOR", "vector")
        attribute = mesh.attributes.new(key, kind, "POINT")
        attribute.data.foreach_set(field_, np.ascontiguousarray(value, np.float32).ravel())
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def evaluated(made: bpy.types.Object) -> Shape:
    """The mesh of an object after its modifiers, in body axes."""
    graph = bpy.context.evaluated_depsgraph_get()
    result = made.evaluated_get(graph)
    mesh = result.to_mesh()
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    polygons = [tuple(polygon.vertices) for polygon in mesh.polygons]
    result.to_mesh_clear()
    return Shape(vertices.reshape(-1, 3).astype(np.float64) @ BLENDER_FROM_BODY, polygons)


@dataclass(frozen=True)
class Surface:
    """A triangle mesh that can be asked for its nearest point.

    Args:
        vertices: [V, 3]
        triangles: [T, 3]
    """

    vertices: Float
    triangles: Int
    _tree: BVHTree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tree = BVHTree.FromPolygons(self.vertices.tolist(), self.triangles.tolist())
        object.__setattr__(self, "_tree", tree)

    def nearest(self, points: Float) -> tuple[Float, Float, Int, Float]:
        """Nearest point, its normal, its triangle and its barycentric coordinates, for each point."""
        found = [self._tree.find_nearest(point) for point in points.tolist()]
        spots = np.array([f[0][:] for f in found])
        normals = np.array([f[1][:] for f in found])
        triangle = np.array([f[2] for f in found])
        a, b, c = (self.vertices[self.triangles[triangle, k]] for k in range(3))
        whole = np.cross(b - a, c - a)
        square = np.maximum((whole * whole).sum(axis=1), 1e-18)
        u = (np.cross(c - b, spots - b) * whole).sum(axis=1) / square
        v = (np.cross(a - c, spots - c) * whole).sum(axis=1) / square
        return spots, normals, triangle, np.stack([u, v, 1 - u - v], axis=1)

    def below(self, points: Float) -> Float:
        """Where a plumb line from each point first meets the surface. [N, 3]

        Raises:
            ValueError: If one meets nothing.
        """
        hits = [self._tree.ray_cast(point, (0.0, -1.0, 0.0))[0] for point in points.tolist()]
        if None in hits:
            raise ValueError("every point must lie above the surface")
        return np.array([hit[:] for hit in hits])

    def in_the_way(self, point: Float, way: Float, reach: float) -> bool:
        """Whether a ray meets the surface within a distance. ``point``, ``way``: [3]"""
        return self._tree.ray_cast(point, way, reach)[0] is not None

    def outside(self, points: Float, distance: Float | float) -> Float:
        """Push points out to at least a distance from the surface. [N, 3]"""
        spots, normals, _, _ = self.nearest(points)
        height = ((points - spots) * normals).sum(axis=1)
        lacking = np.maximum(distance - height, 0.0)
        return points + lacking[:, None] * normals
