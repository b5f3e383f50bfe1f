"""Fewer keys: none where a straight way will do, and no frame farther off than was allowed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec, quat_from_rotvec
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.divide import between_keys, kept_places, kept_turns
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.onto import Wishes, onto
from lhm_avatars.engine.motion.planting import planted
from lhm_avatars.engine.motion.simplify import Tolerance, simplified
from lhm_avatars.engine.motion.smplx_take import Recording

from .rigged import lively, rest_joints, world

Rotation = pytest.importorskip("scipy.spatial.transform", reason="Blender's Python has no scipy").Rotation


def _about_x(degrees: np.ndarray) -> np.ndarray:
    half = np.radians(degrees) / 2
    return np.stack([np.cos(half), np.sin(half), 0 * half, 0 * half], axis=-1)


def test_a_line_needs_its_ends_and_a_corner_its_corner():
    line = np.linspace(0, 3, 31)
    corner = np.abs(line - 1)
    kept = kept_places(np.stack([line, corner], axis=1)[..., None], 1e-6)
    assert np.flatnonzero(kept[:, 0]).tolist() == [0, 30]
    assert np.flatnonzero(kept[:, 1]).tolist() == [0, 10, 30]


def test_a_parabola_gets_the_keys_its_curvature_asks_for():
    # The chord of x^2 over a step of h misses h^2 / 4 at most: halving until h <= 2 sqrt(limit).
    frames = np.arange(65.0)
    kept = kept_places((frames**2)[:, None, None], 16.0)
    assert np.flatnonzero(kept[:, 0]).tolist() == list(range(0, 65, 8))


@pytest.mark.parametrize("degrees", [20.0, 60.0, 100.0])
def test_a_mixed_turn_lags_behind_a_steady_one_by_a_known_angle(degrees: float):
    # Normalised mixing of two quaternions an angle a apart (half the turn): at share s the angle reached is
    # atan2(s sin a, 1 - s + s cos a).
    share = np.linspace(0, 1, 41)
    half = np.radians(degrees) / 2
    lag = np.degrees(
        2 * np.abs(np.arctan2(share * np.sin(half), 1 - share + share * np.cos(half)) - share * half)
    )
    turns = _about_x(degrees * share)[:, None]
    assert np.flatnonzero(kept_turns(turns, lag.max() * 1.001)).tolist() == [0, 40]
    assert kept_turns(turns, lag.max() * 0.999).sum() > 2


def test_the_long_way_round_is_seen():
    # 0 to 350 degrees with signs that follow: mixing the ends goes backwards, so keys are needed between.
    turns = _about_x(np.linspace(0, 350, 71))[:, None]
    kept = kept_turns(turns, 1.0)
    mixed = between_keys(turns, kept)[:, 0]
    reached = Rotation.from_quat(mixed, scalar_first=True)
    true = Rotation.from_quat(turns[:, 0], scalar_first=True)
    assert kept.sum() > 2
    assert np.degrees((reached.inv() * true).magnitude()).max() <= 1.0


@pytest.mark.parametrize("degrees", [0.05, 0.5, 3.0])
def test_no_frame_is_farther_off_than_allowed(degrees: float):
    pose, _ = lively(240)
    turns = quat_from_rotvec(pose)
    kept = kept_turns(turns, degrees)
    assert kept[[0, -1]].all()
    assert kept.mean() < 1
    mixed = between_keys(turns, kept).reshape(-1, 4)
    apart = Rotation.from_quat(mixed, scalar_first=True).inv() * Rotation.from_rotvec(pose.reshape(-1, 3))
    assert np.degrees(apart.magnitude()).max() <= degrees + 1e-6


def test_one_and_two_frames():
    for count in (1, 2):
        assert kept_turns(_about_x(np.arange(count))[:, None], 1.0).all()
        assert kept_places(np.zeros((count, 1, 3)), 1.0).all()
    assert kept_places(np.zeros((5, 0, 1)), 1.0).shape == (5, 0)


def test_what_is_said_of_the_joints_is_true():
    pose, transl = lively(120)
    motion = Motion(pose, transl, 30.0, "lively")
    found = simplified(rest_joints(), motion, None, Tolerance(1.0, 0.005))
    assert found.feet is None
    assert 0.05 < found.share < 0.8
    mixed = between_keys(quat_from_rotvec(motion.pose.astype(np.float64)), found.motion.turns)
    rebuilt = Rotation.from_quat(mixed.reshape(-1, 4), scalar_first=True).as_rotvec().reshape(-1, 55, 3)
    way = np.stack(
        [
            np.interp(np.arange(120), *(v[found.motion.way] for v in (np.arange(120), motion.transl[:, k])))
            for k in range(3)
        ],
        axis=1,
    )
    assert np.linalg.norm(way - motion.transl, axis=1).max() <= 0.005 + 1e-7
    apart = world(rebuilt, way, rest_joints())[1] - world(pose, transl, rest_joints())[1]
    assert found.farthest == pytest.approx(np.linalg.norm(apart, axis=-1).max(), rel=1e-3)


def test_with_a_layer_both_are_counted():
    true = walk(rest_joints(), fps=30.0, cycles=2, travel=True)
    sliding = replace(true, transl=true.transl * np.array([1, 1, 0.88], np.float32))
    held = planted(rest_joints(), sliding).motion
    found = simplified(rest_joints(), sliding, held, Tolerance(0.5, 0.002))
    assert found.feet is not None
    assert found.feet.turns.shape == (true.count, 6)
    legs = [1, 4, 7, 2, 5, 8]
    before, after = (Rotation.from_rotvec(m.pose[:, legs].reshape(-1, 3)) for m in (sliding, held))
    added = (before.inv() * after).as_quat(canonical=True, scalar_first=True).reshape(-1, 6, 4)
    base = between_keys(quat_from_rotvec(sliding.pose.astype(np.float64)), found.motion.turns)
    turns = Rotation.from_quat(base.reshape(-1, 4), scalar_first=True).as_matrix().reshape(-1, 55, 3, 3)
    layer = between_keys(added, found.feet.turns).reshape(-1, 4)
    turns[:, legs] = turns[:, legs] @ Rotation.from_quat(layer, scalar_first=True).as_matrix().reshape(
        -1, 6, 3, 3
    )
    apart = np.swapaxes(turns, -1, -2) @ matrix_from_rotvec(held.pose.astype(np.float64))
    angles = np.degrees(Rotation.from_matrix(apart.reshape(-1, 3, 3)).magnitude())
    assert angles.max() <= 2 * 0.5 + 1e-4  # of the motion's own keys and of the layer's
    assert found.farthest < 0.05
    counted = found.motion.keys + found.feet.keys
    assert found.share == pytest.approx(counted / (true.count * (4 * 55 + 3 + 4 * 6 + 3)))


def test_it_is_chosen_by_a_wish():
    pose, transl = lively(60)
    source = Recording(Motion(pose, transl, 30.0, "lively"), rest_joints(), rest_known=True)
    assert onto(source, rest_joints(), Wishes()).keys is None
    layered = onto(source, rest_joints(), Wishes(tolerance=Tolerance()))
    assert layered.keys is not None
    assert layered.keys.feet is not None
    alone = onto(source, rest_joints(), Wishes(tolerance=Tolerance(), layer=False))
    assert alone.keys is not None
    assert alone.keys.feet is None


def test_what_cannot_be_a_tolerance():
    for wrong in ({"degrees": 0.0}, {"metres": -1.0}):
        with pytest.raises(ValueError, match="must be positive"):
            Tolerance(**wrong)
    with pytest.raises(ValueError, match="turns"):
        kept_turns(np.zeros((3, 4)), 1.0)
    with pytest.raises(ValueError, match="places"):
        kept_places(np.zeros((3, 4)), 1.0)
