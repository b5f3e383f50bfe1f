"""Contacts: when a foot stands on the ground, and how far it slides meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import joint_index
from ..avatar.skinning import forward_kinematics, posed_joints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .motion import Motion

POINTS = tuple(joint_index(name) for name in ("left_ankle", "left_foot", "right_ankle", "right_foot"))
"""Heel and ball of the left foot, then of the right."""
LOW = 0.03
"""Metres above where a point is when the foot stands flat."""
LANDS = 0.15
"""Metres per second below which a low point stands."""
_LEAVES = 0.25  # metres per second above which it stands no longer
_SHORTEST = 0.1  # seconds
_FEWEST = 4  # frames
_CHUNK = 2048


@dataclass(frozen=True)
class Contact:
    """A heel or ball that rests on the ground.

    Args:
        point: Index into :data:`POINTS`.
        start: First frame.
        end: The frame after the last.
        slide: How far its places are from their mean at most, level, metres.
    """

    point: int
    start: int
    end: int
    slide: float


def foot_points(joints: Float, motion: Motion) -> Float:
    """Places of heels and balls, metres. [F, 4, 3]

    Args:
        joints: Rest joints. [55, 3]
        motion: On this person.
    """
    joints = np.asarray(joints, np.float64)
    places = np.empty((motion.count, len(POINTS), 3))
    for start in range(0, motion.count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        pose, transl = motion.pose[rows].astype(np.float64), motion.transl[rows].astype(np.float64)
        moved = forward_kinematics(joints, pose, transl)[:, list(POINTS)]
        places[rows] = posed_joints(joints[list(POINTS)], moved)
    return places


def contacts(joints: Float, motion: Motion) -> list[Contact]:
    """When heels and balls stand still near the ground.

    Args:
        joints: Rest joints; the floor is where the feet are in the rest pose. [55, 3]
        motion: On this person.
    """
    places = foot_points(joints, motion)
    height = places[..., 1] - np.asarray(joints)[list(POINTS), 1]
    speed = _speed(places, motion.fps)
    fewest = max(_FEWEST, round(_SHORTEST * motion.fps))
    found = []
    for point in range(len(POINTS)):
        low = height[:, point] < LOW
        still = _hysteresis(low & (speed[:, point] < LANDS), low & (speed[:, point] < _LEAVES))
        edges = np.flatnonzero(np.diff(np.r_[0, still.astype(np.int8), 0]))
        for start, end in edges.reshape(-1, 2):
            if end - start >= fewest:
                level = places[start:end, point][:, [0, 2]]
                slide = float(np.linalg.norm(level - level.mean(axis=0), axis=1).max())
                found.append(Contact(point, int(start), int(end), slide))
    return found


def _speed(places: Float, fps: float) -> Float:
    """Central differences, metres per second. [F, 4]"""
    if len(places) < 2:
        return np.zeros(places.shape[:2])
    return np.linalg.norm(np.gradient(places, axis=0), axis=-1) * fps


def _hysteresis(begins: NDArray[np.bool_], stays: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Runs of ``stays`` that hold some of ``begins``. [F]"""
    edges = np.flatnonzero(np.diff(np.r_[0, stays.astype(np.int8), 0])).reshape(-1, 2)
    result = np.zeros(len(stays), bool)
    for start, end in edges:
        if begins[start:end].any():
            result[start:end] = True
    return result
