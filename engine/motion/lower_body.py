"""The lower half of the walk: the feet are placed on the ground first, then the legs reach for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import joint_index
from ..avatar.rotations import matrix_from_rotvec
from .curves import euler, wave
from .feet import TOE_OUT, Foot, foot
from .legs import Leg

if TYPE_CHECKING:
    from ..avatar.arrays import Float

# Lengths in lengths of the leg, from hip to ankle.
_STRIDE = 1.40
_SWAY = wave(0.022, peak=0.30)
_BOB = wave(0.024, peak=0.31, harmonic=2)
_REACH = 0.997  # a knee is never quite straight
_TRACK = 0.55  # distance between the ways of the ankles, in distances between the hips
_PASSING = 0.29  # phase at which the hips pass over the standing foot
# Degrees about x, y, z: a slight forward tilt; the side that lands goes first; the swinging side drops.
_PELVIS = (wave(1.0, peak=0.05, harmonic=2, mean=2.0), wave(-5.0, peak=0.02), wave(3.5, peak=0.17))
_PROBES = np.arange(256) / 256


@dataclass(frozen=True)
class LowerBody:
    """How pelvis, legs and feet move over a cycle that begins when the left heel lands.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
    """

    joints: Float

    @property
    def stride(self) -> float:
        """How far the person walks in a cycle, metres."""
        return _STRIDE * self._leg("left").length

    def pelvis(self, phase: Float) -> Float:
        """Rotation of the pelvis, world from rest. [F, 3, 3]"""
        return euler(phase, *_PELVIS)

    def transl(self, phase: Float) -> Float:
        """The way of the pelvis: as high as the legs allow. [F, 3]"""
        path, probed = self._level_path(phase), self._level_path(_PROBES)
        path[:, 1] += min(self._room_above(side, probed) for side in ("left", "right"))
        return path

    def legs(self, phase: Float, transl: Float) -> dict[str, Float]:
        """Local rotations of hips, knees, ankles and toes.

        Args:
            phase: [F]
            transl: The way of the pelvis. [F, 3]

        Returns:
            Rotation against the parent joint, by joint. [F, 3, 3] each
        """
        pelvis, pose = self.pelvis(phase), {}
        for side in ("left", "right"):
            leg, step = self._leg(side), self._foot(side, phase)
            way = self._to_ankle(side, phase, transl)
            bend = leg.knee(np.linalg.norm(way, axis=-1))
            knee = matrix_from_rotvec(bend[:, None] * np.array([1.0, 0.0, 0.0]))
            thigh = leg.hip(bend, way, self._hinge(side, pelvis))
            pose[f"{side}_hip"] = _transposed(pelvis) @ thigh
            pose[f"{side}_knee"] = knee
            pose[f"{side}_ankle"] = _transposed(thigh @ knee) @ step.rotation
            pose[f"{side}_foot"] = matrix_from_rotvec(step.toes[:, None] * np.array([1.0, 0.0, 0.0]))
        return pose

    def _joint(self, name: str) -> Float:
        return self.joints[joint_index(name)]

    def _leg(self, side: str) -> Leg:
        hip, knee, ankle = (self._joint(f"{side}_{name}") for name in ("hip", "knee", "ankle"))
        return Leg(knee - hip, ankle - knee)

    def _foot(self, side: str, phase: Float) -> Foot:
        """A foot in the world; its sole stands on the ground of the rest pose."""
        delay = 0.0 if side == "left" else 0.5
        ankle = self._joint(f"{side}_ankle")
        step = foot(ankle, self._joint(f"{side}_foot"), phase - delay, self.stride)
        track = _TRACK * self._joint(f"{side}_hip")[0]
        start = np.array([track, ankle[1], delay * self.stride])
        return Foot(step.ankle + start, step.rotation, step.toes)

    def _to_ankle(self, side: str, phase: Float, transl: Float) -> Float:
        """From the hip to where the ankle must be. [F, 3]"""
        root = self._joint("pelvis")
        hip = root + transl + self.pelvis(phase) @ (self._joint(f"{side}_hip") - root)
        return self._foot(side, phase).ankle - hip

    def _hinge(self, side: str, pelvis: Float) -> Float:
        """Where the axis of the knee points: halfway between the pelvis's side and the foot's. [F, 3]"""
        turn = np.sign(self._joint(f"{side}_ankle")[0]) * TOE_OUT
        return pelvis[:, :, 0] + matrix_from_rotvec(np.array([0.0, turn, 0.0]))[:, 0]

    def _level_path(self, phase: Float) -> Float:
        """The way of the pelvis, but for its mean height. [F, 3]"""
        length = self._leg("left").length
        forward = self.stride * (phase - _PASSING)
        return np.stack([length * _SWAY(phase), length * _BOB(phase), forward], axis=-1)

    def _room_above(self, side: str, path: Float) -> float:
        """How much higher a path of the probes could be before this leg gets too short, metres."""
        way = self._to_ankle(side, _PROBES, path)
        reach = _REACH * self._leg(side).length
        return float((np.sqrt(reach**2 - way[:, 0] ** 2 - way[:, 2] ** 2) + way[:, 1]).min())


def _transposed(rotation: Float) -> Float:
    return np.swapaxes(rotation, -1, -2)
