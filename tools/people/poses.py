"""How people stand in their photo, and six poses more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import JOINT_COUNT, joint_index
from ...engine.avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ...engine.motion.builtin.upper_body import hand
from ..example.person import stand

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float

_MIRROR = np.diag([-1.0, 1.0, 1.0])
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")


@dataclass(frozen=True)
class Arm:
    """An arm, degrees: lowered from the horizontal, brought forward, twisted inwards, bent, hand bent in.

    Args:
        down: 90 hangs, 0 is level, negative is raised.
        forward: Of the upper arm.
        twist: Of the upper arm about itself; moves a bent forearm inwards.
        bend: Of the elbow.
        roll: Of the forearm, palm upwards.
        hand: Of the wrist, towards the palm.
        grip: Curl of the fingers: 1 is a relaxed hand.
    """

    down: float = 68.0
    forward: float = 0.0
    twist: float = 0.0
    bend: float = 18.0
    roll: float = 0.0
    hand: float = 5.0
    grip: float = 1.0


@dataclass(frozen=True)
class Stance:
    """A pose.

    Args:
        trunk: Degrees about x, y, z by joint of the trunk.
        left: Left arm.
        right: Right arm.
        feet: Where the ankles stand (x, z, metres, for a person of 1.8 m) and how far they turn out, degrees.
        sway: Of the pelvis towards the right leg, metres.
        reach: Of the right leg.
        legs: Instead of feet: degrees about x, y, z by joint.
    """

    trunk: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    left: Arm = Arm()
    right: Arm = Arm()
    feet: tuple[tuple[float, float, float], tuple[float, float, float]] = (
        (0.125, 0.0, 14.0),
        (-0.125, 0.0, 14.0),
    )
    sway: float = 0.0
    reach: float = 0.995
    legs: dict[str, tuple[float, float, float]] | None = None


_EASE = {
    "pelvis": (1.0, 3.0, -3.0), "spine1": (0.0, -1.0, 1.6), "spine2": (-1.0, -1.0, 1.6),
    "spine3": (0.0, 0.0, 1.4), "neck": (2.0, 1.0, -0.5), "head": (5.0, 3.0, -1.8),
}  # fmt: skip
_STEP = ((0.14, 0.09, 16.0), (-0.11, -0.02, 10.0))
_HIP = Arm(down=44, forward=-16, twist=70, bend=76, roll=-25, hand=26)

STANCES: dict[str, Stance] = {
    "straight": Stance({"head": (3, 0, 0)}, Arm(66, 3, 5, 14), Arm(67, 1, 5, 16)),
    "open arms": Stance({"head": (2, -4, 0)}, Arm(50, 2, 0, 10), Arm(48, 0, 0, 12)),
    "contrapposto": Stance(
        _EASE, Arm(65, -4, 4, 24), Arm(66, -2, 4, 19), ((0.165, 0.055, 22), (-0.105, -0.015, 11)), -0.028
    ),
    "hand on hip": Stance(_EASE, _HIP, Arm(67, 2, 6, 15), ((0.16, 0.05, 24), (-0.10, -0.01, 10)), -0.028),
    "hands on hips": Stance({"head": (2, 8, 0)}, _HIP, _HIP, ((0.17, 0, 18), (-0.17, 0, 18))),
    "arm before trunk": Stance(
        {"spine2": (0, -3, 0), "head": (6, 8, 0)}, Arm(70, 2, 6, 16), Arm(70, 12, 44, 92, 10, 5),
        _STEP, -0.015
    ),
    "forearm out": Stance(
        {"spine2": (0, 2, 0), "head": (3, -8, 2)}, Arm(64, 14, 6, 88, 30, 0, 0.7), Arm(66, 0, 5, 16),
        _STEP, -0.01
    ),
    "small step": Stance(
        {"pelvis": (1, -6, 0), "spine2": (0, 5, 0), "head": (2, 6, 0)},
        Arm(68, -12, 6, 16), Arm(67, 16, 6, 26), ((0.10, 0.17, 8), (-0.09, -0.08, 12)), 0.0, 0.985,
    ),
    "head turned": Stance(
        {"neck": (2, 12, 0), "head": (2, 20, 2)}, Arm(64, 2, 6, 20), Arm(66, 4, 6, 14),
        ((0.15, 0.03, 20), (-0.11, 0, 10)), -0.02,
    ),
    "arms crossed": Stance(
        {"head": (3, -5, 0)}, Arm(66, 34, 48, 100, -5, 0, 0.8),
        Arm(66, 18, 52, 104, -5, 0, 0.8),
        ((0.14, 0.0, 16), (-0.14, 0.0, 16)),
    ),
    "carrying": Stance(
        {"spine3": (0, 0, 2), "head": (3, 5, 0)}, Arm(66, 0, 4, 18), Arm(66, 0, 4, 10, 0, 0, 2.3),
        _STEP, -0.01
    ),
    "leaning on a cane": Stance(
        {"spine1": (4, 0, 0), "spine3": (3, 0, 0), "head": (-2, -6, 0)},
        Arm(66, 2, 5, 22), Arm(58, 26, 14, 34, 10, -15, 2.3), ((0.13, 0.02, 18), (-0.10, 0.0, 14)), -0.01,
    ),
}  # fmt: skip

MOVES: tuple[tuple[Stance, float], ...] = (
    # A stride of a walk.
    (Stance(
        {"pelvis": (2, -8, 0), "spine2": (2, 12, 0), "head": (2, -2, 0)},
        Arm(70, -22, 8, 18), Arm(70, 24, 10, 34),
        legs={"left_hip": (-27, 0, -3), "left_knee": (8, 0, 0), "left_ankle": (8, 0, 0),
              "right_hip": (20, 0, 3), "right_knee": (26, 0, 0), "right_ankle": (-4, 0, 0)},
    ), 40.0),
    # Arms up.
    (Stance(
        {"head": (-4, 0, 0)}, Arm(-58, 0, 0, 14), Arm(-60, 0, 0, 10),
        legs={"left_hip": (0, 0, -1), "right_hip": (0, 0, 1)},
    ), -15.0),
    # Arms out.
    (Stance({}, Arm(0, 0, 0, 0, 0, 0, 0.3), Arm(0, 0, 0, 0, 0, 0, 0.3), legs={}), 180.0),
    # Legs spread, 45 degrees between them.
    (Stance(
        {"head": (0, 10, 0)}, Arm(40, 0, 0, 12), Arm(38, 0, 0, 12),
        legs={"left_hip": (0, 0, 13), "right_hip": (0, 0, -13)},
    ), 0.0),
    # Half a squat.
    (Stance(
        {"pelvis": (18, 0, 0), "spine1": (6, 0, 0), "head": (-14, 0, 0)},
        Arm(62, 46, 10, 40), Arm(62, 46, 10, 40),
        legs={"left_hip": (-82, 8, 8), "left_knee": (84, 0, 0), "left_ankle": (-18, 0, 0),
              "right_hip": (-82, -8, -8), "right_knee": (84, 0, 0), "right_ankle": (-18, 0, 0)},
    ), -60.0),
    # A wave, the trunk twisted.
    (Stance(
        {"spine1": (0, 9, -2), "spine2": (0, 10, -2), "spine3": (0, 9, -2), "head": (0, -14, 0)},
        Arm(66, 4, 6, 24), Arm(-8, 5, -70, 84, 0, -5, 0.4),
        legs={"left_hip": (-6, 6, 2), "left_knee": (12, 0, 0), "left_ankle": (-6, 0, 0),
              "right_hip": (2, -4, -2)},
    ), 120.0),
)  # fmt: skip
"""The further poses, and from where the camera sees them, degrees."""


def turned(stance: Stance, joints: Float, yaw: float) -> tuple[Float, Float]:
    """Pose [55, 3] and translation [3] of a stance.

    Args:
        stance: The pose.
        joints: Rest joints. [55, 3]
        yaw: The whole body turns by this about the vertical, degrees.
    """
    turns = np.tile(np.eye(3), (JOINT_COUNT, 1, 1))
    for name, degrees in (stance.trunk | (stance.legs or {})).items():
        turns[joint_index(name)] = _euler(degrees)
    for side, arm in (("left", stance.left), ("right", stance.right)):
        for name, turn in _arm(arm).items():
            turns[joint_index(f"{side}_{name}")] = turn if side == "left" else _MIRROR @ turn @ _MIRROR
    if stance.legs is None:
        size = (joints[0, 1] - joints[joint_index("left_ankle"), 1]) / 0.95
        feet = {
            side: (x * size, z * size, out)
            for side, (x, z, out) in zip(("left", "right"), stance.feet, strict=True)
        }
        transl = stand(turns, joints, feet, np.array([stance.sway, 0.0, 0.0]), stance.reach)
    else:
        transl = np.zeros(3)
    spin = matrix_from_rotvec(np.array([0.0, np.radians(yaw), 0.0]))
    turns[0] = spin @ turns[0]
    root = joints[0] * [1, 0, 1]  # the body turns about the vertical through the world's middle
    transl = spin @ (joints[0] + transl - root) + root - joints[0]
    return rotvec_from_matrix(turns), transl


def _euler(degrees: tuple[float, float, float]) -> Float:
    x, y, z = (matrix_from_rotvec(np.radians(d) * axis) for d, axis in zip(degrees, np.eye(3), strict=True))
    return x @ y @ z


def _arm(arm: Arm) -> dict[str, Float]:
    """Rotations of a left arm's joints. [3, 3] each"""
    lift = min(arm.down, 0.0) * 0.35  # raised arms take the collar bone with them
    twisted = _euler((-arm.forward, 0, -arm.down + lift)) @ _euler((arm.twist, 0, 0))
    turns = {
        "collar": _euler((0, -0.12 * arm.forward, -5.0 - lift)),
        "shoulder": twisted,
        "elbow": _euler((0, -arm.bend, 0)),
        "wrist": _euler((-arm.roll, 0, 0)) @ _euler((0, -4, -arm.hand)),
    }
    for name, relaxed in hand("left", 1).items():
        turns[name.removeprefix("left_")] = matrix_from_rotvec(arm.grip * rotvec_from_matrix(relaxed[0]))
    return turns
