"""What the fit knows of bodies: joint angles, contact, the floor, the face, hands, both ways in depth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import (
    JOINT_COUNT,
    MIRRORED_JOINTS,
    BodyParams,
    bundled_body,
    joint_index,
)
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.fit.contact import Contact
from lhm_avatars.engine.lift.fit.face import face_anchors, face_trust, opened_jaw, turned_away
from lhm_avatars.engine.lift.fit.fit import fit_body, relaxed_hands, skinned_vertices, usual_shape
from lhm_avatars.engine.lift.fit.flips import best_flips
from lhm_avatars.engine.lift.fit.ground import Ground, sole_vertices, standing, straight_legs, upward
from lhm_avatars.engine.lift.fit.hands import fit_hand
from lhm_avatars.engine.lift.fit.hang import hanging
from lhm_avatars.engine.lift.fit.landmarks import depths
from lhm_avatars.engine.lift.fit.model import BETAS, PARAMETERS, PITCH, POSE, TRANSL, Model
from lhm_avatars.engine.lift.fit.prior import angles, habits, resting_pose
from lhm_avatars.engine.lift.fit.problem import Problem, _sized
from lhm_avatars.engine.lift.fit.solve import levenberg_marquardt
from lhm_avatars.engine.lift.fit.start import first_guess
from lhm_avatars.engine.prepare.face_points import FACE_POINTS, FacePoints
from lhm_avatars.engine.prepare.hand_points import HandPoints

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation

    from .person import Person

SIDES = ("left", "right")
TIPS = {"left": (5361, 4933, 5058, 5169, 5286), "right": (8079, 7669, 7794, 7905, 8022)}
FINGERS = ("thumb", "index", "middle", "ring", "pinky")


def body_pose(**turns: tuple[float, float, float]) -> np.ndarray:
    """Joints 1..21 of which some are turned. [1, 21, 3]"""
    pose = np.zeros((1, 21, 3))
    for name, turn in turns.items():
        pose[0, joint_index(name) - 1] = turn
    return pose


@pytest.mark.parametrize(
    ("joint", "turn"),
    [
        ("left_elbow", (0, -1, 0)), ("right_elbow", (0, 1, 0)), ("left_knee", (1, 0, 0)),
        ("right_knee", (1, 0, 0)), ("left_hip", (-1, 0, 0)), ("right_hip", (-1, 0, 0)),
    ],
)  # fmt: skip
def test_a_bend_forwards_is_positive_and_as_large_as_the_turn(joint: str, turn: tuple[int, int, int]):
    found = angles(body_pose(**{joint: tuple(0.7 * c for c in turn)}))[0, joint_index(joint) - 1]
    np.testing.assert_allclose(found, [0.7, 0, 0], atol=1e-9)


@pytest.mark.parametrize(("joint", "axis"), [("elbow", 0), ("shoulder", 0), ("knee", 1), ("hip", 1)])
def test_a_twist_about_the_bone_is_a_twist(joint: str, axis: int):
    turn = np.eye(3)[axis] * 0.4
    found = angles(body_pose(**{f"left_{joint}": tuple(turn)}))[0, joint_index(f"left_{joint}") - 1]
    assert found[2] == pytest.approx(0.4)


def test_both_sides_have_the_same_angles_in_mirrored_poses():
    pose = np.random.default_rng(0).normal(0, 0.5, (1, 21, 3))
    mirrored = pose[:, np.array(MIRRORED_JOINTS[1:22]) - 1] * [1, -1, -1]
    found, other = angles(pose)[0], angles(mirrored)[0]
    swapped = other[np.array(MIRRORED_JOINTS[1:22]) - 1]
    middle = np.array([i == MIRRORED_JOINTS[i] for i in range(1, 22)])
    np.testing.assert_allclose(found[~middle], swapped[~middle], atol=1e-9)
    np.testing.assert_allclose(found[middle], swapped[middle] * [1, -1, -1], atol=1e-9)


def test_ease_is_within_the_ranges_and_a_broken_elbow_is_not():
    usual = habits(np.ones(33))
    easy = angles(resting_pose()[None])[0]
    assert np.all((easy >= usual.least) & (easy <= usual.most))
    broken = angles(body_pose(left_elbow=(0, 0.5, 0)))[0]
    assert broken[joint_index("left_elbow") - 1, 0] < usual.least[joint_index("left_elbow") - 1, 0]


def test_what_the_photo_hides_keeps_nearer_to_ease():
    confidence = np.ones(33)
    confidence[14] = 0
    elbow, other = joint_index("right_elbow") - 1, joint_index("left_elbow") - 1
    hidden = habits(np.where(np.arange(33) == 16, 0.0, 1.0))
    assert np.all(hidden.spread[elbow] < hidden.spread[other])


def posed_model(pose: np.ndarray) -> tuple[Model, np.ndarray]:
    """A model of the soles, and its parameters in a pose, 3 m before the camera."""
    body = bundled_body()
    model = Model(body, sole_vertices(body), relaxed_hands(body))
    x = np.zeros((1, PARAMETERS))
    x[0, POSE], x[0, TRANSL] = pose.ravel(), (0, 0, -3)
    return model, x


def test_a_body_at_ease_touches_nothing_and_a_hand_in_the_belly_does():
    contact = Contact(bundled_body())
    model, x = posed_model(resting_pose())
    assert contact.residuals(model.posed(x)).max() == 0
    inside = body_pose(left_shoulder=(0, 0, -1.3), left_elbow=(0, 0, -1.8))[0]
    model, x = posed_model(inside)
    assert contact.residuals(model.posed(x)).max() > 2


def test_contact_goes_with_the_body_wherever_it_turns():
    contact = Contact(bundled_body())
    model, x = posed_model(body_pose(left_shoulder=(0, 0, -1.3), left_elbow=(0, 0, -1.8))[0])
    first = contact.residuals(model.posed(x))
    model.base = matrix_from_rotvec(np.array([0.3, 2.0, -0.2]))
    np.testing.assert_allclose(contact.residuals(model.posed(x)), first, atol=1e-9)


def test_up_and_level_are_square_and_follow_the_camera():
    up, near = upward(np.radians([0.0, 30.0]))
    np.testing.assert_allclose((up * near).sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(up[0], [0, 1, 0], atol=1e-12)
    # A camera that looks up sees what stands upright lean away from it.
    assert up[1, 2] == pytest.approx(-0.5)


def test_the_floor_is_felt_when_one_foot_is_raised(seen: Observation):
    ground = Ground(seen)
    model, x = posed_model(resting_pose())
    posed = model.posed(x)
    level = ground.residuals(x, posed, model.surface(posed))[0]
    lifted = resting_pose()
    lifted[joint_index("left_hip") - 1, 0], lifted[joint_index("left_knee") - 1, 0] = -0.6, 1.2
    model, x = posed_model(lifted)
    posed = model.posed(x)
    raised = ground.residuals(x, posed, model.surface(posed))[0]
    assert abs(level[2]) < 0.2
    assert abs(raised[2]) > 1.5


def test_a_leaning_body_is_upright_for_a_tilted_camera(seen: Observation):
    """Turning body and gravity together leaves all but the camera's own tilt and place."""
    ground = Ground(seen)
    model, x = posed_model(resting_pose())
    posed = model.posed(x)
    before = ground.residuals(x, posed, model.surface(posed))[0, :5]
    pitch = np.radians(12)
    model.base = matrix_from_rotvec(np.array([-pitch, 0, 0]))
    x[0, PITCH] = pitch
    posed = model.posed(x)
    np.testing.assert_allclose(ground.residuals(x, posed, model.surface(posed))[0, :5], before, atol=1e-9)


