"""Rows with timecodes HH:MM:SS:FF.fff, at a steady rate."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...avatar.arrays import Float as Array

_USUAL = 60.0  # frames per second of Live Link Face
_CODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d*)?)")
_DAY = 24 * 3600
_ALMOST = 0.8  # of a second's frames: the tracker may miss the last ones
_LONGEST_GAPS = 10  # times as many frames as rows: beyond, the clock was set meanwhile


def steady(codes: Sequence[str], rows: Array, fps: float | None) -> tuple[Array, float, list[str]]:
    """Rows at the times that their codes say, brought to a steady rate by straight lines between them.

    Args:
        codes: Of the rows.
        rows: [F, C]
        fps: Frames per second, if known; where the codes count otherwise the rows are taken one after the
            other. By default the least usual rate that the codes fit.

    Returns:
        Rows [G, C], frames per second, and sentences for the user.
    """
    parsed = [_CODE.fullmatch(code) for code in codes]
    clock = np.array([[float(part) for part in match.groups()] for match in parsed if match])
    if len(clock) != len(codes) or not len(clock):
        return (
            rows,
            fps or _USUAL,
            [f"The timecodes could not be read; {fps or _USUAL:g} frames a second were taken."],
        )
    if fps is not None and not _counts_to(clock, fps):
        return rows, fps, []
    rate = fps or _rate(clock)
    seconds = clock[:, :3] @ [3600.0, 60.0, 1.0]
    seconds += _DAY * np.cumsum(np.r_[0, np.diff(seconds) < -_DAY / 2])  # midnight
    times = seconds * rate + clock[:, 3]
    times = times - times[0]
    rising = np.r_[True, np.diff(np.maximum.accumulate(times)) > 0]
    kept_times, kept = times[rising], rows[rising]
    count = int(np.floor(kept_times[-1] + 1e-3)) + 1
    if count > _LONGEST_GAPS * len(rows) or rising.mean() < 0.5:
        return rows, rate, ["The timecodes jump; the rows were taken one after the other."]
    if count == len(rows) and np.abs(times - np.arange(count)).max() < 1e-3:
        return rows, rate, []
    grid = np.arange(count)
    return np.stack([np.interp(grid, kept_times, column) for column in kept.T], axis=1), rate, []


def _counts_to(clock: Array, fps: float) -> bool:
    """Whether codes may be those of a rate: never counting further, and about as far before a new second."""
    highest = math.floor(clock[:, 3].max()) + 1
    return highest <= math.ceil(fps) and (_seconds_begun(clock) == 1 or highest > _ALMOST * fps)


def _seconds_begun(clock: Array) -> int:
    return len(np.unique(clock[:, :3], axis=0))


def _rate(clock: Array) -> float:
    """Sixty, unless a take of more than a second never counts that far."""
    highest = clock[:, 3].max()
    if _seconds_begun(clock) < 3 or highest >= 30:
        return _USUAL
    return next(rate for rate in (24.0, 25.0, 30.0) if highest < rate)
