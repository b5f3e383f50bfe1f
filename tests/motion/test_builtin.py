"""Facts about the built-in motions that hold for any person, asked of the posed skeleton.

Ranges of joints are those of the American Academy of Orthopaedic Surgeons (Greene and Heckman 1994), rounded
up.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES, bundled_body, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.motion.builtin.catalogue import BUILT_IN
from lhm_avatars.engine.motion.builtin.curves import ease, keyed
from lhm_avatars.engine.motion.builtin.feet import hump
from lhm_avatars.engine.motion.contacts import contacts

if TYPE_CHECKING:
    from lhm_avatars.engine.motion.motion import Motion

FPS = 30.0
PEOPLE = {"mean": (), "tall": (2.0,), "short": (-2.0, 1.0), "heavy": (0.0, 2.0, 0.0, 1.0)}
STANDING = ("idle", "wave", "turn", "sit", "range_of_motion")
TAKES = ("wave", "turn", "sit", "range_of_motion")
SIDES = ("left", "right")


@pytest.fixture(params=PEOPLE)
def joints(request: pytest.FixtureRequest) -> np.ndarray:
    return person(request.param)


@cache
def person(name: str) -> np.ndarray:
    betas = np.zeros(10)
    betas[: len(PEOPLE[name])] = PEOPLE[name]
    return bundled_body().joints(betas).astype(np.float64)


def made(name: str, joints: np.ndarray, fps: float = FPS, **options: object) -> Motion:
    return _made(name, joints.tobytes(), joints.shape, fps, tuple(options.items()))


@cache
def _made(
    name: str, joints: bytes, shape: tuple[int, int], fps: float, options: tuple[tuple[str, object], ...]
) -> Motion:
    return BUILT_IN[name].maker(np.frombuffer(joints).reshape(shape), fps=fps, **dict(options))


def world(joints: np.ndarray, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Turns [F, 55, 3, 3] and places [F, 55, 3] of all joints."""
    moved = forward_kinematics(joints, motion.pose.astype(np.float64), motion.transl.astype(np.float64))
    turns = moved[..., :3, :3]
    return turns, np.einsum("fjab,jb->fja", turns, joints) + moved[..., :3, 3]


def at(places: np.ndarray, name: str) -> np.ndarray:
    return places[:, joint_index(name)]


def degrees(turns: np.ndarray) -> np.ndarray:
    return np.degrees(np.linalg.norm(rotvec_from_matrix(turns), axis=-1))


def local(motion: Motion, name: str) -> np.ndarray:
    return matrix_from_rotvec(motion.pose[:, joint_index(name)].astype(np.float64))


def test_the_table_describes_them():
    assert list(BUILT_IN) == ["idle", "walk", "run", "wave", "turn", "sit", "range_of_motion"]
    for name, entry in BUILT_IN.items():
        motion = made(name, person("mean"))
        assert motion.name == entry.label
        assert motion.fps == FPS
        assert entry.description
        assert not entry.description.endswith(".")


@pytest.mark.parametrize("name", [name for name, entry in BUILT_IN.items() if entry.loops])
def test_starts_again_without_a_jump(joints: np.ndarray, name: str):
    # What a smooth curve through the seam has for its second difference is no more than elsewhere.
    motion = made(name, joints, fps=60.0)
    for values in (motion.pose.reshape(motion.count, -1), motion.transl):
        second = np.abs(np.diff(np.concatenate([values, values[:3]]).astype(np.float64), 2, axis=0))
        assert second[motion.count - 2 :].max() <= second[: motion.count - 2].max() + 1e-5


@pytest.mark.parametrize("name", ["idle", "walk", "run"])
def test_cycles_are_alike(name: str):
    once, thrice = (made(name, person("mean"), cycles=n) for n in (1, 3))
    assert thrice.count == 3 * once.count
    assert np.abs(thrice.pose - np.tile(once.pose, (3, 1, 1))).max() < 1e-5
    assert np.abs(thrice.transl - np.tile(once.transl, (3, 1))).max() < 1e-5


