"""The released points on the body's surface. They lie beside the checkpoint, not in it.

The checkpoint's rows belong to exactly these points, in this order; a new sampling does not fit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_TYPES = {
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
    "uchar": "u1", "uint8": "u1", "char": "i1", "int8": "i1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
}  # fmt: skip
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
_END = re.compile(rb"end_header\r?\n")


def read_points(path: Path, count: int) -> NDArray[np.float32]:
    """Read the vertices of a ``.ply`` file; colours and faces are ignored.

    Args:
        path: The file.
        count: How many the model wants.

    Returns:
        Zero pose, mean shape, body axes, metres. [count, 3]

    Raises:
        AvatarError: If the file is missing, no ``.ply``, or has another number of points.
    """
    if not path.is_file():
        raise AvatarError(f"The file of surface points {path.name} is missing. Download it again in Setup.")
    content = path.read_bytes()
    end = _END.search(content)
    if not content.startswith(b"ply") or end is None:
        raise AvatarError(f"{path.name} is no .ply file of points. Download it again in the Setup panel.")
    header = content[: end.start()].decode("ascii", "replace").replace("\r", "")
    points = _vertices(header, content[end.end() :])
    if points is None or len(points) != count:
        found = "none that can be read" if points is None else str(len(points))
        raise AvatarError(
            f"{path.name} must hold {count} surface points, it holds {found}. Choose the file of this model."
        )
    return points


def _vertices(header: str, data: bytes) -> NDArray[np.float32] | None:
    """x, y, z of the first element, which must be the vertices; none if the file is cut short or odd."""
    form = re.search(r"^format (\w+)", header, re.MULTILINE)
    element = re.search(r"^element vertex (\d+)\s((?:property \w+ \w+\s*)+)", header, re.MULTILINE)
    first = re.search(r"^element (\w+)", header, re.MULTILINE)
    if form is None or element is None or first is None or first[1] != "vertex":
        return None
    columns = re.findall(r"property (\w+) (\w+)", element[2])
    names, count = [name for _, name in columns], int(element[1])
    if not {"x", "y", "z"} <= set(names) or any(kind not in _TYPES for kind, _ in columns):
        return None
    if form[1] == "ascii":
        lines = data.split(b"\n")[:count]
        rows = np.array([line.split()[: len(names)] for line in lines], np.float64)
        return rows[:, [names.index(axis) for axis in "xyz"]].astype(np.float32)
    dtype = np.dtype([(name, _ORDERS[form[1]] + _TYPES[kind]) for kind, name in columns])
    if len(data) < count * dtype.itemsize:
        return None
    rows = np.frombuffer(data, dtype, count)
    return np.stack([rows[axis] for axis in "xyz"], axis=1).astype(np.float32)
