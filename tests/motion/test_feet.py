"""Feet that stand flat in a recording stand flat on the avatar, whatever pose both were laid together in."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES, joint_index
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.retarget.calibrate import REST, calibrate
from lhm_avatars.engine.motion.retarget.retarget import Retargeting, retarget
from lhm_avatars.engine.motion.retarget.root import Placing

from .rigged import lively, recorded, rest_joints, world

Rotation = pytest.importorskip("scipy.spatial.transform", reason="Blender's Python has no scipy").Rotation

AS_RECORDED = Placing(travel=True, floor=False, heading=False, origin=False)
ALL = {name: name for name in JOINT_NAMES}
FEET = ("left_ankle", "right_ankle", "left_foot", "right_foot")


def _walk() -> tuple[np.ndarray, np.ndarray]:
    """Many steps, no T-pose among them."""
    motion = walk(rest_joints(), fps=30.0, cycles=4, travel=True)
    return motion.pose.astype(np.float64), motion.transl.astype(np.float64)


def _tilts(take, pose, transl, choices: Retargeting, bones=ALL) -> dict[str, float]:
    """Degrees by which feet and toes pitch otherwise than in truth, at most."""
    motion = retarget(take, bones, rest_joints(), choices).motion
    found, _ = world(motion.pose.astype(np.float64), motion.transl.astype(np.float64), rest_joints())
    true, _ = world(pose, transl, rest_joints())
    result = {}
    for name in FEET:
        joint = joint_index(name)
        apart = Rotation.from_matrix(np.swapaxes(true[:, joint], -1, -2) @ found[:, joint]).as_rotvec()
        result[name] = float(np.degrees(np.abs(apart[:, 0])).max())
    return result


@pytest.mark.parametrize("unit", [1.0, 100.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_walk_without_a_t_pose_keeps_its_feet_flat(unit: float, mirrored: bool):
    pose, transl = _walk()
    take = recorded(pose, transl, rest_joints(), rest="line", unit=unit, mirrored_axes=mirrored)
    found = calibrate(take, ALL, rest_joints())
    assert found.frame != REST
    # In that frame a foot is in the air: laid flat there, it would be tilted ever after.
    laid = _tilts(take, pose, transl, Retargeting(frame=found.frame, placing=AS_RECORDED))
    assert max(laid.values()) > 10
    assert max(_tilts(take, pose, transl, Retargeting(placing=AS_RECORDED)).values()) < 1


def test_a_rest_pose_is_trusted():
    pose, transl = _walk()
    take = recorded(pose, transl, rest_joints())
    found = calibrate(take, ALL, rest_joints())
    assert found.frame == REST
    assert np.abs(found.turns - np.eye(3)).max() < 1e-6


def test_a_frame_that_somebody_names_is_trusted():
    pose, transl = lively(60)
    take = recorded(pose, transl, rest_joints(), rest="line")
    assert np.abs(calibrate(take, ALL, rest_joints(), 0).turns - np.eye(3)).max() < 1e-6


def test_feet_that_never_stand_are_left_alone():
    pose, transl = _walk()
    transl = transl + np.arange(len(transl))[:, None] / 30 * [0, 2.0, 0]  # through the air
    take = recorded(pose, transl, rest_joints(), rest="line")
    found = calibrate(take, ALL, rest_joints())
    plain = calibrate(take, ALL, rest_joints(), found.frame)
    assert np.abs(found.turns - plain.turns).max() < 1e-9


def test_a_source_without_toes():
    pose, transl = _walk()
    bones = {name: name for name in JOINT_NAMES if not name.endswith("foot")}
    take = recorded(pose, transl, rest_joints(), rest="line", drop=("left_foot", "right_foot"))
    found = calibrate(take, bones, rest_joints())
    plain = calibrate(take, bones, rest_joints(), found.frame)
    assert np.abs(found.turns - plain.turns).max() < 1e-9
