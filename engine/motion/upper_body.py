"""The upper half of the walk: the chest turns against the pelvis, the arms swing, the head stays level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from .curves import euler, wave

if TYPE_CHECKING:
    from ..avatar.arrays import Float

# Degrees over a cycle that begins when the left heel lands: x leans forward, y turns to the left, z leans to
# the right. The shoulder opposite to the landing foot comes forward.
_CHEST = (wave(1.0, peak=0.08, harmonic=2, mean=3.0), wave(4.5, peak=0.02), wave(1.2, peak=0.70))
_HEAD = (wave(0.6, peak=0.30, harmonic=2, mean=2.0), wave(0.8, peak=0.05), wave(0.4, peak=0.20))

# Left arm in degrees; it is foremost half a cycle after the left heel has landed.
_COLLAR_DOWN = 7.0
_COLLAR_FORWARD = wave(2.5, peak=0.52)
_ARM_DOWN = wave(1.0, peak=0.30, harmonic=2, mean=72.0)
_ARM_FORWARD = wave(19.0, peak=0.52, mean=-1.0)
_ARM_TWIST = wave(4.0, peak=0.52, mean=12.0)  # thumbs a little inwards
_ELBOW = wave(10.0, peak=0.58, mean=24.0)
_WRIST_FORWARD = wave(5.0, peak=0.66, mean=2.0)

# A relaxed hand, radians: curl of the first phalanx, then the share of each phalanx.
_CURL = {"index": 0.34, "middle": 0.40, "ring": 0.46, "pinky": 0.50}
_CLOSE = {"index": 0.12, "middle": 0.02, "ring": -0.08, "pinky": -0.18}  # fingers are spread at rest
_PHALANX = (1.0, 1.2, 0.7)
_THUMB_IN = (0.30, 0.15, 0.20)


def upper_body(phase: Float, pelvis: Float) -> dict[str, Float]:
    """Local rotations of spine, neck, head, arms and hands.

    Args:
        phase: 0 when the left heel lands, one cycle is 1. [F]
        pelvis: World from rest. [F, 3, 3]

    Returns:
        Rotation against the parent joint, by joint. [F, 3, 3] each
    """
    chest, head = euler(phase, *_CHEST), euler(phase, *_HEAD)
    pose = {
        **_share(pelvis, chest, ("spine1", "spine2", "spine3")),
        **_share(chest, head, ("neck", "head")),
    }
    for side, offset in (("left", 0.0), ("right", 0.5)):
        arm = {f"{side}_{name}": local for name, local in _left_arm(phase + offset).items()}
        pose |= arm if side == "left" else {name: _mirrored(local) for name, local in arm.items()}
    return pose


def _share(start: Float, end: Float, joints: tuple[str, ...]) -> dict[str, Float]:
    """Split the turn between two frames evenly over a chain of joints."""
    turn = rotvec_from_matrix(np.swapaxes(start, -1, -2) @ end)
    return dict.fromkeys(joints, matrix_from_rotvec(turn / len(joints)))


def _left_arm(phase: Float) -> dict[str, Float]:
    still = np.zeros_like(phase)
    arm = {
        "collar": _about("y", -_COLLAR_FORWARD(phase)) @ _about("z", still - _COLLAR_DOWN),
        "shoulder": _about("x", -_ARM_FORWARD(phase))
        @ _about("z", _COLLAR_DOWN - _ARM_DOWN(phase))
        @ _about("x", _ARM_TWIST(phase)),
        "elbow": _about("y", -_ELBOW(phase)),
        "wrist": _about("y", -_WRIST_FORWARD(phase)),
    }
    for finger, curl in _CURL.items():
        for k, share in enumerate(_PHALANX, start=1):
            arm[f"{finger}{k}"] = _about("z", still - np.degrees(curl * share))
        arm[f"{finger}1"] = _about("y", still + np.degrees(_CLOSE[finger])) @ arm[f"{finger}1"]
    for k, bend in enumerate(_THUMB_IN, start=1):
        arm[f"thumb{k}"] = _about("y", still + np.degrees(bend)) @ _about("x", still + np.degrees(bend))
    return arm


def _about(axis: str, degrees: Float) -> Float:
    return matrix_from_rotvec(np.radians(degrees)[:, None] * np.eye(3)["xyz".index(axis)])


def _mirrored(rotation: Float) -> Float:
    """The same rotation seen in a mirror that swaps left and right. [F, 3, 3]"""
    mirror = np.diag([-1.0, 1.0, 1.0])
    return mirror @ rotation @ mirror
