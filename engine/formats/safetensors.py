"""A safetensors reader and writer of the plain kind: Blender's Python has no such package.

Layout: eight bytes of header length (little-endian), a JSON header, then the raw arrays.

Source: the safetensors format description, version 0.4.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

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
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    # Not ascontiguousarray, which makes a single number a list of one.
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
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
        FormatError: If the file is cut short, damaged or something else.
        OSError: If it cannot be opened.
    """
    content = Path(path).read_bytes()
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if len(content) < _LENGTH_BYTES or length > _MAX_HEADER or start > len(content):
        raise FormatError("the header is longer than the file")
    header = parse_object(content[_LENGTH_BYTES:start])
    texts = header.pop("__metadata__", {})
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise FormatError("the header is damaged (its texts are no texts)")
    entries = [_entry(name, entry) for name, entry in header.items()]
    _require_tiling(entries, len(content) - start)
    arrays = {
        entry.name: np.frombuffer(content, entry.dtype, math.prod(entry.shape), start + entry.begin)
        .reshape(entry.shape)
        .copy()
        for entry in entries
    }
    return arrays, texts


def parse_object(text: str | bytes) -> dict[str, Any]:
    """A JSON object from a file that may be damaged or hostile.

    Raises:
        FormatError: If the text is no JSON or no object.
    """
    try:
        parsed = json.loads(text)
    # Not only JSONDecodeError: wrong UTF-8 and numbers of thousands of digits are plain ValueErrors.
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the header is damaged ({error})") from error
    if not isinstance(parsed, dict):
        raise FormatError(f"the header is damaged (an object is expected, got {type(parsed).__name__})")
    return parsed


class _Entry(NamedTuple):
    """One array as the header describes it; offsets are bytes after the header."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def _entry(name: str, entry: object) -> _Entry:
    fields = entry if isinstance(entry, dict) else {}
    kind, shape, offsets = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not (isinstance(kind, str) and kind in _DTYPES and _counts(shape) and _counts(offsets)):
        raise FormatError(f"the header is damaged (array {name!r})")
    if len(offsets) != 2:
        raise FormatError(f"the header is damaged (array {name!r})")
    dtype = np.dtype(_DTYPES[kind])
    if offsets[1] - offsets[0] != math.prod(shape) * dtype.itemsize:
        raise FormatError(f"the header is damaged (the size of array {name!r})")
    return _Entry(name, dtype, tuple(shape), offsets[0], offsets[1])


def _counts(values: object) -> TypeGuard[list[int]]:
    """Whether it is a list of whole numbers from zero up; JSON's true and false are not meant."""
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _require_tiling(entries: list[_Entry], size: int) -> None:
    """The format allows no gaps, no overlaps and nothing after the last array.

    Raises:
        FormatError: Naming the first array that does not begin where the one before it ends.
    """
    position = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != position:
            raise FormatError(f"the header is damaged (array {entry.name!r} is not where it should be)")
        if entry.end > size:
            raise FormatError(f"array {entry.name!r} is cut short")
        position = entry.end
    if position != size:
        raise FormatError(f"{size - position} bytes follow the last array")
