"""Writes small glTF files: nodes, one skin, animations."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import numpy as np

_NAMES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}
_CODES = {"f4": 5126, "i2": 5122, "u2": 5123, "u1": 5121}


class Writer:
    """A file in the making; ``tree`` may be changed before it is written."""

    def __init__(self, nodes: list[dict[str, Any]], **more: Any) -> None:
        self.data = b""
        self.tree: dict[str, Any] = {
            "asset": {"version": "2.0"}, "nodes": nodes, "accessors": [], "bufferViews": [],
            "buffers": [{"byteLength": 0}], **more,
        }  # fmt: skip

    def accessor(self, values: Any, kind: str = "f4", gap: int = 0) -> int:
        """Add numbers; ``gap`` bytes lie between the rows."""
        rows = np.asarray(values, kind)
        rows = rows.reshape(len(rows), -1)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": 0}
        row = rows.shape[1] * rows.itemsize + gap
        if gap:
            view["byteStride"] = row
        for entry in rows:
            self.data += entry.tobytes() + bytes(gap)
        view["byteLength"] = len(rows) * row
        self.tree["bufferViews"].append(view)
        entry = {"bufferView": len(self.tree["bufferViews"]) - 1, "count": len(rows)}
        entry |= {"componentType": _CODES[kind], "type": _NAMES[rows.shape[1]]}
        if kind != "f4":
            entry["normalized"] = True
        self.tree["accessors"].append(entry)
        self.data += bytes(-len(self.data) % 4)
        return len(self.tree["accessors"]) - 1

    def animation(self, name: str, channels: list[tuple[int, str, int, int, str]]) -> None:
        """Add an animation of (node, path, accessor of times, accessor of values, interpolation)."""
        samplers = [
            {"input": keys, "output": values, "interpolation": mode} for *_, keys, values, mode in channels
        ]
        targets = [
            {"sampler": k, "target": {"node": node, "path": path}}
            for k, (node, path, *_) in enumerate(channels)
        ]
        self.tree.setdefault("animations", []).append(
            {"name": name, "samplers": samplers, "channels": targets}
        )

    def glb(self) -> bytes:
        """The binary form."""
        self.tree["buffers"][0]["byteLength"] = len(self.data)
        text = json.dumps(self.tree).encode()
        text += b" " * (-len(text) % 4)
        parts = struct.pack("<II", len(text), 0x4E4F534A) + text
        parts += struct.pack("<II", len(self.data), 0x004E4942) + self.data
        return struct.pack("<4sII", b"glTF", 2, 12 + len(parts)) + parts

    def text(self, uri: str | None = None) -> str:
        """The form in text, its buffer inside or under a name."""
        inside = "data:application/octet-stream;base64," + base64.b64encode(self.data).decode()
        self.tree["buffers"][0] = {"byteLength": len(self.data), "uri": uri or inside}
        return json.dumps(self.tree)
