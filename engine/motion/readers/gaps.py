"""Frames that are missing between others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.errors import AvatarError
from ...avatar.rotations import quat_from_rotvec, rotvec_from_quat, slerp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..smplx_take import SmplFrames

_MOST_PER_FRAME = 50  # a few frames far apart are no motion, and would fill the memory


def filled(frames: SmplFrames, where: str) -> SmplFrames:
    """Put frames where the numbers leave gaps: rotations by the shortest turn, places on a straight line.

    Raises:
        AvatarError: If the numbers repeat, or there is next to nothing between them.
    """
    numbers = frames.numbers
    if numbers is None or len(numbers) < 2:
        return frames
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    steps = np.diff(numbers)
    if (steps == 0).any():
        raise AvatarError(f"{where}: frame {numbers[:-1][steps == 0][0]} is there twice. Remove one of them.")
    missing = int((steps - 1).sum())
    frames = replace(
        frames,
        pose=frames.pose[order],
        transl=frames.transl[order],
        expression=frames.expression[order] if len(frames.expression) else frames.expression,
        numbers=numbers,
    )
    if not missing:
        return frames
    if missing > _MOST_PER_FRAME * len(numbers):
        raise AvatarError(
            f"{where}: {missing} of {missing + len(numbers)} frames are missing. Estimate the motion again."
        )
    return _interpolated(frames, numbers, missing)


def _interpolated(frames: SmplFrames, numbers: NDArray[np.int64], missing: int) -> SmplFrames:
    wanted = np.arange(numbers[0], numbers[-1] + 1)
    before = np.clip(np.searchsorted(numbers, wanted, side="right") - 1, 0, len(numbers) - 2)
    t = (wanted - numbers[before]) / (numbers[before + 1] - numbers[before])
    at = t[:, None]

    def straight(values: Float) -> NDArray[np.float64]:
        return values[before] * (1 - at) + values[before + 1] * at

    has_face = len(frames.expression) > 0
    return replace(
        frames,
        pose=_turned(frames.pose[before], frames.pose[before + 1], t[:, None]),
        transl=straight(frames.transl),
        expression=straight(frames.expression) if has_face else frames.expression,
        numbers=wanted,
        notes=(*frames.notes, f"{missing} of {len(wanted)} frames are missing; they were filled in between."),
    )


def _turned(start: Float, end: Float, t: Float) -> NDArray[np.float64]:
    """The turn between two; exact at both ends. Axis-angle [..., 3]"""
    between = rotvec_from_quat(slerp(quat_from_rotvec(start), quat_from_rotvec(end), t))
    return np.where(t[..., None] == 0, start, np.where(t[..., None] == 1, end, between))
