"""Two-bone IK against triangles that can be worked out by hand, and its inverse against random limbs."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.motion.mirror import mirrored
from lhm_avatars.engine.motion.two_bone import bend, pole_place, rest_limb

ROOT, MIDDLE, END = np.zeros(3), np.array([0, -1.0, 0]), np.array([0, -2.0, 0])
FORWARD = np.array([0, 0, 1.0])
BENT = (ROOT, np.array([0.03, -0.4, 0.02]), np.array([0.01, -0.8, -0.02]))
"""A leg whose knee stands forward and outward."""


def test_an_equilateral_triangle() -> None:
    limb = rest_limb(ROOT, MIDDLE, END, FORWARD)
    assert (limb.upper, limb.lower, limb.aside) == (1.0, 1.0, 0.0)
    upper, lower = bend(limb, ROOT, np.array([0, -1.0, 0]), np.array([0, -1.0, 5.0]))
    knee = upper[:, 1]
    np.testing.assert_allclose(knee, (0, -0.5, np.sqrt(0.75)), atol=1e-12)
    np.testing.assert_allclose(knee + lower[:, 1], (0, -1, 0), atol=1e-12)
    for frame in (upper, lower):
        np.testing.assert_allclose(frame[:, 0], (-1, 0, 0), atol=1e-12)  # the hinge


@pytest.mark.parametrize("reach", [2.0, 2.5, 100.0])
def test_out_of_reach_it_is_straight(reach: float) -> None:
    limb = rest_limb(ROOT, MIDDLE, END, FORWARD)
    for frame in bend(limb, ROOT, np.array([reach, 0, 0]), np.array([1.0, 1, 1])):
        np.testing.assert_allclose(frame[:, 1], (1, 0, 0), atol=1e-9)


def test_a_limb_of_unequal_bones_folded_up_to_its_root() -> None:
    limb = rest_limb(ROOT, MIDDLE, np.array([0, -1.5, 0]), FORWARD)
    upper, lower = bend(limb, ROOT, np.array([0, -0.5, 0]), FORWARD)
    np.testing.assert_allclose(upper[:, 1], (0, -1, 0), atol=1e-7)
    np.testing.assert_allclose(lower[:, 1], (0, 1, 0), atol=1e-7)


def test_towards_its_own_rest_it_is_at_rest() -> None:
    """With the knee to the side of the line, too: the joints turn by nothing."""
    limb = rest_limb(*BENT, FORWARD)
    assert abs(limb.aside) > 0.01
    frames = bend(limb, BENT[0], BENT[2], BENT[1] + 10 * FORWARD)
    pole = pole_place(limb, *BENT, np.eye(3), 0.4)
    assert pole[2] - BENT[1][2] > 0.3  # in front, not outside
    for made in (bend(limb, BENT[0], BENT[2], pole), frames):
        for frame, rest in zip(made, (limb.upper_frame, limb.lower_frame), strict=True):
            np.testing.assert_allclose(frame @ rest.T, np.eye(3), atol=2e-2 if made is frames else 1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_the_pole_of_a_posed_limb_bends_it_to_where_it_is(seed: int) -> None:
    """Both bones turn freely, not only about the hinge; five poses at once."""
    rng = np.random.default_rng(seed)
    limb = rest_limb(*BENT, FORWARD)
    upper_turn, lower_turn = (matrix_from_rotvec(rng.normal(0, 1, (5, 3))) for _ in range(2))
    root = rng.normal(0, 1, (5, 3))
    knee = root + upper_turn @ (BENT[1] - BENT[0])
    ankle = knee + upper_turn @ lower_turn @ (BENT[2] - BENT[1])
    pole = pole_place(limb, root, knee, ankle, upper_turn, 0.4)
    frames = bend(limb, root, ankle, pole)
    out = np.array([limb.aside, limb.upper, 0])
    on = np.array([-limb.aside, limb.lower, 0])
    np.testing.assert_allclose(root + frames[0] @ out, knee, atol=1e-6)
    np.testing.assert_allclose(root + frames[0] @ out + frames[1] @ on, ankle, atol=1e-6)


def test_a_straight_limb_bends_as_its_own_hinge_would() -> None:
    limb = rest_limb(ROOT, MIDDLE, END, FORWARD)
    turn = matrix_from_rotvec(np.array([0, np.pi / 2, 0]))  # the knee looks to the left
    np.testing.assert_allclose(pole_place(limb, ROOT, MIDDLE, END, turn, 0.5), (0.5, -1, 0), atol=1e-9)


def test_the_mirror_image_turns_the_other_way_round() -> None:
    pose, transl = np.zeros((55, 3)), np.array([1.0, 2.0, 3.0])
    pose[16], pose[0] = (1, 2, 3), (4, 5, 6)  # left shoulder, pelvis
    image, moved = mirrored(pose, transl)
    np.testing.assert_array_equal(image[17], (1, -2, -3))
    np.testing.assert_array_equal(image[16], 0)
    np.testing.assert_array_equal(image[0], (4, -5, -6))
    np.testing.assert_array_equal(moved, (-1, 2, 3))