def test_only_who_stands_stands(seen: Observation):
    assert standing(seen) == 1
    world = seen.world.copy()
    for hip, knee, ankle in ((23, 25, 27), (24, 26, 28)):
        world[knee] = world[hip] + (0, 0, 0.42)
        world[ankle] = world[knee] + (0, -0.42, 0)
    assert standing(replace(seen, world=world)) == 0
    assert standing(replace(seen, confidence=np.where(np.arange(33) == 27, 0.0, 1.0))) == 0


def with_face(person: Person, seen: Observation, open_lips: float = 0.0) -> Observation:
    """The photo with a face mesh that lies exactly on the true body's face."""
    body = bundled_body()
    anchors = face_anchors(body)
    head = joint_index("head")
    moved = forward_kinematics(body.joints(person.params.betas), person.params.pose(), person.params.transl)
    places = person.vertices[anchors.vertices] + anchors.offsets @ moved[head, :3, :3].T
    points = np.zeros((FACE_POINTS, 3))
    points[anchors.ids, :2] = seen.camera.project(places)
    unit = np.linalg.norm(points[468, :2] - points[473, :2]) / 0.062
    points[14] = points[13] + (0, open_lips * unit, 0)
    return replace(seen, face=FacePoints(points, 1.0))


def test_the_face_turns_the_head(person: Person, seen: Observation):
    fit = fit_body(bundled_body(), with_face(person, seen), lambda done: None)
    head = joint_index("head")
    turns = [
        forward_kinematics(bundled_body().joints(p.betas), p.pose())[head, :3, :3]
        for p in (fit.params, person.params)
    ]
    angle = np.degrees(np.arccos((np.trace(turns[0] @ turns[1].T) - 1) / 2))
    assert angle < 4
    assert fit.face is not None
    tall = np.ptp(seen.camera.project(person.vertices[person.parts == 1])[:, 1])
    assert np.median(np.linalg.norm(fit.face.offset, axis=1)) < 0.01 * tall


