"""A safetensors reader and writer of the plain kind: Blender's Python has no such package.

Layout: eight bytes of header length (little-endian), a JSON header, then the raw arrays.

Source: the safetensors format description, version 0.4.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_LENGTH_BYTES = 8
_ALIGNMENT = 8
_MAX_HEADER = 100_000_000  # the format's own limit


class FormatError(ValueError):
    """The bytes are not a safetensors file."""


def write_safetensors(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write arrays beside the target and rename, so that a reader never sees half a file.

    Args:
        path: Target file; its folder must exist.
        arrays: Any shapes; little-endian numbers or booleans.
        metadata: Text by name.

    Raises:
        ValueError: If an array's type has no safetensors name.
        OSError: If the disk is full or the folder cannot be written.
    """
    path = Path(path)
    header, offset = {"__metadata__": dict(metadata)}, 0
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    for name, array in contiguous.items():
        if array.dtype not in _NAMES:
            raise ValueError(f"{name}: no safetensors type for {array.dtype}")
        end = offset + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with partial.open("wb") as file:
            file.write(len(text).to_bytes(_LENGTH_BYTES, "little"))
            file.write(text)
            for array in contiguous.values():
                file.write(array.data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_safetensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read every array and the metadata.

    Returns:
        Arrays by name, and text by name.

    Raises:
        FormatError: If the file is cut short or is something else.
        OSError: If it cannot be opened.
    """
    content = Path(path).read_bytes()
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if len(content) < _LENGTH_BYTES or length > _MAX_HEADER or start > len(content):
        raise FormatError("the header is longer than the file")
    try:
        header = json.loads(content[_LENGTH_BYTES:start])
        metadata = header.pop("__metadata__", {})
        arrays = {name: _array(name, entry, content, start) for name, entry in header.items()}
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        raise FormatError(f"the header is damaged ({error})") from error
    return arrays, metadata


def _array(name: str, entry: dict[str, Any], content: bytes, start: int) -> NDArray[Any]:
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
    if end - begin != math.prod(shape) * dtype.itemsize or start + end > len(content):
        raise FormatError(f"array {name!r} is cut short")
    return np.frombuffer(content, dtype, math.prod(shape), start + begin).reshape(shape).copy()
