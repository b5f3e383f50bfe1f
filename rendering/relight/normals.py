"""Normals: where the surface that the Gaussians lie on faces, in the rest pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import JOINT_COUNT, JOINT_NAMES, JOINT_PARENTS, joint_index
from ...engine.avatar.rotations import matrix_from_quat

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ...engine.avatar.binding import Binding
    from ...engine.avatar.gaussians import Gaussians

_CELL = 0.02  # metres; neighbours within this agree on where a surface faces
_ROUNDS = 2  # of agreement
_OWN = 0.5  # share of a Gaussian's own axis beside its neighbours'
_TIP = 0.6  # a last phalanx is as long as this share of the one before
_FACE = ("jaw", "left_eye", "right_eye")


def rest_normals(gaussians: Gaussians, binding: Binding, joints: Float) -> Float:
    """The shortest axis of each Gaussian, turned away from the bone inside and towards its neighbours'.

    Args:
        gaussians: Rest pose, body axes.
        binding: The joints they follow.
        joints: Rest joints, metres. [55, 3]

    Returns:
        Of length one. [N, 3]
    """
    axes = matrix_from_quat(gaussians.quats.astype(np.float64))
    shortest = gaussians.scales.argmin(axis=1)
    normals = np.take_along_axis(axes, shortest[:, None, None], axis=2)[..., 0]
    outwards = gaussians.means - _inside(gaussians.means, binding, np.asarray(joints, np.float64))
    normals = _facing(normals, outwards)
    # A long Gaussian, as of a strand of hair, has no short axis to speak of.
    flatness = 1 - np.sort(gaussians.scales, axis=1)[:, 0] / np.sort(gaussians.scales, axis=1)[:, 1]
    weight = gaussians.opacities * (0.05 + flatness)
    for _ in range(_ROUNDS):
        around = _unit(_averaged(gaussians.means, normals, weight))
        normals = _facing(normals, around)
        normals = _unit(_OWN * normals + (1 - _OWN) * around)
    return normals.astype(np.float32)


def _facing(normals: Float, directions: Float) -> Float:
    return np.where((normals * directions).sum(axis=1, keepdims=True) < 0, -normals, normals)


def _unit(vectors: Float) -> Float:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _inside(means: Float, binding: Binding, joints: Float) -> Float:
    """The nearest point of the bone that a Gaussian follows most. [N, 3]"""
    starts, ends = _bones(joints)
    owner = np.take_along_axis(binding.joint_indices, binding.joint_weights.argmax(axis=1)[:, None], axis=1)[
        :, 0
    ]
    start, along = starts[owner], ends[owner] - starts[owner]
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((means - start) * along).sum(axis=1) / length, 0, 1)
    return start + share[:, None] * along


def _bones(joints: Float) -> tuple[Float, Float]:
    """A line inside the body for each joint: towards its children, for tips on from the parent."""
    starts, ends = joints.copy(), joints.copy()
    for joint in range(JOINT_COUNT):
        children = [child for child, parent in enumerate(JOINT_PARENTS) if parent == joint]
        if children:
            ends[joint] = joints[children].mean(axis=0)
        else:
            ends[joint] += _TIP * (joints[joint] - joints[JOINT_PARENTS[joint]])
    head, eyes = joint_index("head"), [joint_index(name) for name in _FACE[1:]]
    ends[head] = joints[head]
    ends[head, 1] = joints[eyes, 1].mean()  # straight up: its children lie on the face
    for name in _FACE:
        starts[JOINT_NAMES.index(name)], ends[JOINT_NAMES.index(name)] = joints[head], ends[head]
    return starts, ends


def _averaged(means: Float, values: Float, weights: Float) -> Float:
    """Mean of the values around each Gaussian, through a grid whose corners share them out. [N, C]"""
    scaled = (means - means.min(axis=0)) / _CELL
    low = np.floor(scaled).astype(np.int64)
    share = scaled - low
    size = low.max(axis=0) + 2
    corners, portions = [], []
    for corner in np.ndindex(2, 2, 2):
        at = low + corner
        corners.append((at[:, 0] * size[1] + at[:, 1]) * size[2] + at[:, 2])
        portions.append(np.where(np.array(corner, bool), share, 1 - share).prod(axis=1))
    cells, rows = np.unique(np.stack(corners), return_inverse=True)
    rows, portion = rows.reshape(8, -1), np.stack(portions)
    columns = []
    for column in values.T:
        total = np.bincount(rows.ravel(), (portion * weights * column).ravel(), len(cells))
        columns.append((portion * total[rows]).sum(axis=0))
    return np.stack(columns, axis=1)
