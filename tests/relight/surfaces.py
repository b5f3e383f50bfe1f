"""Surfaces covered with flat Gaussians whose normals are known in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_PARENTS, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.rotations import quat_from_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray


def line_joints() -> NDArray[np.float64]:
    """A skeleton whose knee bone runs from the origin 0.4 m down, and whose finger lies along X."""
    joints = np.full((JOINT_COUNT, 3), 3.0)
    joints[joint_index("left_knee")] = 0
    joints[joint_index("left_ankle")] = (0, -0.4, 0)
    for k, name in enumerate(("left_index1", "left_index2", "left_index3")):
        joints[joint_index(name)] = (1 + 0.03 * k, 0, 0)
    assert JOINT_PARENTS[joint_index("left_ankle")] == joint_index("left_knee")
    return joints


def capsule(
    start: NDArray[np.float64], end: NDArray[np.float64], radius: float, count: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a capsule and the normals there. [N, 3] twice"""
    rng = np.random.default_rng(seed)
    along = end - start
    length = np.linalg.norm(along)
    axis = along / length
    normals = rng.normal(size=(count, 3))
    on_side = rng.uniform(size=count) < length / (length + 2 * radius)
    normals[on_side] -= (normals[on_side] @ axis)[:, None] * axis
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    middle = np.where((normals @ axis > 0)[:, None], end, start)
    middle[on_side] = start + rng.uniform(size=(on_side.sum(), 1)) * along
    return middle + radius * normals, normals


def flat_gaussians(
    means: NDArray[np.float64], normals: NDArray[np.float64], size: float, color: float = 0.5, seed: int = 0
) -> Gaussians:
    """Disks across the normals, each turned about its normal and pointing in or out as it happens."""
    rng = np.random.default_rng([seed, 7])
    x: NDArray[np.float64] = np.cross(normals, rng.normal(size=normals.shape))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    z = normals * rng.choice([-1.0, 1.0], size=(len(normals), 1))
    turns = np.stack([x, np.cross(z, x), z], axis=2).astype(np.float64)
    count = len(means)
    return Gaussians.from_colors(
        means.astype(np.float32),
        quat_from_matrix(turns).astype(np.float32),
        np.tile(np.array([size, size, size * 0.05], np.float32), (count, 1)),
        np.full(count, 0.99, np.float32),
        np.full((count, 3), color, np.float32),
    )


def all_to(joint: int, count: int) -> Binding:
    """Everything follows one joint."""
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    return Binding(np.full((count, 4), joint, np.int32), weights)
