"""Each way to drive undoes exactly what it is meant to undo."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.evaluate.drive import OWN, SCALED, TRUE_BODY, driven, posed, skeleton_height

from .people_folder import true_avatar

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.engine.evaluate.people import Person

POSE = 4  # index of the frame in the other pose


def larger(avatar: Avatar, factor: float) -> Avatar:
    gaussians = replace(
        avatar.gaussians, means=avatar.gaussians.means * factor, scales=avatar.gaussians.scales * factor
    )
    return replace(avatar, gaussians=gaussians, joints=avatar.joints * factor)


def test_the_true_avatar_stands_where_the_truth_does(avatar: Avatar, person: Person) -> None:
    shot = person.frames[POSE]
    expected = avatar.posed(shot.params)
    for drive in (TRUE_BODY, OWN, SCALED):
        got = posed(driven(avatar, person.betas, drive), shot)
        np.testing.assert_allclose(got.means, expected.means, atol=2e-6)
        np.testing.assert_allclose(got.scales, expected.scales, rtol=1e-6)


def test_scaled_undoes_a_wrong_size(avatar: Avatar, person: Person) -> None:
    large = larger(avatar, 1.2)
    got = posed(driven(large, person.betas, SCALED), person.frames[POSE])
    expected = avatar.posed(person.frames[POSE].params)
    np.testing.assert_allclose(got.means, expected.means, atol=2e-6)
    np.testing.assert_allclose(got.scales, expected.scales, rtol=1e-5)
    own = posed(driven(large, person.betas, OWN), person.frames[POSE])
    # The pelvis stays; everything else moves away from it by a fifth.
    pelvis = forward_kinematics(avatar.joints, np.zeros((55, 3)))[0, :3, 3] + (
        avatar.joints[0] + person.frames[POSE].params.transl
    )
    np.testing.assert_allclose(own.means - pelvis, 1.2 * (expected.means - pelvis), atol=2e-6)


def test_true_body_undoes_a_wrong_shape(avatar: Avatar, person: Person) -> None:
    other = avatar.reshaped(np.array([-1.0, 0.8, 0.2]))
    got = posed(driven(other, person.betas, TRUE_BODY), person.frames[0])
    np.testing.assert_allclose(got.means, avatar.posed(person.frames[0].params).means, atol=3e-6)
    wrong = posed(driven(other, person.betas, OWN), person.frames[0])
    assert np.abs(wrong.means - got.means).max() > 0.01


def test_another_body_is_brought_to_the_true_joints(person: Person) -> None:
    foreign = replace(true_avatar("p01"), metadata={"body": "another"})
    got = driven(foreign, person.betas, TRUE_BODY)
    truth = bundled_body().joints(person.betas)
    before = np.linalg.norm((foreign.joints - foreign.joints[0]) - (truth - truth[0]), axis=1)
    after = np.linalg.norm((got.joints - got.joints[0]) - (truth - truth[0]), axis=1)
    assert before.mean() > 0.01
    assert after.mean() < 0.1 * before.mean()
    assert skeleton_height(got.joints) == pytest.approx(skeleton_height(truth), abs=0.004)


def test_an_avatar_without_shape_cannot_take_the_true_body(avatar: Avatar, person: Person) -> None:
    with pytest.raises(AvatarError, match="keeps no shape that can be changed"):
        driven(replace(avatar, shape=None), person.betas, TRUE_BODY)
    with pytest.raises(ValueError, match="drive must be one of true body, own, scaled, got 'fast'"):
        driven(avatar, person.betas, "fast")
