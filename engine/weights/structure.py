"""Whether a file can be what its name says, without running or unpickling anything in it."""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from pathlib import Path

    from .catalogue import ModelFile

_LENGTH_BYTES = 8
_MOST_HEADER = 100_000_000  # the safetensors format's own limit
_PLY_HEADER = 65_536
_VERTICES = re.compile(rb"^element vertex (\d+)\s*$", re.MULTILINE)
_ZIPPED = (".pt2", ".pth", ".pt", ".trcd")  # what torch.save and torch.jit write


def check_structure(path: Path, file: ModelFile) -> None:
    """Find out early what would fail late: cut short, or another kind of file.

    Raises:
        AvatarError: Saying what is wrong.
    """
    if not file.fits(path.stat().st_size):
        raise AvatarError(
            f"{path.name} has {path.stat().st_size:,} bytes, but {file.name} has {file.expected_bytes:,}. It "
            "is another model's, or was cut short: get it again."
        )
    if file.name.endswith(".safetensors"):
        _check_safetensors(path)
    elif file.name.endswith(_ZIPPED) and not zipfile.is_zipfile(path):
        raise AvatarError(f"{path.name} is not whole, or not a PyTorch file. Get it again from its source.")
    elif file.vertices is not None:
        _check_points(path, file.vertices)
    elif file.name.endswith(".json"):
        _check_json(path)


def _check_safetensors(path: Path) -> None:
    """The arrays' end must be the file's."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
        text = stream.read(length) if length <= _MOST_HEADER else b""
    try:
        header = json.loads(text)
        entries = [entry for name, entry in header.items() if name != "__metadata__"]
        end = max((int(entry["data_offsets"][1]) for entry in entries), default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise AvatarError(f"{path.name} is no safetensors file. Choose the model's own file.") from error
    if _LENGTH_BYTES + length + end != path.stat().st_size:
        raise AvatarError(f"{path.name} is not whole. Get it again from its source.")


def _check_points(path: Path, vertices: int) -> None:
    with path.open("rb") as stream:
        start = stream.read(_PLY_HEADER)
    found = _VERTICES.search(start)
    if not start.startswith(b"ply") or found is None or b"end_header" not in start:
        raise AvatarError(f"{path.name} is no PLY file. Choose LHM's file of points.")
    if int(found[1]) != vertices:
        raise AvatarError(
            f"{path.name} holds {int(found[1]):,} points, but {vertices:,} are needed. Choose another."
        )


def _check_json(path: Path) -> None:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AvatarError(f"{path.name} is damaged ({error}). Get it again from its source.") from error
