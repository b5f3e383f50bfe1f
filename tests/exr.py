"""Reads what Blender's renders are judged by: uncompressed OpenEXR files, all layers, float32.

Source: the OpenEXR file layout document, version 2.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC, _FLOAT, _MULTIPART = 20000630, 2, 0x1000


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """Channels by name, such as ``ViewLayer.Combined.R``, top row first. [H, W] each"""
    content = path.read_bytes()
    magic, version = struct.unpack_from("<ii", content)
    assert magic == _MAGIC
    several = bool(version & _MULTIPART)  # Blender 5 writes one part per pass
    header, position = _header(content, 8)
    headers = [header]
    while several and content[position]:
        header, position = _header(content, position)
        headers.append(header)
    position += several  # a null byte ends the list
    channels: dict[str, np.ndarray] = {}
    for header in headers:
        part, position = _part(content, position, header, 12 if several else 8)
        view = header.get("view", b"").decode()
        channels |= {_with_view(name, view): values for name, values in part.items()}
    return channels


def _with_view(name: str, view: str) -> str:
    """A part of a stereo picture says which eye it is of; Blender 4.5 has it in the name."""
    if not view:
        return name
    rest, channel = name.rsplit(".", 1)
    return f"{rest}.{view}.{channel}"


def _part(
    content: bytes, position: int, header: dict[str, bytes], prefix: int
) -> tuple[dict[str, np.ndarray], int]:
    """The channels of one part, and where the next part's table of rows begins."""
    assert header["compression"] == b"\0", "not uncompressed"
    left, top, right, bottom = struct.unpack("<4i", header["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    names = _channels(header["channels"])
    offsets = struct.unpack_from(f"<{height}Q", content, position)
    rows = [
        np.frombuffer(content, "<f4", width * len(names), offset + prefix).reshape(len(names), width)
        for offset in offsets
    ]
    return dict(zip(names, np.stack(rows, axis=1), strict=True)), position + 8 * height


def rgba(channels: dict[str, np.ndarray], layer: str = "ViewLayer") -> np.ndarray:
    """The Combined pass. [H, W, 4]"""
    return np.stack([channels[f"{layer}.Combined.{channel}"] for channel in "RGBA"], axis=-1)


def _header(content: bytes, position: int) -> tuple[dict[str, bytes], int]:
    header = {}
    while content[position]:
        name, position = _text(content, position)
        _kind, position = _text(content, position)
        (size,) = struct.unpack_from("<i", content, position)
        header[name] = content[position + 4 : position + 4 + size]
        position += 4 + size
    return header, position + 1


def _channels(entry: bytes) -> list[str]:
    names, position = [], 0
    while entry[position]:
        name, position = _text(entry, position)
        assert struct.unpack_from("<i", entry, position)[0] == _FLOAT, "not float32"
        names.append(name)
        position += 16
    return names


def _text(content: bytes, position: int) -> tuple[str, int]:
    end = content.index(b"\0", position)
    return content[position:end].decode(), end + 1
