"""The exercises of the range-of-motion take, and what they add up to over time.

Each goes one way and then the other, and comes back before the next one begins. Degrees, but for ``way``,
which is in lengths of the leg, and ``fist``, which is a share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .curves import keyed
from .feet import hump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float

    Ways = dict[str, tuple[float, float]]

# Seconds before and after the change of what is held, and how soft it is. Heels come up at once: a heel that
# rises slowly turns into one that slides.
_CHANGE, _SOFT = 0.25, 0.1
_HEELS_CHANGE, HEEL_SOFT = 0.11, 0.04
START = 0.6
"""Seconds of standing still before the first exercise."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Args:
        seconds: It takes.
        ways: How far each channel goes first, and then the other way.
        held: What stays as it is meanwhile.
    """

    seconds: float
    ways: Ways
    held: dict[str, float] = field(default_factory=dict)


FINGERS = ("index", "middle", "ring", "pinky")
_FOREARMS_FORWARD = {"arm.elbow": 68.0, "arm.forearm": 25.0}
_OVER_THE_TOES = {"way.z": 0.07, "way.y": -0.0045, "arm.forward": 12.0}

# x leans forward, y turns to the left, z leans to the right; arms are those of `upper_body.arm`, both alike.
EXERCISES = (
    Exercise(1.6, {"eye.y": (24.0, -24.0)}),
    Exercise(1.6, {"eye.x": (-18.0, 19.0)}),
    Exercise(1.8, {"jaw.x": (19.0, 6.0), "jaw.y": (0.0, 5.0)}),
    Exercise(1.3, {"jaw.y": (-5.0, 0.0), "jaw.x": (5.0, 0.0)}),
    Exercise(2.1, {"head.x": (38.0, -42.0)}),
    Exercise(2.2, {"head.y": (62.0, -62.0), "chest.y": (4.0, -4.0)}),
    Exercise(2.1, {"head.z": (32.0, -32.0)}),
    Exercise(2.7, {"chest.x": (52.0, -18.0), "head.x": (58.0, -28.0), "pelvis.x": (14.0, -6.0),
                   "way.z": (-0.06, 0.03), "way.y": (-0.005, -0.002), "arm.forward": (40.0, -8.0)}),
    Exercise(2.6, {"chest.y": (42.0, -42.0), "head.y": (58.0, -58.0), "arm.forward": (12.0, 12.0),
                   "arm.elbow": (45.0, 45.0), "pelvis.y": (6.0, -6.0), "way.y": (-0.002, -0.002)}),
    Exercise(2.4, {"chest.z": (30.0, -30.0), "head.z": (40.0, -40.0), "way.x": (-0.03, 0.03),
                   "pelvis.z": (3.0, -3.0), "way.y": (-0.010, -0.010)}),
    Exercise(2.2, {"pelvis.z": (6.0, -6.0), "way.x": (0.04, -0.04), "way.y": (-0.019, -0.019)}),
    Exercise(2.2, {"pelvis.y": (16.0, -16.0), "pelvis.x": (12.0, -8.0), "way.y": (-0.008, -0.008)}),
    Exercise(1.8, {"arm.collar_up": (24.0, -6.0), "arm.down": (-8.0, 0.0)}),
    Exercise(1.8, {"arm.collar_forward": (18.0, -16.0), "arm.across": (12.0, -4.0)}),
    Exercise(2.7, {"arm.forward": (158.0, -42.0), "arm.collar_up": (14.0, 0.0), "chest.x": (-4.0, 3.0)}),
    Exercise(2.6, {"arm.down": (-142.0, 0.0), "arm.collar_up": (28.0, 0.0), "arm.twist": (-70.0, 0.0)}),
    Exercise(2.7, {"arm.down": (-70.0, -70.0), "arm.across": (105.0, -20.0)}),
    Exercise(2.6, {"arm.twist": (20.0, -64.0)}, {"arm.elbow": 66.0}),
    Exercise(2.1, {"arm.elbow": (118.0, -14.0)}),
    Exercise(2.1, {"arm.forearm": (70.0, -75.0)}, _FOREARMS_FORWARD),
    Exercise(2.1, {"arm.wrist_curl": (65.0, -58.0)}, {**_FOREARMS_FORWARD, "arm.forearm": 40.0}),
    Exercise(1.9, {"arm.wrist": (16.0, -28.0)}, {**_FOREARMS_FORWARD, "arm.forearm": 40.0}),
    Exercise(2.4, {"fist": (1.0, -1.0), "back": (0.0, 9.0)}, _FOREARMS_FORWARD),
    *(Exercise(0.7, {finger: (1.0, 0.0)}, _FOREARMS_FORWARD) for finger in FINGERS),
    Exercise(1.4, {"thumb": (34.0, -14.0)}, _FOREARMS_FORWARD),
    Exercise(2.1, {"spread": (11.0, -3.0)}, {**_FOREARMS_FORWARD, "fist": -0.8}),
    Exercise(0.8, {}, _OVER_THE_TOES),
    Exercise(1.5, {}, {**_OVER_THE_TOES, "heels": 32.0}),
    Exercise(0.8, {}, _OVER_THE_TOES),
    Exercise(2.9, {"way.y": (-0.36, 0.0), "way.z": (-0.14, 0.0), "chest.x": (34.0, 0.0),
                   "pelvis.x": (30.0, 0.0), "head.x": (12.0, 0.0), "arm.forward": (62.0, 0.0),
                   "arm.elbow": (8.0, 0.0)}),
)  # fmt: skip

LEG_SECONDS = 9.6
"""The exercises of one leg."""
CARRIED = [(0.05, 0.0), (0.75, 1.0), (8.7, 1.0), (9.4, 0.0)]
"""Share of the weight on the other leg."""
HEEL_UP = [(0.74, 0.0), (0.96, 1.0), (8.64, 1.0), (8.86, 0.0)]
"""Share of how far the foot rolls off."""
FOOT_UP = [(0.90, 0.0), (1.35, 1.0), (8.25, 1.0), (8.70, 0.0)]
"""Share of how far the foot is lifted straight up."""
LIFTED = [(1.25, 0.0), (1.65, 1.0), (7.95, 1.0), (8.35, 0.0)]
"""Share of the leg's own angles."""
# Of the left leg in degrees, with the second: forward, outwards, toes outwards, knee, toes down.
LEG_ANGLES: Mapping[str, list[tuple[float, float]]] = {
    "forward": [(1.5, 30), (2.0, 92), (2.4, 92), (3.0, 26), (3.5, 14), (3.9, 14), (4.3, 28), (4.7, 24),
                (5.2, -16), (5.6, -16), (6.2, 0), (6.6, 34), (7.6, 34), (8.0, 30)],
    "outwards": [(3.0, 2), (3.5, 36), (3.9, 36), (4.7, 2)],
    "toes_out": [(6.3, 0), (6.7, 30), (6.95, 30), (7.4, -24), (7.6, -24), (8.0, 0)],
    "knee": [(1.5, 60), (2.0, 100), (2.4, 100), (3.0, 46), (3.5, 30), (3.9, 30), (4.3, 54), (4.7, 46),
             (5.2, 34), (5.5, 34), (6.0, 122), (6.2, 122), (6.7, 85), (7.6, 85), (8.0, 60)],
    "toes_down": [(1.5, 0), (1.9, 40), (2.5, -16), (3.0, 0), (5.0, 0), (5.6, 30), (6.4, 6), (8.0, 0)],
}  # fmt: skip


