"""What a file is, is found from what is in it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.readers import Recording, Take, read_motion

if TYPE_CHECKING:
    from pathlib import Path

TINY = "HIERARCHY\nROOT A\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n}\nMOTION\nFrames: 1\nFrame Time: 0.1\n5\n"


@pytest.mark.parametrize("name", ["a.bvh", "a.npz", "a.json", "a.pkl", "a"])
def test_the_name_of_a_file_does_not_matter(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_text("\ufeff# note\n" + TINY)
    assert isinstance(read_motion(path), Take)
    with path.open("wb") as file:
        np.savez(file, poses=np.zeros((2, 66)))
    assert isinstance(read_motion(path), Recording)
    path.write_text(json.dumps({"poses": np.zeros((2, 66)).tolist()}))
    assert isinstance(read_motion(path), Recording)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (bytes(range(256)) * 40, "is no motion file that can be read here"),
        (b"Kaydara FBX Binary  \x00", "is an FBX file; import it into Blender"),
        (b"; FBX 7.3.0 project file", "is an FBX file in text form"),
        (b"BLENDER-v450", r"is a \.blend file; append its armature"),
        (b"\x89HDF\r\n", "is an HDF5 file"),
        (b"<?xml version='1.0'?>", "is an XML file"),
        (b"hello", "is no motion file"),
        (b"{", "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b'{"name": "she", "age": 30}', "holds no motion of a person"),
        (b"[1, 2, 3]", "holds no motion of a person"),
        (b"[[1], [2]]", "holds no motion of a person"),
        (b'[{"root_pose": [0, 0, 0]}]', "has no body_pose"),
        (b"[]", "holds no motion of a person"),
        (b"{}", "holds no motion of a person"),
    ],
)
def test_says_what_a_file_is_instead(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "walk.bvh"
    path.write_bytes(content)
    with pytest.raises(AvatarError, match=message):
        read_motion(path)


def test_says_what_it_cannot_open(tmp_path: Path):
    with pytest.raises(AvatarError, match="cannot be read"):
        read_motion(tmp_path / "gone.bvh")
    if os.name == "posix" and os.geteuid():
        path = tmp_path / "locked.bvh"
        path.write_text(TINY)
        path.chmod(0)
        with pytest.raises(AvatarError, match="cannot be read"):
            read_motion(path)


@pytest.mark.parametrize("fps", [0.0, -5.0, float("nan"), float("inf")])
def test_refuses_a_frame_rate_that_cannot_be(tmp_path: Path, fps: float):
    with pytest.raises(AvatarError, match="frames per second cannot be played"):
        read_motion(tmp_path, fps=fps)


def test_a_take_checks_itself():
    good = {
        "names": ("a", "b"), "parents": (-1, 0), "rotations": np.zeros((1, 2, 3, 3)), "fps": 30.0,
        "name": "x", "positions": np.zeros((1, 2, 3)), "rest_rotations": np.zeros((2, 3, 3)), "source": "BVH",
        "rest_positions": np.zeros((2, 3)),
    }  # fmt: skip
    assert Take(**good).count == 1
    for changes, message in (
        ({"parents": (1, -1)}, "the parent of joint 0 must come before it, got 1"),
        ({"names": ()}, "must be as many, at least one"),
        ({"positions": np.zeros((0, 2, 3))}, "at least one frame, got 0"),
        ({"rotations": np.zeros((1, 3, 3, 3))}, r"rotations must have shape \(1, 2, 3, 3\)"),
        ({"rest_positions": np.full((2, 3), np.nan)}, "rest_positions must be finite"),
        ({"curves": {"smile": np.zeros(2)}}, r"curve smile must have shape \(1,\)"),
        ({"fps": 0.0}, "fps must be a positive number, got 0"),
        ({"name": ""}, "name must not be empty"),
    ):
        with pytest.raises(ValueError, match=message):
            Take(**(good | changes))


def test_a_motion_may_carry_expressions():
    pose, transl = np.zeros((2, 55, 3)), np.zeros((2, 3))
    assert Motion(pose, transl, 30, "x").expression.shape == (2, 0)
    assert Motion(pose, transl, 30, "x", np.ones((2, 5))).expression.shape == (2, 5)
    with pytest.raises(ValueError, match=r"expression must have shape \(2, any\), got \(3, 5\)"):
        Motion(pose, transl, 30, "x", np.ones((3, 5)))
    with pytest.raises(ValueError, match="expression must be finite"):
        Motion(pose, transl, 30, "x", np.full((2, 1), np.nan))