def test_the_offset_leads_from_the_bodys_face_to_the_photos(person: Person, seen: Observation):
    faced = with_face(person, seen)
    fit = fit_body(bundled_body(), faced, lambda done: None)
    assert faced.face is not None
    assert fit.face is not None
    np.testing.assert_allclose(fit.face.body + fit.face.offset, faced.face.points[fit.face.ids, :2])


def test_an_open_mouth_opens_the_jaw(person: Person, seen: Observation):
    assert opened_jaw(with_face(person, seen)) == 0
    # Lips 20 mm apart on a jaw of 85 mm: 17 mm beyond a closed mouth.
    assert opened_jaw(with_face(person, seen, 0.02)) == pytest.approx(0.2, abs=0.01)
    assert opened_jaw(seen) == 0


def test_no_face_is_believed_on_the_back_of_a_head(person: Person, seen: Observation):
    faced = with_face(person, seen)
    assert face_trust(faced) == 1
    assert not turned_away(faced)
    behind = replace(faced, world=faced.world * [-1, 1, -1])
    assert face_trust(behind) == 0
    assert turned_away(behind)


def hand_points(params: BodyParams, side: str, seen: Observation) -> HandPoints:
    """The hand of a body as a detector would give it, without error."""
    body = bundled_body()
    rest = body.joints(params.betas)
    joints = posed_joints(rest, forward_kinematics(rest, params.pose(), params.transl))
    tips = skinned_vertices(body, params)[list(TIPS[side])]
    places = [joints[joint_index(f"{side}_wrist")]]
    for finger, tip in zip(FINGERS, tips, strict=True):
        places += [*(joints[joint_index(f"{side}_{finger}{k}")] for k in (1, 2, 3)), tip]
    points = np.zeros((21, 3))
    points[:, :2] = seen.camera.project(np.array(places))
    return HandPoints(points, np.array(places) - np.mean(places, axis=0), 1.0)


@pytest.mark.parametrize("side", SIDES)
def test_a_hand_is_found_again(side: str, person: Person, seen: Observation):
    pose = person.params.pose()
    pose[joint_index(f"{side}_wrist")] = (0.5, 0.2, -0.3)
    sign = 1 if side == "left" else -1
    for number, finger in enumerate(FINGERS[1:]):
        for k, bend in enumerate((0.2 + 0.2 * number, 0.6, 0.4)):
            pose[joint_index(f"{side}_{finger}{k + 1}")] = (0, 0, -sign * bend)
    true = replace(
        BodyParams.from_pose(pose, betas=person.params.betas, transl=person.params.transl),
        expression=person.params.expression,
    )
    hand = fit_hand(bundled_body(), side, hand_points(true, side, seen), seen.camera, person.params)
    assert hand is not None
    found = person.params.pose()
    first = joint_index(f"{side}_index1")
    found[joint_index(f"{side}_elbow")], found[joint_index(f"{side}_wrist")] = hand.elbow, hand.wrist
    found[first : first + 15] = hand.fingers
    rest = bundled_body().joints(person.params.betas)
    places = [posed_joints(rest, forward_kinematics(rest, p, true.transl)) for p in (found, pose)]
    gap = np.linalg.norm(places[0][first : first + 15] - places[1][first : first + 15], axis=1)
    assert gap.mean() < 0.010
    # Turning the forearm about itself leaves the wrist where it was; bones lie nearly along x.
    wrist = joint_index(f"{side}_wrist")
    np.testing.assert_allclose(places[0][wrist], places[1][wrist], atol=3e-4)


