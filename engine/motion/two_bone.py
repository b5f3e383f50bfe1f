"""Two-bone IK in closed form, and its inverse: where end and pole must be for a limb to stay as it is.

A limb is a root (shoulder, hip), a middle (elbow, knee) and an end (wrist, ankle). The middle is a hinge.
Real limbs do not lie in a plane across their hinge: knees stand to the outside. That distance along the hinge
stays as it is at rest, so a limb that is bent from rest bends like a knee and not sideways.

A *frame* is a rotation whose columns are the hinge, the way along the bone across it, and the side to which
the middle bends; so the middle moves towards the third axis of the frame of the line from root to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..avatar.arrays import Float

_STRAIGHT, _BENT = 0.0005, 0.002  # sine between which the limb's own hinge gives way to where its middle is
_OPPOSED = 0.2  # length of the mean of two directions below which they are taken as opposite
_SMALLEST = 1e-9  # metres


@dataclass(frozen=True)
class RestLimb:
    """A limb at rest.

    Args:
        upper: Length from root to middle, across the hinge, metres.
        lower: Length from middle to end, likewise.
        aside: From the line between root and end to the middle, along the hinge.
        line: Frame of that line. [3, 3]
        upper_frame: Frame of the upper bone. [3, 3]
        lower_frame: Frame of the lower bone. [3, 3]
        upper_axes: The same, but its second axis goes all the way from root to middle. [3, 3]
        lower_axes: Likewise from middle to end. [3, 3]
    """

    upper: float
    lower: float
    aside: float
    line: Float
    upper_frame: Float
    lower_frame: Float
    upper_axes: Float
    lower_axes: Float


def rest_limb(root: Float, middle: Float, end: Float, side: Float) -> RestLimb:
    """Measure a limb at rest.

    Args:
        root: Shoulder or hip, metres, body axes. [3]
        middle: Elbow or knee. [3]
        end: Wrist or ankle. [3]
        side: Where the middle bends to, across the limb: back for elbows, forward for knees. [3]
    """
    line = _frame(np.asarray(end, np.float64) - root, np.asarray(side, np.float64))
    hinge = line[:, 0]
    out, on = np.asarray(middle, np.float64) - root, np.asarray(end, np.float64) - middle
    upper, lower = _across(out, hinge), _across(on, hinge)
    return RestLimb(
        upper=float(np.linalg.norm(upper)),
        lower=float(np.linalg.norm(lower)),
        aside=float(out @ hinge),
        line=line,
        upper_frame=_frame(upper, np.cross(hinge, upper)),
        lower_frame=_frame(lower, np.cross(hinge, lower)),
        upper_axes=_frame(out, np.cross(hinge, out)),
        lower_axes=_frame(on, np.cross(hinge, on)),
    )


def bend(limb: RestLimb, root: Float, end: Float, pole: Float) -> tuple[Float, Float]:
    """Bend a limb so that it ends where it is wanted; beyond its reach it is straight.

    Args:
        limb: Its lengths.
        root: Where it begins, metres. [..., 3]
        end: Where it is to end. [..., 3]
        pole: A point on the side to which it bends. [..., 3]

    Returns:
        Frames of the upper and of the lower bone. [..., 3, 3] each
    """
    way = np.asarray(end, np.float64) - root
    line = _frame(way, np.asarray(pole, np.float64) - root)
    lift, fold = _cosines(limb, np.linalg.norm(way, axis=-1))
    upper = line @ _about_x(lift, np.sqrt(1 - lift**2))
    return upper, upper @ _about_x(fold, -np.sqrt(1 - fold**2))


def pole_place(
    limb: RestLimb, root: Float, middle: Float, end: Float, upper_turn: Float, distance: float
) -> Float:
    """Where a pole must be for a limb to stay as it is; where it is straight, by its own hinge.

    Args:
        limb: At rest.
        root: Posed, metres. [..., 3]
        middle: [..., 3]
        end: [..., 3]
        upper_turn: Rotation of the upper joint from its rest. [..., 3, 3]
        distance: From the line between root and end, metres.

    Returns:
        Beside the middle. [..., 3]
    """
    way = np.asarray(end, np.float64) - root
    along = _unit(way)
    out = _across(np.asarray(middle, np.float64) - root, along)
    beside = middle - out
    share = (np.linalg.norm(out, axis=-1, keepdims=True) / limb.upper - _STRAIGHT) / (_BENT - _STRAIGHT)
    # The bent limb's middle is this far to the side, and always `aside` along the hinge.
    lift, _ = _cosines(limb, np.linalg.norm(way, axis=-1))
    side = (limb.upper * np.sqrt(1 - lift**2))[..., None]
    seen = _unit(side * out - limb.aside * np.cross(along, out))
    own = _unit(_across((upper_turn @ limb.upper_frame)[..., 2], along))
    share = np.clip(share, 0, 1)
    mean = share * seen + (1 - share) * own
    opposed = np.linalg.norm(mean, axis=-1, keepdims=True) < _OPPOSED
    return beside + distance * np.where(opposed, own, _unit(mean))


def _cosines(limb: RestLimb, distance: Float) -> tuple[Float, Float]:
    """Of the angles between line and upper bone, and upper and lower bone: the law of cosines. [...] each"""
    a, b = limb.upper, limb.lower
    distance = np.maximum(distance, _SMALLEST)
    lift = (a * a + distance**2 - b * b) / (2 * a * distance)
    fold = (distance**2 - a * a - b * b) / (2 * a * b)
    return np.clip(lift, -1, 1), np.clip(fold, -1, 1)


def _frame(way: Float, side: Float) -> Float:
    """Along a way, bending to a side. [..., 3, 3]"""
    y = _unit(way)
    z = _unit(_across(side, y))
    return np.stack([np.cross(y, z), y, z], axis=-1)


def _about_x(cosine: Float, sine: Float) -> Float:
    turn = np.zeros((*np.shape(cosine), 3, 3))
    turn[..., 0, 0] = 1
    turn[..., 1, 1] = turn[..., 2, 2] = cosine
    turn[..., 2, 1], turn[..., 1, 2] = sine, -np.asarray(sine)
    return turn


def _across(vector: Float, along: Float) -> Float:
    return vector - (vector * along).sum(axis=-1, keepdims=True) * along


def _unit(vector: Float) -> Float:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), _SMALLEST)
