"""Turning around on the spot, step by step; the head goes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .curves import ease, keyed
from .feet import ball_pivot, hump
from .lower_body import SIDES, Foot, about, leg, place
from .pieces import assembled, frames_in
from .standing import Acting, acted, checked, standing_feet

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion

_STILL = 0.45  # seconds before the times below begin
_SECONDS = 4.05


@dataclass(frozen=True)
class _Step:
    """One foot goes round to the left: seconds from and to, degrees at its end."""

    side: str
    start: float
    end: float
    degrees: float


_STEPS = (
    _Step("left", 0.50, 0.98, 48.0),
    _Step("right", 0.94, 1.42, 80.0),
    _Step("left", 1.38, 1.86, 125.0),
    _Step("right", 1.82, 2.30, 162.0),
    _Step("left", 2.26, 2.72, 180.0),
    _Step("right", 2.68, 3.06, 180.0),
)
_LIFT = 0.085  # of the leg's length
_HEEL_UP = np.radians(24.0)
_GOES = (0.2, 0.88)  # part of a step in which the foot travels: first it comes off the ground
# Turn of the head, the chest and the pelvis: seconds and degrees.
_HEAD = [(0.20, 0.0), (2.10, 180.0)]
_CHEST = [(0.32, 0.0), (2.50, 180.0)]
_PELVIS = [(0.42, 0.0), (2.72, 180.0)]
_SWAY = 0.035  # towards the foot that stands, in lengths of the leg
_SINK = 0.04


def turn(joints: Float, fps: float = 24.0) -> Motion:
    """Turn around to the left by half a turn, in six steps; begins and ends standing still.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` leaves nothing to show.
    """
    joints, count = checked(joints), frames_in(_SECONDS, fps) + 1
    seconds = np.arange(count) / fps - _STILL
    head, chest, pelvis = (keyed(seconds, keys, 0.22) for keys in (_HEAD, _CHEST, _PELVIS))
    sway, busy = _weight(seconds), keyed(seconds, [(0.3, 0.0), (0.7, 1.0), (2.8, 1.0), (3.2, 0.0)])
    length = leg(joints, "left").length
    turned = about("y", np.radians(pelvis))
    centre = _centre(joints)
    rest = place(joints, "pelvis") * [1.0, 0.0, 1.0]
    way = centre - rest + (turned @ (rest - centre))
    way += length * (turned @ np.stack([_SWAY * sway, -_SINK * busy, 0 * sway], axis=1)[..., None])[..., 0]
    # Hands lag behind the turn: the arm in front swings across, the other one out.
    lag = 0.16 * (chest - keyed(seconds - 0.12, _CHEST, 0.22))
    acting = Acting(
        count=count,
        way=way,
        pelvis=(0.5 * busy, pelvis, 1.2 * sway),
        chest=(1.0 * busy, chest, -0.8 * sway),
        head=(2.5 * busy, head, 1.5 * busy),
        arms={
            "left": {"forward": -lag * 2 + 2 * busy, "elbow": 6.0 * busy, "down": -2.0 * busy},
            "right": {"forward": lag * 2 + 4 * busy, "elbow": 9.0 * busy, "down": -2.0 * busy},
        },
        feet=_feet(joints, seconds),
    )
    return assembled(*acted(joints, fps, acting), fps, "Turn Around")


def _centre(joints: Float) -> Float:
    """The point on the ground that the feet go round. [3]"""
    rest = standing_feet(joints, 1)
    balls = [_ball(joints, side, rest[side])[0] for side in SIDES]
    middle = (rest["left"].ankle[0] + rest["right"].ankle[0] + balls[0] + balls[1]) / 4
    return middle * [1.0, 0.0, 1.0]


def _forward(joints: Float, side: str) -> Float:
    """From the ankle to the point it turns about when its heel is up. [3]"""
    return ball_pivot(place(joints, f"{side}_foot") - place(joints, f"{side}_ankle"))


def _ball(joints: Float, side: str, foot: Foot) -> Float:
    return foot.ankle + foot.rotation @ _forward(joints, side)


def _weight(seconds: Float) -> Float:
    """1 when all weight is on the left foot, -1 on the right one. [F]"""
    steps = [(0.5 * (step.start + step.end), 1.0 if step.side == "right" else -1.0) for step in _STEPS]
    return keyed(seconds, [(0.2, 0.0), *steps, (3.35, 0.0)], 0.09)


def _feet(joints: Float, seconds: Float) -> dict[str, Foot]:
    """Feet that stand still but for their steps."""
    rest, centre, feet = standing_feet(joints, len(seconds)), _centre(joints), {}
    length = leg(joints, "left").length
    for side in SIDES:
        yaw, lift, pitch, before = np.zeros((4, len(seconds)))
        before = 0.0
        for step in (step for step in _STEPS if step.side == side):
            s = np.clip((seconds - step.start) / (step.end - step.start), 0.0, 1.0)
            yaw += (step.degrees - before) * ease(s, *_GOES)
            lift += _LIFT * length * hump(s, 3, 3)
            pitch += _HEEL_UP * hump(np.clip(s / 0.85, 0.0, 1.0), 2, 3)
            before = step.degrees
        round_centre = about("y", np.radians(yaw))
        ball = centre + (round_centre @ (_ball(joints, side, rest[side]) - centre)[..., None])[..., 0]
        ball[:, 1] += lift
        rotation = round_centre @ rest[side].rotation @ about("x", pitch)
        feet[side] = Foot(ball - rotation @ _forward(joints, side), rotation, -0.6 * pitch)
    return feet