def test_a_hand_that_no_arm_has_is_refused(person: Person, seen: Observation):
    good = hand_points(person.params, "left", seen)
    noise = np.random.default_rng(0).normal(0, 0.5, (21, 3))
    palm = np.linalg.norm(good.points[9] - good.points[0])
    torn = replace(good, points=good.points + palm * noise, world=noise)
    assert fit_hand(bundled_body(), "left", torn, seen.camera, person.params) is None
    assert fit_hand(bundled_body(), "left", None, seen.camera, person.params) is None
    unsure = replace(good, confidence=0.01)
    assert fit_hand(bundled_body(), "left", unsure, seen.camera, person.params) is None


def test_a_limb_that_points_the_wrong_way_is_turned_over(seen: Observation):
    """An arm started behind the body comes to the front, where the detector's points have it."""
    body = bundled_body()
    problem = Problem(body, seen, relaxed_hands(body), usual_shape(body))
    x = first_guess(problem.model, seen, problem.table, problem.shape_mean)
    x = levenberg_marquardt(problem.landmark_residuals, x, iterations=60)
    good = (problem.landmark_residuals(x[None]) ** 2).sum()
    wrong = x.copy()
    start = POSE.start + 3 * (joint_index("left_shoulder") - 1)
    wrong[start + 1] += 1.6
    arm = np.zeros(PARAMETERS, bool)
    arm[start : start + 3] = True
    wrong = levenberg_marquardt(problem.landmark_residuals, wrong, iterations=8, free=arm)
    turned = best_flips(problem, wrong)
    assert (problem.landmark_residuals(turned[None]) ** 2).sum() < 1.3 * good


def test_a_known_shape_is_kept(person: Person, seen: Observation):
    fit = fit_body(bundled_body(), seen, lambda done: None, betas=person.params.betas)
    np.testing.assert_array_equal(fit.params.betas, person.params.betas)
    assert len(fit.params.pose()) == JOINT_COUNT
    assert BETAS.stop - BETAS.start == len(fit.params.betas)


def test_a_known_focal_length_is_kept_and_another_is_not(seen: Observation):
    wrong = replace(seen, camera=replace(seen.camera, focal=1.25 * seen.camera.focal))
    known = fit_body(bundled_body(), replace(wrong, focal_known=True), lambda done: None)
    free = fit_body(bundled_body(), wrong, lambda done: None)
    assert known.camera.focal == pytest.approx(wrong.camera.focal, rel=0.01)
    # Perspective tells: the estimate moves from the wrong guess towards the truth.
    assert seen.camera.focal * 0.8 < free.camera.focal < wrong.camera.focal * 0.98


