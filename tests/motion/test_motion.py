from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.motion.motion import Motion


def motion(frames: int = 3, **changes: object) -> Motion:
    values = {
        "pose": np.zeros((frames, 55, 3)),
        "transl": np.zeros((frames, 3)),
        "fps": 30.0,
        "name": "Stand",
    }
    return Motion(**(values | changes))


def test_counts_frames_and_seconds():
    assert motion(45).count == 45
    assert motion(45).duration == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pose": np.zeros((3, 22, 3))}, r"pose must have shape \(any, 55, 3\), got \(3, 22, 3\)"),
        ({"transl": np.zeros((2, 3))}, r"transl must have shape \(3, 3\), got \(2, 3\)"),
        ({"transl": np.zeros(3)}, r"transl must have shape \(any, 3\), got \(3,\)"),
        ({"pose": np.full((3, 55, 3), np.nan)}, "pose must be finite, got 495 numbers that are not"),
        ({"transl": np.full((3, 3), np.inf)}, "transl must be finite, got 9 numbers that are not"),
        ({"fps": 0.0}, "fps must be a positive number, got 0.0"),
        ({"fps": float("nan")}, "fps must be a positive number, got nan"),
        ({"name": ""}, "name must not be empty, got ''"),
    ],
)
def test_names_what_is_wrong(changes: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        motion(**changes)


def test_refuses_a_motion_without_frames():
    with pytest.raises(ValueError, match="at least one frame, got 0"):
        motion(0)
