"""The face of a lifted avatar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.engine.binding.face import BY_JOINTS
from lhm_avatars.engine.binding.on_faces import on_faces
from lhm_avatars.engine.formats.avatar_file import load_avatar, save_avatar

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.engine.lift.lift import Lifted


@pytest.fixture(scope="module")
def avatar(lifted: Lifted) -> Avatar:
    return lifted.avatar


def moved(avatar: Avatar, **weights: float) -> np.ndarray:
    return avatar.with_face(weights).gaussians.means - avatar.gaussians.means


def test_it_has_arkits_shapes_but_those_of_the_jaw(avatar: Avatar):
    assert avatar.face is not None
    assert set(avatar.face.names) == set(bundled_body().face_names) - set(BY_JOINTS)


def test_it_moves_the_head_only(avatar: Avatar):
    assert avatar.face is not None
    face = avatar.face
    head = np.isin(avatar.binding.joint_indices, [joint_index(n) for n in ("neck", "head", "jaw")])
    eyes = np.isin(avatar.binding.joint_indices, [joint_index(f"{side}_eye") for side in ("left", "right")])
    share = ((head | eyes) * avatar.binding.joint_weights).sum(axis=1)
    assert share[face.indices].min() > 0.49
    assert len(face.indices) > 150
    assert np.linalg.norm(face.dirs, axis=1).max() < 0.04


def test_a_smile_is_the_bodys_smile_on_the_skin(avatar: Avatar):
    """Gaussians that lie on the bare face move about as its nearest vertex does."""
    body = bundled_body()
    rest = body.shaped(avatar.params.betas).astype(np.float64)
    smile = np.zeros((body.vertex_count, 3))
    for side in ("Left", "Right"):
        smile[body.face_vertices] += body.face_dirs[:, :, body.face_names.index(f"mouthSmile{side}")]
    normals = matrix_from_quat(avatar.gaussians.quats)[..., 2]
    owners = np.isin(body.joint_indices[:, 0], [joint_index("head"), joint_index("jaw")])
    places = on_faces(avatar.gaussians.means, rest, body.faces[owners[body.faces].all(axis=1)], normals)
    skin = places.distance < 0.004
    got = moved(avatar, mouthSmileLeft=1.0, mouthSmileRight=1.0)
    wanted = places.read(smile)
    lively = skin & (np.linalg.norm(wanted, axis=1) > 0.004)
    assert lively.sum() > 30
    off = np.linalg.norm(got - wanted, axis=1)[lively]
    assert np.median(off) < 0.002  # the photo's face lies a little beside the body's
    corners = lively & (got[:, 1] > 0.006)
    assert (corners & (avatar.gaussians.means[:, 0] > 0)).sum() > 3  # upwards on both sides
    assert (corners & (avatar.gaussians.means[:, 0] < 0)).sum() > 3


@pytest.mark.parametrize(("side", "sign"), [("Left", 1), ("Right", -1)])
def test_a_blink_brings_one_lid_down(avatar: Avatar, side: str, sign: int):
    got = moved(avatar, **{f"eyeBlink{side}": 1.0})
    eye = avatar.joints[joint_index(f"{side.lower()}_eye")]
    about = avatar.gaussians.means - eye
    lid = (np.abs(about[:, 0]) < 0.01) & (about[:, 2] > 0.006) & (about[:, 1] > 0.001) & (about[:, 1] < 0.006)
    lid &= about[:, 2] < 0.03
    assert lid.sum() > 2
    assert np.median(got[lid][:, 1]) < -0.004
    other = avatar.gaussians.means[:, 0] * sign < -0.01
    assert np.abs(got[other]).max() == 0


def test_the_file_grows_by_little(avatar: Avatar, tmp_path: Path):
    assert avatar.face is not None
    save_avatar(tmp_path / "with.lhma", avatar)
    save_avatar(tmp_path / "without.lhma", replace(avatar, face=None))
    read = load_avatar(tmp_path / "with.lhma").face
    assert read is not None
    assert np.abs(read.dirs - avatar.face.dirs).max() < 1e-6
    grown, bare = ((tmp_path / name).stat().st_size for name in ("with.lhma", "without.lhma"))
    assert (
        grown - bare < 0.5 * avatar.face.dirs.size * 2
    )  # half of what all shapes of all Gaussians would take


def test_what_lies_on_the_eyes_turns_with_them(avatar: Avatar):
    """A pupil turned by a third of a radian about an eye's middle 17 mm behind it moves by 5.5 mm."""
    pose = np.zeros((55, 3), np.float32)
    for side in ("left", "right"):
        pose[joint_index(f"{side}_eye"), 1] = 1 / 3
    got = avatar.posed(BodyParams.from_pose(pose)).means - avatar.gaussians.means
    way = np.linalg.norm(got, axis=1)
    assert 0.003 < way.max() < 0.009
    for side in ("left", "right"):
        away = avatar.gaussians.means - avatar.joints[joint_index(f"{side}_eye")]
        assert way[np.linalg.norm(away, axis=1) < 0.022].max() > 0.003
    front = avatar.gaussians.means[:, 2] > avatar.joints[joint_index("left_eye"), 2] + 0.01
    assert got[front & (way > 0.002)][:, 0].min() > 0  # to the person's left
    brows = avatar.gaussians.means[:, 1] > avatar.joints[joint_index("left_eye"), 1] + 0.02
    assert way[brows].max() < 1e-6
