"""Drift: the whole body slides along the ground, as what estimators see in videos often does.

A foot that is flat on the ground while the other one swings carries the body. Where nothing stands still and
the carrying foot slides, its speed is the drift's. People who slide on purpose do so on both feet, faster, or
stand on the other foot meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .contacts import LANDS, LOW, POINTS, contacts, foot_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .motion import Motion

_FASTEST = 0.8  # metres per second, level; beyond, somebody skates
_UPRIGHT = 0.15  # metres per second up or down, of a foot that is set down
_SWINGS = 0.3  # metres per second that the other foot is faster by
_SHORTEST = 0.1  # seconds
_STANDS = 0.25  # seconds; for shorter a foot that swings may be still by chance
_SMOOTH = 0.2  # seconds


def drift(joints: Float, motion: Motion) -> Float | None:
    """How far the body has slid since the start, level; ``None`` if it does not.

    Args:
        joints: Rest joints; the floor is where the feet are in the rest pose. [55, 3]
        motion: On this person.

    Returns:
        Metres. [F, 3]
    """
    if motion.count < 2:
        return None
    places = foot_points(joints, motion)
    speed = np.gradient(places, axis=0) * motion.fps
    standing = np.zeros(motion.count, bool)
    for contact in contacts(joints, motion):
        if contact.end - contact.start > _STANDS * motion.fps:
            standing[contact.start : contact.end] = True
    low = places[..., 1] - np.asarray(joints)[list(POINTS), 1] < LOW
    known, found = standing.copy(), np.zeros((motion.count, 3))
    for side in (0, 1):
        for start, end in _carrying(speed, low, side, max(2, round(_SHORTEST * motion.fps))):
            rows = np.arange(start, end)[~standing[start:end]]
            own = speed[rows, 2 * side + 1] * [1.0, 0.0, 1.0]
            if len(rows) and np.linalg.norm(own.mean(axis=0)) > LANDS:
                # Where both feet carry, the later one takes over bit by bit.
                found[rows] = np.where(known[rows, None], (found[rows] + own) / 2, own)
                known[rows] = True
    if not found.any():
        return None
    return np.cumsum(_smoothed(known, found, _SMOOTH * motion.fps), axis=0) / motion.fps


def _carrying(speed: Float, low: NDArray[np.bool_], side: int, fewest: int) -> list[tuple[int, int]]:
    """Runs of frames in which a foot is flat on the ground, and at some time the other one swings."""
    mine, other = slice(2 * side, 2 * side + 2), slice(2 - 2 * side, 4 - 2 * side)
    level = np.linalg.norm(speed[..., [0, 2]], axis=-1)
    flat = low[:, mine].all(axis=1) & (np.abs(speed[:, mine, 1]) < _UPRIGHT).all(axis=1)
    flat &= level[:, mine].max(axis=1) < _FASTEST
    apart = np.linalg.norm(speed[:, other].mean(axis=1) - speed[:, mine].mean(axis=1), axis=-1)
    swings = ~low[:, other].all(axis=1) & (apart > _SWINGS)
    edges = np.flatnonzero(np.diff(np.r_[0, flat.astype(np.int8), 0])).reshape(-1, 2)
    return [(int(a), int(b)) for a, b in edges if b - a >= fewest and swings[a:b].any()]


def _smoothed(known: NDArray[np.bool_], found: Float, width: float) -> Float:
    """Between what is known by straight lines, then by a bell curve. [F, 3]"""
    frames, rows = np.arange(len(found)), np.flatnonzero(known)
    filled = np.stack([np.interp(frames, rows, found[rows, axis]) for axis in range(3)], axis=1)
    reach = max(1, round(3 * width))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(filled, ((reach, reach), (0, 0)), mode="edge")
    return np.stack(
        [np.convolve(padded[:, axis], bell / bell.sum(), mode="valid") for axis in range(3)], axis=1
    )
