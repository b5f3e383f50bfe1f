"""Feet that slide are held; everything else stays as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lhm_avatars.engine.avatar.body import JOINT_NAMES, joint_index
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.contacts import POINTS, contacts, foot_points
from lhm_avatars.engine.motion.planting import LEG_JOINTS, planted

from .rigged import rest_joints, world


def _sliding():
    """A walk that travels a tenth less far than its steps."""
    true = walk(rest_joints(), fps=30.0, cycles=3, travel=True)
    transl = true.transl.copy()
    transl[:, 2] *= 0.88
    return true, replace(true, transl=transl)


def test_standing_feet_are_found():
    true, _ = _sliding()
    found = contacts(rest_joints(), true)
    sides = {contact.point // 2 for contact in found}
    assert sides == {0, 1}
    assert max(contact.slide for contact in found) < 0.02
    places = foot_points(rest_joints(), true)
    for contact in found:
        height = (
            places[contact.start : contact.end, contact.point, 1] - rest_joints()[POINTS[contact.point], 1]
        )
        assert height.max() < 0.03


def test_sliding_feet_stand_still_and_the_rest_does_not_change():
    _, sliding = _sliding()
    result = planted(rest_joints(), sliding)
    assert result.before > 0.02
    assert result.after < 0.005
    changed = np.abs(result.motion.pose - sliding.pose).max(axis=(0, 2)) > 1e-6
    assert set(np.flatnonzero(changed)) <= set(LEG_JOINTS)
    # In the world the feet keep their turn.
    joints = rest_joints()
    before, _ = world(sliding.pose.astype(np.float64), sliding.transl.astype(np.float64), joints)
    after, _ = world(result.motion.pose.astype(np.float64), result.motion.transl.astype(np.float64), joints)
    for name in ("left_ankle", "right_ankle", "left_foot", "spine3"):
        joint = joint_index(name)
        assert np.abs(after[:, joint] - before[:, joint]).max() < 1e-5


def test_the_pelvis_does_not_jitter_and_knees_do_not_pop():
    _, sliding = _sliding()
    result = planted(rest_joints(), sliding).motion

    def jerks(values):
        return np.abs(np.diff(values, n=2, axis=0)).max()

    assert jerks(result.transl) < 1.2 * jerks(sliding.transl)
    knees = [JOINT_NAMES.index("left_knee"), JOINT_NAMES.index("right_knee")]
    assert jerks(result.pose[:, knees]) < 3.0 * jerks(sliding.pose[:, knees])


def test_planting_twice_changes_nothing_more():
    _, sliding = _sliding()
    once = planted(rest_joints(), sliding).motion
    again = planted(rest_joints(), once)
    assert again.before < 0.005
    assert np.abs(again.motion.pose - once.pose).max() < 0.05


def test_a_person_in_the_air_is_left_alone():
    true, _ = _sliding()
    high = replace(true, transl=true.transl + np.array([0, 0.5, 0]))
    assert not contacts(rest_joints(), high)
    assert planted(rest_joints(), high).motion is high
