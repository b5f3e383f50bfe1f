"""The way of a walking foot: it lands on the heel, lies flat, rolls off over the ball, and swings forward.

A standing foot turns about a point that is fixed on the ground, so it cannot slide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.rotations import matrix_from_rotvec
from .curves import curve, hermite

if TYPE_CHECKING:
    from ..avatar.arrays import Float

STANCE = 0.62
"""Part of the cycle a foot is on the ground; above one half, so both feet share the weight for a while."""

TOE_OUT = np.radians(6.0)
# Pitch of the foot in degrees over its own cycle, which begins when its heel lands; toes up is negative.
_PITCH = curve(
    [(0, -18), (0.08, 0), (0.33, 0), (0.46, 14), (0.62, 58), (0.68, 62), (0.82, 6), (0.90, -12), (0.97, -20)],
    softness=0.018,
)
_TOES = curve([(0.0, -8), (0.08, 0), (0.66, 0), (0.78, -12), (0.95, -14)], softness=0.02)
# How far the toes stay on the ground while the foot turns about its ball.
_GRIP = curve([(0.0, 0.2), (0.2, 1), (0.62, 1), (0.76, 0.3)], softness=0.02)
_LIFT = 0.05  # of the stride: how far the arc of the ball rises above a straight flight
# Proportions of a foot, in lengths from ankle to ball along the ground.
_HEEL_BEHIND_ANKLE, _SOLE_BELOW_BALL, _PIVOT_BELOW_BALL = 0.30, 0.18, 0.05
_STEP = 1e-4  # of a cycle, for velocities


@dataclass(frozen=True)
class Foot:
    """A foot over time.

    Args:
        ankle: Where the ankle is, relative to where it stands when the foot first lies flat, metres. [F, 3]
        rotation: World from rest. [F, 3, 3]
        toes: Turn of the toes about x against the foot, radians. [F]
    """

    ankle: Float
    rotation: Float
    toes: Float


def foot(ankle: Float, ball: Float, phase: Float, stride: float) -> Foot:
    """The way of one foot over ground that stands still.

    Args:
        ankle: Rest joint, metres, body axes. [3]
        ball: Rest joint at the root of the toes. [3]
        phase: Of this foot: 0 when its heel lands, whole numbers count cycles. [F]
        stride: How far the foot travels in a cycle, metres.
    """
    cycle, phase = np.floor(phase), np.mod(phase, 1.0)
    forward = ball - ankle
    heading = np.arctan2(forward[0], forward[2])
    yaw = matrix_from_rotvec(np.array([0.0, np.sign(ankle[0]) * TOE_OUT - heading, 0.0]))
    travel = stride * yaw.T[:, 2]  # in the foot's own frame, which yaw turns into the world
    path = np.where((phase < STANCE)[:, None], _standing(forward, phase), _swinging(forward, phase, travel))
    pitch = _pitch(phase)
    toes = np.radians(_TOES(phase)) - np.maximum(pitch, 0.0) * _GRIP(phase)
    return Foot(path @ yaw.T + np.outer(cycle, [0.0, 0.0, stride]), yaw @ _tilt(pitch), toes)


def _pitch(phase: Float) -> Float:
    return np.radians(_PITCH(phase))


def _tilt(pitch: Float) -> Float:
    return matrix_from_rotvec(pitch[:, None] * np.array([1.0, 0.0, 0.0]))


def _standing(forward: Float, phase: Float) -> Float:
    """Ankle of a foot that turns about its heel (toes up) or its ball (heel up). [F, 3]"""
    length = float(np.hypot(forward[0], forward[2]))
    heel = np.array([0.0, forward[1] - _SOLE_BELOW_BALL * length, -_HEEL_BEHIND_ANKLE * length])
    # Between the joint and the skin below it: toes and ball then share what little slip a rigid foot has.
    ball = forward - np.array([0.0, _PIVOT_BELOW_BALL * length, 0.0])
    pitch = _pitch(phase)
    pivot = np.where((pitch < 0)[:, None], heel, ball)
    return pivot - np.einsum("fab,fb->fa", _tilt(pitch), pivot)


def _swinging(forward: Float, phase: Float, travel: Float) -> Float:
    """Ankle of a foot in the air: its ball flies a smooth arc from where it left to where it lands. [F, 3]"""

    def ball(at: Float) -> Float:
        return _standing(forward, at) + _tilt(_pitch(at)) @ forward

    leave, land = ball(np.array([STANCE - _STEP, STANCE])), ball(np.array([0.0, _STEP])) + travel
    s = np.clip((phase - STANCE) / (1 - STANCE), 0.0, 1.0)
    arc = hermite(
        s, leave[1], land[0], (leave[1] - leave[0]) / _STEP, (land[1] - land[0]) / _STEP, 1 - STANCE
    )
    arc[:, 1] += _LIFT * float(np.linalg.norm(travel)) * 6.75 * s * (1 - s) ** 2
    return arc - _tilt(_pitch(phase)) @ forward