@pytest.mark.parametrize("name", TAKES)
def test_takes_begin_and_end_still(joints: np.ndarray, name: str):
    motion = made(name, joints)
    _, places = world(joints, motion)
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1).max(axis=1) * FPS
    assert speed[[0, -1]].max() < 0.02
    assert speed.max() > 0.5


@pytest.mark.parametrize("name", BUILT_IN)
def test_moves_smoothly(joints: np.ndarray, name: str):
    # Turns against the parent, not their vectors, which jump at half a turn. A jump in position or speed does
    # not shrink with the time between frames; a smooth motion's second difference does, to a quarter.
    worst = []
    for fps in (60.0, 120.0) if name == "range_of_motion" else (120.0, 240.0):
        motion = made(name, joints, fps=fps)
        turns = matrix_from_rotvec(motion.pose.astype(np.float64))
        worst.append(np.abs(np.diff(turns, 2, axis=0)).max())
    assert worst[1] < 0.4 * worst[0]


@pytest.mark.parametrize("name", BUILT_IN)
def test_knees_do_not_pop(joints: np.ndarray, name: str):
    # Where a leg gets straight, or a foot lands, within a frame, the angle's second difference grows with the
    # frame rate: at 240 fps a corner of 5 rad/s gives 1200 rad/s².
    fps = 120.0 if name == "range_of_motion" else 240.0
    motion = made(name, joints, fps=fps)
    limit = 600.0 if name in ("walk", "run") else 300.0
    for side in SIDES:
        knee = motion.pose[:, joint_index(f"{side}_knee"), 0].astype(np.float64)
        assert np.abs(np.diff(knee, 2)).max() * fps**2 < limit


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
@pytest.mark.parametrize("name", BUILT_IN)
def test_standing_feet_do_not_slide(joints: np.ndarray, name: str, fps: float):
    travel = {"travel": True} if "travel" in BUILT_IN[name].options else {}
    motion = made(name, joints, fps=fps, **travel)
    found = contacts(joints, motion)
    assert {contact.point for contact in found} >= {1, 3}  # both balls stand
    assert max(contact.slide for contact in found) < 0.005


@pytest.mark.parametrize("name", BUILT_IN)
def test_feet_stay_above_the_ground(joints: np.ndarray, name: str):
    _, places = world(joints, made(name, joints))
    for side in SIDES:
        for joint in ("ankle", "foot"):
            point = f"{side}_{joint}"
            assert at(places, point)[:, 1].min() > joints[joint_index(point), 1] - 0.012


@pytest.mark.parametrize("name", STANDING)
def test_a_person_who_stands_is_balanced(joints: np.ndarray, name: str):
    motion = made(name, joints)
    _, places = world(joints, motion)
    frames = [0, motion.count - 1] if name in TAKES else range(0, motion.count, 10)
    for frame in frames:
        feet = [
            places[frame, joint_index(f"{side}_{joint}")] for side in SIDES for joint in ("ankle", "foot")
        ]
        forward = (feet[1] - feet[0] + feet[3] - feet[2]) * [1, 0, 1]
        forward /= np.linalg.norm(forward)
        across = np.cross([0.0, 1.0, 0.0], forward)
        for joint in ("pelvis", "head"):
            place = places[frame, joint_index(joint)]
            for axis, margin in ((forward, 0.0), (across, -0.02)):
                along = [foot @ axis for foot in feet]
                assert min(along) + margin < place @ axis < max(along) - margin


def test_idle_stays_where_it_is_but_is_alive(joints: np.ndarray):
    motion = made("idle", joints)
    turns, places = world(joints, motion)
    assert np.ptp(at(places, "pelvis")[:, 0]) > 0.03  # from leg to leg
    assert np.ptp(at(places, "pelvis")[:, 0]) < 0.12
    assert degrees(turns[:, joint_index("head")]).max() < 15
    # Two breaths in eight seconds.
    collar = motion.pose[:, joint_index("left_collar"), 2].astype(np.float64)
    assert np.abs(np.fft.rfft(collar - collar.mean())).argmax() == 2


