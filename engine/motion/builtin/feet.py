"""The way of a stepping foot: it lands, lies flat, rolls off over the ball, and swings forward.

A standing foot turns about a point that is fixed on the ground, so it cannot slide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.rotations import matrix_from_rotvec
from .curves import Curve, hermite
from .lower_body import Foot, about

if TYPE_CHECKING:
    from ...avatar.arrays import Float

# Proportions of a foot, in lengths from ankle to ball along the ground.
_HEEL_BEHIND_ANKLE, _SOLE_BELOW_BALL, _PIVOT_BELOW_BALL = 0.30, 0.18, 0.04
_STEP = 1e-4  # of a cycle, for velocities


@dataclass(frozen=True)
class Step:
    """How a foot steps, over its own cycle, which begins when it lands.

    Args:
        stance: Part of the cycle it is on the ground. Above one half both feet share the weight for a while,
            below they are both in the air for a while.
        toe_out: How far it points outwards, radians.
        pitch: Of the foot, degrees; toes up is negative.
        toes: Of the toes against the foot, degrees, besides lying on the ground.
        grip: How far the toes stay on the ground while the foot turns about its ball.
        lift: How high its ball flies above a straight flight, in lengths of the stride.
        rise: How gently it leaves the ground: the order of the flight's first term.
    """

    stance: float
    toe_out: float
    pitch: Curve
    toes: Curve
    grip: Curve
    lift: float
    rise: float

    def foot(self, ankle: Float, ball: Float, phase: Float, stride: float) -> Foot:
        """The way of one foot over ground that stands still, from where it first lies flat.

        Args:
            ankle: Rest joint, metres, body axes. [3]
            ball: Rest joint at the root of the toes. [3]
            phase: Of this foot; whole numbers count cycles. [F]
            stride: How far the foot travels in a cycle, metres.
        """
        cycle, phase = np.floor(phase), np.mod(phase, 1.0)
        forward = ball - ankle
        heading = np.arctan2(forward[0], forward[2])
        yaw = matrix_from_rotvec(np.array([0.0, np.sign(ankle[0]) * self.toe_out - heading, 0.0]))
        travel = stride * yaw.T[:, 2]  # in the foot's own frame, which yaw turns into the world
        stands = (phase < self.stance)[:, None]
        path = np.where(stands, self._standing(forward, phase), self._swinging(forward, phase, travel))
        pitch = self._pitch(phase)
        toes = np.radians(self.toes(phase)) - np.maximum(pitch, 0.0) * self.grip(phase)
        return Foot(path @ yaw.T + np.outer(cycle, [0.0, 0.0, stride]), yaw @ about("x", pitch), toes)

    def _pitch(self, phase: Float) -> Float:
        return np.radians(self.pitch(phase))

    def _standing(self, forward: Float, phase: Float) -> Float:
        """Ankle of a foot that turns about its heel (toes up) or its ball (heel up). [F, 3]"""
        length = float(np.hypot(forward[0], forward[2]))
        heel = np.array([0.0, forward[1] - _SOLE_BELOW_BALL * length, -_HEEL_BEHIND_ANKLE * length])
        pitch = self._pitch(phase)
        pivot = np.where((pitch < 0)[:, None], heel, ball_pivot(forward))
        return pivot - np.einsum("fab,fb->fa", about("x", pitch), pivot)

    def _swinging(self, forward: Float, phase: Float, travel: Float) -> Float:
        """Ankle of a foot in the air: its ball flies a smooth arc to where it lands. [F, 3]"""

        def ball(at: Float) -> Float:
            return self._standing(forward, at) + about("x", self._pitch(at)) @ forward

        stance, air = self.stance, 1 - self.stance
        leave, land = ball(np.array([stance - _STEP, stance])), ball(np.array([0.0, _STEP])) + travel
        s = np.clip((phase - stance) / air, 0.0, 1.0)
        arc = hermite(s, leave[1], land[0], (leave[1] - leave[0]) / _STEP, (land[1] - land[0]) / _STEP, air)
        arc[:, 1] += self.lift * float(np.linalg.norm(travel)) * hump(s, self.rise, self.rise + 1)
        return arc - about("x", self._pitch(phase)) @ forward


def ball_pivot(forward: Float) -> Float:
    """The point a foot turns about when its heel is up, from the ankle, metres. [3]

    Between the joint and the skin below it: toes and ball then share what little slip a rigid foot has.

    Args:
        forward: From the ankle to the ball at rest. [3]
    """
    return forward - np.array([0.0, _PIVOT_BELOW_BALL * float(np.hypot(forward[0], forward[2])), 0.0])


def hump(s: Float, rise: float, fall: float) -> Float:
    """A polynomial, 0 at 0 and 1, and 1 at its highest; its orders tell how gently it begins and ends."""
    top = rise / (rise + fall)
    return s**rise * (1 - s) ** fall / (top**rise * (1 - top) ** fall)
