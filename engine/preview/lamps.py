"""Lights as the shading reads them: each is one or more bare points, or directions, that add up.

The factors are Blender's: what Cycles shows of a matte surface, direct light only.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt, tan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .values import Doubles, Lamp

# How a point's light falls off.
DIRECTION, POINT, SPOT, AREA = range(4)

MANY = 16  # points that stand for a large light
_SMALL = 0.03  # radians: a smaller light is one point, its shadow sharp
_GOLDEN = pi * (3 - sqrt(5))  # the angle that spreads points evenly over a disk


class Ray(NamedTuple):
    """One point of a light.

    Args:
        kind: DIRECTION, POINT, SPOT or AREA.
        place: Where it is, or for a DIRECTION the unit vector towards it. [3]
        axis: Unit vector along which it shines. [3]
        power: Light that a white matte surface gives off when lit squarely, at one metre. [3]
        spot: Cosine of a cone's half angle, and the width of its soft edge in the same measure. [2]
        shadow: Whether it casts shadows.
    """

    kind: int
    place: Doubles
    axis: Doubles
    power: Doubles
    spot: tuple[float, float]
    shadow: bool


def rays_of(lamp: Lamp, middle: Doubles) -> list[Ray]:
    """The points of a light.

    Args:
        lamp: The light.
        middle: What is looked at: a light that is small from there becomes a single point. World. [3]
    """
    turn, place = _axes(lamp.matrix), lamp.matrix[:3, 3]
    axis = -turn[:, 2]
    if lamp.kind == "SUN":
        count = MANY if lamp.size[0] > _SMALL else 1
        slope = tan(min(lamp.size[0], 3.0) / 2)
        towards = [-axis + slope * (turn[:, :2] @ point) for point in _disk(count)]
        power = lamp.color / (pi * count)
        return [
            Ray(DIRECTION, way / np.linalg.norm(way), axis, power, (0, 0), lamp.shadow) for way in towards
        ]
    distance = max(float(np.linalg.norm(middle - place)), 1e-6)
    count = MANY if max(lamp.size) / distance > _SMALL else 1
    half = np.array(lamp.size) / 2
    points = _disk(count) if lamp.round or lamp.kind != "AREA" else _square(count)
    across = turn[:, :2] if lamp.kind == "AREA" else _facing(middle - place)
    places = [place + across @ (half * point) for point in points]
    kind = {"POINT": POINT, "SPOT": SPOT, "AREA": AREA}[lamp.kind]
    power = lamp.color / ((pi if kind == AREA else 4 * pi) * pi * count)
    return [Ray(kind, spot, axis, power, _cone(lamp), lamp.shadow) for spot in places]


def _axes(matrix: Doubles) -> Doubles:
    """The unit axes of a lamp, its scale left out. [3, 3]"""
    linear = matrix[:3, :3]
    return linear / np.maximum(np.linalg.norm(linear, axis=0), 1e-12)


def _facing(direction: Doubles) -> Doubles:
    """Two unit vectors across a direction. [3, 2]"""
    _, _, rows = np.linalg.svd(direction[None])
    return rows[1:].T


def _disk(count: int) -> Iterator[Doubles]:
    """Points spread over the unit disk; one is its centre."""
    for k in range(count):
        radius = sqrt((k + 0.5) / count) if count > 1 else 0.0
        yield radius * np.array([cos(k * _GOLDEN), sin(k * _GOLDEN)])


def _square(count: int) -> Iterator[Doubles]:
    """Points spread over the square from -1 to 1; one is its centre."""
    for k in range(count):
        # Source: Roberts 2018, the R2 sequence.
        yield 2 * ((np.array([0.7548776662, 0.5698402910]) * k + 0.5) % 1) - 1


def _cone(lamp: Lamp) -> tuple[float, float]:
    """A spot's cosine, and the smooth part of its edge as Cycles has it."""
    edge = cos(lamp.spot[0] / 2)
    return edge, (1 - edge) * lamp.spot[1]
