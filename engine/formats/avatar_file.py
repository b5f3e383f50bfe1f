"""The avatar file (``.lhma``): a safetensors file whose header also holds one JSON text.

Arrays are the fields of :class:`Avatar` under their own names; the JSON text ``lhm_avatar`` holds the
schema version and the avatar's metadata. Reading what was written gives the same bits.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..avatar.avatar import Avatar
from ..avatar.binding import Binding
from ..avatar.body import BodyParams
from ..avatar.errors import AvatarError
from ..avatar.gaussians import Gaussians
from .safetensors import FormatError, read_safetensors, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SUFFIX = ".lhma"
SCHEMA_VERSION = 1
_HEADER_KEY = "lhm_avatar"
_PARAMS_PREFIX = "params."
_GAUSSIAN_FIELDS = tuple(field.name for field in dataclasses.fields(Gaussians))
_PARAM_FIELDS = tuple(field.name for field in dataclasses.fields(BodyParams))


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
    header = _header(path, texts)
    try:
        return _avatar(arrays, header["metadata"])
    except (KeyError, ValueError) as error:
        raise AvatarError(
            f"{path.name} lacks a part of the avatar ({error}). Reconstruct it again."
        ) from error


def _header(path: Path, texts: Mapping[str, str]) -> dict[str, Any]:
    if _HEADER_KEY not in texts:
        raise AvatarError(f"{path.name} is not an avatar file. Choose a {SUFFIX} file made by LHM Avatars.")
    header = json.loads(texts[_HEADER_KEY])
    if header["schema"] > SCHEMA_VERSION:
        raise AvatarError(
            f"{path.name} was made by a newer LHM Avatars (file version {header['schema']}, "
            f"this one reads up to {SCHEMA_VERSION}). Update the extension."
        )
    return header


def _avatar(arrays: Mapping[str, NDArray[Any]], metadata: dict[str, Any]) -> Avatar:
    return Avatar(
        gaussians=Gaussians(**{name: arrays[name] for name in _GAUSSIAN_FIELDS}),
        binding=Binding(arrays["joint_indices"], arrays["joint_weights"]),
        params=BodyParams(**{name: arrays[_PARAMS_PREFIX + name] for name in _PARAM_FIELDS}),
        joints=arrays["joints"],
        seen=arrays["seen"],
        metadata=metadata,
    )
