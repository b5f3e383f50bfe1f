"""Garments as even skins of cloth around the body, with weights that let them follow any pose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .cloth import even_weights, surface_of
from .cuts import CUTS, Cut
from .folds import distances, folds
from .openings import cut_open
from .solids import solid
from .wearer import arm_share

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ..example.shapes import Shape
    from .recipe import Wear
    from .wearer import Wearer


@dataclass(frozen=True)
class Garment:
    """A piece of clothing with the arms half lowered.

    Args:
        wear: What it is.
        cut: How it is cut.
        shape: Cloth, one layer.
        weights: [V, 55]
        rest: Where its vertices are at rest. [V, 3]
        values: Of each vertex, for its material: distances to neck, hem and ends in metres.
    """

    wear: Wear
    cut: Cut
    shape: Shape
    weights: Float
    rest: Float
    values: dict[str, Float]


def make_garment(wearer: Wearer, wear: Wear, seed: int, below: list[Garment]) -> Garment:
    """Cut and hang one garment over what is worn below it."""
    cut = _fitted(wear)
    shape = cut_open(wearer, cut, solid(wearer, cut))
    weights = wearer.weights_at(shape.vertices)
    shape, weights = _without_far_arms(shape, weights, cut)
    weights = even_weights(shape, _soft(wearer, cut, shape.vertices, weights), 24)
    weights /= weights.sum(axis=1, keepdims=True)
    rest = wearer.rest(shape.vertices, weights)
    values = distances(wearer, cut, shape)
    depth = folds(wearer, cut, shape, rest, values, seed, wear.cloth.waves)
    shape = shape.moved(shape.vertices + depth[:, None] * shape.normals()).smoothed(1, 0.3)
    points = wearer.easy.outside(shape.vertices, 0.0035)
    for garment in below:
        points = _over(points, garment)
    shape = shape.moved(points)
    return Garment(wear, cut, shape, weights, wearer.rest(points, weights), values)


def _fitted(wear: Wear) -> Cut:
    cut = CUTS[wear.kind]
    cut = replace(
        cut,
        body=(cut.body[0] * wear.loose, cut.body[1] * wear.loose),
        arm=(cut.arm[0] * wear.loose, cut.arm[1] * wear.loose),
    )
    for name in ("hem", "sleeve", "flare"):
        value = getattr(wear, name)
        cut = cut if value is None else replace(cut, **{name: value})
    return cut


def _over(points: Float, garment: Garment) -> Float:
    surface = surface_of(garment.shape)
    spots, normals, _, _ = surface.nearest(points)
    height = ((points - spots) * normals).sum(axis=1)
    near = np.linalg.norm(points - spots, axis=1) < 0.03
    lacking = np.where(near, np.maximum(garment.cut.thick + 0.003 - height, 0), 0)
    return points + lacking[:, None] * normals


def _without_far_arms(shape: Shape, weights: Float, cut: Cut) -> tuple[Shape, Float]:
    """Skirts and trousers do not follow hands that happen to be near."""
    if cut.top != "waist" and cut.hem < 0.15:
        return shape, weights
    arms = np.array(
        [joint_index(f"{s}_{n}") for s in ("left", "right") for n in ("shoulder", "elbow", "wrist")]
    )
    if cut.top == "waist":
        weights[:, arms] = 0
        weights[:, 0] += 1e-6
    return shape, weights / weights.sum(axis=1, keepdims=True)


def _soft(wearer: Wearer, cut: Cut, points: Float, weights: Float) -> Float:
    """What hangs over both legs follows them by side and depth, without tearing. [V, 55]"""
    if cut.legs or cut.hem < 0.04:
        return weights
    hip, knee = wearer.joint("left_hip"), wearer.joint("left_knee")
    x, y, _ = points.T
    leg = 0.88 * np.clip((hip[1] + 0.03 - y) / 0.26, 0, 1)
    side = 0.5 + 0.5 * np.sin(np.clip(x / 0.15, -1, 1) * np.pi / 2)
    shin = 0.55 * np.clip((knee[1] + 0.05 - y) / 0.22, 0, 1)
    own = np.zeros_like(weights)
    own[:, 0] = 1 - leg
    for name, share in (("left", side), ("right", 1 - side)):
        own[:, joint_index(f"{name}_hip")] = leg * share * (1 - shin)
        own[:, joint_index(f"{name}_knee")] = leg * share * shin
    much = np.clip((hip[1] + 0.10 - y) / 0.12, 0, 1) * (1 - np.clip(arm_share(weights) * 2, 0, 1))
    return weights + much[:, None] * (own - weights)
