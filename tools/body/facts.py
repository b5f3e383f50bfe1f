"""Stage 11: what must be true of a body file, measured."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.avatar.body import JOINT_COUNT, MIRRORED_JOINTS, joint_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Members = dict[str, NDArray[Any]]

_MAX_BYTES = 2_500_000


@dataclass(frozen=True)
class Fact:
    """One measured figure and the range it must lie in."""

    name: str
    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the figure lies in its range; not a number never does."""
        return bool(self.low <= self.value <= self.high)


def measure(path: Path) -> list[Fact]:
    """Measure a body file. Members that must not be there are counted, never unpickled."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    with np.load(path, allow_pickle=False) as archive:
        members = {name.removesuffix(".npy"): archive[name.removesuffix(".npy")] for name in names}
    return [
        Fact("bytes", path.stat().st_size, 0, _MAX_BYTES),
        *_mesh_facts(members["v_template"], members["f"].astype(np.int64)),
        *_weight_facts(members["weights"]),
        *_joint_facts(members),
        *_direction_facts(members),
        *_face_facts(members),
    ]


def _mesh_facts(vertices: NDArray[np.float32], faces: NDArray[np.int64]) -> Iterator[Fact]:
    yield Fact("vertices", len(vertices), 13_718, 13_718)
    yield Fact("triangles", len(faces), 27_420, 27_420)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    codes = edges @ [len(vertices), 1]
    unmatched = np.setxor1d(codes, edges[:, ::-1] @ [len(vertices), 1])
    yield Fact("edges met twice in one direction", len(codes) - len(np.unique(codes)), 0, 0)
    yield Fact("edges without their other side", len(unmatched), 0, 0)
    corners = vertices[faces].astype(np.float64)
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    yield Fact("volume, m³; negative if inside out", float(volume), 0.055, 0.095)
    yield Fact("height, m", float(np.ptp(vertices[:, 1])), 1.79, 1.82)


def _weight_facts(weights: NDArray[np.float32]) -> Iterator[Fact]:
    yield Fact("weights, lowest", float(weights.min()), 0, 0)
    yield Fact("weights, worst sum of a row", float(np.abs(weights.sum(axis=1) - 1).max()), 0, 1e-6)
    yield Fact("joints a vertex follows, most", int((weights > 0).sum(axis=1).max()), 4, 6)
    owned = np.bincount(weights.argmax(axis=1), minlength=JOINT_COUNT)
    yield Fact("vertices of the smallest joint", int(owned.min()), 10, len(weights))


def _joint_facts(members: Members) -> Iterator[Fact]:
    regressor = members["J_regressor"].astype(np.float64)
    joints = regressor @ members["v_template"]
    mirrored = joints[list(MIRRORED_JOINTS)] * [-1, 1, 1]
    yield Fact("regressor, worst sum of a row", float(np.abs(regressor.sum(axis=1) - 1).max()), 0, 1e-5)
    yield Fact("joints, left against right, mm", 1e3 * float(np.abs(joints - mirrored).max()), 0, 0.5)
    yield Fact("pelvis, m from its place", float(np.linalg.norm(joints[0] - [0, -0.35, 0.01])), 0, 1e-3)


def _direction_facts(members: Members) -> Iterator[Fact]:
    directions = members["shapedirs"].astype(np.float64)
    yield Fact("directions", directions.shape[2], 20, 20)
    yield Fact("directions not finite", int((~np.isfinite(directions)).sum()), 0, 0)
    taller = np.ptp(members["v_template"][:, 1] + directions[:, 1, 0]) - np.ptp(members["v_template"][:, 1])
    yield Fact("height by the first shape, m", float(taller), 0.10, 0.12)
    reach = np.linalg.norm(directions, axis=1).max(axis=0)
    yield Fact("shortest reach of a shape, mm", 1e3 * float(reach[:10].min()), 1, 100)
    yield Fact("shortest reach of an expression, mm", 1e3 * float(reach[10:].min()), 1, 30)
    yield Fact("longest reach of an expression, mm", 1e3 * float(reach[10:].max()), 5, 50)


def _face_facts(members: Members) -> Iterator[Fact]:
    yield Fact("facial actions", len(np.unique(members["face_names"])), 52, 52)
    moved = members["face_dirs"] * float(members["face_step"])
    reach = 1e3 * np.linalg.norm(moved, axis=1).max(axis=1)
    yield Fact("shortest reach of an action, mm", float(reach.min()), 0.9, 50)
    yield Fact("longest reach of an action, mm", float(reach.max()), 30, 50)
    vertices = members["face_vertices"]
    owners = members["weights"][vertices].argmax(axis=1)
    eyes = [joint_index("left_eye"), joint_index("right_eye")]
    yield Fact("eyeball vertices that actions move", int(np.isin(owners, eyes).sum()), 0, 0)
