"""Where garments are cut open: hem, neck, sleeves, front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..example.shapes import Shape
from .cloth import biggest, middles, sliced
from .wearer import SIDES, arm_line, arm_share

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ..example.shapes import Mask
    from .cuts import Cut
    from .wearer import Wearer


def cut_open(wearer: Wearer, cut: Cut, solid: Shape) -> Shape:
    """Cut hem, neck, sleeves and front."""
    if cut.legs:
        return _open_legs(wearer, cut, solid)
    hem = wearer.height(cut.hem)
    shape = sliced(solid, (0, hem, 0), (0, 1, 0), _trunk(wearer, middles(solid)))
    if cut.top == "waist":
        return biggest(sliced(shape, (0, wearer.height(0) + cut.waist, 0), (0, -1, 0)))
    for side, sign in SIDES:
        shape = _open_sleeve(wearer, cut, shape, side, sign)
    neck = wearer.joint("neck")
    inside = np.abs(middles(shape)[:, 0]) < (0.13 if cut.top == "strap" else 0.118)
    if cut.top == "strap":
        shape = sliced(
            shape, neck - np.array([0, 0.035, 0]), (0, -1, -0.62), np.abs(middles(shape)[:, 0]) < 0.085
        )
    elif cut.collar in ("stand", "fold", "hood"):
        shape = sliced(shape, neck + np.array([0, 0.022, 0.0]), (0, -1, -0.55), inside)
    else:
        shape = sliced(shape, neck + np.array([0, -0.004, 0]), (0, -1, -0.50), inside)
    shape = biggest(shape)
    return _open_front(cut, shape, wearer) if max(cut.open) > 0 else shape


def _trunk(wearer: Wearer, points: Float) -> Mask:
    """Which spots are no sleeves: those beside the arm's line, from the armpit down. [N] of truth values"""
    result = np.ones(len(points), bool)
    for side, sign in SIDES:
        line = arm_line(wearer.joints, side)
        way = (line[2] - line[0]) / np.linalg.norm(line[2] - line[0])
        along = (points - line[0]) @ way
        away = np.linalg.norm(points - line[0] - np.outer(along, way), axis=1)
        result &= ~((along > 0.10) & (away < 0.095) & (sign * points[:, 0] > 0))
    return result


def _open_legs(wearer: Wearer, cut: Cut, solid: Shape) -> Shape:
    shape = sliced(solid, (0, wearer.height(0) + cut.waist, 0), (0, -1, 0))
    return biggest(sliced(shape, (0, wearer.height(cut.hem), 0), (0, 1, 0)))


def _open_sleeve(wearer: Wearer, cut: Cut, shape: Shape, side: str, sign: float) -> Shape:
    line = arm_line(wearer.joints, side)
    at = line[0] + max(cut.sleeve, 0.03) * (line[2] - line[0])
    spots = middles(shape)
    weights = wearer.weights_at(spots)
    way = line[0] - line[2]
    if cut.sleeve < 0.1:  # armholes: a steeper plane through the shoulder
        at, way = line[0] + [-0.028 * sign, 0.0, 0.0], np.array([-sign, 0.12, 0.0])
        mine = (sign * spots[:, 0] > 0) & (spots[:, 1] > line[0, 1] - 0.16)
    else:
        mine = (sign * spots[:, 0] > 0) & (arm_share(weights) > 0.45)
    return sliced(shape, at, way, mine)


def _open_front(cut: Cut, shape: Shape, wearer: Wearer) -> Shape:
    neck, hem = wearer.joint("neck")[1], wearer.height(cut.hem)
    start = wearer.joint("spine1")[1] - 0.05 if cut.open[0] == 0 else neck
    slope = (cut.open[1] - cut.open[0]) / (start - hem)
    z = wearer.joint("spine2")[2]
    for sign in (1.0, -1.0):
        spots = middles(shape)
        front = (spots[:, 2] > z) & (np.abs(spots[:, 0]) < 0.2)
        shape = sliced(shape, (sign * cut.open[0], start, 0), (sign, slope, 0), front, clear=False)
    spots = middles(shape)
    gap = (cut.open[0] + slope * (start - spots[:, 1])) * (spots[:, 1] < start + 0.1 * (cut.open[0] > 0))
    gap = np.where(spots[:, 1] > start, cut.open[0], gap)
    gone = (np.abs(spots[:, 0]) < gap) & (spots[:, 2] > z)
    kept = [p for p, out in zip(shape.polygons, gone, strict=True) if not out]
    return biggest(Shape(shape.vertices, kept).kept(np.ones(len(shape.vertices), bool)))
