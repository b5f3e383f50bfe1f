"""A made-up avatar and an engine that gives it: the tests ask about numbers, not about looks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from blender import fake_engine
from lhm_avatars.engine import torch_builds
from lhm_avatars.engine.avatar.avatar import Avatar
from lhm_avatars.engine.avatar.binding import strongest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_PARENTS, BodyParams, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.formats.avatar_file import save_avatar
from lhm_avatars.operators import looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Metres from the parent joint, body axes; fingers are laid out by rule.
_OFFSETS = {
    "left_hip": (0.09, -0.08, 0), "spine1": (0, 0.11, -0.02), "left_knee": (0.03, -0.42, 0.01),
    "spine2": (0, 0.13, 0), "left_ankle": (0.01, -0.42, -0.03), "spine3": (0, 0.06, 0.01),
    "left_foot": (0.03, -0.06, 0.12), "neck": (0, 0.2, -0.03), "left_collar": (0.06, 0.11, -0.01),
    "head": (0, 0.09, 0.03), "left_shoulder": (0.12, 0.03, -0.01), "left_elbow": (0.26, 0, -0.02),
    "left_wrist": (0.25, 0, 0), "jaw": (0, -0.01, 0.02), "left_eye": (0.03, 0.06, 0.07),
}  # fmt: skip
_FINGERS = {"index": 0.025, "middle": 0.0, "pinky": -0.045, "ring": -0.025, "thumb": 0.05}


def _joints() -> np.ndarray:
    joints = np.zeros((JOINT_COUNT, 3))
    joints[0] = (0, -0.35, 0.01)
    offsets = dict(_OFFSETS)
    for finger, z in _FINGERS.items():
        offsets[f"left_{finger}1"] = (0.09, 0, z)
        offsets |= {f"left_{finger}{k}": (0.03, 0, 0) for k in (2, 3)}
    for name, (x, y, z) in list(offsets.items()):
        offsets[name.replace("left", "right")] = (-x if "left" in name else x, y, z)
    for name in sorted(offsets, key=joint_index):  # parents come first
        joint = joint_index(name)
        joints[joint] = joints[JOINT_PARENTS[joint]] + offsets[name]
    return joints


def _surface(joints: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points around the bones, five centimetres thick. [N, 3]"""
    child = rng.integers(1, JOINT_COUNT, count)
    start, end = joints[np.array(JOINT_PARENTS)[child]], joints[child]
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return start + rng.uniform(size=(count, 1)) * (end - start) + 0.05 * direction


@pytest.fixture(scope="session")
def make_avatar() -> Callable[..., Avatar]:
    """A function that makes an avatar of made-up Gaussians around a plausible skeleton."""

    def make(count: int = 2000, influences: int = 4, seed: int = 0, degree: int = 0) -> Avatar:
        rng = np.random.default_rng(seed)
        joints = _joints()
        means = _surface(joints, count, rng)
        distance = np.linalg.norm(means[:, None] - joints[None], axis=2)
        quats = rng.normal(size=(count, 4))
        pose = rng.normal(0, 0.2, (JOINT_COUNT, 3))
        return Avatar(
            gaussians=Gaussians(
                means=means,
                quats=quats / np.linalg.norm(quats, axis=1, keepdims=True),
                scales=rng.uniform(0.002, 0.01, (count, 3)),
                opacities=rng.uniform(0.1, 1, count),
                sh=rng.uniform(-1, 1, (count, (degree + 1) ** 2, 3)),
            ),
            binding=strongest(np.exp(-distance / 0.05), influences),
            params=BodyParams.from_pose(pose, betas=rng.normal(size=10), transl=np.array([0.3, 1.0, -4.0])),
            joints=joints,
            seen=rng.integers(0, 3, count),
            metadata={"engine": "lift", "licences": ["CC0-1.0"], "settings": {"seed": seed}},
        )

    return make


@pytest.fixture
def avatar(make_avatar: Callable[..., Avatar]) -> Avatar:
    return make_avatar(count=500)


@pytest.fixture
def engine(avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake engine, installed. Returns a folder; see fake_reconstruct.py for the photos in it."""
    if os.name == "nt":
        pytest.skip("the fake engine starts through a shell script")
    save_avatar(tmp_path / "answer.lhma", avatar)
    fake_engine.install(
        tmp_path / "root", Path(__file__).parent / "fake_reconstruct.py", tmp_path / "answer.lhma"
    )
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "root"))
    return tmp_path


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for models; nothing of other tests is remembered."""
    monkeypatch.setenv("LHM_AVATARS_MODELS_ROOT", str(tmp_path / "models"))
    looks.refresh()
    yield tmp_path / "models"
    looks._hardware.clear()
    looks.refresh()


@pytest.fixture
def lhm_engine(engine: Path, models: Path) -> Path:
    """A fake engine for LHM beside the fake built-in one."""
    fake_engine.install(
        engine / "root", Path(__file__).parent / "fake_reconstruct.py", engine / "answer.lhma",
        torch_builds.requirements_of("cpu"),
        packages={"torch": "2.13.0"},
        measure={"device": "cpu", "name": "Fake", "dtype": "float32", "rate": 1e11, "memory": 8e9},
    )  # fmt: skip
    return engine
