"""Short hair and eyebrows, strand by strand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine.avatar.axes import BLENDER_FROM_BODY
from ...engine.avatar.body import joint_index
from .noise import SEED, noise
from .shapes import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.avatar.arrays import Float
    from .person import Person
    from .shapes import Mask, Shape

_POINTS = 7  # of each strand
# Hairline: how high hair begins at a depth, from the back of the head to the front; metres, head joint at 0.
_LINE_Z = (-0.112, -0.062, -0.037, -0.017, 0.0, 0.020, 0.028, 0.036, 0.050, 0.065, 0.085, 0.11)
_LINE_Y = (-0.020, -0.010, 0.020, 0.062, 0.078, 0.078, 0.045, 0.058, 0.086, 0.102, 0.110, 0.111)
_SWEEP = np.array([0.75, 0.60, -0.55])  # where the hair on top is combed


def head_hair(person: Person, skin: Shape, count: int) -> Float:
    """Strands on the resting head. [S, P, 3]"""
    head = person.joints[joint_index("head")]
    rng = np.random.default_rng([SEED, 11])
    roots, normals = scatter(skin, lambda p: on_scalp(p - head), count, rng)
    x, y, z = (roots - head).T
    top = np.clip((y - 0.088) / 0.035, 0, 1)
    length = (0.013 + 0.018 * top + 0.016 * top * np.clip(z / 0.06, 0, 1)) * rng.uniform(0.75, 1.1, len(x))
    down = np.stack([0.25 * np.sign(x), -np.ones_like(x), -0.35 * np.ones_like(x)], axis=1)
    clump = np.stack([noise(np.round(roots / 0.006) * 0.006, 0.02, 20 + k) for k in range(3)], axis=1)
    sweep = _SWEEP + 0.45 * clump + 0.18 * rng.normal(size=roots.shape)
    comb = top[:, None] * sweep + (1 - top)[:, None] * (
        down + 0.35 * clump + 0.15 * rng.normal(size=roots.shape)
    )
    comb -= (comb * normals).sum(axis=1, keepdims=True) * normals
    lift = (0.30 + 0.50 * top)[:, None] * normals
    return _strands(roots, normals, length, lift, comb)


def eyebrows(skin: Shape, marks: Float, count: int) -> Float:
    """Strands along the eyebrow landmarks. [S, P, 3]"""
    rng = np.random.default_rng([SEED, 12])
    roots, normals, ways = [], [], []
    for inner_to_outer in (marks[[4, 3, 2, 1, 0]], marks[[5, 6, 7, 8, 9]]):
        t = rng.uniform(0, 1, count) ** 0.9
        knots = np.linspace(0, 1, 5)
        line = np.stack([np.interp(t, knots, inner_to_outer[:, k]) for k in range(3)], axis=1)
        thick = np.interp(t, [0, 0.15, 0.5, 1], [0.0035, 0.0045, 0.0038, 0.0012])
        line[:, 1] += thick * np.clip(rng.normal(size=count) * 0.55, -1, 1) + 0.002
        roots.append(line)
        way = inner_to_outer[4] - inner_to_outer[0]
        way /= np.linalg.norm(way)
        ways.append(way + np.outer(np.interp(t, [0, 0.3, 1], [0.75, 0.25, -0.2]), [0, 1, 0]))
    spots, ways = np.concatenate(roots), np.concatenate(ways)
    spots, normals, _, _ = Surface(skin.vertices, skin.triangles()).nearest(spots)
    ways = ways + 0.12 * rng.normal(size=ways.shape)
    return _strands(spots, normals, rng.uniform(0.005, 0.008, len(spots)), 0.12 * normals, ways)


def _strands(roots: Float, normals: Float, length: Float, lift: Float, comb: Float) -> Float:
    """Curves that leave along ``lift`` and bend over towards ``comb``. [S, P, 3]"""
    t = np.linspace(0, 1, _POINTS)[None, :, None]
    way = (lift[:, None] * (t - 0.38 * t**2) + comb[:, None] * (0.25 * t + 0.5 * t**2)) * length[
        :, None, None
    ]
    points = roots[:, None] + way
    height = ((points - roots[:, None]) * normals[:, None]).sum(axis=-1, keepdims=True)
    return points + np.maximum(0.0015 * t - height, 0) * normals[:, None]


def on_scalp(points: Float) -> Mask:
    """Which spots grow hair; points against the head joint. [N] of truth values"""
    edge = np.interp(points[:, 2], _LINE_Z, _LINE_Y)
    edge = edge + 0.006 * noise(points, 0.004, 13)
    return (points[:, 1] > edge) & ~((np.abs(points[:, 0]) > 0.076) & (points[:, 1] < 0.076))


def scatter(
    skin: Shape, wanted: Callable[[Float], Mask], count: int, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Random spots on the wanted part of a surface, and its normals there. [count, 3] each"""
    triangles = skin.triangles()
    corners = skin.vertices[triangles]
    inside = wanted(corners.mean(axis=1))
    triangles, corners = triangles[inside], corners[inside]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    pick = rng.choice(len(area), count, p=area / area.sum())
    spot = rng.dirichlet(np.ones(3), count)
    roots = np.einsum("nk,nkc->nc", spot, corners[pick])
    normals = np.einsum("nk,nkc->nc", spot, skin.normals()[triangles[pick]])
    return roots, normals / np.linalg.norm(normals, axis=1, keepdims=True)


def add_strands(name: str, strands: Float, radius: float) -> bpy.types.Object:
    """Make a hair object, thinning towards the tips."""
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([strands.shape[1]] * len(strands))
    points = (strands.reshape(-1, 3) @ BLENDER_FROM_BODY.T).astype(np.float32)
    curves.position_data.foreach_set("vector", points.ravel())
    width = np.tile(np.linspace(1, 0.25, strands.shape[1]), len(strands)) * radius
    attribute = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    attribute.data.foreach_set("value", width.astype(np.float32))
    made = bpy.data.objects.new(name, curves)
    bpy.context.scene.collection.objects.link(made)
    return made
