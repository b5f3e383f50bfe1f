"""A glTF file's JSON, its buffers, and arrays out of them."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from ...avatar.errors import AvatarError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_GLB_VERSION = 2
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_MOST_NUMBERS = 500_000_000


@dataclass(frozen=True)
class Document:
    """A glTF file.

    Args:
        json: Its tree.
        buffers: The bytes it refers to.
        where: Name of the file, for errors.
    """

    json: dict[str, Any]
    buffers: list[bytes]
    where: str

    def listed(self, name: str) -> list[Any]:
        """One of the top lists, empty if there is none."""
        return self.json.get(name, [])

    def accessor(self, index: int) -> NDArray[np.float64]:
        """Numbers of an accessor; integers that stand for fractions become these. [N, width]

        Raises:
            AvatarError: If they are compressed or not finite.
            ValueError: If they do not lie within their buffer.
        """
        entry = self.listed("accessors")[index]
        count, width = int(entry["count"]), _WIDTHS[entry["type"]]
        if not 0 <= count * width <= _MOST_NUMBERS:
            raise ValueError(f"{count} values in accessor {index}")
        dtype = np.dtype(_TYPES[entry["componentType"]])
        values = np.zeros((count, width), dtype)
        if "bufferView" in entry:
            values[:] = self._view(entry["bufferView"], entry.get("byteOffset", 0), dtype, count, width)
        if "sparse" in entry:
            sparse = entry["sparse"]
            at = sparse["indices"]
            kind = np.dtype(_TYPES[at["componentType"]])
            rows = self._view(at["bufferView"], at.get("byteOffset", 0), kind, sparse["count"], 1)[:, 0]
            new = sparse["values"]
            values[rows] = self._view(
                new["bufferView"], new.get("byteOffset", 0), dtype, sparse["count"], width
            )
        numbers = values.astype(np.float64)
        if entry.get("normalized"):
            numbers = np.maximum(numbers / np.iinfo(dtype).max, -1.0)
        if not np.isfinite(numbers).all():
            raise AvatarError(f"{self.where}: accessor {index} holds numbers that are not. Export it again.")
        return numbers

    def _view(self, index: int, offset: int, dtype: np.dtype[Any], count: int, width: int) -> NDArray[Any]:
        view = self.listed("bufferViews")[index]
        if "EXT_meshopt_compression" in view.get("extensions", {}):
            raise AvatarError(f"{self.where} is compressed. Export it without compression.")
        row = width * dtype.itemsize
        stride = view.get("byteStride", row)
        start = view.get("byteOffset", 0)
        data = memoryview(self.buffers[view["buffer"]])[start : start + view["byteLength"]]
        if min(offset, stride, start, count) < 0 or (
            count and offset + stride * (count - 1) + row > len(data)
        ):
            raise ValueError(f"buffer view {index} is too short")
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize))


def read_document(path: Path) -> Document:
    """Read a ``.glb`` or ``.gltf`` and the files beside it.

    Raises:
        AvatarError: If a file beside it is missing.
        ValueError: If it is damaged.
    """
    data = path.read_bytes()
    binary = b""
    if data.startswith(b"glTF"):
        data, binary = _chunks(data)
    tree = json.loads(data)
    if not isinstance(tree, dict):
        raise ValueError("no object at its top")  # noqa: TRY004, a damaged file and no wrong call
    buffers = [_buffer(path, entry, binary) for entry in tree.get("buffers", [])]
    return Document(tree, buffers, path.name)


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    _, version, length = struct.unpack_from("<4sII", data)
    if version != _GLB_VERSION or length > len(data):
        raise ValueError(f"version {version}, {len(data)} of {length} bytes")
    at, text, binary = 12, b"", b""
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        chunk = data[at + 8 : at + 8 + size]
        if len(chunk) < size:
            raise ValueError("a part is cut off")
        text, binary = (chunk, binary) if kind == _JSON else (text, chunk if kind == _BINARY else binary)
        at += 8 + size
    return text, binary


def _buffer(path: Path, entry: dict[str, Any], binary: bytes) -> bytes:
    uri = entry.get("uri")
    if uri is None:
        return binary
    if uri.startswith("data:"):
        return base64.b64decode(uri.partition(",")[2], validate=True)
    beside = (path.parent / unquote(uri)).resolve()
    # A file from elsewhere has no say in what else is read.
    if ":" in uri or not beside.is_relative_to(path.parent.resolve()):
        raise AvatarError(f"{path.name} refers to {uri[:60]!r}, which is not beside it. Export it as .glb.")
    if not beside.is_file():
        raise AvatarError(f"{path.name} needs {uri[:60]!r} beside it, which is missing. Copy it there.")
    return beside.read_bytes()
