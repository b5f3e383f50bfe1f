"""The surface that the Gaussians lie on, in the rest pose: where it faces, and how much body is below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import JOINT_COUNT, JOINT_NAMES, JOINT_PARENTS, joint_index
from ...engine.avatar.rotations import matrix_from_quat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...engine.avatar.arrays import Float
    from ...engine.avatar.binding import Binding
    from ...engine.avatar.gaussians import Gaussians

_CELL = 0.02  # metres; neighbours within this agree on where a surface faces
_ROUNDS = 2  # of agreement
_OWN = 0.5  # share of a Gaussian's own axis beside its neighbours'
_TIP = 0.6  # a last phalanx is as long as this share of the one before
_FACE = ("jaw", "left_eye", "right_eye")
_FINGERS = np.arange(joint_index("left_index1"), JOINT_COUNT)
_SIDES = 6
_CORNERS = np.array(list(np.ndindex(2, 2, 2)))


@dataclass(frozen=True)
class Surface:
    """What light and shadow need to know of each Gaussian.

    Args:
        normals: Out of the body, of length one. [N, 3]
        depths: Distance to the line inside the bone that it follows, metres. [N]
    """

    normals: Float
    depths: Float


def rest_surface(gaussians: Gaussians, binding: Binding, joints: Float) -> Surface:
    """The shortest axis of each Gaussian, turned away from the bone inside and towards its neighbours'.

    Args:
        gaussians: Rest pose, body axes.
        binding: The joints they follow.
        joints: Rest joints, metres. [55, 3]
    """
    axes = matrix_from_quat(gaussians.quats.astype(np.float64))
    sizes = np.sort(gaussians.scales, axis=1)
    shortest = gaussians.scales.argmin(axis=1)
    normals = np.take_along_axis(axes, shortest[:, None, None], axis=2)[..., 0]
    outwards = gaussians.means - _inside(gaussians.means, binding, np.asarray(joints, np.float64))
    depths, outwards = np.linalg.norm(outwards, axis=1), _unit(outwards)
    normals = _facing(normals, outwards)
    # A long Gaussian, as of a strand of hair, has no short axis to speak of.
    weights = gaussians.opacities * (0.05 + 1 - sizes[:, 0] / sizes[:, 1])
    cells, shares = _cells(gaussians.means, outwards)
    for _ in range(_ROUNDS):
        around = _unit(_averaged(cells, shares, normals, weights))
        normals = _unit(_OWN * _facing(normals, around) + (1 - _OWN) * around)
    return Surface(normals.astype(np.float32), depths.astype(np.float32))


def _facing(normals: Float, directions: Float) -> Float:
    return np.where((normals * directions).sum(axis=1, keepdims=True) < 0, -normals, normals)


def _unit(vectors: Float) -> Float:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _inside(means: Float, binding: Binding, joints: Float) -> Float:
    """The nearest point of the line inside the body that a Gaussian follows most. [N, 3]"""
    starts, ends = _bones(joints)
    strongest = binding.joint_weights.argmax(axis=1)
    owner = binding.joint_indices[np.arange(len(means)), strongest]
    nearest = _nearest(means, starts[owner], ends[owner])
    # Hands are seen too small in photos for their fingers to lie around the bones; around a line they do.
    count = np.maximum(np.bincount(owner, minlength=JOINT_COUNT), 1)
    for axis in range(3):
        shift = np.bincount(owner, (means - nearest)[:, axis], JOINT_COUNT) / count
        starts[_FINGERS, axis] += shift[_FINGERS]
        ends[_FINGERS, axis] += shift[_FINGERS]
    return _nearest(means, starts[owner], ends[owner])


def _nearest(points: Float, starts: Float, ends: Float) -> Float:
    """Of a line each. [N, 3]"""
    along = ends - starts
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((points - starts) * along).sum(axis=1) / length, 0, 1)
    return starts + share[:, None] * along


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


def _cells(means: Float, outwards: Float) -> tuple[NDArray[np.int64], Float]:
    """The cells of a grid that each Gaussian belongs to, and how much to each. [N, 24] twice

    There is a grid for each side of the body, or the two sides of a finger would share a cell.

    Args:
        means: Metres. [N, 3]
        outwards: Of length one. [N, 3]

    Source: McTaggart 2004, the ambient cube: squared cosines to six axes add up to one.
    """
    scaled = (means - means.min(axis=0)) / _CELL
    low = np.floor(scaled).astype(np.int64)
    size = low.max(axis=0) + 2
    at = low[:, None] + _CORNERS
    places = (at[..., 0] * size[1] + at[..., 1]) * size[2] + at[..., 2]
    inside = np.where(_CORNERS.astype(bool), (scaled - low)[:, None], 1 - (scaled - low)[:, None]).prod(
        axis=2
    )
    sides = np.where(outwards < 0, 3, 0) + np.arange(3)
    cells = places[:, :, None] * _SIDES + sides[:, None]
    shares = inside[:, :, None] * (outwards**2)[:, None]
    rows = np.unique(cells, return_inverse=True)[1]
    return rows.reshape(len(means), -1), shares.reshape(len(means), -1)


def _averaged(cells: NDArray[np.int64], shares: Float, values: Float, weights: Float) -> Float:
    """Mean direction of the values around each Gaussian. [N, 3]"""
    columns = []
    for column in values.T:
        total = np.bincount(cells.ravel(), (shares * (weights * column)[:, None]).ravel())
        columns.append((shares * total[cells]).sum(axis=1))
    return np.stack(columns, axis=1)
