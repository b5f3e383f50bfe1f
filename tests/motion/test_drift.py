"""A body that slides as a whole gets its own way back; who slides on purpose keeps sliding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import joint_index
from lhm_avatars.engine.motion.builtin.run import run
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.contacts import POINTS, foot_points
from lhm_avatars.engine.motion.drift import drift
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.onto import Wishes, onto
from lhm_avatars.engine.motion.planting import planted
from lhm_avatars.engine.motion.retarget.retarget import Retargeting
from lhm_avatars.engine.motion.retarget.root import Placing
from lhm_avatars.engine.motion.smplx_take import Recording

from .rigged import rest_joints

Rotation = pytest.importorskip("scipy.spatial.transform", reason="Blender's Python has no scipy").Rotation

AS_RECORDED = Placing(travel=True, floor=False, heading=False, origin=False)


def _walk(fps: float = 30.0) -> Motion:
    return walk(rest_joints(), fps=fps, cycles=4, travel=True)


def _slid(true: Motion, way: np.ndarray) -> Motion:
    return replace(true, transl=(true.transl + way).astype(np.float32))


def _jerk(motion: Motion) -> float:
    return float(np.abs(np.diff(motion.transl, n=2, axis=0)).max())


@pytest.mark.parametrize("fps", [24.0, 60.0])
@pytest.mark.parametrize("speed", [(0.0, 0.4), (0.0, -0.4), (0.4, 0.0), (0.4, 0.4)], ids=str)
def test_a_walk_that_drifts_gets_its_steps_back(fps: float, speed: tuple[float, float]):
    true = _walk(fps)
    seconds = np.arange(true.count)[:, None] / fps
    sliding = _slid(true, seconds * [speed[0], 0, speed[1]])
    held = planted(rest_joints(), sliding, sliding=True)
    # Steps of half a second at 0.4 m/s: a tenth of a metre to each side of the middle.
    assert held.before > 0.08
    assert held.after < 0.005
    assert _jerk(held.motion) < 1.05 * _jerk(sliding)
    way = held.motion.transl - true.transl
    assert np.ptp(way, axis=0).max() < 0.05
    assert {contact.point for contact in held.contacts} == set(range(len(POINTS)))
    # In the world no foot goes below the ground for it, and legs stay as long.
    heights = foot_points(rest_joints(), held.motion)[..., 1] - foot_points(rest_joints(), true)[..., 1]
    assert np.abs(heights).max() < 0.01


def test_a_drift_that_comes_and_goes():
    true = _walk()
    speed = 0.4 * np.sin(2 * np.pi * np.arange(true.count) / true.fps / 4)
    sliding = _slid(true, np.cumsum(speed)[:, None] / true.fps * [0, 0, 1.0])
    held = planted(rest_joints(), sliding, sliding=True)
    assert held.before > 0.08
    assert held.after < 0.005
    assert _jerk(held.motion) < 1.2 * _jerk(sliding)


def test_without_the_wish_nothing_of_it_is_done():
    true = _walk()
    sliding = _slid(true, np.arange(true.count)[:, None] / true.fps * [0.4, 0, 0.0])
    assert np.abs(planted(rest_joints(), sliding).motion.transl - sliding.transl).max() < 0.02
    source = Recording(sliding, rest_joints(), rest_known=True)
    for wish in (False, True):
        wishes = Wishes(sliding=wish, retargeting=Retargeting(placing=AS_RECORDED))
        done = onto(source, rest_joints(), wishes).result.transl
        assert (np.ptp(done[:, 0]) < 0.2) == wish


@pytest.mark.parametrize("made", [_walk, lambda: run(rest_joints(), fps=30.0, cycles=4, travel=True)])
def test_who_does_not_drift_is_left_alone(made):
    assert drift(rest_joints(), made()) is None


def test_flights_of_a_run_stay_free():
    true = run(rest_joints(), fps=60.0, cycles=4, travel=True)
    stands = np.zeros(true.count, bool)
    for contact in planted(rest_joints(), true).contacts:
        stands[contact.start : contact.end] = True
    # In a run there are times when nothing carries: the flights, higher here than the small run's.
    flights = ~stands
    assert flights.mean() > 0.2
    lift = np.convolve(flights, np.hanning(9) / np.hanning(9).sum(), mode="same") * flights * 0.1
    high = replace(true, transl=(true.transl + lift[:, None] * [0, 1, 0]).astype(np.float32))
    held = planted(rest_joints(), high, sliding=True)
    assert drift(rest_joints(), high) is None
    flying = (foot_points(rest_joints(), high)[..., 1] - rest_joints()[list(POINTS), 1] > 0.03).all(axis=1)
    assert flying.any()
    for contact in held.contacts:
        assert not flying[contact.start : contact.end].any()


def _standing(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((count, 55, 3)), np.zeros((count, 3))


def test_sliding_on_both_feet_is_meant():
    pose, transl = _standing(90)
    transl[:, 2] = 0.6 * np.arange(90) / 30
    assert drift(rest_joints(), Motion(pose, transl, 30.0, "slide")) is None


def test_skating_is_too_fast():
    true = _walk()
    assert drift(rest_joints(), _slid(true, np.arange(true.count)[:, None] / 30 * [0, 0, 2.5])) is None


def test_a_turn_on_one_foot_keeps_the_other_one_sliding():
    pose, transl = _standing(90)
    ball = rest_joints()[joint_index("right_foot")] * [1, 0, 1]
    turn = Rotation.from_rotvec(np.linspace(0, 4 * np.pi, 90)[:, None] * [0, 1, 0])
    pelvis = rest_joints()[0]
    pose[:, 0] = turn.as_rotvec()
    transl[:] = turn.apply(pelvis - ball) + ball - pelvis
    spin = Motion(pose, transl, 30.0, "spin")
    assert np.ptp(foot_points(rest_joints(), spin)[:, 3], axis=0).max() < 1e-6
    assert drift(rest_joints(), spin) is None


def test_a_single_pose():
    assert drift(rest_joints(), Motion(*_standing(1), 30.0, "one")) is None
