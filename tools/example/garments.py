"""Garments cut from the resting body: a striped T-shirt and jeans. The cut is wider than the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from .person import Person
    from .shapes import Mask, Shape


@dataclass(frozen=True)
class Garment:
    """A piece of clothing before it hangs.

    Args:
        name: Of the object.
        shape: Around the resting body.
        pinned: How firmly each vertex stays where the body carries it, 0..1. [V]
        values: What its material wants to know of each vertex.
        cut: The shape its cloth would like to have, around the resting body. [V, 3]
    """

    name: str
    shape: Shape
    pinned: Float
    values: dict[str, Float]
    cut: Float

    def finer(self) -> Garment:
        """Subdivided once; ``Shape.subdivided`` makes the vertices of a hanging shape match."""

        def between(values: Float) -> Float:
            return self.shape.moved(np.repeat(values[:, None], 3, axis=1)).subdivided().vertices[:, 0]

        values = {name: between(value) for name, value in self.values.items()}
        cut = self.shape.moved(self.cut).subdivided().vertices
        return Garment(self.name, self.shape.subdivided(), between(self.pinned), values, cut)


_NECK_HALF_WIDTH = 0.115  # metres: farther out the neckline's plane meets the shoulders


def _distance_to_border(shape: Shape, where: Mask) -> Float:
    """Metres to the nearest open edge among the vertices of ``where``. [V]"""
    edges = shape.border_edges()
    ends = shape.vertices[edges[where[edges].all(axis=1)]]
    spots = np.concatenate([ends[:, 0] + t * (ends[:, 1] - ends[:, 0]) for t in np.linspace(0, 1, 6)])
    return np.array([np.linalg.norm(spots - vertex, axis=1).min() for vertex in shape.vertices])


def make_shirt(person: Person, body: Shape) -> Garment:
    """A T-shirt: body and sleeves in one, cut at neck, hem and sleeves."""
    hip, neck = person.joints[joint_index("left_hip")], person.joints[joint_index("neck")]
    elbow, shoulder = (person.joints[joint_index(f"left_{name}")] for name in ("elbow", "shoulder"))
    hem, sleeve = hip[1] - 0.035, elbow[0] - 0.055
    collar, tilt = neck - np.array([0.0, 0.004, 0.0]), np.array([0.0, -1.0, -0.50]) / np.hypot(1.0, 0.50)
    shape = body.cut((0, hem, 0), (0, 1, 0)).cut((sleeve, 0, 0), (-1, 0, 0)).cut((-sleeve, 0, 0), (1, 0, 0))
    shape = shape.cut(collar, tilt, within=_NECK_HALF_WIDTH).with_even_border(20)
    points, loose = shape.vertices, _loose_shirt(shape.vertices, shoulder[0], hem)
    shape = shape.moved(points + loose[:, None] * shape.normals())
    shape = shape.smoothed(30, hold=shape.border()).smoothed(3)
    shape = shape.moved(person.rest.outside(shape.vertices, 0.45 * loose))
    x, y, _ = shape.vertices.T
    values = {
        "across": np.abs(x),
        "up": y - hem,
        "collar": _distance_to_border(shape, (np.abs(x) < 1.3 * _NECK_HALF_WIDTH) & (y > hem + 0.2)),
        "hem": np.minimum(y - hem, sleeve - np.abs(x)),
    }
    pinned = np.clip(1 - values["collar"] / 0.02, 0, 1)
    return Garment("shirt", shape, pinned, values, shape.vertices)


def _loose_shirt(points: Float, shoulder: float, hem: float) -> Float:
    """How far the cloth is from the body: close at the shoulders, wide at the waist. [V]"""
    x, y = np.abs(points[:, 0]), points[:, 1]
    torso = np.interp(y, [hem, hem + 0.2, hem + 0.35, 0.1], [0.022, 0.026, 0.014, 0.007])
    sleeve = np.interp(x, [shoulder - 0.03, shoulder + 0.05, shoulder + 0.2], [-0.002, 0.004, 0.017])
    return torso + sleeve


def make_jeans(person: Person, body: Shape) -> Garment:
    """Straight jeans from under the shirt down to the shoes."""
    hip, ankle = person.joints[joint_index("left_hip")], person.joints[joint_index("left_ankle")]
    knee = person.joints[joint_index("left_knee")]
    waist, hem = hip[1] + 0.07, ankle[1] - 0.018
    shape = body.cut((0, waist, 0), (0, -1, 0)).cut((0, hem, 0), (0, 1, 0))
    y = shape.vertices[:, 1]
    loose = np.interp(y, [hem, knee[1], hip[1] - 0.15, hip[1], waist], [0.006, 0.014, 0.012, 0.010, 0.006])
    shape = shape.moved(shape.vertices + loose[:, None] * shape.normals())
    shape = shape.moved(_straight_legs(person, shape.vertices, hip[1] - 0.12))
    ends = np.clip((ankle[1] + 0.06 - shape.vertices[:, 1]) / (ankle[1] + 0.06 - hem), 0, 1)
    shape = shape.moved(shape.vertices - np.outer(ends, [0, _OVER_SHOE, 0]))
    hem -= _OVER_SHOE
    shape = shape.smoothed(10, hold=shape.border()).smoothed(2)
    shape = shape.moved(person.rest.outside(shape.vertices, 0.004))
    # Legs a little too long, as jeans are: they break over the shoes.
    longer = shape.vertices.copy()
    longer[:, 1] -= _EXTRA_LENGTH * np.clip((knee[1] + 0.1 - longer[:, 1]) / (knee[1] - hem), 0, 1)
    values = {"height": (shape.vertices[:, 1] - hem) / (waist - hem), "hem": shape.vertices[:, 1] - hem}
    pinned = np.clip((shape.vertices[:, 1] - waist + 0.08) / 0.04, 0, 1)
    return Garment("jeans", shape, pinned, values, longer)


_LEG_RADIUS = 0.074  # metres, from the knee to the hem
_EXTRA_LENGTH, _OVER_SHOE = 0.07, 0.024


def _straight_legs(person: Person, points: Float, top: float) -> Float:
    """Widen the legs to tubes: calves and ankles do not show through jeans. [V, 3]"""
    result = points.copy()
    for side, sign in (("left", 1), ("right", -1)):
        chain = np.stack([person.joints[joint_index(f"{side}_{name}")] for name in ("ankle", "knee", "hip")])
        mine = (sign * points[:, 0] > 0) & (points[:, 1] < top)
        y = points[mine, 1]
        axis = np.stack([np.interp(y, chain[:, 1], chain[:, k]) for k in (0, 2)], axis=1)
        axis[:, 1] += np.interp(y, chain[:2, 1], [0.012, -0.012])  # the tube's axis runs behind the shin bone
        away = points[mine][:, [0, 2]] - axis
        radius = np.linalg.norm(away, axis=1)
        blend = np.clip((top - y) / 0.15, 0, 1)
        wanted = np.maximum(radius, _LEG_RADIUS)
        grown = axis + away * (1 + blend * (wanted / radius - 1))[:, None]
        result[np.flatnonzero(mine)[:, None], [0, 2]] = grown
    return result
