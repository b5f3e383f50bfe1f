"""Transfer: the turns of a source since its calibration pose, laid on ours."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import JOINT_COUNT, JOINT_PARENTS, joint_index
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float
    from ..take import Take
    from .calibrate import Calibration

_SPINE = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")


def transferred(take: Take, frames: slice, bones: Mapping[str, str], calibration: Calibration) -> Float:
    """Local turns of our joints.

    Args:
        take: The source.
        frames: Which of its frames.
        bones: Bone of each of our joints.
        calibration: How both stand in one pose.

    Returns:
        Axis-angle, radians. [F, 55, 3]

    A joint of the spine without a bone lies between its neighbours; any other moves with its parent.
    """
    count = len(take.positions[frames])
    turned = np.empty((count, JOINT_COUNT, 3, 3))
    mapped = np.zeros(JOINT_COUNT, bool)
    for name, bone in bones.items():
        joint, row = joint_index(name), take.names.index(bone)
        offset = calibration.source[row].T @ calibration.turns[joint]
        turned[:, joint] = take.rotations[frames, row] @ offset
        mapped[joint] = True
    _fill_spine(turned, mapped)
    pose = np.zeros((count, JOINT_COUNT, 3))
    for joint, parent in enumerate(JOINT_PARENTS):
        if parent < 0:
            pose[:, joint] = rotvec_from_matrix(turned[:, joint])
            continue
        if not mapped[joint]:
            local = calibration.turns[parent].T @ calibration.turns[joint]
            turned[:, joint] = turned[:, parent] @ local
        pose[:, joint] = rotvec_from_matrix(np.swapaxes(turned[:, parent], -1, -2) @ turned[:, joint])
    return pose


def _fill_spine(turned: Float, mapped: np.ndarray) -> None:
    """Joints of the spine that the source lacks, by slerp between those it has."""
    line = [joint_index(name) for name in _SPINE]
    have = [place for place, joint in enumerate(line) if mapped[joint]]
    for below, above in pairwise(have):
        low, high = turned[:, line[below]], turned[:, line[above]]
        between = rotvec_from_matrix(np.swapaxes(low, -1, -2) @ high)
        for place in range(below + 1, above):
            share = (place - below) / (above - below)
            turned[:, line[place]] = low @ matrix_from_rotvec(between * share)
            mapped[line[place]] = True
