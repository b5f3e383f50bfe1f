"""torch's ``.pt`` files without torch: a zip of one pickle and the bytes of each tensor."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.errors import AvatarError
from .pickled_arrays import ForbiddenNameError
from .pickles import DAMAGED, load_pickle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_KINDS = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
_MOST_NUMBERS = 200_000_000


@dataclass(frozen=True)
class _Kind:
    code: str


def read_torch_file(path: Path) -> Any:
    """What ``torch.save`` wrote, tensors as arrays.

    Raises:
        AvatarError: If it holds more than numbers, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _content(archive, path.name)
    except DAMAGED as error:
        raise AvatarError(f"{path.name} is damaged ({error}). Get it again.") from error


def _content(archive: zipfile.ZipFile, where: str) -> Any:
    index = next(name for name in archive.namelist() if name.endswith("data.pkl"))
    folder = index.removesuffix("data.pkl")
    order = ">" if _big_endian(archive, folder) else "<"

    def storage(pid: Any) -> np.ndarray[Any, Any]:
        match pid:
            case ("storage", _Kind(code), key, *_):
                return np.frombuffer(archive.read(f"{folder}data/{key}"), order + code)
        raise ForbiddenNameError(f"outside object {str(pid)[:60]!r}")

    return load_pickle(io.BytesIO(archive.read(index)), where, _NAMES, storage)


def _big_endian(archive: zipfile.ZipFile, folder: str) -> bool:
    name = f"{folder}byteorder"
    return name in archive.namelist() and archive.read(name) == b"big"


def _tensor(
    storage: object, offset: int, size: Sequence[int], stride: Sequence[int], *_more: object
) -> np.ndarray[Any, Any]:
    """A view into a tensor's numbers, copied, once it is sure to lie within them."""
    if not isinstance(storage, np.ndarray):
        raise ForbiddenNameError("a tensor without numbers")
    if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
        raise ValueError(f"a tensor of size {tuple(size)}")
    if int(np.prod(size, dtype=object)) > _MOST_NUMBERS:
        raise ValueError(f"a tensor of size {tuple(size)}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 in size:
        return np.zeros(tuple(size), storage.dtype)
    if last >= len(storage):
        raise ValueError(f"a tensor of size {tuple(size)} in {len(storage)} numbers")
    strides = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], tuple(size), strides).copy()


def _parameter(tensor: object, *_more: object) -> object:
    return tensor


_NAMES = {
    **{("torch", name): _Kind(code) for name, code in _KINDS.items()},
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
