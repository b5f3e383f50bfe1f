"""numpy's ``.npz`` and ``.npy`` files; what is pickled in them goes through our own reader of pickles."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.errors import AvatarError
from .pickles import DAMAGED, load_pickle

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_MOST_BYTES = 8 << 30
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: Path) -> dict[str, Any]:
    """Members of an archive by name.

    Raises:
        AvatarError: If it is damaged, or wants more than numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                info.filename.removesuffix(".npy"): _member(archive, info, path.name)
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
    except DAMAGED as error:
        raise AvatarError(f"{path.name} is damaged ({error}). Get it again.") from error


def read_npy(path: Path) -> Any:
    """The array of a file; for a pickled object the object.

    Raises:
        AvatarError: If it is damaged, or wants more than numbers.
    """
    try:
        with path.open("rb") as file:
            return _array(file, path.stat().st_size, path.name)
    except DAMAGED as error:
        raise AvatarError(f"{path.name} is damaged ({error}). Get it again.") from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> Any:
    if info.file_size > _MOST_BYTES:
        raise AvatarError(f"{where}: {info.filename} is far too large for a motion. Choose another file.")
    with archive.open(info) as file:
        return _array(file, info.file_size, where)  # pyright: ignore[reportArgumentType]


def _array(file: BinaryIO, size: int, where: str) -> Any:
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of numpy's format")
    shape, fortran, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        return unwrapped(load_pickle(file, where))
    count = int(np.prod(shape, dtype=object))
    if count * dtype.itemsize > size:
        raise ValueError(f"{count} numbers are stated, there are fewer")
    data = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return data.reshape(shape[::-1]).T if fortran else data.reshape(shape)


def unwrapped(value: Any) -> Any:
    """What lies in an array of objects: the object itself, or a list."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return value.item() if value.shape == () else list(value)
    return value
