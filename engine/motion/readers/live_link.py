"""CSV of Live Link Face and of what writes like it: a timecode, 52 weights, and turns of head and eyes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.errors import AvatarError
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ..face.face_take import FaceTake
from ..face.names import arkit_weights
from .timecodes import steady

if TYPE_CHECKING:
    from pathlib import Path

    from ...avatar.arrays import Float as Array
    from .options import Options

_SEPARATORS = (",", ";", "\t")
_FEWEST = 5  # columns with a name of ARKit's: fewer are some other table
_MOST_BYTES = 1 << 30
_ANGLES = ("HeadYaw", "HeadPitch", "HeadRoll")
_EYE_ANGLES = tuple(f"{side}Eye{axis}" for side in ("Left", "Right") for axis in ("Yaw", "Pitch", "Roll"))
_LARGEST = 1e4
_REPORT_EVERY = 4096


def is_live_link(head: bytes) -> bool:
    """Whether a file begins as such a table does.

    Args:
        head: Its first bytes.
    """
    line = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0].lower()
    return line.startswith((b"timecode,", b"timecode;", b"timecode\t"))


def read_live_link(path: Path, options: Options) -> FaceTake:
    """Read a recorded face; frames that the tracker missed are filled in between.

    Raises:
        AvatarError: If columns are missing, a row has other columns, a number is none, or there is no face.

    Source: the columns as Epic's Live Link Face app records them.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise AvatarError(f"{path.name} is far too large for a face. Choose another file.")
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise AvatarError(f"{path.name} holds bytes that are no text. Export the CSV again.") from None
    lines = [line for line in enumerate(lines, start=1) if line[1].strip()]
    separator = next(one for one in _SEPARATORS if one in lines[0][1])
    header = [name.strip().strip('"') for name in lines[0][1].split(separator)]
    wanted = _columns(header, path.name)
    codes, rows, lost = [], [], 0
    for index, (number, line) in enumerate(lines[1:]):
        cells = line.split(separator)
        row = _row(cells, header, wanted, f"{path.name}, line {number}")
        codes.append(cells[0].strip())
        rows.append(row if row is not None else np.full(len(wanted), np.nan))
        lost += row is None
        if index % _REPORT_EVERY == 0:
            options.report(index / len(lines))
    if lost == len(rows):
        raise AvatarError(f"{path.name} has no frame with a face. Record it again.")
    notes = [f"In {lost} frames no face was seen; they were filled in between."] if lost else []
    values, fps, more = steady(codes, _filled(np.array(rows)), options.fps)
    columns = {header[column]: values[:, k] for k, column in enumerate(wanted)}
    curves = {name: curve for name, curve in columns.items() if name not in (*_ANGLES, *_EYE_ANGLES)}
    return FaceTake(curves, fps, path.stem or path.name, "Live Link Face", _head(columns), (*notes, *more))


def _columns(header: list[str], where: str) -> list[int]:
    """Those that hold numbers of a face."""
    repeated = {name for name in header if name and header.count(name) > 1}
    if repeated:
        raise AvatarError(f"{where} has the column {min(repeated)!r} twice. Export the CSV again.")
    known = [k for k, name in enumerate(header) if k and arkit_weights(name)]
    if len(known) < _FEWEST:
        raise AvatarError(
            f"{where} has {len(known)} columns with a face's weights (EyeBlinkLeft, JawOpen …), which is no "
            "face. Export the whole CSV from Live Link Face."
        )
    return [k for k, name in enumerate(header) if k in known or name in (*_ANGLES, *_EYE_ANGLES)]


def _row(cells: list[str], header: list[str], wanted: list[int], where: str) -> Array | None:
    """Numbers of the wanted columns; nothing where the tracker saw no face and left them empty."""
    if not any(cell.strip() for cell in cells[2:]):
        return None
    if len(cells) != len(header):
        raise AvatarError(
            f"{where} has {len(cells)} columns, the first line has {len(header)}. Export the CSV again."
        )
    try:
        row = np.array([float(cells[column]) for column in wanted])
    except ValueError:
        bad = next(column for column in wanted if not _is_number(cells[column]))
        raise AvatarError(
            f"{where}: {header[bad]} is {cells[bad].strip()[:20]!r}, which is no number. Repair the file."
        ) from None
    bad = ~(np.abs(row) < _LARGEST)
    if bad.any():
        name = header[wanted[int(np.flatnonzero(bad)[0])]]
        raise AvatarError(f"{where}: {name} is no usable number. Repair the file.")
    return row


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _filled(rows: Array) -> Array:
    """Rows without gaps: straight lines between those that are there."""
    there = np.flatnonzero(np.isfinite(rows[:, 0]))
    if len(there) == len(rows):
        return rows
    order = np.arange(len(rows))
    return np.stack([np.interp(order, there, column[there]) for column in rows.T], axis=1)


def _head(columns: dict[str, Array]) -> Array | None:
    """Turns of the head since the first frame, axis-angle. [F, 3]

    Yaw to the right and pitch down are positive, roll to the left shoulder negative, in radians; where the
    file's own eyes tell otherwise, as they look to the sides and up, the signs are turned round.
    """
    if not all(name in columns for name in _ANGLES) or not any(np.any(columns[name]) for name in _ANGLES):
        return None
    yaw, pitch, roll = (columns[name] for name in _ANGLES)
    unit = math.pi / 180 if max(np.abs(angle).max() for angle in (yaw, pitch, roll)) > math.pi else 1.0
    weights = {name: curve for column, curve in columns.items() for name in arkit_weights(column) or {}}
    right = _sign(columns.get("LeftEyeYaw"), weights.get("eyeLookInLeft"), weights.get("eyeLookOutLeft"))
    down = _sign(columns.get("LeftEyePitch"), weights.get("eyeLookDownLeft"), weights.get("eyeLookUpLeft"))
    axes = np.zeros((3, len(yaw), 3))
    axes[0, :, 1], axes[1, :, 0], axes[2, :, 2] = (
        -right * unit * yaw,
        down * unit * pitch,
        -right * unit * roll,
    )
    turns = matrix_from_rotvec(axes)
    turns = turns[0] @ turns[1] @ turns[2]
    return rotvec_from_matrix(turns[0].T @ turns)


def _sign(angle: Array | None, plus: Array | None, minus: Array | None) -> float:
    """-1 where an angle falls as the weights' difference rises, else 1."""
    if angle is None or plus is None or minus is None:
        return 1.0
    return -1.0 if float(np.dot(angle - angle.mean(), (plus - minus) - (plus - minus).mean())) < 0 else 1.0
