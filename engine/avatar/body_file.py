"""Reads a body file in SMPL-X layout and says what is wrong with it, member by member."""

from __future__ import annotations

import json
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.npyio import NpzFile

from .errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Members = dict[str, NDArray[Any]]

# A letter is a size that the file chooses; members that share a letter must agree.
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "v_template": ("V", 3),
    "f": ("F", 3),
    "weights": ("V", "J"),
    "J_regressor": ("J", "V"),
    "kintree_table": (2, "J"),
    "shapedirs": ("V", 3, "S"),
}
_HAND_SHAPE = (45,)
_OPTIONAL = {"hands_meanl": _HAND_SHAPE, "hands_meanr": _HAND_SHAPE}
# Facial actions, axis by axis, in steps; all of it or nothing.
_FACE: dict[str, tuple[int | str, ...]] = {
    "face_names": ("A",),
    "face_vertices": ("M",),
    "face_dirs": ("A", 3, "M"),
    "face_step": (),
}
_FINITE = ("v_template", "weights", "J_regressor", "shapedirs", *_OPTIONAL)
_INFO = "standin_info"
_LEAST_WEIGHT = 1e-3  # a row of weights below this sum leaves the vertex where it is
_CHOOSE = "Choose an SMPLX_*.npz file."
_UNREADABLE = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error)


def read_body_file(path: Path, parents: Sequence[int]) -> tuple[Members, dict[str, Any]]:
    """Read the members we use; pickled members are never opened.

    Args:
        path: An ``.npz`` file.
        parents: Parent of each joint that the file must have, -1 for the root. [J]

    Returns:
        The members, checked, and what the file says about itself (nothing, in SMPL-X's own files).

    Raises:
        AvatarError: If the file cannot be read, or a member is missing, of a wrong shape or of wrong values.
    """
    members = _read_members(path)
    sizes = {"J": len(parents)}
    for name, shape in _SHAPES.items():
        if name not in members:
            raise AvatarError(
                f"{path.name} has no member {name!r}. Choose an SMPLX_*.npz file, not SMPL or SMPL-H."
            )
        _check_shape(path, name, members[name], shape, sizes)
    for name in _OPTIONAL.keys() & members.keys():
        _check_shape(path, name, members[name], _OPTIONAL[name], sizes)
    if _FACE.keys() & members.keys():
        _check_face(path, members, sizes)
    _check_values(path, members, parents)
    return members, _read_information(path, members)


def _read_members(path: Path) -> Members:
    try:
        archive = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise AvatarError(f"There is no body file at {path}. {_CHOOSE}") from error
    except _UNREADABLE as error:
        raise AvatarError(f"{path.name} cannot be read as a body file: {error}. {_CHOOSE}") from error
    if not isinstance(archive, NpzFile):
        raise AvatarError(f"{path.name} is not a body file (.npz). {_CHOOSE}")
    with archive:
        wanted = [name for name in (*_SHAPES, *_OPTIONAL, *_FACE, _INFO) if name in archive.files]
        return {name: _read_member(path, archive, name) for name in wanted}


def _read_member(path: Path, archive: Any, name: str) -> NDArray[Any]:
    try:
        return archive[name]
    except _UNREADABLE as error:
        raise AvatarError(
            f"{path.name}: member {name!r} cannot be read: {error}. Get the file again from its source."
        ) from error


def _check_shape(
    path: Path, name: str, array: NDArray[Any], shape: tuple[int | str, ...], sizes: dict[str, int]
) -> None:
    """Compare one member with its shape; the first use of a letter fixes its size."""
    fits = array.ndim == len(shape) and all(
        have == (sizes.setdefault(want, have) if isinstance(want, str) else want)
        for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits:
        known = (f"{want}={sizes[want]}" if want in sizes else str(want) for want in map(str, shape))
        raise AvatarError(
            f"{path.name}: member {name!r} must have shape ({', '.join(known)}), got {array.shape}. {_CHOOSE}"
        )


def _check_face(path: Path, members: Members, sizes: dict[str, int]) -> None:
    for name, shape in _FACE.items():
        if name not in members:
            raise AvatarError(f"{path.name} has facial actions but no member {name!r}. {_CHOOSE}")
        _check_shape(path, name, members[name], shape, sizes)
    vertices, count = members["face_vertices"].astype(np.int64), len(members["v_template"])
    ascending = bool((np.diff(vertices) > 0).all())
    if vertices.size and not (ascending and vertices[0] >= 0 and vertices[-1] < count):
        raise AvatarError(
            f"{path.name}: member 'face_vertices' must name some of {count} vertices in order. {_CHOOSE}"
        )


def _check_values(path: Path, members: Members, parents: Sequence[int]) -> None:
    """What would otherwise only show as a torn or vanished body."""
    for name in _FINITE:
        if name in members and not np.isfinite(members[name]).all():
            raise AvatarError(f"{path.name}: member {name!r} holds numbers that are not finite. {_CHOOSE}")
    faces, count = members["f"].astype(np.int64), len(members["v_template"])
    outside = faces[(faces < 0) | (faces >= count)]
    if outside.size:
        raise AvatarError(
            f"{path.name}: member 'f' points at vertex {outside[0]}, but there are {count}. {_CHOOSE}"
        )
    if members["weights"].sum(axis=1).min() < _LEAST_WEIGHT:
        raise AvatarError(f"{path.name}: member 'weights' gives a vertex no joint. {_CHOOSE}")
    # The root's parent is written as 2^32 - 1, or as -1; only the others count.
    if members["kintree_table"][0, 1:].astype(np.int64).tolist() != list(parents[1:]):
        raise AvatarError(f"{path.name}: member 'kintree_table' is not SMPL-X's. {_CHOOSE}")


def _read_information(path: Path, members: Members) -> dict[str, Any]:
    if _INFO not in members:
        return {}
    try:
        information = json.loads(str(members[_INFO]))
    except ValueError:
        information = None
    if not isinstance(information, dict):
        raise AvatarError(f"{path.name}: member {_INFO!r} is no JSON object. {_CHOOSE}")
    return information
