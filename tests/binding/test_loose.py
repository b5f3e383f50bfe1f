"""Loose cloth: a cone around both legs stays one sheet, and the legs stay legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.bench.skirts import KNEE, LONG, NARROW, SHORT
from lhm_avatars.engine.avatar.binding import strongest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, MIRRORED_JOINTS, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_means
from lhm_avatars.engine.binding.find_loose import NOTHING_LOOSE, LooseRegion
from lhm_avatars.engine.binding.legs import beside_legs, leg_lengths
from lhm_avatars.engine.binding.loose import loose_weights
from lhm_avatars.engine.binding.looseness import looseness
from lhm_avatars.engine.binding.tear import stretches, tear
from lhm_avatars.engine.motion.builtin.walk import walk

from .garments import legs_out

if TYPE_CHECKING:
    from lhm_avatars.engine.binding.field import WeightField

TORN, WHOLE = 2.5, 3.0  # of one pair in a hundred; of any pair
GARMENTS = {"short": SHORT, "knee": KNEE, "long": LONG, "narrow": NARROW}
HEMS = {"short": 0.3, "knee": 0.55, "long": 1.1, "narrow": 0.55}


def region(hem: float, kind: str = "skirt") -> LooseRegion:
    return LooseRegion(kind, -0.11, hem, 1.0, 0.0, 0.0)


def hung(name: str, field: WeightField, joints: Any, strength: float = 1.0) -> tuple[Any, Any, Any]:
    """A garment's points, the diffused weights, and those of loose cloth."""
    points = GARMENTS[name].points()
    weights, distance = field.weights_and_distance(points)
    amount = looseness(points, distance, joints, region(HEMS[name]))
    return points, weights, loose_weights(points, weights, amount, joints, strength)


def posed(points: Any, weights: Any, joints: Any, pose: Any, influences: int = 4) -> Any:
    binding = strongest(weights, influences)
    moved = forward_kinematics(joints, np.asarray(pose, np.float64))
    return skin_means(points, moved, binding.joint_indices, binding.joint_weights)


@pytest.mark.parametrize("name", GARMENTS)
def test_legs_45_degrees_out_do_not_tear_it(name, field, joints) -> None:
    points, before, after = hung(name, field, joints)
    torn, whole = (posed(points, weights, joints, legs_out(45)) for weights in (before, after))
    assert stretches(points, torn).max() > 10
    assert tear(points, whole) <= TORN
    assert stretches(points, whole).max() < WHOLE


@pytest.mark.parametrize("name", GARMENTS)
def test_a_walk_does_not_tear_it(name, field, joints) -> None:
    points, _, after = hung(name, field, joints)
    for pose in walk(joints, fps=12, cycles=1).pose:
        whole = posed(points, after, joints, pose)
        assert tear(points, whole) <= 1.6
        assert stretches(points, whole).max() < 2


def test_its_sides_go_with_the_legs(field, joints) -> None:
    points, _, after = hung("knee", field, joints)
    side = (points[:, 0] > 0.26) & (points[:, 1] < KNEE.hem + 0.05)
    assert side.sum() > 10
    left = [joint_index("left_hip"), joint_index("left_knee")]
    assert after[side][:, left].sum(axis=1).min() > 0.9


def test_more_strength_tears_less(field, joints) -> None:
    worst = []
    for strength in (0.0, 0.3, 0.6, 1.0):
        points, _, after = hung("knee", field, joints, strength)
        worst.append(np.percentile(stretches(points, posed(points, after, joints, legs_out(45))), 99.9))
    assert worst == sorted(worst, reverse=True)
    assert worst[0] > 10 * worst[-1]


def test_no_strength_and_no_looseness_change_nothing(field, joints) -> None:
    points = KNEE.points()
    weights = field.weights(points)
    assert np.array_equal(loose_weights(points, weights, np.ones(len(points)), joints, 0.0), weights)
    amount = (points[:, 0] > 0).astype(float)
    after = loose_weights(points, weights, amount, joints, 1.0)
    assert np.array_equal(after[amount == 0], weights[amount == 0])
    assert not np.array_equal(after[amount == 1], weights[amount == 1])


def test_legs_keep_their_weights(surface, vertex_weights, joints) -> None:
    points = surface.points
    amount = looseness(points, np.zeros(len(points)), joints, region(0.55))
    below = points[:, 1] < joints[joint_index("left_knee"), 1] - 0.1
    assert below.sum() > 500
    after = loose_weights(points, vertex_weights, amount, joints)
    assert np.array_equal(after[below], vertex_weights[below])
    assert np.array_equal(after[points[:, 1] > 0], vertex_weights[points[:, 1] > 0])


