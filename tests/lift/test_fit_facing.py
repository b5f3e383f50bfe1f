"""A back that the detector takes for a front."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.fit.facing import right_way_round, turned_round
from lhm_avatars.engine.lift.fit.fit import fit_body, skinned_vertices
from lhm_avatars.engine.prepare.face_points import FACE_POINTS, FacePoints

from .person import Person, observe

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation


def unasked(seen: Observation) -> float:
    raise AssertionError("nothing is to be fitted here")


def seen_from_behind(person: Person) -> tuple[Person, Observation]:
    body, params = bundled_body(), person.params
    orient = matrix_from_rotvec(np.array([0, np.pi, 0])) @ matrix_from_rotvec(params.global_orient)
    turned = BodyParams.from_pose(
        np.concatenate([rotvec_from_matrix(orient)[None], params.pose()[1:]]),
        betas=params.betas, expression=params.expression, transl=params.transl,
    )  # fmt: skip
    rest = body.joints(params.betas)
    moved = forward_kinematics(rest, turned.pose(), turned.transl)
    behind = replace(
        person, params=turned, vertices=skinned_vertices(body, turned), joints=posed_joints(rest, moved)
    )
    return behind, observe(behind)


def test_turning_round_twice_changes_nothing(seen: Observation):
    twice = turned_round(turned_round(seen))
    np.testing.assert_array_equal(twice.points, seen.points)
    np.testing.assert_array_equal(twice.world, seen.world)


def test_left_and_right_change_names_and_stay_where_they_are(seen: Observation):
    other = turned_round(seen)
    np.testing.assert_array_equal(other.points[11], seen.points[12])
    np.testing.assert_array_equal(other.world[11], seen.world[12] * [1, 1, -1])


def test_a_front_and_a_true_back_stay(person: Person, seen: Observation):
    assert right_way_round(seen, lambda one: 1.0 if one is seen else 1.8) is seen
    _, back = seen_from_behind(person)
    assert right_way_round(back, unasked) is back
    faced = replace(seen, face=FacePoints(np.zeros((FACE_POINTS, 3)), 0.9))
    assert right_way_round(faced, unasked) is faced


def test_a_back_with_the_names_of_a_front_is_turned_round(person: Person):
    behind, back = seen_from_behind(person)
    fit = fit_body(bundled_body(), turned_round(back), lambda done: None)
    rest = bundled_body().joints(fit.params.betas)
    joints = posed_joints(rest, forward_kinematics(rest, fit.params.pose(), fit.params.transl))
    shoulders = [joint_index("left_shoulder"), joint_index("right_shoulder")]
    assert np.linalg.norm(joints[shoulders] - behind.joints[shoulders], axis=1).max() < 0.3
    assert joints[shoulders[0], 0] < joints[shoulders[1], 0]
