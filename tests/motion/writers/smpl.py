"""One motion of an SMPL-X person, written the way different programs write it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .scalar import about, chain

if TYPE_CHECKING:
    from pathlib import Path

CAMERA_FROM_WORLD = about("x", 180)  # y down, z away from the camera
Z_UP_FROM_WORLD = about("x", 90)


@dataclass(frozen=True)
class Person:
    """A motion in a world with +y up: pose [F, 55, 3], place of the pelvis [F, 3], rest [55, 3]."""

    pose: np.ndarray
    pelvis: np.ndarray
    rest: np.ndarray
    parents: tuple[int, ...]

    def in_frame(self, matrix: np.ndarray) -> dict[str, np.ndarray]:
        """Parameters in a world turned by a matrix: all that ``smplx`` takes."""
        root = np.array([rotvec(matrix @ rodrigues(turn)) for turn in self.pose[:, 0]])
        return {
            "root": root,
            "body": self.pose[:, 1:22],
            "jaw": self.pose[:, 22],
            "leye": self.pose[:, 23],
            "reye": self.pose[:, 24],
            "lhand": self.pose[:, 25:40],
            "rhand": self.pose[:, 40:],
            "transl": self.pelvis @ matrix.T - self.rest[0],
        }

    def joints(self, frame: int) -> np.ndarray:
        """Where the joints are in the world. [55, 3]"""
        local = {joint: rodrigues(turn) for joint, turn in enumerate(self.pose[frame])}
        places = [
            self.pelvis[frame] if p < 0 else self.rest[j] - self.rest[p] for j, p in enumerate(self.parents)
        ]
        return chain(self.parents, local, places)[1]


def rodrigues(turn: np.ndarray) -> np.ndarray:
    """By the matrix exponential's series, summed. [3, 3]"""
    x, y, z = turn
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    result, term = np.eye(3), np.eye(3)
    for k in range(1, 40):
        term = term @ skew / k
        result = result + term
    return result


def rotvec(matrix: np.ndarray) -> np.ndarray:
    """The eigenvector that a rotation leaves alone, times its angle. [3]"""
    values, vectors = np.linalg.eig(matrix)
    axis = np.real(vectors[:, np.argmin(abs(values - 1))])
    across = np.linalg.svd(axis[None])[2][1]
    turned = matrix @ across
    angle = np.arctan2(np.cross(across, turned) @ axis, across @ turned)
    return axis * angle


def lhm_frame(person: Person, frame: int) -> dict[str, object]:
    """One of LHM's files: flat hands, a camera's frame."""
    values = {k: v[frame].tolist() for k, v in person.in_frame(CAMERA_FROM_WORLD).items()}
    return {
        "betas": [0.0] * 10,
        "root_pose": values["root"],
        "body_pose": values["body"],
        "jaw_pose": values["jaw"],
        "leye_pose": values["leye"],
        "reye_pose": values["reye"],
        "lhand_pose": values["lhand"],
        "rhand_pose": values["rhand"],
        "trans": values["transl"],
        "focal": [1000.0, 1000.0],
        "princpt": [256.0, 256.0],
        "img_size_wh": [512, 512],
        "pad_ratio": 0.2,
    }


def write_lhm(folder: Path, person: Person, skip: tuple[int, ...] = ()) -> Path:
    """A folder as LHM has it; some frames may be left out."""
    inside = folder / "smplx_params"
    inside.mkdir(parents=True)
    for frame in range(len(person.pose)):
        if frame not in skip:
            (inside / f"{frame + 1:05d}.json").write_text(json.dumps(lhm_frame(person, frame)))
    return folder


def write_amass(
    path: Path, person: Person, *, hands_only: bool = True, fps: float = 60, **more: object
) -> Path:
    """AMASS: z up; 156 numbers (SMPL-H) have no jaw and no eyes."""
    values = person.in_frame(Z_UP_FROM_WORLD)
    face = () if hands_only else ("jaw", "leye", "reye")
    order = ("root", "body", *face, "lhand", "rhand")
    poses = np.concatenate([values[name].reshape(len(person.pose), -1) for name in order], axis=1)
    with path.open("wb") as file:
        np.savez(file, poses=poses, trans=values["transl"], mocap_framerate=fps, gender="neutral", **more)
    return path


def write_npz(path: Path, person: Person, matrix: np.ndarray, **more: object) -> Path:
    """Any other program: smplx's own names."""
    values = person.in_frame(matrix)
    with path.open("wb") as file:
        np.savez(file, **smplx_names(values), **more)
    return path


def smplx_names(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By the names of smplx's arguments, flat."""
    names = {
        "root": "global_orient", "body": "body_pose", "jaw": "jaw_pose", "leye": "leye_pose",
        "reye": "reye_pose", "lhand": "left_hand_pose", "rhand": "right_hand_pose", "transl": "transl",
    }  # fmt: skip
    return {names[name]: value.reshape(len(value), -1) for name, value in values.items()}
