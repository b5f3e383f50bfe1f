"""What a face can do on the Gaussians that lie on it: what the skin below them does.

Hair, hats and glasses stand off the skin; what is farther off than a finger's width stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.binding import dense
from ..avatar.body import JOINT_COUNT, joint_index
from ..avatar.face import FaceSpace
from .on_faces import OnFaces, on_faces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.binding import Binding
    from ..avatar.body import Body

BY_JOINTS = ("jawOpen", "jawLeft", "jawRight")
"""ARKit's shapes that the jaw joint does."""

_HEAD = ("neck", "head", "jaw", "left_eye", "right_eye")
_SHARE = 0.5  # of a Gaussian's weights that are the head's
_CLOSE, FAR = 0.010, 0.022  # metres off the skin: until there it moves with it, from there on not at all
_STILL = 2e-4  # metres: a Gaussian that no shape moves farther is left out


@dataclass(frozen=True)
class OnFace:
    """Gaussians on the moving part of the face.

    Args:
        rows: Which they are, ascending. [M]
        places: Where on the body.
        share: How far each goes along with the skin, 0 to 1. [M]
    """

    rows: NDArray[np.int64]
    places: OnFaces
    share: NDArray[np.float64]


def on_face(
    body: Body, vertices: Float, means: Float, binding: Binding, normals: Float | None = None
) -> OnFace:
    """Find the Gaussians that the face takes along.

    Args:
        body: With facial actions.
        vertices: Of the body that was dressed, in the rest pose, metres. [V, 3]
        means: Gaussians in the rest pose, metres. [N, 3]
        binding: The joints they follow.
        normals: Where each faces, unit; keeps lips and lids apart. [N, 3]
    """
    head = [joint_index(name) for name in _HEAD]
    moving = vertices[body.face_vertices]
    low, high = moving.min(axis=0) - FAR, moving.max(axis=0) + FAR
    near = ((means > low) & (means < high)).all(axis=1)
    near &= dense(binding, JOINT_COUNT)[:, head].sum(axis=1) >= _SHARE
    rows = np.flatnonzero(near)
    places = on_faces(means[rows], vertices, head_faces(body), None if normals is None else normals[rows])
    fade = np.clip((FAR - places.distance) / (FAR - _CLOSE), 0, 1)
    return OnFace(rows, places, fade * fade * (3 - 2 * fade))


def head_faces(body: Body) -> NDArray[np.int32]:
    """Triangles of the head and the neck. [F, 3]"""
    head = [joint_index(name) for name in _HEAD]
    return body.faces[np.isin(body.joint_indices[:, 0], head)[body.faces].all(axis=1)]


def actions_at(body: Body, places: OnFaces) -> NDArray[np.float64]:
    """What the body's facial actions do at places on it, metres. [N, 3, A]"""
    row = np.full(body.vertex_count, -1)
    row[body.face_vertices] = np.arange(len(body.face_vertices))
    rows = row[places.corners]
    dirs = np.zeros((len(rows), 3, len(body.face_names)))
    for k in range(3):
        weight = np.where(rows[:, k] >= 0, places.weights[:, k], 0.0)
        dirs += weight[:, None, None] * body.face_dirs[rows[:, k]]
    return dirs


def action_dirs(body: Body, found: OnFace) -> NDArray[np.float64]:
    """What the body's facial actions do to Gaussians on it. [M, 3, A]"""
    return found.share[:, None, None] * actions_at(body, found.places)


def moving_only(names: Sequence[str], rows: NDArray[np.int64], dirs: Float) -> FaceSpace:
    """The shapes without those that joints do, of the Gaussians that they move by a visible amount.

    Args:
        names: Of the shapes. [A]
        rows: Gaussians, ascending. [M]
        dirs: Metres at full strength. [M, 3, A]
    """
    reach = np.linalg.norm(dirs, axis=1)
    free = [k for k, name in enumerate(names) if name not in BY_JOINTS]
    kept = reach[:, free].max(axis=1, initial=0.0) > _STILL
    chosen = dirs[kept][:, :, free].astype(np.float32)
    return FaceSpace(tuple(names[k] for k in free), rows[kept].astype(np.int32), chosen)


def face_space(
    body: Body, vertices: Float, means: Float, binding: Binding, normals: Float | None = None
) -> FaceSpace | None:
    """The face shapes of an avatar; none if its body has no facial actions.

    Args:
        body: The body that was dressed.
        vertices: Its own in the rest pose, metres. [V, 3]
        means: Gaussians in the rest pose, metres. [N, 3]
        binding: The joints they follow.
        normals: Where each Gaussian faces, unit. [N, 3]
    """
    if not body.face_names:
        return None
    found = on_face(body, vertices, means, binding, normals)
    return moving_only(body.face_names, found.rows, action_dirs(body, found))
