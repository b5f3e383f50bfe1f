"""The avatar file (``.lhma``): a safetensors file whose header also holds one JSON text.

Arrays are the fields of :class:`Avatar` under their own names; the JSON text ``lhm_avatar`` holds the
schema version and the avatar's metadata. Reading what was written gives the same bits. The arrays of the
shape space, ``shape_mean_dirs`` and ``shape_joint_dirs``, are there only where betas can be changed, those of
the face only where it can be moved; the JSON text then names the face's shapes (``face_names``).

Only the face's directions are rounded: ``face_dirs`` counts steps of ``face_steps`` metres, a power of two
for each shape, so that one of up to 62 mm is off by less than a micrometre. A shape moves a quarter of the
face; ``face_moved`` has a bit for each Gaussian and shape, and ``face_dirs`` a row for each bit that is set.
What was read is written again bit for bit.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.arrays import require_shape
from ..avatar.avatar import Avatar
from ..avatar.binding import Binding
from ..avatar.body import BodyParams
from ..avatar.errors import AvatarError
from ..avatar.face import FaceSpace
from ..avatar.gaussians import Gaussians
from ..avatar.shape import ShapeSpace
from .safetensors import FormatError, parse_object, read_safetensors, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SUFFIX = ".lhma"
SCHEMA_VERSION = 1
_HEADER_KEY = "lhm_avatar"
_PARAMS_PREFIX = "params."
_SHAPE_PREFIX = "shape_"
_FACE_ARRAYS = ("face_indices", "face_moved", "face_dirs", "face_steps")
_FACE_NAMES = "face_names"
_MOST_STEPS = np.iinfo(np.int16).max
_GAUSSIAN_FIELDS = tuple(field.name for field in dataclasses.fields(Gaussians))
_PARAM_FIELDS = tuple(field.name for field in dataclasses.fields(BodyParams))
_SHAPE_FIELDS = tuple(field.name for field in dataclasses.fields(ShapeSpace))


def save_avatar(path: Path, avatar: Avatar) -> None:
    """Write an avatar; an existing file is replaced only when the new one is complete.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
        TypeError: If the metadata holds something JSON cannot.
    """
    arrays = {name: getattr(avatar.gaussians, name) for name in _GAUSSIAN_FIELDS}
    arrays |= {_PARAMS_PREFIX + name: getattr(avatar.params, name) for name in _PARAM_FIELDS}
    arrays |= {
        "joint_indices": avatar.binding.joint_indices,
        "joint_weights": avatar.binding.joint_weights,
        "joints": avatar.joints,
        "seen": avatar.seen,
    }
    if avatar.shape is not None:
        arrays |= {_SHAPE_PREFIX + name: getattr(avatar.shape, name) for name in _SHAPE_FIELDS}
    header: dict[str, Any] = {"schema": SCHEMA_VERSION, "metadata": avatar.metadata}
    if avatar.face is not None:
        arrays |= _face_arrays(avatar.face)
        header[_FACE_NAMES] = avatar.face.names
    write_safetensors(path, arrays, {_HEADER_KEY: json.dumps(header)})


def load_avatar(path: Path) -> Avatar:
    """Read an avatar.

    Raises:
        AvatarError: If the file is missing, damaged, no avatar, or from a newer version.
    """
    path = Path(path)
    try:
        arrays, texts = read_safetensors(path)
        header = _header(path, texts)
    except FileNotFoundError as error:
        raise AvatarError(f"There is no avatar file at {path}. Choose an existing {SUFFIX} file.") from error
    except OSError as error:
        raise AvatarError(
            f"{path.name} cannot be opened ({error.strerror}). Check the file's permissions."
        ) from error
    except FormatError as error:
        raise AvatarError(
            f"{path.name} is not a whole avatar file: {error}. Reconstruct it again."
        ) from error
    try:
        return _avatar(arrays, header)
    except (KeyError, ValueError) as error:
        raise AvatarError(
            f"{path.name} lacks a part of the avatar ({error}). Reconstruct it again."
        ) from error


def _header(path: Path, texts: Mapping[str, str]) -> dict[str, Any]:
    if _HEADER_KEY not in texts:
        raise AvatarError(f"{path.name} is not an avatar file. Choose a {SUFFIX} file made by LHM Avatars.")
    header = parse_object(texts[_HEADER_KEY])
    schema = header.get("schema")
    if not isinstance(schema, int):
        raise FormatError("it does not name its version")
    if schema > SCHEMA_VERSION:
        raise AvatarError(
            f"{path.name} was made by a newer LHM Avatars (file version {schema}, "
            f"this one reads up to {SCHEMA_VERSION}). Update the extension."
        )
    if not isinstance(header.get("metadata"), dict):
        raise FormatError("its metadata are missing")
    return header


def _avatar(arrays: Mapping[str, NDArray[Any]], header: dict[str, Any]) -> Avatar:
    return Avatar(
        gaussians=Gaussians(**{name: _typed(arrays, name, np.float32) for name in _GAUSSIAN_FIELDS}),
        binding=Binding(
            _typed(arrays, "joint_indices", np.int32), _typed(arrays, "joint_weights", np.float32)
        ),
        params=BodyParams(
            **{name: _typed(arrays, _PARAMS_PREFIX + name, np.float32) for name in _PARAM_FIELDS}
        ),
        joints=_typed(arrays, "joints", np.float32),
        seen=_typed(arrays, "seen", np.uint8),
        metadata=header["metadata"],
        shape=_shape(arrays),
        face=_face(arrays, header),
    )


def _shape(arrays: Mapping[str, NDArray[Any]]) -> ShapeSpace | None:
    """The shape space; files of earlier versions, and of avatars that cannot be reshaped, have none."""
    names = {name: _SHAPE_PREFIX + name for name in _SHAPE_FIELDS}
    if not any(name in arrays for name in names.values()):
        return None
    return ShapeSpace(**{field: _typed(arrays, name, np.float32) for field, name in names.items()})


def _face_arrays(face: FaceSpace) -> dict[str, NDArray[Any]]:
    """Directions in whole steps; float16 would take as much room and be off by four micrometres."""
    farthest = np.abs(face.dirs).max(axis=(0, 1), initial=0.0).astype(np.float64)
    # The smallest power of two that reaches: frexp gives a number in [0.5, 1) and its exponent.
    mantissa, exponent = np.frexp(farthest / _MOST_STEPS)
    steps = np.ldexp(1.0, exponent - (mantissa == 0.5))
    counts = np.round(face.dirs / steps).astype(np.int16).transpose(0, 2, 1)
    moved = counts.any(axis=2)
    return {
        "face_indices": face.indices,
        "face_moved": np.packbits(moved),
        "face_dirs": counts[moved],
        "face_steps": steps.astype(np.float32),
    }


def _face(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> FaceSpace | None:
    """The face's shapes; files of earlier versions, and of avatars whose face cannot be moved, have none."""
    if _FACE_NAMES not in header and not any(name in arrays for name in _FACE_ARRAYS):
        return None
    names = header[_FACE_NAMES]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{_FACE_NAMES} must be a list of names")
    indices, steps = _typed(arrays, "face_indices", np.int32), _typed(arrays, "face_steps", np.float32)
    bits, rows = _typed(arrays, "face_moved", np.uint8), _typed(arrays, "face_dirs", np.int16)
    require_shape("face_steps", steps, (len(names),))
    size = indices.size * len(names)
    require_shape("face_moved", bits, (-(-size // 8),))
    moved = np.unpackbits(bits, count=size).astype(bool).reshape(indices.size, len(names))
    require_shape("face_dirs", rows, (int(moved.sum()), 3))
    counts = np.zeros((*moved.shape, 3), np.int16)
    counts[moved] = rows
    dirs = np.multiply(counts.transpose(0, 2, 1), steps, dtype=np.float32)
    return FaceSpace(tuple(names), indices, dirs)


def _typed(arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[np.generic]) -> NDArray[Any]:
    """An array of the file; of another type it would be converted, and no longer be what was written."""
    array = arrays[name]
    if array.dtype != dtype:
        raise ValueError(f"{name} must be {np.dtype(dtype)}, got {array.dtype}")
    return array
