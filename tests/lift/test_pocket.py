"""Hidden hands go under the surface behind them; arms keep their lengths."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.place.pocket import _reach


def _moved(pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    joints = bundled_body().joints(np.zeros(10)).astype(np.float64)
    turns = forward_kinematics(joints, pose, np.zeros(3))
    return posed_joints(joints, turns), turns[:, :3, :3]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("way", [(0.0, 0.0, -0.12), (0.03, -0.02, -0.05), (0.0, 0.05, 0.08)])
def test_the_wrist_gets_there_and_nothing_else_moves(side: str, way: tuple[float, ...]) -> None:
    pose = np.zeros((55, 3))
    sign = 1.0 if side == "left" else -1.0
    pose[joint_index(f"{side}_shoulder")] = [0.2, -0.3 * sign, -1.2 * sign]
    pose[joint_index(f"{side}_elbow")] = [0.0, -1.1 * sign, 0.2]
    before, turns = _moved(pose)
    bent = pose.copy()
    _reach(bent, turns, before, side, np.array(way))
    after, _ = _moved(bent)
    wrist, elbow = joint_index(f"{side}_wrist"), joint_index(f"{side}_elbow")
    np.testing.assert_allclose(after[wrist], before[wrist] + way, atol=1e-6)
    changed = np.flatnonzero(np.abs(bent - pose).max(axis=1) > 1e-9)
    assert set(changed) <= {joint_index(f"{side}_shoulder"), elbow}
    # The elbow stays on its side of the line from shoulder to wrist.
    shoulder = before[joint_index(f"{side}_shoulder")]
    line = after[wrist] - shoulder
    out = [
        (p[elbow] - shoulder) - line * ((p[elbow] - shoulder) @ line) / (line @ line) for p in (before, after)
    ]
    assert out[0] @ out[1] > 0


def test_what_is_too_far_is_reached_for() -> None:
    pose = np.zeros((55, 3))
    before, turns = _moved(pose)
    bent = pose.copy()
    _reach(bent, turns, before, "left", np.array([1.0, 0.0, 0.0]))
    after, _ = _moved(bent)
    shoulder, wrist = before[joint_index("left_shoulder")], after[joint_index("left_wrist")]
    goal = before[joint_index("left_wrist")] + [1.0, 0, 0] - shoulder
    cosine = (wrist - shoulder) @ goal / np.linalg.norm(wrist - shoulder) / np.linalg.norm(goal)
    assert cosine > 1 - 1e-9
