"""Feet: how they are tilted in the calibration pose, told by the frames in which they stand flat.

Where no frame shows a T-pose, the best one may be in the middle of a step. Laying our foot flat there would
tilt it whenever the source's is flat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..take import Take

_LOW = 0.035  # of a leg, above where the point is when it is lowest
_LEVEL = 0.18  # legs per second, up or down
_LOWEST = 5.0  # percent of the frames, taken for the ground
_FEWEST = 4  # frames
_SHORTEST = 0.1  # seconds
_MOST = 2000  # frames looked at
_AGREE = np.radians(10.0)  # half of the frames are as near to the median


def flat_feet(
    take: Take, row: Mapping[str, int], frame: int, leg: float, target: Float, turns: Float
) -> Float:
    """Tilt our feet and toes so that they are flat when the source's are.

    Args:
        take: The source.
        row: Its joint for each of ours.
        frame: Of the calibration pose.
        leg: Thigh and shin of the source, its units.
        target: Our rest joints. [55, 3]
        turns: ``target_posed_from_rest`` of our joints in that pose, feet flat. [55, 3, 3]

    Returns:
        The same but for the feet. [55, 3, 3]
    """
    turns = turns.copy()
    for side in ("left", "right"):
        ankle, toe = f"{side}_ankle", f"{side}_foot"
        if ankle not in row or toe not in row:
            continue
        flat = _flat_frames(take, (row[ankle], row[toe]), leg)
        if frame in flat or not len(flat):
            continue
        across = turns[joint_index(ankle)] @ [1.0, 0.0, 0.0]
        flat = flat[np.unique(np.linspace(0, len(flat) - 1, _MOST).astype(int))]
        ours = target[joint_index(toe)] - target[joint_index(ankle)]
        headed = _headings(ours, take.positions[flat, row[toe]] - take.positions[flat, row[ankle]])
        for joint in (ankle, toe):
            index = joint_index(joint)
            since = take.rotations[flat, row[joint]] @ take.rotations[frame, row[joint]].T
            wanted = np.swapaxes(since, -1, -2) @ headed
            angles = rotvec_from_matrix(wanted @ turns[index].T) @ across
            pitch = np.median(angles)
            if np.median(np.abs(angles - pitch)) < _AGREE:
                turns[index] = matrix_from_rotvec(pitch * across) @ turns[index]
    return turns


def _flat_frames(take: Take, points: tuple[int, int], leg: float) -> NDArray[np.intp]:
    """Frames in which heel and ball are both near the ground and neither rise nor fall."""
    heights = take.positions[:, points, 1] / leg
    if take.count < 2:
        return np.zeros(0, np.intp)
    low = heights - np.percentile(heights, _LOWEST, axis=0) < _LOW
    flat = (low & (np.abs(np.gradient(heights, axis=0)) * take.rate < _LEVEL)).all(axis=1)
    runs = np.flatnonzero(np.diff(np.r_[0, flat.astype(np.int8), 0])).reshape(-1, 2)
    long = [np.arange(a, b) for a, b in runs if b - a >= max(_FEWEST, _SHORTEST * take.rate)]
    return np.concatenate(long) if long else np.zeros(0, np.intp)


def _headings(ours: Float, theirs: Float) -> Float:
    """Level turns that bring our foot's direction to the source's. [F, 3, 3]"""
    angle = np.arctan2(theirs[:, 0], theirs[:, 2]) - np.arctan2(ours[0], ours[2])
    return matrix_from_rotvec(angle[:, None] * [0.0, 1.0, 0.0])
