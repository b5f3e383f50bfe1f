"""Hair that stands off both sides of the head stands off its back by the same share."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.clothe.mop import mop
from lhm_avatars.engine.lift.parts import HEAD, ear_vertices, face_vertices, part_of_weights

SHARE = 1.25


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rest vertices, joints, which may be covered, and each one's distance from the axis through the ears."""
    body = bundled_body()
    rest, joints = body.v_template.astype(np.float64), body.joints(np.zeros(0))
    part = part_of_weights(body.joint_indices, body.joint_weights)
    where = (part == HEAD) & ~face_vertices(body) & ~ear_vertices(body)
    middle = np.array([0.0, joints[joint_index("head"), 2]])
    return rest, joints, where, np.linalg.norm(rest[:, [0, 2]] - middle, axis=1)


def test_a_mop_grows_the_back_as_it_grows_the_sides(head: tuple[np.ndarray, ...]):
    rest, joints, where, radius = head
    eye, axis = joints[joint_index("left_eye"), 1], joints[joint_index("head"), 2]
    rim = np.flatnonzero(where & (np.abs(rest[:, 2] - axis) < 0.015) & (rest[:, 1] > eye) & (radius > 0.06))
    assert len(rim) > 5
    offsets = np.zeros(len(rest))
    offsets[rim] = (SHARE - 1) * radius[rim]
    made = mop(rest, joints, offsets, rim, where)
    back = where & (rest[:, 2] < axis - 0.05) & (rest[:, 1] > eye) & (rest[:, 1] < eye + 0.06)
    assert back.sum() > 10
    np.testing.assert_allclose(made[back], (SHARE - 1) * radius[back], rtol=0.05)
    assert (made[~where] == 0).all()
    face = (rest[:, 2] > axis + 0.05) & (rest[:, 1] < eye + 0.03)
    assert (made[face] == 0).all()


def test_a_bald_head_stays_as_it_is(head: tuple[np.ndarray, ...]):
    rest, joints, where, radius = head
    rim = np.flatnonzero(where & (radius > 0.06))
    assert mop(rest, joints, np.zeros(len(rest)), rim, where).max() == 0


def test_without_an_outline_it_says_nothing(head: tuple[np.ndarray, ...]):
    rest, joints, where, _ = head
    assert mop(rest, joints, np.ones(len(rest)), np.zeros(0, np.int64), where).max() == 0
