"""Garments as even skins of cloth around the body, with weights that let them follow any pose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from ..example.shapes import Shape, Surface
from .cloth import (
    Drop,
    biggest,
    even_weights,
    filled,
    hanging_tube,
    joined,
    middles,
    ridged,
    ring_torus,
    sliced,
    surface_of,
)  # fmt: skip
from .cuts import CUTS, Cut

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ..example.person import Person
    from ..example.shapes import Mask
    from .recipe import Wear

_VOXEL = 0.0065
_SPARE = 0.022  # metres of solid beyond a cut
_SIDES = (("left", 1.0), ("right", -1.0))


@dataclass(frozen=True)
class Wearer:
    """The body with its arms half lowered, where clothes are cut.

    Args:
        person: Who.
        easy: The surface there.
        joints: The joints there. [55, 3]
        arm: How much of each vertex is arm, 0..1. [V]
    """

    person: Person
    easy: Surface
    joints: Float
    arm: Float

    @classmethod
    def of(cls, person: Person) -> Wearer:
        """Lower the arms of a person."""
        easy = Surface(person.posed(person.rest.vertices, person.easy, person.weights), person.rest.triangles)
        joints = np.einsum("jab,jb->ja", person.easy[:, :3, :3], person.joints) + person.easy[:, :3, 3]
        return cls(person, easy, joints, _arm_share(person.weights))

    def joint(self, name: str) -> Float:
        """Where a joint is. [3]"""
        return self.joints[joint_index(name)]

    def weights_at(self, points: Float) -> Float:
        """Weights of the nearest spot of the body; hands count as wrists. [N, 55]"""
        _, _, triangle, spot = self.easy.nearest(points)
        corners = self.person.weights[self.easy.triangles[triangle]]
        weights = np.einsum("nk,nkj->nj", np.clip(spot, 0, 1), corners)
        for side, first in (("left", 25), ("right", 40)):
            weights[:, joint_index(f"{side}_wrist")] += weights[:, first : first + 15].sum(axis=1)
            weights[:, first : first + 15] = 0
        return weights / weights.sum(axis=1, keepdims=True)

    def rest(self, points: Float, weights: Float) -> Float:
        """Where points have to be at rest to come here with the arms lowered. [N, 3]"""
        blended = np.einsum("nj,jab->nab", weights, self.person.easy)
        return np.linalg.solve(blended[:, :3, :3], (points - blended[:, :3, 3])[..., None])[..., 0]

    def height(self, share: float) -> float:
        """Height of a hem: 0 at the hip joint, 1 at the ankle, -1 at the shoulder."""
        hip = self.joint("left_hip")[1]
        other = self.joint("left_ankle")[1] if share >= 0 else self.joint("left_shoulder")[1]
        return float(hip + abs(share) * (other - hip))


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
    shape = _open(wearer, cut, _solid(wearer, cut))
    weights = wearer.weights_at(shape.vertices)
    shape, weights = _without_far_arms(shape, weights, cut)
    weights = even_weights(shape, _soft(wearer, cut, shape.vertices, weights), 24)
    weights /= weights.sum(axis=1, keepdims=True)
    rest = wearer.rest(shape.vertices, weights)
    values = _distances(wearer, cut, shape)
    folds = _folds(wearer, cut, shape, rest, values, seed, wear.cloth.waves)
    shape = shape.moved(shape.vertices + folds[:, None] * shape.normals()).smoothed(1, 0.3)
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


def _arm_share(weights: Float) -> Float:
    names = [f"{side}_{name}" for side in ("left", "right") for name in ("shoulder", "elbow", "wrist")]
    return weights[:, [joint_index(name) for name in names]].sum(axis=1) + weights[:, 25:].sum(axis=1)


def _solid(wearer: Wearer, cut: Cut) -> Shape:
    """The closed solid that the cloth is the skin of."""
    body = filled(_region(wearer, cut))
    weights = wearer.person.weights_at(body.vertices)
    easy = body.moved(wearer.person.posed(body.vertices, wearer.person.easy, weights))
    loose = _looseness(wearer, cut, body.vertices, easy.vertices, _arm_share(weights))
    parts = [easy.moved(easy.vertices + loose[:, None] * easy.normals())]
    parts += _legs(wearer, cut) if cut.legs else _tubes(wearer, cut)
    neck = wearer.joint("neck")
    if cut.collar == "hood":
        parts.append(ring_torus(neck + np.array([0, 0.005, -0.030]), 0.100, 0.100, 0.030, 0.050))
    elif cut.collar in ("stand", "fold"):
        parts.append(ring_torus(neck + np.array([0, 0.022, 0.004]), 0.072, 0.075, 0.022, 0.040))
    return joined(parts, _VOXEL, 7)


def _region(wearer: Wearer, cut: Cut) -> Shape:
    """The part of the resting body that a garment covers, with a little to spare."""
    rest, shape = wearer.person.joints, wearer.person.shape()
    hem = wearer.height(cut.hem)
    if cut.top == "waist":
        shape = shape.cut((0, wearer.height(0) + cut.waist + _SPARE, 0), (0, -1, 0))
    else:
        shape = shape.cut(rest[joint_index("neck")] + [0, 0.085, 0], (0, -1, 0))
        for side, sign in _SIDES:
            line = _arm_line(rest, side)
            x = np.interp(max(cut.sleeve, 0.10), [0, 1], [line[0, 0], line[2, 0]]) + sign * _SPARE
            shape = shape.cut((x, 0, 0), (-sign, 0, 0))
    bottom = hem - _SPARE if cut.legs else max(hem - _SPARE, wearer.height(0.02))
    return shape.cut((0, bottom, 0), (0, 1, 0))


def _arm_line(joints: Float, side: str) -> Float:
    return np.stack([joints[joint_index(f"{side}_{name}")] for name in ("shoulder", "elbow", "wrist")])


def _looseness(wearer: Wearer, cut: Cut, rest: Float, easy: Float, arm: Float) -> Float:
    """How far the solid stands off the body. [V]"""
    y, hip = easy[:, 1], wearer.height(0)
    if cut.legs:
        down = np.clip((hip - y) / (hip - wearer.height(cut.hem)), 0, 1)
        return 0.005 + np.clip((hip + 0.05 - y) / 0.12, 0, 1) * (np.interp(down, [0, 1], cut.arm) - 0.005)
    shoulder = wearer.joint("left_shoulder")
    line = _arm_line(wearer.person.joints, "left")
    along = np.clip(
        (np.abs(rest[:, 0]) - line[0, 0]) / (line[2, 0] - line[0, 0]) / max(cut.sleeve, 0.1), 0, 1
    )
    trunk = np.interp(
        y, [hip, shoulder[1] - 0.12, shoulder[1]], [cut.body[1], cut.body[0], 0.7 * cut.body[0]]
    )
    if cut.nipped >= 0:
        waist = hip + 0.16
        trunk = np.where(y < shoulder[1] - 0.16, cut.nipped + 0.006, trunk) + 0 * waist
    return trunk + arm * (np.interp(along, [0, 1], cut.arm) - trunk)


def _tubes(wearer: Wearer, cut: Cut) -> list[Shape]:
    """What hangs free around trunk and legs."""
    points = wearer.easy.vertices[wearer.arm < 0.35]
    hem = wearer.height(cut.hem) - _SPARE
    hip, shoulder = wearer.joint("pelvis"), wearer.joint("left_shoulder")
    top_z, low_z = wearer.joint("spine3")[2], 0.5 * (hip[2] + wearer.joint("left_ankle")[2]) + 0.01
    middle = np.array([[0.0, top_z + 0.01], [0.0, hip[2]]])
    if cut.top == "waist":
        top = wearer.height(0) + cut.waist + 0.5 * _SPARE
        axis = np.array([[0.0, hip[2]], [0.0, low_z]])
        return [hanging_tube(points, axis, top, hem, Drop(cut.body, cut.flare))]
    chest = shoulder[1] - 0.13
    if cut.nipped < 0:
        axis = middle if cut.hem < 0.2 else np.array([[0.0, top_z + 0.01], [0.0, low_z]])
        return [hanging_tube(points, axis, chest, hem, Drop(cut.body, cut.flare))]
    waist = wearer.joint("spine1")[1] + 0.03
    axis = np.array([[0.0, hip[2]], [0.0, low_z]])
    upper = np.array([[0.0, top_z + 0.01], [0.0, hip[2]]])
    return [
        hanging_tube(points, upper, chest, waist - 0.01, Drop((cut.body[0], cut.nipped), -2.0)),
        hanging_tube(points, axis, waist + 0.01, hem, Drop((cut.nipped, cut.body[1]), cut.flare)),
    ]


def _legs(wearer: Wearer, cut: Cut) -> list[Shape]:
    hip, knee = wearer.height(0), wearer.joint("left_knee")[1]
    hem, tubes = wearer.height(cut.hem) - _SPARE, []
    for side, sign in _SIDES:
        own = wearer.easy.vertices[(wearer.arm < 0.35) & (sign * wearer.easy.vertices[:, 0] > 0)]
        top = np.interp(0.72, [0, 1], [knee, hip])
        joints = np.stack([wearer.joint(f"{side}_{name}") for name in ("ankle", "knee", "hip")])
        axis = np.array(
            [
                [np.interp(y, joints[:, 1], joints[:, k]) for k in (0, 2)]
                for y in (top, max(hem, joints[0, 1]))
            ]
        )
        axis[:, 1] -= 0.012
        own = own[own[:, 1] > joints[0, 1] + 0.02]
        width = 0.045 + 1.5 * cut.arm[1] if cut.arm[1] > 0.008 else 0.0
        drop = Drop((0.7 * cut.arm[0], cut.arm[1]), -0.35 if cut.arm[1] < 0.03 else -0.12, width)
        if cut.arm[1] > 0.008:
            tube = hanging_tube(own, axis, float(top), hem, drop)
            aside = np.maximum(
                sign * tube.vertices[:, 0], 0.010 * np.clip((top - tube.vertices[:, 1]) / 0.1, 0, 1)
            )
            tubes.append(tube.moved(np.column_stack([sign * aside, tube.vertices[:, 1:]])))
    return tubes


def _open(wearer: Wearer, cut: Cut, solid: Shape) -> Shape:
    """Cut hem, neck, sleeves and front."""
    if cut.legs:
        return _open_legs(wearer, cut, solid)
    hem = wearer.height(cut.hem)
    shape = sliced(solid, (0, hem, 0), (0, 1, 0), _trunk(wearer, middles(solid)))
    if cut.top == "waist":
        return biggest(sliced(shape, (0, wearer.height(0) + cut.waist, 0), (0, -1, 0)))
    for side, sign in _SIDES:
        shape = _open_sleeve(wearer, cut, shape, side, sign)
    neck = wearer.joint("neck")
    inside = np.abs(middles(shape)[:, 0]) < (0.13 if cut.top == "strap" else 0.118)
    if cut.top == "strap":
        shape = sliced(
            shape, neck + np.array([0, -0.035, 0], (0, -1, -0.62), np.abs(middles(shape)[:, 0])) < 0.085
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
    for side, sign in _SIDES:
        line = _arm_line(wearer.joints, side)
        way = (line[2] - line[0]) / np.linalg.norm(line[2] - line[0])
        along = (points - line[0]) @ way
        away = np.linalg.norm(points - line[0] - np.outer(along, way), axis=1)
        result &= ~((along > 0.10) & (away < 0.095) & (sign * points[:, 0] > 0))
    return result


def _open_legs(wearer: Wearer, cut: Cut, solid: Shape) -> Shape:
    shape = sliced(solid, (0, wearer.height(0) + cut.waist, 0), (0, -1, 0))
    return biggest(sliced(shape, (0, wearer.height(cut.hem), 0), (0, 1, 0)))


def _open_sleeve(wearer: Wearer, cut: Cut, shape: Shape, side: str, sign: float) -> Shape:
    line = _arm_line(wearer.joints, side)
    at = line[0] + max(cut.sleeve, 0.03) * (line[2] - line[0])
    spots = middles(shape)
    weights = wearer.weights_at(spots)
    way = line[0] - line[2]
    if cut.sleeve < 0.1:  # armholes: a steeper plane through the shoulder
        at, way = line[0] + [-0.028 * sign, 0.0, 0.0], np.array([-sign, 0.12, 0.0])
        mine = (sign * spots[:, 0] > 0) & (spots[:, 1] > line[0, 1] - 0.16)
    else:
        mine = (sign * spots[:, 0] > 0) & (_arm_share(weights) > 0.45)
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
    much = np.clip((hip[1] + 0.10 - y) / 0.12, 0, 1) * (1 - np.clip(_arm_share(weights) * 2, 0, 1))
    return weights + much[:, None] * (own - weights)


def _distances(wearer: Wearer, cut: Cut, shape: Shape) -> dict[str, Float]:
    """Metres to neck, hem and sleeve ends. [V] each"""
    edges, points = shape.border_edges(), shape.vertices
    ends = points[edges].mean(axis=1)
    hem = wearer.height(cut.hem)
    high = ends[:, 1] > wearer.joint("spine3")[1]
    near = np.abs(ends[:, 0]) < 0.14
    kinds = {"neck": high & near, "hem": np.abs(ends[:, 1] - hem) < 0.012}
    kinds["end"] = ~kinds["neck"] & ~kinds["hem"]
    if cut.top == "waist":
        kinds = {"neck": ends[:, 1] > hem + 0.15, "hem": kinds["hem"], "end": np.zeros(len(ends), bool)}
    return {name: _nearest(points, ends[mask]) for name, mask in kinds.items()}


def _nearest(points: Float, spots: Float) -> Float:
    if len(spots) == 0:
        return np.full(len(points), 1.0)
    result = np.empty(len(points))
    for start in range(0, len(points), 2000):
        away = points[start : start + 2000, None] - spots[None]
        result[start : start + 2000] = np.sqrt((away**2).sum(axis=-1).min(axis=1))
    return result


def _folds(
    wearer: Wearer, cut: Cut, shape: Shape, rest: Float, values: dict[str, Float], seed: int, waves: float
) -> Float:
    """Displacement along the normals, metres. [V]"""
    points = shape.vertices
    hip, knee = wearer.height(0), wearer.joint("left_knee")[1]
    shoulder, elbow = (
        wearer.person.joints[joint_index("left_shoulder")],
        wearer.person.joints[joint_index("left_elbow")],
    )
    x, y = np.abs(rest[:, 0]), points[:, 1]
    depth = cut.fold * waves
    edge = np.clip(np.minimum(values["neck"], 0.06) / 0.06, 0, 1)
    if cut.legs:
        crease = ridged(rest * [0.5, 1.0, 0.5] + rest[:, [1, 0, 2]] * [0, 0.3, 0], 0.020, 1, seed)
        long = ridged(rest * [1.0, 0.22, 1.0], 0.026, 2, seed)
        hem = wearer.height(cut.hem)
        spots = np.exp(-(((y - knee) / 0.09) ** 2)) + np.exp(-(((y - hip + 0.09) / 0.06) ** 2))
        spots += (
            1.2
            * np.exp(-(((y - hem - 0.09) / 0.08) ** 2))
            * (cut.hem > 0.8)
            * np.clip((y - hem) / 0.03, 0, 1)
        )
        return depth * edge * (np.clip(spots, 0, 1) * crease + 0.55 * long)
    hang = ridged(points * [1.0, 0.16, 1.0], 0.040 if cut.flare > 0.15 else 0.030, 3, seed)
    start = shoulder[1] - 0.14 if cut.top != "waist" else hip + 0.05
    start = wearer.joint("spine1")[1] if cut.nipped >= 0 else start
    low = np.clip((start - y) / 0.32, 0, 1)
    pit = np.exp(-(((x - shoulder[0]) / 0.07) ** 2) - ((rest[:, 1] - shoulder[1] + 0.07) / 0.10) ** 2)
    slanted = np.stack([x + 0.8 * rest[:, 1], 0.25 * (rest[:, 1] - x), 0.5 * rest[:, 2]], axis=1)
    sleeve = np.clip((x - shoulder[0] - 0.04) / 0.06, 0, 1)
    bent = sleeve * (0.35 + np.exp(-(((x - elbow[0]) / 0.08) ** 2)))
    across = rest * [1.0, 0.4, 0.4] + rest[:, [1, 0, 2]] * [0.35, 0, 0]
    wide = low * hang + 0.8 * pit * ridged(slanted, 0.016, 4, seed)
    wide += bent * ridged(across, 0.018, 5, seed) + 0.25 * ridged(points, 0.06, 6, seed)
    return depth * edge * wide