def test_a_hand_on_the_skirt_stays_a_hand(joints) -> None:
    weights = np.zeros((2, JOINT_COUNT), np.float32)
    weights[0, joint_index("left_wrist")] = 1
    weights[1, joint_index("left_hip")] = 1
    points = np.array([[0.2, -0.6, 0.1], [0.2, -0.6, 0.1]])
    after = loose_weights(points, weights, np.ones(2), joints)
    assert np.array_equal(after[0], weights[0])
    assert not np.array_equal(after[1], weights[1])


@pytest.mark.parametrize("name", GARMENTS)
def test_mirrored_points_have_mirrored_weights(name, field, joints) -> None:
    joints = 0.5 * (joints + joints[list(MIRRORED_JOINTS)] * [-1, 1, 1])
    points = GARMENTS[name].points()
    weights = field.weights(points)
    weights = 0.5 * (weights + field.weights(points * [-1, 1, 1])[:, list(MIRRORED_JOINTS)])
    one = loose_weights(points, weights, np.ones(len(points)), joints)
    mirrored = weights[:, list(MIRRORED_JOINTS)]
    other = loose_weights(points * [-1, 1, 1], mirrored, np.ones(len(points)), joints)
    assert np.abs(other[:, list(MIRRORED_JOINTS)] - one).max() < 1e-5
    assert np.abs(one.sum(axis=1) - 1).max() < 1e-5


def test_it_may_be_asked_in_the_photo_s_pose(field, joints) -> None:
    points, weights, after = hung("knee", field, joints)
    turn = np.zeros((JOINT_COUNT, 3))
    turn[0] = [0.2, 1.1, -0.3]
    moved = forward_kinematics(joints, turn)[0]
    there = points @ moved[:3, :3].T + moved[:3, 3], joints @ moved[:3, :3].T + moved[:3, 3]
    amount = looseness(there[0], np.full(len(points), 0.1), there[1], region(0.55))
    assert np.abs(loose_weights(there[0], weights, amount, there[1]) - after).max() < 1e-4


def test_of_a_coat_only_what_stands_off_is_loose(joints) -> None:
    points = np.repeat([[0.2, -0.65, 0.05]], 3, axis=0)
    amount = looseness(points, np.array([0.005, 0.03, 0.08]), joints, region(0.5, "coat"))
    assert amount[0] == 0
    assert 0 < amount[1] < 1
    assert amount[2] == 1
    assert (looseness(points, np.array([0.005, 0.03, 0.08]), joints, region(0.5)) == 1).all()
    assert (looseness(points, np.full(3, 0.08), joints, NOTHING_LOOSE) == 0).all()


def test_places_beside_straight_legs_are_read_off() -> None:
    joints = np.zeros((JOINT_COUNT, 3))
    for side, x in (("left", 0.1), ("right", -0.1)):
        for name, y in (("hip", 0.0), ("knee", -0.4), ("ankle", -0.8)):
            joints[joint_index(f"{side}_{name}")] = [x, y, 0]
    at = beside_legs(np.array([[0.05, -0.3, 0.2], [-0.2, -1.0, 0], [0, 0.1, 0]]), joints)
    np.testing.assert_allclose(at.down, [0.3, 1.0, -0.1])
    np.testing.assert_allclose(at.left, [0.05, -0.2, 0])
    np.testing.assert_allclose(at.half, 0.1)
    assert leg_lengths(joints) == pytest.approx((0.4, 0.8))


def test_stretch_is_posed_over_rest_distance() -> None:
    rest = np.array([[0, 0, 0], [0.01, 0, 0], [0.5, 0, 0], [0.5, 0, 0]])
    np.testing.assert_allclose(stretches(rest, rest * [3.0, 1, 1]), [3.0])


def test_wrong_input_is_named(joints) -> None:
    points, weights = np.zeros((2, 3)), np.full((2, JOINT_COUNT), 1 / JOINT_COUNT)
    with pytest.raises(ValueError, match=r"looseness must lie within 0 to 1, got 0\.5 to 2\.0"):
        loose_weights(points, weights, np.array([0.5, 2.0]), joints)
    with pytest.raises(ValueError, match="strength must lie within 0 to 1"):
        loose_weights(points, weights, np.ones(2), joints, -0.5)
    with pytest.raises(ValueError, match=r"weights must have shape \(2, 55\), got \(3, 55\)"):
        loose_weights(points, np.zeros((3, JOINT_COUNT)), np.ones(2), joints)
    with pytest.raises(ValueError, match=r"distance must have shape \(2,\)"):
        looseness(points, np.zeros(3), joints, NOTHING_LOOSE)
    with pytest.raises(ValueError, match=r"joints must have shape \(55, 3\)"):
        beside_legs(points, np.zeros((3, 3)))
