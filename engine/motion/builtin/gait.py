"""A gait: walking or running, as curves over a cycle that begins when the left foot lands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.arrays import float_array
from ...avatar.body import JOINT_COUNT
from .curves import Curve, euler
from .lower_body import SIDES, Foot, leg, legs, place, room_above
from .pieces import assembled, frames_in, require_cycles
from .upper_body import arm, hand, trunk

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion
    from .feet import Step

Angles = tuple[Curve, Curve, Curve]
"""Degrees about x, y, z: x leans forward, y turns to the left, z leans to the right."""

_PROBES = np.arange(256) / 256


@dataclass(frozen=True)
class Gait:
    """How a person moves over a cycle. Lengths are in lengths of the leg, from hip to ankle.

    Args:
        name: Shown to the user.
        seconds: Of a cycle, about: it takes a whole number of frames.
        stride: Way in a cycle.
        sway: Of the pelvis to the left.
        bob: Of the pelvis upwards.
        reach: How straight a knee gets; it is never quite straight.
        track: Distance between the ways of the ankles, in distances between the hips.
        passing: Phase at which the hips pass over the standing foot.
        step: Of a foot.
        pelvis: Its turn in the world.
        chest: Its turn in the world.
        head: Its turn in the world.
        arm: Angles of the left arm, degrees, see `upper_body.arm`; the right one is half a cycle later.
        curl: Of the fingers, in relaxed hands.
    """

    name: str
    seconds: float
    stride: float
    sway: Curve
    bob: Curve
    reach: float
    track: float
    passing: float
    step: Step
    pelvis: Angles
    chest: Angles
    head: Angles
    arm: dict[str, Curve]
    curl: float

    def motion(self, joints: Float, fps: float, cycles: int, *, travel: bool) -> Motion:
        """Make it for a person; after its last frame it starts again without a jump.

        Args:
            joints: Rest joints, metres, body axes. [55, 3]
            fps: Frames per second.
            cycles: Pairs of steps.
            travel: Go forward (+z), feet standing still on the ground; else on the spot.

        Raises:
            ValueError: If the shape of the joints is wrong, or ``fps`` or ``cycles`` leave nothing to show.
        """
        joints = float_array("joints", joints, (JOINT_COUNT, 3)).astype(np.float64)
        frames = frames_in(self.seconds, fps)
        require_cycles(cycles)
        phase = np.arange(cycles * frames) / frames
        pelvis, transl = euler(phase, *self.pelvis), self._transl(joints, phase)
        pose = {
            **legs(joints, pelvis, transl, self._feet(joints, phase)),
            **trunk(pelvis, euler(phase, *self.chest), euler(phase, *self.head)),
        }
        for side, later in (("left", 0.0), ("right", 0.5)):
            pose |= arm(side, len(phase), **{name: angle(phase + later) for name, angle in self.arm.items()})
            pose |= hand(side, len(phase), self.curl)
        if not travel:
            transl[:, 2] -= self._stride(joints) * phase
        transl[:, 2] -= transl[0, 2]  # the pelvis begins above where it is at rest
        return assembled(pose, transl, fps, self.name)

    def _stride(self, joints: Float) -> float:
        """How far the person gets in a cycle, metres."""
        return self.stride * leg(joints, "left").length

    def _feet(self, joints: Float, phase: Float) -> dict[str, Foot]:
        """Feet in the world; their soles stand on the ground of the rest pose."""
        feet = {}
        for side, delay in zip(SIDES, (0.0, 0.5), strict=True):
            ankle, stride = place(joints, f"{side}_ankle"), self._stride(joints)
            foot = self.step.foot(ankle, place(joints, f"{side}_foot"), phase - delay, stride)
            start = np.array([self.track * place(joints, f"{side}_hip")[0], ankle[1], delay * stride])
            feet[side] = replace(foot, ankle=foot.ankle + start)
        return feet

    def _transl(self, joints: Float, phase: Float) -> Float:
        """The way of the pelvis: as high as the legs allow. [F, 3]"""
        path, probed = self._level_path(joints, phase), self._level_path(joints, _PROBES)
        pelvis, feet = euler(_PROBES, *self.pelvis), self._feet(joints, _PROBES)
        path[:, 1] += room_above(joints, pelvis, probed, feet, self.reach).min()
        return path

    def _level_path(self, joints: Float, phase: Float) -> Float:
        """The way of the pelvis, but for its mean height. [F, 3]"""
        length = leg(joints, "left").length
        forward = self._stride(joints) * (phase - self.passing)
        return np.stack([length * self.sway(phase), length * self.bob(phase), forward], axis=-1)
