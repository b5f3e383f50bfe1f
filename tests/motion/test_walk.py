"""Facts about walking that hold for any person, asked of the posed skeleton and of the skinned body."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import MIRRORED_JOINTS, bundled_body, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints, skin_means
from lhm_avatars.engine.motion.builtin.curves import curve
from lhm_avatars.engine.motion.builtin.limbs import Limb
from lhm_avatars.engine.motion.builtin.walk import walk

FRAMES = 26  # of a cycle at 24 fps: 1.1 s, rounded
PEOPLE = {"mean": (), "tall": (2.0,), "short": (-2.0, 1.0), "heavy": (0.0, 2.0, 0.0, 1.0)}


@pytest.fixture(scope="module", params=PEOPLE)
def person(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    betas = np.zeros(10)
    betas[: len(PEOPLE[request.param])] = PEOPLE[request.param]
    body = bundled_body()
    return body.joints(betas).astype(np.float64), body.shaped(betas).astype(np.float64)


def transforms(joints: np.ndarray, **options: object) -> np.ndarray:
    motion = walk(joints, **options)
    return forward_kinematics(joints, motion.pose.astype(np.float64), motion.transl.astype(np.float64))


def positions(joints: np.ndarray, **options: object) -> np.ndarray:
    return np.stack([posed_joints(joints, frame) for frame in transforms(joints, **options)])


def soles(person: tuple[np.ndarray, np.ndarray], side: str) -> np.ndarray:
    """The vertices of a shoe-sized foot, walking forward, above the ground of the rest pose. [F, n, 3]"""
    joints, vertices = person
    body = bundled_body()
    owners = [joint_index(f"{side}_ankle"), joint_index(f"{side}_foot")]
    foot = np.isin(body.joint_indices[:, 0], owners)
    binding = body.joint_indices[foot], body.joint_weights[foot]
    moved = np.stack(
        [skin_means(vertices[foot], frame, *binding) for frame in transforms(joints, cycles=2, travel=True)]
    )
    return moved - [0, vertices[:, 1].min(), 0]


def test_starts_again_without_a_jump(person):
    motion = walk(person[0], cycles=3)
    assert motion.count == 3 * FRAMES
    for values in (motion.pose, motion.transl):
        assert np.abs(values[FRAMES:] - values[:-FRAMES]).max() < 1e-5
        steps = np.abs(np.diff(values, axis=0)).max(axis=(1, *range(2, values.ndim)))
        assert np.abs(values[0] - values[-1]).max() <= steps.max() + 1e-6


def test_moves_smoothly_at_any_rate(person):
    # A jump in position or speed does not shrink with the time between frames; a smooth curve's speed does.
    coarse, fine = (np.diff(walk(person[0], fps).pose, 2, axis=0) for fps in (120, 240))
    assert np.abs(fine).max() < 0.4 * np.abs(coarse).max()


def test_a_standing_foot_does_not_slide(person):
    for side in ("left", "right"):
        foot = soles(person, side)
        touching = foot[..., 1] < 0.004
        assert touching.any(axis=1).mean() > 0.5
        for vertex in np.flatnonzero(touching.any(axis=0)):
            for stand in stands(touching[:, vertex]):
                ground = foot[stand, vertex][:, [0, 2]]
                assert np.linalg.norm(ground - ground.mean(axis=0), axis=1).max() < 0.01


def stands(touching: np.ndarray) -> list[np.ndarray]:
    """Runs of frames in which a point touches the ground."""
    edges = np.flatnonzero(np.diff(touching.astype(int))) + 1
    return [run for run in np.split(np.arange(len(touching)), edges) if touching[run[0]]]


def test_feet_stay_above_the_ground_and_one_is_always_on_it(person):
    lowest = np.stack([soles(person, side)[..., 1].min(axis=1) for side in ("left", "right")])
    assert lowest.min() > -0.015
    assert lowest.min(axis=0).max() < 0.01
    assert (lowest.max(axis=1) > 0.03).all()  # each is lifted once


def test_right_is_left_half_a_cycle_later(person):
    joints, _ = person
    symmetric = joints.copy()  # The body's joints are symmetric to 0.02 mm only.
    for joint, other in enumerate(MIRRORED_JOINTS):
        symmetric[joint] = 0.5 * (joints[joint] + joints[other] * [-1, 1, 1])
    motion = walk(symmetric, cycles=1)
    later = np.roll(np.arange(FRAMES), -FRAMES // 2)
    mirrored = motion.pose[later][:, list(MIRRORED_JOINTS)] * np.array([1, -1, -1])
    assert np.abs(mirrored - motion.pose).max() < 1e-5
    assert np.abs(motion.transl[later] * [-1, 1, 1] - motion.transl).max() < 1e-5


def test_on_the_spot_and_travelling_differ_by_a_steady_way(person):
    joints, _ = person
    here, there = walk(joints), walk(joints, travel=True)
    assert np.array_equal(here.pose, there.pose)
    way = there.transl.astype(np.float64) - here.transl
    assert np.abs(way[:, :2]).max() == 0
    speed = np.diff(way[:, 2]) * here.fps
    assert np.ptp(speed) < 1e-4
    assert 0.9 < speed.mean() < 1.6  # people walk at 1.0 to 1.5 m/s


@pytest.mark.parametrize("travel", [False, True])
def test_the_walk_begins_where_the_person_stands(person, travel):
    joints, _ = person
    transl = walk(joints, travel=travel).transl
    assert abs(transl[0, 2]) < 1e-6
    assert abs(transl[:, 0]).max() < 0.1  # sways, but to both sides
    if not travel:
        assert abs(transl[:, 2]).max() < 1e-6


def test_knees_bend_backwards_and_elbows_forwards(person):
    joints, _ = person
    posed, frames = positions(joints), transforms(joints)
    for side in ("left", "right"):
        hip, knee, ankle, shoulder, elbow, wrist = (
            posed[:, joint_index(f"{side}_{name}")]
            for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        )
        # The axis of the knee is the thigh's x, wherever the leg has turned; likewise the arm's y.
        across = frames[:, joint_index(f"{side}_hip"), :3, 0]
        bend = (np.cross(knee - hip, ankle - knee) * across).sum(axis=1)
        assert (bend > 0).all()
        up = frames[:, joint_index(f"{side}_shoulder"), :3, 1]
        fold = (np.cross(elbow - shoulder, wrist - elbow) * up).sum(axis=1)
        assert (fold < 0).all() if side == "left" else (fold > 0).all()
        assert angle(knee - hip, ankle - knee).max() < 75
        assert angle(elbow - shoulder, wrist - elbow).min() > 5
        assert angle(elbow - shoulder, wrist - elbow).max() < 50


def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.degrees(np.arccos((a * b).sum(axis=1) / lengths))


def test_hands_hang_beside_the_hips_and_swing_against_the_legs(person):
    joints, _ = person
    posed = positions(joints, cycles=1)
    for side, sign in (("left", 1), ("right", -1)):
        hip, wrist, shoulder = (
            posed[:, joint_index(f"{side}_{name}")] for name in ("hip", "wrist", "shoulder")
        )
        assert (sign * wrist[:, 0] > sign * hip[:, 0] + 0.05).all()
        assert (wrist[:, 1] < shoulder[:, 1] - 0.3).all()
        ankle = posed[:, joint_index(f"{side}_ankle"), 2] - posed[:, joint_index("pelvis"), 2]
        assert np.corrcoef(ankle, wrist[:, 2] - shoulder[:, 2])[0, 1] < -0.7


def test_pelvis_rises_twice_a_cycle_a_little_below_standing(person):
    joints, _ = person
    leg = joints[joint_index("left_hip"), 1] - joints[joint_index("left_ankle"), 1]
    height = walk(joints, cycles=1).transl[:, 1]
    assert height.max() < 0
    assert height.min() > -0.1 * leg
    assert 0.02 < np.ptp(height) < 0.06
    assert np.abs(height - np.roll(height, FRAMES // 2)).max() < 1e-3


def test_head_stays_level_and_looks_ahead(person):
    head = transforms(person[0])[:, joint_index("head"), :3, :3]
    assert np.degrees(np.arccos((np.trace(head, axis1=1, axis2=2) - 1) / 2)).max() < 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 2.0}, "fps must give at least 4 frames in 1.1 s, got 2.0"),
        ({"cycles": 0}, "cycles must be at least 1, got 0"),
    ],
)
def test_names_what_is_wrong(options: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        walk(bundled_body().joints(np.zeros(10)), **options)


def test_wants_all_joints():
    with pytest.raises(ValueError, match=r"joints must have shape \(55, 3\), got \(22, 3\)"):
        walk(np.zeros((22, 3)))


HINGES = {"leg": [1.0, 0.0, 0.0], "left arm": [0.0, -1.0, 0.0], "slanting": [0.6, 0.0, 0.8]}


@pytest.mark.parametrize("hinge", HINGES)
def test_a_limb_reaches_its_end(hinge: str):
    rng = np.random.default_rng(0)
    limb = Limb(np.array([0.03, -0.43, 0.04]), np.array([0.04, -0.45, -0.03]), np.array(HINGES[hinge]))
    if hinge == "left arm":
        limb = Limb(np.array([0.28, 0.01, 0.0]), np.array([0.25, 0.0, 0.02]), np.array(HINGES[hinge]))
    target = rng.normal(size=(50, 3))
    target *= (rng.uniform(0.3, 0.99, 50) * limb.length / np.linalg.norm(target, axis=1))[:, None]
    bend = limb.bend(np.linalg.norm(target, axis=1))
    upper = limb.aim(bend, target, rng.normal(size=(50, 3)))
    joint = matrix_from_rotvec(bend[:, None] * limb.hinge)
    assert np.abs(upper @ limb.upper + (upper @ joint) @ limb.lower - target).max() < 1e-12


def test_a_limb_does_not_stretch():
    limb = Limb(np.array([0, -0.4, 0.0]), np.array([0, -0.4, 0.0]), np.array([1.0, 0.0, 0.0]))
    with pytest.raises(ValueError, match=r"distance must be at most 0.800 m, got 0.900"):
        limb.bend(np.array([0.5, 0.9]))


def test_a_curve_stays_within_its_keys_and_closes():
    closed = curve([(0.0, 1.0), (0.3, 5.0), (0.6, 5.0), (0.8, -2.0)])
    values = closed(np.linspace(0, 1, 500))
    assert values.min() > -2.01
    assert values.max() < 5.01
    assert values[0] == pytest.approx(values[-1], abs=1e-12)
    assert closed(np.array([0.45]))[0] == pytest.approx(5.0, abs=0.01)