def test_a_run_flies_between_its_steps(joints: np.ndarray):
    motion = made("run", joints, fps=240.0, cycles=1, travel=True)
    _, places = world(joints, motion)
    height = np.stack(
        [at(places, f"{side}_foot")[:, 1] - joints[joint_index(f"{side}_foot"), 1] for side in SIDES]
    )
    flies = (height > 0.01).all(axis=0)
    assert 0.1 < flies.mean() < 0.5
    # Twice a cycle, and meanwhile the pelvis falls about as a thrown body does.
    assert (np.diff(flies.astype(int), append=int(flies[0])) == 1).sum() == 2
    fall = np.diff(motion.transl[:, 1].astype(np.float64), 2) * 240.0**2
    assert -1.3 * 9.81 < fall.min() < -0.7 * 9.81
    speed = np.diff(motion.transl[:, 2]).mean() * 240.0
    assert 2.0 < speed < 4.0
    for side in SIDES:
        elbow = degrees(local(motion, f"{side}_elbow"))
        assert elbow.min() > 60
        assert elbow.max() < 115


@pytest.mark.parametrize("name", ["walk", "run"])
def test_gaits_on_the_spot_stay(joints: np.ndarray, name: str):
    here, there = made(name, joints), made(name, joints, travel=True)
    assert np.array_equal(here.pose, there.pose)
    assert np.abs(here.transl[:, 2]).max() < 1e-6
    assert there.transl[-1, 2] > 1.5


def test_waving_raises_the_right_hand(joints: np.ndarray):
    motion = made("wave", joints, cycles=4)
    turns, places = world(joints, motion)
    up = at(places, "right_wrist")[:, 1] > at(places, "right_shoulder")[:, 1] + 0.08
    assert up.sum() / FPS > 1.8
    hand = at(places, "right_middle3")[up] - at(places, "right_wrist")[up]
    assert (hand[:, 1] > 0.5 * np.linalg.norm(hand, axis=1)).mean() > 0.6  # fingers up
    palm = -turns[up, joint_index("right_wrist")][..., 1]  # at rest the palm looks down
    assert (palm[:, 2] > 0.5).mean() > 0.8
    assert (at(places, "left_wrist")[:, 1] < at(places, "left_shoulder")[:, 1] - 0.3).all()
    # To and fro four times.
    across = at(places, "right_wrist")[up][:, 0]
    turning = np.diff(np.sign(np.diff(across)))
    assert abs((turning != 0).sum() - 2 * 4) <= 1


