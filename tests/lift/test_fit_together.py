"""One shape for several photos, and what the artist is told of a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.fit.doubt import doubts, reasons
from lhm_avatars.engine.lift.fit.fit import fit_together, skinned_vertices
from lhm_avatars.engine.lift.fit.landmarks import landmarks

from .person import Person, observe

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.fit.fit import Fit
    from lhm_avatars.engine.lift.observation import Observation


@pytest.fixture(scope="module")
def behind(person: Person) -> Person:
    """The same person, turned away."""
    body, params = bundled_body(), person.params
    orient = matrix_from_rotvec(np.array([0, np.pi - 0.2, 0])) @ matrix_from_rotvec(params.global_orient)
    turned = BodyParams.from_pose(
        np.concatenate([rotvec_from_matrix(orient)[None], params.pose()[1:]]),
        betas=params.betas, expression=params.expression, transl=params.transl,
    )  # fmt: skip
    rest = body.joints(params.betas)
    moved = forward_kinematics(rest, turned.pose(), turned.transl)
    return replace(
        person, params=turned, vertices=skinned_vertices(body, turned), joints=posed_joints(rest, moved)
    )


@pytest.fixture(scope="module")
def both(seen: Observation, behind: Person) -> list[Fit]:
    return fit_together(bundled_body(), [seen, observe(behind)], lambda done: None)


def test_all_photos_have_one_shape(both: list[Fit]):
    assert both[0].params.betas.tobytes() == both[1].params.betas.tobytes()


def test_each_photo_has_its_own_pose(both: list[Fit], person: Person, behind: Person):
    for fit, true in zip(both, (person, behind), strict=True):
        rest = bundled_body().joints(fit.params.betas)
        joints = posed_joints(rest, forward_kinematics(rest, fit.params.pose(), fit.params.transl))[:22]
        error = np.linalg.norm((joints - joints[0]) - (true.joints[:22] - true.joints[0]), axis=1)
        assert error.mean() < 0.045
    assert "The person is seen from behind; the face is invented." in both[1].reasons
    assert "The person is seen from behind; the face is invented." not in both[0].reasons


def test_progress_of_several_photos_only_grows(seen: Observation, behind: Person):
    told: list[float] = []
    fit_together(bundled_body(), [seen, observe(behind)], told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def reasons_of(seen: Observation, *, distance: float = 4.0) -> tuple[str, ...]:
    ids = landmarks().ids
    return reasons(seen, doubts(seen, ids, np.zeros(len(ids)), ()), distance, 1.8)


def test_a_plain_photo_gives_no_reason(seen: Observation):
    assert reasons_of(seen) == ()


def test_a_landmark_that_is_missed_or_hidden_puts_its_part_in_doubt(seen: Observation):
    ids = landmarks().ids
    sure = doubts(seen, ids, np.zeros(len(ids)), ("left",))
    assert sure["left arm"] == 0
    missed = doubts(seen, ids, np.where(np.isin(ids, (13, 15)), 0.1, 0.0), ())
    assert missed["left arm"] == pytest.approx(2 / 3, abs=0.01)
    assert missed["right arm"] == 0
    hidden = replace(seen, confidence=np.where(np.isin(np.arange(33), (12, 14, 16)), 0.0, 1.0))
    assert doubts(hidden, ids, np.zeros(len(ids)), ())["right arm"] == 1


def test_hidden_limbs_are_named(seen: Observation):
    hidden = np.isin(np.arange(33), (11, 13, 15, 12, 14, 16))
    told = reasons_of(replace(seen, confidence=np.where(hidden, 0.0, 1.0)))
    assert told[0].startswith("The left arm and right arm can hardly be seen")


def test_a_side_view_is_told(seen: Observation):
    turn = matrix_from_rotvec(np.array([0, 1.4, 0]))
    assert any("from the side" in text for text in reasons_of(replace(seen, world=seen.world @ turn.T)))


def test_sitting_is_told(seen: Observation):
    world = seen.world.copy()
    for hip, knee, ankle in ((23, 25, 27), (24, 26, 28)):
        world[knee] = world[hip] + (0, 0, 0.42)
        world[ankle] = world[knee] + (0, -0.42, 0)
    assert any("does not stand upright" in text for text in reasons_of(replace(seen, world=world)))


def test_a_near_camera_is_told(seen: Observation):
    assert any("very near" in text for text in reasons_of(seen, distance=1.5))


def test_a_poor_trunk_is_told(seen: Observation):
    poor = np.where(np.isin(np.arange(33), (11, 12, 23, 24)), 0.4, 1.0)
    assert any("trunk was found poorly" in text for text in reasons_of(replace(seen, confidence=poor)))
