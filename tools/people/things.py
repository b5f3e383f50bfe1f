"""What people hold, built in the photo's pose around the hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .cloth import lofted, merged

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ..example.person import Person
    from ..example.shapes import Shape

HANDS = {"ball": "left", "bag": "right", "book": "right", "cane": "right"}
COLORS = {"ball": "#c4571f", "bag": "#6d3b22", "book": "#27436b", "cane": "#4a2c18"}
BALL_RADIUS = 0.105


@dataclass(frozen=True)
class Hand:
    """A hand in the photo's pose: grip point, where the fingers point, where the palm looks. [3] each"""

    grip: Float
    fingers: Float
    palm: Float


def hand_of(person: Person, side: str) -> Hand:
    """The hand of a side."""
    turn = person.standing[joint_index(f"{side}_wrist")]
    knuckle, wrist = (
        person.joints[joint_index(f"{side}_middle1")],
        person.joints[joint_index(f"{side}_wrist")],
    )
    fingers = (knuckle - wrist) / np.linalg.norm(knuckle - wrist)
    palm = np.array([0.0, -1.0, 0.0])
    palm -= (palm @ fingers) * fingers
    palm /= np.linalg.norm(palm)
    grip = knuckle + 0.010 * fingers + 0.022 * palm
    return Hand(turn[:3, :3] @ grip + turn[:3, 3], turn[:3, :3] @ fingers, turn[:3, :3] @ palm)


def make_thing(kind: str, person: Person, floor: float) -> tuple[Shape, str]:
    """A thing at rest with the hand that holds it, and the side of that hand.

    Args:
        kind: ball, bag, book or cane.
        person: Who holds it, in the photo's pose.
        floor: Height of the floor in that pose, metres.
    """
    side = HANDS[kind]
    hand = hand_of(person, side)
    shape = {"ball": _ball, "bag": _bag, "book": _book, "cane": _cane}[kind](hand, floor)
    back = np.linalg.inv(person.standing[joint_index(f"{side}_wrist")])
    return shape.moved(shape.vertices @ back[:3, :3].T + back[:3, 3]), side


def _ball(hand: Hand, floor: float) -> Shape:
    theta, phi = np.linspace(0, np.pi, 40), np.linspace(0, 2 * np.pi, 64, endpoint=False)
    rings = np.stack(
        [
            np.stack([np.sin(a) * np.cos(phi), np.full_like(phi, np.cos(a)), np.sin(a) * np.sin(phi)], axis=1)
            for a in np.clip(theta, 0.01, np.pi - 0.01)
        ]
    )
    shape = lofted(rings)
    return shape.moved(shape.vertices * BALL_RADIUS + hand.grip + (BALL_RADIUS + 0.004) * hand.palm)


def _box(half: Float, frame: Float, middle: Float, round_: float) -> Shape:
    """A rounded box; ``frame``: rows are its axes. [3, 3]"""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    c, s = np.cos(angles), np.sin(angles)
    outline = np.stack([np.sign(c) * np.abs(c) ** 0.25, np.sign(s) * np.abs(s) ** 0.25], axis=1)
    rings = []
    for depth, inset in ((-1, round_), (-1 + 0.15, 0), (1 - 0.15, 0), (1, round_)):
        line = outline * (half[:2] - inset)
        rings.append(np.concatenate([line, np.full((48, 1), depth * half[2])], axis=1))
    shape = lofted(np.array(rings))
    return shape.moved(shape.vertices @ frame + middle)


def _bag(hand: Hand, floor: float) -> Shape:
    """A handbag that hangs from the fingers, wide along the walking direction."""
    along = hand.palm * [1, 0, 1]
    across = along / np.linalg.norm(along)
    ahead = np.cross(across, [0.0, 1.0, 0.0])
    frame = np.stack([ahead, [0.0, 1.0, 0.0], across])
    middle = hand.grip - np.array([0, 0.235, 0])
    body = _box(np.array([0.155, 0.115, 0.05]), frame, middle, 0.012)
    straps = []
    t = np.linspace(0, np.pi, 17)
    for offset in (-0.018, 0.018):
        line = np.stack(
            [0.085 * np.cos(t), -0.130 + 0.135 * np.sin(t) ** 0.6, np.full_like(t, offset) * np.cos(t) ** 2],
            axis=1,
        )
        straps.append(_tube(line @ frame + hand.grip, 0.006))
    return merged([body, *straps])


def _tube(line: Float, radius: float) -> Shape:
    way = np.gradient(line, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    one = np.cross(way, [0.31, 0.2, 0.93])
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    two = np.cross(way, one)
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.cos(angle)[None, :, None] * one[:, None] + np.sin(angle)[None, :, None] * two[:, None]
    return lofted(line[:, None] + radius * ring)


def _book(hand: Hand, floor: float) -> Shape:
    up = np.cross(hand.fingers, hand.palm)
    frame = np.stack([hand.fingers, up, np.cross(hand.fingers, up)])
    return _box(
        np.array([0.085, 0.12, 0.014]), frame, hand.grip + 0.006 * hand.palm + 0.01 * hand.fingers, 0.002
    )


def _cane(hand: Hand, floor: float) -> Shape:
    foot = np.array([hand.grip[0] * 1.06, floor + 0.003, hand.grip[2] + 0.03])
    t = np.linspace(0, 1, 20)[:, None]
    ahead = np.array([0.0, 0.0, 1.0])
    arc = np.linspace(0, np.pi, 12)[:, None]
    top = hand.grip + np.array([0, -0.035, 0.045])
    crook = top - 0.045 * ahead * (1 - np.cos(arc)) + np.array([0, 1.0, 0]) * 0.04 * np.sin(arc)
    return _tube(np.concatenate([foot + t * (top - foot), crook[1:]]), 0.0105)
