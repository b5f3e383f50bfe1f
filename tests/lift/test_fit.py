"""The fit against a person whose pose, shape and place are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.fit.fit import fit_body, skinned_vertices
from lhm_avatars.engine.lift.fit.landmarks import depths, gather, landmarks
from lhm_avatars.engine.lift.zbuffer import first_layer

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.fit.fit import Fit
    from lhm_avatars.engine.lift.observation import Observation

    from .person import Person

BODY_JOINTS = 22  # pelvis to wrists


def joints_of(fit: Fit) -> np.ndarray:
    joints = bundled_body().joints(fit.params.betas)
    return posed_joints(joints, forward_kinematics(joints, fit.params.pose(), fit.params.transl))


def test_landmarks_are_met(fitted: Fit, seen: Observation):
    table = landmarks()
    rest = bundled_body().joints(fitted.params.betas)
    moved = forward_kinematics(rest, fitted.params.pose(), fitted.params.transl)
    pixels = fitted.camera.project(gather(table, rest, moved))
    error = np.linalg.norm(pixels - seen.points[table.ids], axis=1) / seen.person_height
    assert np.median(error) < 0.005
    assert error.max() < 0.02
    assert abs(fitted.landmark_error - np.median(error)) < 1e-3  # of those it trusts


def test_joints_are_found_in_space(fitted: Fit, person: Person):
    found, true = joints_of(fitted)[:BODY_JOINTS], person.joints[:BODY_JOINTS]
    error = np.linalg.norm((found - found[0]) - (true - true[0]), axis=1)
    assert error.mean() < 0.040
    assert error.max() < 0.10


def test_the_person_stands_where_it_stood(fitted: Fit, person: Person):
    # One photo does not tell how tall someone is, so distance and stature are right to some percent only.
    gap = joints_of(fitted)[0] - person.joints[0]
    assert np.linalg.norm(gap[:2]) < 0.03
    assert abs(gap[2]) < 0.08 * abs(person.joints[0, 2])
    tall = {name: np.ptp(vertices[:, 1]) for name, vertices in (
        ("found", skinned_vertices(bundled_body(), fitted.params)), ("true", person.vertices),
    )}  # fmt: skip
    assert abs(tall["found"] / tall["true"] - 1) < 0.08


def test_limbs_point_where_they_pointed(fitted: Fit, person: Person):
    for parent, child in (
        ("left_shoulder", "left_elbow"), ("right_elbow", "right_wrist"),
        ("left_hip", "left_knee"), ("right_knee", "right_ankle"), ("pelvis", "neck"),
    ):  # fmt: skip
        found, true = (
            joints[joint_index(child)] - joints[joint_index(parent)]
            for joints in (joints_of(fitted), person.joints)
        )
        cosine = found @ true / np.linalg.norm(found) / np.linalg.norm(true)
        assert cosine > np.cos(np.radians(10)), (parent, child)


def test_the_outline_is_covered(fitted: Fit, seen: Observation):
    body = bundled_body()
    covered = first_layer(skinned_vertices(body, fitted.params), body.faces, fitted.camera).covered
    mask = seen.alpha > 0.5
    overlap = (covered & mask).sum() / (covered | mask).sum()
    assert overlap > 0.93
    assert abs(fitted.outline_iou - overlap) < 0.02  # drawn by another library, rims counted in full


def test_what_the_detector_names_twice_is_one_place():
    """Each limb's ends are landmarks that the table has."""
    ids = set(landmarks().ids.tolist())
    assert all(a in ids and b in ids for a, b in depths().pairs.tolist())


def test_equal_photos_give_equal_bits(fitted: Fit, seen: Observation):
    again = fit_body(bundled_body(), seen, lambda done: None)
    for name in ("betas", "body_pose", "global_orient", "transl"):
        assert getattr(again.params, name).tobytes() == getattr(fitted.params, name).tobytes()


def test_progress_only_grows_and_ends_at_one(half_seen: Observation):
    told: list[float] = []
    fit_body(bundled_body(), half_seen, told.append)
    assert told == sorted(told)
    assert told[-1] == 1
