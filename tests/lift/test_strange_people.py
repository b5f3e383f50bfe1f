"""People who are not seen whole and upright before a level camera."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.fit.doubt import doubts, reasons
from lhm_avatars.engine.lift.fit.facing import right_way_round
from lhm_avatars.engine.lift.fit.fit import fit_body, skinned_vertices
from lhm_avatars.engine.lift.fit.ground import standing
from lhm_avatars.engine.lift.fit.landmarks import landmarks
from lhm_avatars.engine.lift.fit.tilt import camera_pitch, lies
from lhm_avatars.engine.lift.observation import observation
from lhm_avatars.engine.prepare.keypoints import Keypoints

from .person import Person, observe

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.arrays import Float
    from lhm_avatars.engine.lift.observation import Observation

USUAL = 8.0  # degrees: how far detectors lean people who stand before a level camera


def about_x(degrees: float) -> Float:
    return matrix_from_rotvec(np.array([np.radians(degrees), 0.0, 0.0]))


def leaning(seen: Observation, degrees: float) -> Observation:
    """The detector's points as a camera sees them that looks down by some degrees."""
    return replace(seen, world=seen.world @ about_x(degrees).T)


def rolled(seen: Observation, degrees: float) -> Observation:
    """The same person in a photo that is turned, counter-clockwise."""
    turn = matrix_from_rotvec(np.array([0.0, 0.0, np.radians(degrees)]))
    middle = np.array(seen.camera.center)
    flip = np.diag([1.0, -1.0])  # pixels count downwards
    points = (seen.points - middle) @ (flip @ turn[:2, :2] @ flip).T + middle
    return replace(seen, points=points, world=seen.world @ turn.T)


def told(seen: Observation, *, distance: float = 4.0) -> tuple[str, ...]:
    ids = landmarks().ids
    return reasons(seen, doubts(seen, ids, np.zeros(len(ids)), ()), distance, 1.8)


def test_a_tilted_camera_is_known_by_who_stands_before_it(seen: Observation):
    assert camera_pitch(seen) == 0
    own = np.degrees(np.arctan2(*(seen.world[[11, 12]] - seen.world[[27, 28]]).mean(axis=0)[[2, 1]]))
    for lean in (45.0, 60.0, -45.0):
        assert np.degrees(camera_pitch(leaning(seen, lean))) == pytest.approx(USUAL - own - lean, abs=0.1)
    assert camera_pitch(leaning(seen, 12.0)) == 0  # as usual as not


def test_a_steep_camera_is_told(seen: Observation):
    assert told(leaning(seen, 50.0)) == (
        "The camera looks steeply down at the person; a photo from lower, at chest height, is better.",
    )
    assert told(leaning(seen, -50.0)) == (
        "The camera looks steeply up at the person; a photo from higher, at chest height, is better.",
    )


@pytest.mark.parametrize("degrees", [90.0, -90.0, 180.0])
def test_who_lies_is_told_to_and_taken_for_nothing_else(seen: Observation, degrees: float):
    turned = rolled(seen, degrees)
    assert lies(turned)
    assert not lies(seen)
    assert standing(turned) == 0
    assert camera_pitch(turned) == 0
    assert told(turned) == (
        "The person lies in the photo. If only the photo is turned, turn it upright and try again.",
    )


def test_a_large_head_or_a_near_camera_is_told(seen: Observation):
    assert told(seen, distance=1.5) == (
        "The camera was very near, or the head is large as a child's is; the avatar may lean forward. "
        "Step back for a better shape.",
    )
    steep = told(leaning(seen, 50.0), distance=1.5)
    assert "The camera was very near, which bends proportions; step back for a better shape." in steep


def test_nobody_small_is_turned_round(seen: Observation):
    behind = replace(seen, face=None)
    small = replace(behind, alpha=np.zeros_like(seen.alpha))
    small.alpha[100:220] = 1
    assert right_way_round(behind, lambda one: 1.0) is not behind
    assert right_way_round(small, lambda one: 1.0) is small


def test_what_is_cut_off_counts_in_the_persons_height(seen: Observation):
    assert seen.whole_height == seen.person_height
    assert replace(seen, shown=0.5).whole_height == pytest.approx(2 * seen.person_height)
    assert replace(seen, shown=0.0).whole_height < 10 * seen.person_height


def prepared(**changes: Any) -> Any:
    """As much of a prepared photo as an observation is made of: a person 100 pixels wide, all seen."""
    alpha = np.zeros((400, 200), np.float32)
    alpha[20:380, 50:150] = 1
    points = np.full((33, 2), (100.0, 200.0))
    points[[25, 26]] = (100.0, 300.0)
    visibility = changes.pop("visibility", np.ones(33))
    keypoints = Keypoints(points, visibility, np.zeros((33, 3)), np.zeros(33), None, 200, 400)
    usual = {
        "rgb": np.zeros((400, 200, 3), np.float32), "alpha": alpha, "keypoints": keypoints, "focal": 500.0,
        "center": (100.0, 200.0), "cut": (), "focal_known": False, "visible_ratio": 1.0,
    }  # fmt: skip
    return SimpleNamespace(**(usual | changes))


def test_a_head_alone_shows_no_arms():
    assert (observation(prepared()).confidence == 1).all()
    assert (observation(prepared(visible_ratio=0.5)).confidence == 1).all()
    confidence = observation(prepared(visible_ratio=0.2)).confidence
    assert (confidence[:13] == 1).all()
    assert (confidence[13:] == 0).all()


def test_feet_that_who_kneels_hides_are_believed_a_little():
    feet = np.isin(np.arange(33), (27, 28, 29, 30, 31, 32))
    kneeling = prepared(visibility=np.where(feet, 0.1, 1.0))  # the ankles are above the knees
    confidence = observation(kneeling).confidence
    assert (confidence[feet] > 0).all()
    assert (confidence[feet] < 0.5).all()
    kneeling.keypoints.points[[27, 28]] = (100.0, 370.0)  # below: somewhere in a long skirt
    assert (observation(kneeling).confidence[feet] == 0).all()


@pytest.mark.parametrize("degrees", [50.0, -40.0])
def test_who_is_seen_from_above_or_below_stands_upright(person: Person, degrees: float):
    body, turn = bundled_body(), about_x(degrees)
    params = person.params
    pelvis = person.joints[0]
    rest = body.joints(params.betas)
    posed = BodyParams.from_pose(
        np.concatenate([rotvec_from_matrix(turn @ matrix_from_rotvec(params.global_orient))[None],
                        params.pose()[1:]]),
        betas=params.betas, expression=params.expression, transl=params.transl,
    )  # fmt: skip
    moved = forward_kinematics(rest, posed.pose(), posed.transl)
    tilted = replace(
        person, params=posed, vertices=skinned_vertices(body, posed), joints=posed_joints(rest, moved)
    )
    np.testing.assert_allclose(tilted.joints[0], pelvis, atol=1e-5)
    fit = fit_body(body, observe(tilted), lambda done: None)
    assert np.asarray(fit.up) @ turn[:, 1] > np.cos(np.radians(15))
    found = posed_joints(
        body.joints(fit.params.betas),
        forward_kinematics(body.joints(fit.params.betas), fit.params.pose(), fit.params.transl),
    )
    trunk = found[12] - found[0]  # pelvis to neck
    assert trunk @ np.asarray(fit.up) / np.linalg.norm(trunk) > np.cos(np.radians(15))