def duration() -> float:
    """Of the whole take, seconds."""
    return START + sum(e.seconds for e in EXERCISES) + 2 * LEG_SECONDS + START


def legs_start(side: str) -> float:
    """When the exercises of a leg begin, seconds."""
    return START + sum(e.seconds for e in EXERCISES) + (LEG_SECONDS if side == "right" else 0.0)


def channels(seconds: Float) -> dict[str, Float]:
    """What all exercises but those of single legs add up to, by channel. [F] each"""
    found = _held(seconds)
    start = START
    for exercise in EXERCISES:
        first, second = _bumps((seconds - start) / exercise.seconds, exercise)
        for name, (one, other) in exercise.ways.items():
            found[name] = found.get(name, 0.0) + one * first + other * second
        start += exercise.seconds
    return found


def _held(seconds: Float) -> dict[str, Float]:
    """What is held goes from exercise to exercise without a break."""
    ends = START + np.cumsum([0.0, *(e.seconds for e in EXERCISES)])
    found = {}
    for name in sorted({name for e in EXERCISES for name in e.held}):
        change, soft = (_HEELS_CHANGE, HEEL_SOFT) if name == "heels" else (_CHANGE, _SOFT)
        values = [0.0, *(e.held.get(name, 0.0) for e in EXERCISES), 0.0]
        keys = []
        for end, before, after in zip(ends, values[:-1], values[1:], strict=True):
            keys += [(end - change, before), (end + change, after)]
        found[name] = keyed(seconds, keys, soft)
    return found


def _bumps(s: Float, exercise: Exercise) -> tuple[Float, Float]:
    """One way, and the other way; what goes one way only takes its time."""
    if all(other == 0 for _, other in exercise.ways.values()):
        return hump(np.clip(s, 0, 1), 3, 3), np.zeros_like(s)
    return hump(np.clip(2 * s, 0, 1), 3, 3), hump(np.clip(2 * s - 1, 0, 1), 3, 3)


def leg_angles(seconds: Float) -> dict[str, Float]:
    """Of the lifted left leg, radians. [F] each"""
    return {name: np.radians(keyed(seconds, keys, 0.13)) for name, keys in LEG_ANGLES.items()}
