"""Waving with the right hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .curves import keyed
from .lower_body import leg
from .pieces import assembled, frames_in, require_cycles
from .standing import Acting, acted, checked

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion

_UP, _UP_BY, _SWING, _DOWN = (
    0.45,
    1.15,
    0.52,
    1.5,
)  # seconds: begins to rise, is up; one swing; until it hangs
# What the raised arm adds to one that hangs, degrees: the forearm points up, the palm forward.
_RAISED = {"collar_up": 9.0, "down": -61.0, "forward": 6.0, "across": 18.0, "twist": -84.0, "elbow": 72.0}
_SWINGS = {"elbow": 20.0, "twist": 7.0, "wrist": 12.0}  # to each side
_LAG = {"elbow": 0.0, "twist": 0.0, "wrist": 0.09}  # seconds


def wave(joints: Float, fps: float = 24.0, cycles: int = 3) -> Motion:
    """Raise the right hand, wave, and lower it again; begins and ends standing still.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second.
        cycles: How often the hand goes to and fro.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` or ``cycles`` leave nothing to show.
    """
    joints = checked(joints)
    require_cycles(cycles)
    last = _UP_BY + cycles * _SWING
    count = frames_in(last + _DOWN, fps)
    seconds = np.arange(count) / fps
    up = keyed(seconds, [(_UP, 0.0), (_UP_BY, 1.0), (last, 1.0), (last + 0.8, 0.0)])
    arm = {name: angle * up for name, angle in _RAISED.items()}
    # The elbow rises before the hand, which is turned last.
    arm["twist"] = _RAISED["twist"] * keyed(
        seconds, [(_UP - 0.05, 0.0), (_UP_BY - 0.15, 1.0), (last + 0.1, 1.0), (last + 0.85, 0.0)]
    )
    swing = keyed(seconds, [(_UP_BY - 0.25, 0.0), (_UP_BY, 1.0), (last - 0.1, 1.0), (last + 0.15, 0.0)])
    for name, angle in _SWINGS.items():
        turns = 2 * np.pi * (seconds - _UP_BY - _LAG[name]) / _SWING
        arm[name] = arm.get(name, 0.0) + angle * swing * np.sin(turns)
    way = 0.012 * leg(joints, "left").length * np.outer(up, [1.0, 0.0, 0.0])
    acting = Acting(
        count=count,
        way=way,
        pelvis=(0.0, 0.0, 1.0 * up),
        chest=(-0.5 * up, 3.0 * up, -2.5 * up),
        head=(-1.0 * up, -2.0 * up, 3.0 * up),
        arms={"right": arm, "left": {"forward": -2.0 * up, "elbow": 3.0 * up}},
        curl={"right": 1.0 - 0.65 * up},
    )
    return assembled(*acted(joints, fps, acting), fps, "Wave")