def test_hanging_arms_hang_and_raised_ones_are_the_detectors(seen: Observation):
    known = depths()
    wanted = np.full(len(known.pairs), 0.8)
    pairs = [tuple(pair) for pair in known.pairs.tolist()]
    down = seen.points.copy()
    down[[13, 15]] = down[11] + np.array([(0, 80), (0, 150)])  # straight below the left shoulder
    down[[14, 16]] = down[12] + np.array([(-80, 0), (-150, 0)])  # out to the side
    found, spread = hanging(replace(seen, points=down), known, wanted)
    for pair in ((11, 13), (13, 15)):
        row = pairs.index(pair)
        assert 0 < found[row] < 0.4
        assert spread[row] < known.spread[row]
    # Gravity does not depend on how well the detector saw the arm.
    dim = np.where(np.isin(np.arange(33), (13, 15)), 0.4, seen.confidence)
    _, wider = hanging(replace(seen, points=down, confidence=dim), known, wanted)
    for pair in ((11, 13), (13, 15)):
        row = pairs.index(pair)
        assert 0.4 / wider[row] > 0.8 / spread[row]
    shins = ((25, 27), (26, 28))  # this person stands
    others = [row for row, pair in enumerate(pairs) if pair not in ((11, 13), (13, 15), *shins)]
    np.testing.assert_allclose(found[others], wanted[others], rtol=1e-12)
    np.testing.assert_allclose(spread[others], known.spread[others], rtol=1e-12)


def test_a_standing_shin_is_upright_and_a_bent_or_seated_one_is_the_detectors(seen: Observation):
    known = depths()
    wanted = np.full(len(known.pairs), -0.6)  # a knee that sticks out by 37 degrees
    left, right = (known.pairs.tolist().index(pair) for pair in ([25, 27], [26, 28]))
    bent = seen.points.copy()
    bent[26] = 0.5 * (bent[24] + bent[28]) + (-60, 0)
    found, spread = hanging(replace(seen, points=bent), known, wanted)
    assert -0.35 < found[left] < 0
    assert spread[left] < known.spread[left]
    np.testing.assert_allclose((found[right], spread[right]), (-0.6, known.spread[right]), rtol=1e-12)
    unsure = replace(seen, confidence=np.where(np.arange(33) == 27, 0.0, 1.0))  # a foot is hidden
    assert hanging(unsure, known, wanted)[0][left] == pytest.approx(-0.6)


def test_straight_legs_are_those_that_look_it(seen: Observation):
    bent = seen.points.copy()
    bent[25] = 0.5 * (bent[23] + bent[27]) + (60, 0)
    assert straight_legs(replace(seen, points=bent)) == (0, 1)
    usual = habits(np.ones(33), (0.0, 1.0))
    left, right = joint_index("left_knee") - 1, joint_index("right_knee") - 1
    assert usual.spread[right, 0] < 0.5 * usual.spread[left, 0]
    np.testing.assert_array_equal(usual.spread[:, 1:], habits(np.ones(33)).spread[:, 1:])


def test_legs_that_the_photo_cuts_stand_below_the_hips(half_seen: Observation):
    """A person's feet stand about as far apart as the hip joints, below them, and the trunk above."""
    fit = fit_body(bundled_body(), half_seen, lambda done: None)
    moved = forward_kinematics(bundled_body().joints(fit.params.betas), fit.params.pose(), fit.params.transl)
    joints = posed_joints(bundled_body().joints(fit.params.betas), moved)
    _, near = upward(np.array([np.arctan2(-fit.up[2], fit.up[1])]))
    hips, ankles, shoulders = (
        joints[[joint_index(f"{side}_{part}") for side in SIDES]] for part in ("hip", "ankle", "shoulder")
    )
    width = np.linalg.norm(hips[0] - hips[1])
    assert 0.7 * width < np.linalg.norm(ankles[0] - ankles[1]) < 1.4 * width
    assert abs((hips.mean(0) - ankles.mean(0)) @ near[0]) < 0.08
    assert abs((shoulders.mean(0) - hips.mean(0)) @ near[0]) < 0.06


def test_a_large_head_is_compared_at_its_own_size() -> None:
    """Up to an eighth larger it tells the distance; a child's is scaled away, place and turn are not."""
    rng = np.random.default_rng(4)
    face = rng.normal(size=(1, 40, 2)) * 20
    for size, left in ((1.0, 1.0), (1.1, 1.1), (1.5, 1.12), (0.8, 0.8)):
        found = 300 + size * (face[0] - face.mean(axis=1))
        sized = _sized(face, found)
        np.testing.assert_allclose(sized.mean(axis=1), face.mean(axis=1), atol=1e-9)
        spread = np.linalg.norm(found - found.mean(axis=0)) / np.linalg.norm(sized - sized.mean(axis=1))
        assert abs(spread - left) < 1e-9
