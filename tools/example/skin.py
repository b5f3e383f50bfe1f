"""Skin that shows, with its colours, and the eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .hair import on_scalp
from .noise import noise
from .shapes import Shape

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from .person import Person


@dataclass(frozen=True)
class Complexion:
    """Colours of a skin and what grows on it, linear RGB.

    Args:
        base: Of the skin.
        red: Where blood shows: cheeks, nose, knuckles.
        lips: Of the lips.
        shadow: Of the lids and of shaven hair.
        scalp: Where hair grows: its roots show through.
        iris: Of the eyes.
        beard: How much of a shaven beard shows, 0..1.
    """

    base: tuple[float, float, float] = (0.50, 0.285, 0.20)
    red: tuple[float, float, float] = (0.50, 0.19, 0.145)
    lips: tuple[float, float, float] = (0.36, 0.135, 0.115)
    shadow: tuple[float, float, float] = (0.30, 0.175, 0.13)
    scalp: tuple[float, float, float] = (0.075, 0.045, 0.032)
    iris: tuple[float, float, float] = (0.085, 0.055, 0.03)
    beard: float = 0.42


LIGHT = Complexion()
_WHITE = np.array([0.44, 0.40, 0.375])
_IRIS_RADIUS, _PUPIL_RADIUS = 0.0065, 0.0027


def visible_skin(person: Person, body: Shape) -> Shape:
    """Head, neck, arms and hands; what clothes hide is left out, so that it cannot poke through."""
    points = body.vertices
    weights = person.weights_at(points)
    eyes = weights[:, [joint_index("left_eye"), joint_index("right_eye")]].sum(axis=1) > 0.5
    neck, elbow = person.joints[joint_index("neck")], person.joints[joint_index("left_elbow")]
    keep = (points[:, 1] > neck[1] - 0.11) & (np.abs(points[:, 0]) < 0.14)
    keep |= np.abs(points[:, 0]) > elbow[0] - 0.13
    return body.kept(keep & ~eyes)


def skin_colors(
    person: Person, points: Float, marks: Float, look: Complexion = LIGHT, head_size: float = 1.0
) -> Float:
    """Colour of each spot of the resting skin, linear RGB. [V, 3]

    Args:
        person: Whose skin.
        points: [V, 3]
        marks: The 51 face landmarks. [51, 3]
        look: The colours.
        head_size: Against the head that the hairline was drawn for.
    """
    colors = np.tile(look.base, (len(points), 1))
    colors *= (1 + 0.10 * noise(points, 0.05, 1) + 0.06 * noise(points, 0.012, 2))[:, None]
    _mix(colors, look.red, 0.30 * np.clip(noise(points, 0.03, 3) + 0.2, 0, 1))
    nose, chin = marks[13], marks[39] - np.array([0, 0.03, 0])
    cheek, ear = np.array([0.042, -0.008, -0.03]), np.array([0.085, 0.03, -0.12])
    spots = [(nose, 0.016, 0.35), (chin, 0.02, 0.2)]
    for mirror in ([1, 1, 1], [-1, 1, 1]):
        spots += [(nose + cheek * mirror, 0.022, 0.45), (nose + ear * mirror, 0.03, 0.4)]
    for spot, size, much in spots:
        _mix(colors, look.red, much * _blob(points, spot, size))
    for name in ("index1", "middle1", "ring1", "pinky1", "index3", "middle3", "ring3", "pinky3", "thumb3"):
        for side in ("left", "right"):
            _mix(colors, look.red, 0.4 * _blob(points, person.joints[joint_index(f"{side}_{name}")], 0.014))
    _paint_face(colors, points, marks, look)
    scalp = on_scalp((points - person.joints[joint_index("head")]) / head_size)
    _mix(colors, look.scalp, 0.8 * scalp)
    return np.clip(colors, 0, 1)


def _paint_face(colors: Float, points: Float, marks: Float, look: Complexion) -> None:
    front = points[:, 2] > marks[:, 2].min() - 0.02
    mouth = 0.5 * (marks[31] + marks[37])
    # A day's growth of beard: darker on chin, jaw and upper lip.
    _, y, z = (points - mouth).T
    beard = (
        np.clip((0.022 - y) / 0.02, 0, 1)
        * np.clip((y + 0.085) / 0.03, 0, 1)
        * np.clip((z + 0.085) / 0.04, 0, 1)
    )
    _mix(colors, look.shadow, look.beard * beard * front * (1 + 0.5 * noise(points, 0.004, 4)))
    for inner, outer in ((marks[4], marks[0]), (marks[5], marks[9])):
        for t in np.linspace(0, 1, 12):  # under the hairs of the eyebrows
            _mix(colors, look.shadow, 0.35 * _blob(points, inner + t * (outer - inner), 0.0045))
    for corners in (slice(19, 25), slice(25, 31)):
        eye = marks[corners].mean(axis=0)
        a, b = (points[:, 0] - eye[0]) / 0.0205, (points[:, 1] - eye[1]) / 0.0095
        ring = np.exp(-(((np.hypot(a, b) - 0.85) / 0.22) ** 2)) * np.where(b > 0, 1.0, 0.55)
        _mix(colors, 0.35 * np.array(look.shadow), 0.9 * ring * front)
    lips = _lips(points, marks) * front
    _mix(colors, look.lips, 0.85 * lips)


def _lips(points: Float, marks: Float) -> Float:
    """How much of a spot is lip, 0..1. [V]"""
    mouth = 0.5 * (marks[31] + marks[37])
    half = 0.5 * (marks[37, 0] - marks[31, 0]) * 1.02
    x, y = (points[:, 0] - mouth[0]) / half, points[:, 1] - mouth[1]
    x = np.clip(np.abs(x), 0, 1.2)
    bow = 0.0088 * np.sqrt(np.clip(1 - x**1.6, 0, 1)) * (1 - 0.14 * np.exp(-((x / 0.16) ** 2)))
    low = -0.0100 * np.sqrt(np.clip(1 - x**2, 0, 1))
    edge = np.minimum(bow - y, y - low)
    return np.clip(edge / 0.002 + 0.3, 0, 1) * (x < 1)


def make_eye(person: Person, side: str, look: Complexion = LIGHT) -> tuple[Shape, Float]:
    """An eyeball around the resting eye joint's own, looking ahead, and its colours. [V, 3]"""
    weights = person.weights[:, joint_index(f"{side}_eye")] > 0.5
    own = person.rest.vertices[weights]
    centre = 0.5 * (own.min(axis=0) + own.max(axis=0))
    radius = 0.5 * float(np.ptp(own[:, 0]))
    rings, spokes = 72, 48
    theta = np.repeat(np.linspace(1e-4, np.pi - 1e-4, rings), spokes)
    phi = np.tile(2 * np.pi * np.arange(spokes) / spokes, rings)
    away = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)
    starts = [(k * spokes, i, (i + 1) % spokes) for k in range(rings - 1) for i in range(spokes)]
    polygons = [(k + j, k + spokes + j, k + spokes + i, k + i) for k, i, j in starts]
    reach = radius * theta
    colors = np.tile(_WHITE, (len(away), 1))
    _mix(colors, look.red, 0.25 * np.clip((reach - 0.008) / 0.008, 0, 1))
    spread = 1 + 0.35 * noise(np.stack([3 * phi, reach * 90, 0 * reach], axis=1), 0.5, 6)
    _mix(colors, look.iris, np.clip((_IRIS_RADIUS - reach) / 0.0006, 0, 1))
    colors[reach < _IRIS_RADIUS] *= np.clip(spread, 0.4, 1.6)[reach < _IRIS_RADIUS, None]
    _mix(colors, 0.02 * np.array(look.iris), np.clip((_PUPIL_RADIUS - reach) / 0.0005, 0, 1))
    return Shape(centre + radius * away, polygons), colors


def _mix(colors: Float, other: Float | tuple[float, float, float], much: Float) -> None:
    colors += np.clip(much, 0, 1)[:, None] * (other - colors)


def _blob(points: Float, spot: Float, size: float) -> Float:
    return np.exp(-((points - spot) ** 2).sum(axis=1) / (2 * size**2))
