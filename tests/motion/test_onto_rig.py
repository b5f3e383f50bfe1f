"""Our motion on another rig, and back again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.retarget.onto_rig import RigMotion, onto_rig
from lhm_avatars.engine.motion.retarget.retarget import Retargeting, retarget
from lhm_avatars.engine.motion.retarget.root import Placing

from .rigged import lively, recorded, rest_joints, world

if TYPE_CHECKING:
    from lhm_avatars.engine.motion.take import Take

ALL = {name: name for name in JOINT_NAMES}
FRAMES = 20


def _posed(rig: Take, motion: RigMotion, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Turns and places of a rig's bones in one frame. [J, 3, 3], [J, 3]"""
    local = matrix_from_quat(motion.quats[frame])
    turns, places = np.empty_like(rig.rest_rotations), np.empty_like(rig.rest_positions)
    for bone, parent in enumerate(rig.parents):
        rest = rig.rest_rotations[bone]
        if parent < 0:
            turns[bone], places[bone] = rest @ local[bone], rig.rest_positions[bone]
        else:
            above = turns[parent] @ rig.rest_rotations[parent].T
            turns[bone] = above @ rest @ local[bone]
            places[bone] = places[parent] + above @ (rig.rest_positions[bone] - rig.rest_positions[parent])
        if bone == motion.row:
            places[bone] = motion.hips[frame]
    return turns, places


def _motion() -> Motion:
    pose, transl = lively(FRAMES)
    return Motion(pose.astype(np.float32), transl.astype(np.float32), 30.0, "lively")


@pytest.mark.parametrize(
    "how", [{}, {"unit": 100.0, "mirrored_axes": True, "seed": 5}, {"twist_bones": True}]
)
def test_a_rig_of_the_same_build_stands_as_we_do(how) -> None:
    motion, joints = _motion(), rest_joints()
    rig = recorded(*lively(2), joints, **how)
    result = onto_rig(motion, joints, rig, ALL)
    _, wanted = world(motion.pose.astype(np.float64), motion.transl.astype(np.float64), joints)
    for frame in (0, 7, FRAMES - 1):
        _, places = _posed(rig, result, frame)
        assert np.abs(places[:55] / how.get("unit", 1.0) - wanted[frame]).max() < 1e-5


def test_there_and_back_again() -> None:
    motion, joints = _motion(), rest_joints()
    rig = recorded(*lively(2), joints, unit=100.0, seed=9)
    result = onto_rig(motion, joints, rig, ALL)
    frames = [_posed(rig, result, frame) for frame in range(FRAMES)]
    take = replace(
        rig, rotations=np.array([f[0] for f in frames]), positions=np.array([f[1] for f in frames])
    )
    placing = Placing(travel=True, floor=False, heading=False, origin=False)
    again = retarget(take, ALL, joints, Retargeting(placing=placing)).motion
    _, wanted = world(motion.pose.astype(np.float64), motion.transl.astype(np.float64), joints)
    _, places = world(again.pose.astype(np.float64), again.transl.astype(np.float64), joints)
    assert np.abs(places - wanted).max() < 1e-4


def test_a_rig_without_arms_is_refused() -> None:
    rig = recorded(*lively(2), rest_joints())
    bones = {name: name for name in JOINT_NAMES if "elbow" not in name}
    with pytest.raises(AvatarError, match="none was found for left_elbow, right_elbow"):
        onto_rig(_motion(), rest_joints(), rig, bones)
