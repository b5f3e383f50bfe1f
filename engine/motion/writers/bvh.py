"""A motion as BVH: the person's own skeleton, centimetres, y up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.arrays import require_shape
from ...avatar.body import JOINT_COUNT, JOINT_NAMES, JOINT_PARENTS
from ...avatar.rotations import matrix_from_rotvec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...avatar.arrays import Float
    from ..motion import Motion

_UNIT = 100.0  # centimetres in a metre
_ROTATION = "Zrotation Yrotation Xrotation"
_TIP = 0.02  # metres: how far the last joint of a chain reaches on
_CHUNK = 1024


def write_bvh(path: Path, motion: Motion, joints: Float) -> None:
    """Write it.

    Args:
        path: Of the file.
        motion: On this person.
        joints: Rest joints, metres. [55, 3]

    Raises:
        OSError: If it cannot be written.
        ValueError: If the joints' shape is wrong.

    Source: Meredith and Maddock 2001, Motion Capture File Formats Explained.
    """
    joints = np.asarray(joints, np.float64)
    require_shape("joints", joints, (JOINT_COUNT, 3))
    # A file holds joints depth first, parents before children.
    order: list[int] = []
    header = ["HIERARCHY", *_joint(0, joints, 0, order), "MOTION"]
    header += [f"Frames: {motion.count}", f"Frame Time: {1.0 / motion.fps:.9f}"]
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("\n".join(header) + "\n")
        for start in range(0, motion.count, _CHUNK):
            rows = slice(start, start + _CHUNK)
            angles = np.degrees(_zyx(matrix_from_rotvec(motion.pose[rows].astype(np.float64))))
            places = (motion.transl[rows] + joints[0]) * _UNIT
            table = np.concatenate([places, angles[:, order].reshape(len(places), -1)], axis=1)
            np.savetxt(file, table, fmt="%.6f")


def _joint(joint: int, joints: Float, depth: int, order: list[int]) -> Iterator[str]:
    order.append(joint)
    parent, tab = JOINT_PARENTS[joint], "\t" * depth
    offset = joints[joint] - (joints[parent] if parent >= 0 else joints[joint])
    channels = f"6 Xposition Yposition Zposition {_ROTATION}" if parent < 0 else f"3 {_ROTATION}"
    yield f"{tab}{'ROOT' if parent < 0 else 'JOINT'} {JOINT_NAMES[joint]}"
    yield f"{tab}{{"
    yield f"{tab}\tOFFSET {_numbers(offset)}"
    yield f"{tab}\tCHANNELS {channels}"
    children = [child for child, own in enumerate(JOINT_PARENTS) if own == joint]
    for child in children:
        yield from _joint(child, joints, depth + 1, order)
    if not children:
        way = offset / (np.linalg.norm(offset) + 1e-12) * _TIP
        yield from (f"{tab}\tEnd Site", f"{tab}\t{{", f"{tab}\t\tOFFSET {_numbers(way)}", f"{tab}\t}}")
    yield f"{tab}}}"


def _numbers(offset: Float) -> str:
    return " ".join(f"{value * _UNIT:.6f}" for value in offset)


def _zyx(turns: Float) -> Float:
    """Angles about z, y and x with R = Rz Ry Rx, without jumps from frame to frame, radians. [F, J, 3]"""
    z = np.arctan2(turns[..., 1, 0], turns[..., 0, 0])
    y = np.arcsin(np.clip(-turns[..., 2, 0], -1, 1))
    x = np.arctan2(turns[..., 2, 1], turns[..., 2, 2])
    return np.unwrap(np.stack([z, y, x], axis=-1), axis=0)
