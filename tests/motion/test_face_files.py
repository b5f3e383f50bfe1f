"""Faces that travel in files: our own archives and LHM's frames, glTF without a skeleton."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.face.face_take import FaceTake
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.onto import FaceWishes, Wishes, onto
from lhm_avatars.engine.motion.readers import Recording, read_motion
from lhm_avatars.engine.motion.writers.smplx_files import write_amass, write_lhm
from motion.rigged import lively, recorded, rest_joints
from motion.writers.gltf import Writer

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 7


def speaking(names: tuple[str, ...]) -> Motion:
    pose, transl = lively(FRAMES)
    weights = np.random.default_rng(4).random((FRAMES, len(names)), np.float32)
    return Motion(pose, transl, 30.0, "speaking", weights, expression_names=names)


def again(path: Path) -> Motion:
    found = read_motion(path)
    assert isinstance(found, Recording)
    return found.motion


@pytest.mark.parametrize(
    "names",
    [
        ("Exp000", "Exp001"),
        ("mouthSmileLeft", "cheekPuff"),
        ("cheekPuff", "Exp001", "tongueOut", "Exp000"),
        (),
    ],
)
def test_an_archive_gives_back_every_weight(tmp_path: Path, names: tuple[str, ...]):
    motion = speaking(names)
    write_amass(tmp_path / "m.npz", motion, rest_joints(), np.zeros(10))
    read = again(tmp_path / "m.npz")
    assert sorted(read.expression_names) == sorted(names)
    for name in names:
        want = motion.expression[:, names.index(name)]
        np.testing.assert_array_equal(read.expression[:, read.expression_names.index(name)], want)


def test_frames_of_lhm_give_back_coefficients(tmp_path: Path):
    motion = speaking(("Exp002", "Exp000", "cheekPuff"))
    write_lhm(tmp_path / "m", motion, rest_joints())
    read = again(tmp_path / "m")
    assert read.expression_names == ("Exp000", "Exp001", "Exp002")
    np.testing.assert_array_equal(read.expression[:, [2, 0]], motion.expression[:, :2])
    assert not read.expression[:, 1].any()
    write_lhm(tmp_path / "n", speaking(("cheekPuff",)), rest_joints())
    assert "expr" not in json.loads((tmp_path / "n" / "smplx_params" / "00001.json").read_text())


def test_names_that_do_not_fit_are_told(tmp_path: Path):
    write_amass(tmp_path / "m.npz", speaking(("cheekPuff", "tongueOut")), rest_joints(), np.zeros(10))
    members = dict(np.load(tmp_path / "m.npz"))
    for names in (["cheekPuff"], ["cheekPuff", "cheekPuff"]):
        np.savez(tmp_path / "n.npz", **(members | {"face_names": np.array(names)}))
        with pytest.raises(AvatarError, match="face_names do not fit face_weights"):
            read_motion(tmp_path / "n.npz")


def test_a_gltf_with_shapes_alone_is_a_face(tmp_path: Path):
    made = Writer(
        [{"name": "Head", "mesh": 0}], meshes=[{"extras": {"targetNames": ["jawOpen", "blink", "Horns"]}}]
    )
    keys = made.accessor(np.arange(4) / 40)
    weights = np.random.default_rng(0).random((4, 3)).astype(np.float32)
    made.animation("Talk", [(0, "weights", keys, made.accessor(weights.reshape(-1, 1)), "LINEAR")])
    (tmp_path / "talk.glb").write_bytes(made.glb())
    take = read_motion(tmp_path / "talk.glb")
    assert isinstance(take, FaceTake)
    assert (take.name, take.fps, take.source) == ("Talk", 40.0, "glTF")
    motion = onto(take, rest_joints()).result
    assert motion.expression_names == ("eyeBlinkLeft", "eyeBlinkRight")
    np.testing.assert_allclose(motion.expression, weights[:, [1, 1]], atol=1e-6)
    assert motion.notes == ("1 face curve has no counterpart: Horns.",)


def test_a_take_with_a_face_is_carried_over_with_it():
    pose, transl = lively(FRAMES)
    pose[:, 22:25] = 0
    take = recorded(pose, transl, rest_joints())
    wave = np.linspace(0, 1, FRAMES)
    take.curves["Face.mouthSmile_L"] = wave
    take.curves["jawOpen"] = wave
    both = onto(take, rest_joints()).motion
    assert both.expression_names == ("mouthSmileLeft",)
    np.testing.assert_allclose(both.expression[:, 0], wave, atol=1e-6)
    np.testing.assert_allclose(both.pose[:, 22, 0], np.radians(20) * wave, atol=1e-5)
    faster = onto(take, rest_joints(), Wishes(fps=60.0)).result
    assert faster.count == 2 * FRAMES - 1
    np.testing.assert_allclose(faster.expression[::2], both.expression, atol=1e-6)
    np.testing.assert_allclose(faster.expression[1::2, 0], (wave[1:] + wave[:-1]) / 2, atol=1e-6)
    bare = onto(take, rest_joints(), Wishes(face=FaceWishes(wanted=False))).motion
    assert bare.expression.shape == (FRAMES, 0)
    np.testing.assert_allclose(bare.pose[:, 22], 0, atol=1e-12)


def test_joints_of_a_motion_must_be_known():
    with pytest.raises(ValueError, match="joints must be among JOINT_NAMES, got 'tail'"):
        Motion(np.zeros((1, 55, 3)), np.zeros((1, 3)), 30.0, "x", joints=("jaw", "tail"))
