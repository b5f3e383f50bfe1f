"""The avatar file (``.lhma``): a safetensors file whose header also holds one JSON text.

Arrays are the fields of :class:`Avatar` under their own names; the JSON text ``lhm_avatar`` holds the
schema version and the avatar's metadata. Reading what was written gives the same bits. The arrays of the
shape space, ``shape_mean_dirs`` and ``shape_joint_dirs``, are there only where betas can be changed.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.avatar import Avatar
from ..avatar.binding import Binding
from ..avatar.body import BodyParams
from ..avatar.errors import AvatarError
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
    header = {"schema": SCHEMA_VERSION, "metadata": avatar.metadata}
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
        return _avatar(arrays, header["metadata"])
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


def _avatar(arrays: Mapping[str, NDArray[Any]], metadata: dict[str, Any]) -> Avatar:
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
        metadata=metadata,
        shape=_shape(arrays),
    )


def _shape(arrays: Mapping[str, NDArray[Any]]) -> ShapeSpace | None:
    """The shape space; files of earlier versions, and of avatars that cannot be reshaped, have none."""
    names = {name: _SHAPE_PREFIX + name for name in _SHAPE_FIELDS}
    if not any(name in arrays for name in names.values()):
        return None
    return ShapeSpace(**{field: _typed(arrays, name, np.float32) for field, name in names.items()})


def _typed(arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[np.generic]) -> NDArray[Any]:
    """An array of the file; of another type it would be converted, and no longer be what was written."""
    array = arrays[name]
    if array.dtype != dtype:
        raise ValueError(f"{name} must be {np.dtype(dtype)}, got {array.dtype}")
    return array
