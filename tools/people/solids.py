"""The closed solids that cloth is the skin of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .cloth import Drop, filled, hanging_tube, joined, ring_torus
from .wearer import SIDES, arm_line, arm_share

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ..example.shapes import Shape
    from .cuts import Cut
    from .wearer import Wearer

_VOXEL = 0.0065
_SPARE = 0.022  # metres of solid beyond a cut


def solid(wearer: Wearer, cut: Cut) -> Shape:
    """The closed solid that a garment is the skin of, with something to spare at every cut."""
    body = filled(_region(wearer, cut))
    weights = wearer.person.weights_at(body.vertices)
    easy = body.moved(wearer.person.posed(body.vertices, wearer.person.easy, weights))
    loose = _looseness(wearer, cut, body.vertices, easy.vertices, arm_share(weights))
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
        for side, sign in SIDES:
            line = arm_line(rest, side)
            x = np.interp(max(cut.sleeve, 0.10), [0, 1], [line[0, 0], line[2, 0]]) + sign * _SPARE
            shape = shape.cut((x, 0, 0), (-sign, 0, 0))
    bottom = hem - _SPARE if cut.legs else max(hem - _SPARE, wearer.height(0.02))
    return shape.cut((0, bottom, 0), (0, 1, 0))


def _looseness(wearer: Wearer, cut: Cut, rest: Float, easy: Float, arm: Float) -> Float:
    """How far the solid stands off the body. [V]"""
    y, hip = easy[:, 1], wearer.height(0)
    if cut.legs:
        down = np.clip((hip - y) / (hip - wearer.height(cut.hem)), 0, 1)
        return 0.005 + np.clip((hip + 0.05 - y) / 0.12, 0, 1) * (np.interp(down, [0, 1], cut.arm) - 0.005)
    shoulder = wearer.joint("left_shoulder")
    line = arm_line(wearer.person.joints, "left")
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
    for side, sign in SIDES:
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
