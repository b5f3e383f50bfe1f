"""Joint errors that are known in closed form, and the way from the crop to the photo."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.evaluate.joints import joint_errors
from lhm_avatars.engine.evaluate.photo_camera import photo_camera

from .people_folder import SIDE, K

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.engine.evaluate.people import Person


def test_the_true_pose_has_no_error(avatar: Avatar, person: Person) -> None:
    errors = joint_errors(avatar, photo_camera(avatar.metadata), person.photo().shot)
    assert errors.space.max() < 1e-2
    assert errors.sized.max() < 1e-2
    assert errors.image.max() < 1e-5


def test_an_elbow_bent_by_a_right_angle_moves_the_wrist_only(avatar: Avatar, person: Person) -> None:
    elbow, wrist = joint_index("left_elbow"), joint_index("left_wrist")
    pose = avatar.params.pose().copy()
    bone = bundled_body().joints(person.betas)[[elbow, wrist]]
    along = (bone[1] - bone[0]) / np.linalg.norm(bone[1] - bone[0])
    across = np.cross(along, [0.0, 0.0, 1.0])
    pose[elbow] = 0.5 * np.pi * across / np.linalg.norm(across)
    bent = replace(avatar, params=BodyParams.from_pose(
        pose, betas=avatar.params.betas, expression=avatar.params.expression, transl=avatar.params.transl
    ))  # fmt: skip
    errors = joint_errors(bent, photo_camera(avatar.metadata), person.photo().shot)
    expected = np.zeros(22)
    expected[wrist] = 1000 * np.sqrt(2) * np.linalg.norm(bone[1] - bone[0])
    np.testing.assert_allclose(errors.space, expected, atol=0.02)


def test_size_is_forgiven_where_it_is_said(avatar: Avatar, person: Person) -> None:
    large = replace(avatar, joints=1.1 * avatar.joints)
    errors = joint_errors(large, photo_camera(avatar.metadata), person.photo().shot)
    assert errors.space.mean() > 30
    assert errors.sized.max() < 1e-2


def test_a_shifted_camera_shifts_every_joint_in_the_photo(avatar: Avatar, person: Person) -> None:
    metadata = copy.deepcopy(avatar.metadata)
    metadata["camera"]["K"][0][2] += 10  # pixels
    errors = joint_errors(avatar, photo_camera(metadata), person.photo().shot)
    np.testing.assert_allclose(errors.image, 10 / SIDE, atol=1e-5)
    assert errors.space.max() < 1e-2


def test_crop_and_smaller_working_copy_are_undone() -> None:
    # A photo of 512 pixels, worked on at 256, cropped at (16, 8) and then halved.
    metadata = {
        "camera": {"viewmat": np.eye(4).tolist(), "K": [[160, 0, 56], [0, 160, 60], [0, 0, 1]]},
        "preparation": {
            "crop": [16, 8, 240, 256], "crop_scale": 0.5, "working_size": [256, 256], "photo_size": [512, 512]
        },
    }  # fmt: skip
    expected = np.array([[640, 0, 256], [0, 640, 256], [0, 0, 1]])
    np.testing.assert_allclose(photo_camera(metadata).K, expected)


def test_the_camera_of_a_larger_photo_fits_the_smaller_view(avatar: Avatar, person: Person) -> None:
    shot = person.photo().shot
    twice = np.diag([2.0, 2.0, 1.0])
    camera = photo_camera(avatar.metadata)
    large_camera = replace(camera, K=twice @ camera.K)
    large_photo = replace(shot, K=twice @ shot.K, width=2 * SIDE, height=2 * SIDE)
    np.testing.assert_allclose(large_camera.within(large_photo, person.frames[0]), K, atol=1e-9)
    with pytest.raises(ValueError, match="must have one camera"):
        camera.within(shot, person.frames[1])


def test_an_avatar_that_tells_no_camera_is_refused(avatar: Avatar) -> None:
    for name in ("camera", "preparation"):
        metadata = {key: value for key, value in avatar.metadata.items() if key != name}
        with pytest.raises(AvatarError, match="does not say where its photo was taken from"):
            photo_camera(metadata)
