"""A motion keeps its speed whatever the rate."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.resample import resampled

TURN = 2.4  # radians per second, about a fixed axis


def _spin(fps: float, seconds: float) -> Motion:
    time = np.arange(round(fps * seconds) + 1) / fps
    pose = np.zeros((len(time), 55, 3))
    pose[:, 4] = time[:, None] * TURN * np.array([0.0, 0.6, 0.8])
    transl = np.stack([time, 2 * time, -time], axis=1)
    return Motion(pose, transl, fps, "spin", expression=time[:, None])


@pytest.mark.parametrize("fps", [29.97, 100.0, 120.0, 12.0, 24.0])
def test_a_steady_turn_stays_steady(fps):
    motion = resampled(_spin(fps, 1.0), 24.0)
    time = np.arange(motion.count) / 24.0
    assert motion.fps == 24.0
    # The turn at each new pose is known in closed form, also between the old ones.
    assert np.abs(motion.pose[:, 4] - time[:, None] * TURN * [0, 0.6, 0.8]).max() < 1e-5
    assert np.abs(motion.transl - np.stack([time, 2 * time, -time], axis=1)).max() < 1e-5
    assert np.abs(motion.expression[:, 0] - time).max() < 1e-5
    assert abs(motion.duration - (1.0 + 1 / 24)) <= 1 / 24 + 1e-9


def test_the_short_way_round():
    pose = np.zeros((2, 55, 3))
    pose[0, 3], pose[1, 3] = [0, 0, np.radians(170)], [0, 0, np.radians(-170)]
    between = resampled(Motion(pose, np.zeros((2, 3)), 1.0, "turn"), 2.0).pose[1, 3]
    assert abs(np.linalg.norm(between) - np.pi) < 1e-5


def test_one_pose_stays_one():
    motion = Motion(np.zeros((1, 55, 3)), np.zeros((1, 3)), 30.0, "pose")
    assert resampled(motion, 24.0).count == 1


def test_same_rate_changes_nothing():
    motion = _spin(30.0, 1.0)
    assert np.array_equal(resampled(motion, 30.0).pose, motion.pose)


def test_no_rate():
    with pytest.raises(ValueError, match="fps must be positive"):
        resampled(_spin(30.0, 1.0), 0.0)
