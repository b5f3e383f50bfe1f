"""Pose and shape in the photo, for a body that is not the one that was fitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lhm.person import PersonFit, betas_for, fit_person, params_for
from lhm_avatars.engine.lhm.shape import ShapedBody, mesh_body
from lhm_avatars.engine.lift.observation import observation

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.body import BodyParams
    from lhm_avatars.engine.lift.observation import Observation
    from lhm_avatars.engine.prepare.person import PreparedPhoto

BODY_JOINTS = 22


@pytest.fixture(scope="module")
def seen(prepared: PreparedPhoto) -> Observation:
    return observation(prepared)


@pytest.fixture(scope="module")
def person(seen: Observation) -> PersonFit:
    return fit_person(seen, lambda _: None)


@pytest.fixture(scope="module")
def ours() -> ShapedBody:
    return mesh_body(bundled_body())


def joints_in_photo(seen: Observation, body: ShapedBody, params: BodyParams) -> np.ndarray:
    """Pixels of the posed joints. [22, 2]"""
    joints = body.joints + body.joint_dirs @ params.betas
    posed = posed_joints(joints, forward_kinematics(joints, params.pose(), params.transl))
    return seen.camera.project(posed[:BODY_JOINTS])


def test_the_body_that_was_fitted_keeps_its_fit(person: PersonFit, ours: ShapedBody) -> None:
    assert person.fit is not None
    assert person.warnings == ()
    assert person.measures["outline_iou"] > 0.8
    betas, source = betas_for("fit", person, ours)
    assert source == "fit"
    within = np.clip(person.fit.params.betas, -2, 2)
    body = bundled_body()
    assert np.linalg.norm(body.joints(betas) - body.joints(within), axis=1).mean() < 0.003
    params = params_for(person, person.fit.params.betas, ours)
    np.testing.assert_allclose(params.transl, person.fit.params.transl, atol=1e-5)
    np.testing.assert_array_equal(params.pose(), person.fit.params.pose())


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_a_body_of_another_size_covers_the_same_pixels(
    seen: Observation, person: PersonFit, ours: ShapedBody, factor: float
) -> None:
    assert person.fit is not None
    betas = person.fit.params.betas
    other = replace(ours, joints=factor * ours.joints, joint_dirs=factor * ours.joint_dirs)
    params = params_for(person, betas, other)
    off = joints_in_photo(seen, other, params) - joints_in_photo(seen, ours, person.fit.params)
    assert np.abs(off).max() < 1e-2
    assert params.transl[2] < person.fit.params.transl[2] - 0.2 or factor < 1  # larger: farther away


def test_other_betas_leave_the_pelvis_in_its_place(
    seen: Observation, person: PersonFit, ours: ShapedBody
) -> None:
    assert person.fit is not None
    params = params_for(person, np.zeros(10, np.float32), ours)
    off = joints_in_photo(seen, ours, params) - joints_in_photo(seen, ours, person.fit.params)
    assert np.abs(off[joint_index("pelvis")]).max() < 1
    assert np.linalg.norm(off, axis=1).max() < 0.04 * seen.person_height


def test_betas_may_be_given_or_left_alone(person: PersonFit, ours: ShapedBody) -> None:
    zero, given = (betas_for(shape, person, ours) for shape in ("zero", (0.5, -3.0)))
    assert zero[1] == "zero"
    assert not zero[0].any()
    assert given[1] == "given"
    assert given[0].tolist() == [0.5, -3.0, *[0.0] * 8]


def test_where_nothing_was_seen_nothing_is_made_up(seen: Observation, ours: ShapedBody) -> None:
    unseen = replace(seen, confidence=np.where(np.arange(33) < 3, 0.9, 0.0))
    person = fit_person(unseen, lambda _: None)
    assert person.fit is None
    assert person.measures == {}
    (warning,) = person.warnings
    assert warning.startswith("Pose and shape could not be read from this photo.")
    betas, source = betas_for("fit", person, ours)
    assert source == "zero"
    assert not betas.any()
    params = params_for(person, betas, ours)
    assert not params.body_pose.any()
    assert not params.global_orient.any()
    # Fingers hang relaxed: the left hand's bend about -z, the right hand's about +z.
    assert params.left_hand_pose[0, 2] < -0.05
    assert params.right_hand_pose[0, 2] > 0.05