def test_turning_ends_with_the_back_to_where_it_faced(joints: np.ndarray):
    motion = made("turn", joints)
    turns, places = world(joints, motion)
    half = np.diag([-1.0, 1.0, -1.0])
    for joint in ("pelvis", "head", "left_ankle", "right_ankle", "left_wrist"):
        turn = turns[-1, joint_index(joint)] @ turns[0, joint_index(joint)].T
        assert degrees(turn @ half) < 0.5
    # To the left, on the spot.
    middle = turns[motion.count // 2, joint_index("pelvis")] @ [0.0, 0.0, 1.0]
    assert middle[0] > 0.5
    assert np.abs(at(places, "head")[:, [0, 2]] - at(places, "head")[0, [0, 2]]).max() < 0.3
    # Never both feet off the ground, and each foot steps.
    lifted = np.stack(
        [at(places, f"{side}_foot")[:, 1] - joints[joint_index(f"{side}_foot"), 1] for side in SIDES]
    )
    assert lifted.min(axis=0).max() < 0.02
    assert (lifted.max(axis=1) > 0.04).all()


def test_sitting_is_at_the_height_of_a_chair(joints: np.ndarray):
    motion = made("sit", joints)
    _, places = world(joints, motion)
    sits = slice(round(3.0 * FPS), round(4.3 * FPS))
    floor = joints[joint_index("left_foot"), 1]
    for side in SIDES:
        hip, knee, ankle = (at(places, f"{side}_{name}")[sits] for name in ("hip", "knee", "ankle"))
        thigh, shin = knee - hip, knee - ankle
        level = np.degrees(np.arcsin(thigh[:, 1] / np.linalg.norm(thigh, axis=1)))
        assert np.abs(level).max() < 4
        assert (shin[:, 1] > 0.97 * np.linalg.norm(shin, axis=1)).all()
        # The seat is some eight centimetres below the hips; chairs are 38 to 50 cm high.
        assert 0.36 < hip[:, 1].mean() - floor - 0.08 < 0.55
        assert np.ptp(hip, axis=0).max() < 0.005
        # Hands lie on the thighs.
        wrist = at(places, f"{side}_wrist")[sits]
        along = ((wrist - hip) * thigh).sum(axis=1) / (thigh**2).sum(axis=1)
        assert (np.abs(along - 0.6) < 0.15).all()
        off = wrist - hip - along[:, None] * thigh
        assert np.linalg.norm(off, axis=1).max() < 0.13
    spine = at(places, "neck")[sits] - at(places, "pelvis")[sits]
    assert (spine[:, 1] > 0.97 * np.linalg.norm(spine, axis=1)).all()


def test_getting_up_brings_the_weight_over_the_feet_first(joints: np.ndarray):
    motion = made("sit", joints)
    _, places = world(joints, motion)
    chest, pelvis = at(places, "neck"), at(places, "pelvis")
    sits = pelvis[round(4.0 * FPS), 1]
    rising = np.flatnonzero((pelvis[:, 1] > sits + 0.05) & (np.arange(motion.count) > 4.5 * FPS))[0]
    assert chest[rising, 2] > at(places, "left_ankle")[0, 2] - 0.15
    lean = (chest - pelvis)[rising]
    assert 20 < np.degrees(np.arctan2(lean[2], lean[1])) < 60


# Degrees that a joint may turn against rest, whatever the axis. Trunk and neck are chains: the sums are asked
# for below.
LIMITS = {
    "hip": 125, "knee": 145, "ankle": 55, "foot": 60, "spine1": 32, "spine2": 32, "spine3": 32, "neck": 40,
    "head": 40, "collar": 40, "shoulder": 180, "elbow": 150, "wrist": 85, "jaw": 25, "eye": 30,
    "index1": 95, "index2": 110, "index3": 80, "middle1": 95, "middle2": 110, "middle3": 80, "ring1": 95,
    "ring2": 110, "ring3": 80, "pinky1": 95, "pinky2": 110, "pinky3": 80, "thumb1": 60, "thumb2": 60,
    "thumb3": 80,
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_joint_turns_farther_than_a_persons(joints: np.ndarray, name: str):
    motion = made(name, joints)
    for joint in JOINT_NAMES[1:]:
        limit = LIMITS[joint.removeprefix("left_").removeprefix("right_")]
        assert degrees(local(motion, joint)).max() <= limit, joint
    turns, _ = world(joints, motion)

    def between(a: str, b: str) -> np.ndarray:
        return rotvec_from_matrix(np.swapaxes(turns[:, joint_index(a)], -1, -2) @ turns[:, joint_index(b)])

    back, neck = (np.abs(np.degrees(between(*ends))) for ends in (("pelvis", "spine3"), ("spine3", "head")))
    assert (back.max(axis=0) <= [80, 45, 35]).all()
    assert (neck.max(axis=0) <= [60, 80, 45]).all()
    for side in SIDES:
        # Knees bend backwards, elbows forwards, and nearly about one axis.
        knee = np.degrees(motion.pose[:, joint_index(f"{side}_knee")])
        assert knee[:, 0].min() > -8
        assert np.abs(knee[:, 1:]).max() < 1
        elbow = rotvec_from_matrix(local(motion, f"{side}_elbow"))[:, 1] * (-1 if side == "left" else 1)
        assert elbow.min() > 0
        ankle = np.degrees(motion.pose[:, joint_index(f"{side}_ankle"), 0])
        assert ankle.min() >= -38  # toes up, loaded in a squat
        assert ankle.max() <= 55
        eye = np.degrees(motion.pose[:, joint_index(f"{side}_eye")])
        assert (np.abs(eye).max(axis=0) <= [20, 25, 3]).all()


MOVED = {
    "eye": 15, "jaw": 15, "collar": 15, "shoulder": 90, "elbow": 90, "wrist": 45, "hip": 60, "knee": 90,
    "ankle": 25, "foot": 20, "thumb": 10,
}  # fmt: skip


def test_the_range_of_motion_moves_every_joint(joints: np.ndarray):
    motion = made("range_of_motion", joints)
    for joint in JOINT_NAMES:
        turns = local(motion, joint)
        moved = degrees(np.swapaxes(turns[:1], -1, -2) @ turns).max()
        kind = joint.removeprefix("left_").removeprefix("right_").rstrip("123")
        finger = joint[-1] in "123" and kind in ("index", "middle", "ring", "pinky")
        assert moved > (35 if finger else MOVED.get(kind, 8)), joint


def test_one_joint_after_the_other(joints: np.ndarray):
    """While the eyes move nothing else does, but for the breath."""
    motion = made("range_of_motion", joints)
    eyes = np.abs(motion.pose[:, joint_index("left_eye")]).max(axis=1) > 0.05
    others = [j for j, name in enumerate(JOINT_NAMES) if "eye" not in name]
    assert eyes.sum() / FPS > 1.5
    assert np.ptp(motion.pose[eyes][:, others], axis=0).max() < 0.1


@pytest.mark.parametrize("name", BUILT_IN)
def test_hands_hang_relaxed(name: str):
    motion = made(name, person("mean"))
    relaxed = bundled_body().hands_mean.reshape(2, 15, 3)
    for side, hand in zip(SIDES, relaxed, strict=True):
        first = joint_index(f"{side}_index1")
        curl = np.abs(motion.pose[0, first : first + 12, 2])
        wanted = np.abs(hand[:12, 2])
        assert (curl > 0.8 * wanted).all()
        assert (curl < (2.5 if name == "run" else 1.4) * wanted).all()
        assert (np.sign(motion.pose[0, first : first + 12, 2]) == np.sign(hand[:12, 2])).all()


@pytest.mark.parametrize("name", ["idle", "sit", "turn"])
def test_palms_look_to_the_body(name: str):
    turns, _ = world(person("mean"), made(name, person("mean")))
    for side, inwards in (("left", -1.0), ("right", 1.0)):
        palm = -turns[0, joint_index(f"{side}_wrist")][:, 1]
        assert palm[0] * inwards > 0.7


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(
    ("options", "message"),
    [({"fps": 0.01}, "fps must give at least 4 frames"), ({"cycles": 0}, "cycles must be at least 1, got 0")],
)
def test_names_what_is_wrong(name: str, options: dict[str, float], message: str):
    if "cycles" in options and "cycles" not in BUILT_IN[name].options:
        pytest.skip("has no cycles")
    with pytest.raises(ValueError, match=message):
        made(name, person("mean"), **options)


@pytest.mark.parametrize("name", BUILT_IN)
def test_wants_all_joints(name: str):
    with pytest.raises(ValueError, match=r"joints must have shape \(55, 3\), got \(22, 3\)"):
        made(name, np.zeros((22, 3)))


def test_a_keyed_curve_is_the_line_smoothed_by_a_gaussian():
    keys, softness = [(1.0, 2.0), (1.5, -1.0), (3.0, 4.0)], 0.2
    fine = np.arange(-3, 7, 0.001)
    line = np.interp(fine, *zip(*keys, strict=True))
    for second in (0.0, 1.2, 1.5, 2.9, 5.0):
        weights = np.exp(-0.5 * ((fine - second) / softness) ** 2)
        assert keyed(np.array([second]), keys, softness)[0] == pytest.approx(
            (line * weights).sum() / weights.sum(), abs=1e-5
        )


def test_easing_and_humps_begin_and_end_still():
    seconds = np.linspace(0, 1, 1001)
    eased, high = ease(seconds, 0.2, 0.7), hump(seconds, 3, 3)
    assert (eased[seconds <= 0.2] == 0).all()
    assert (eased[seconds >= 0.7] == 1).all()
    assert eased[450] == pytest.approx(0.5)
    assert (np.diff(eased) >= 0).all()
    assert high.max() == pytest.approx(1.0)
    assert high[500] == pytest.approx(1.0)
    assert high[[0, -1]].max() == 0
