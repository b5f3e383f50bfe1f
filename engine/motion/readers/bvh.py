"""BVH: a hierarchy of joints, then one line of numbers per frame."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.errors import AvatarError
from ..take import DEFAULT_FPS, Take
from ..upright import BODY_FROM_UP, choose_up
from .bvh_frames import world_frames
from .bvh_header import LARGEST, HeaderLines, read_joints
from .frame_rate import rate_from_seconds
from .numbers import read_numbers
from .skeleton_facts import guess_unit, head_directions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from .bvh_header import Joint
    from .options import Options

_FRAMES = re.compile(r"frames\s*:?\s*(\d+)", re.IGNORECASE)
_FRAME_TIME = re.compile(r"frame\s*time\s*:?\s*(\S+)", re.IGNORECASE)
_BLOCK = 1 << 17  # bytes: what is made from it stays in the processor's cache
_FRAMES_AT_ONCE = 512
_SAMPLES = 64
_READ_SHARE = 0.6  # of the time
_LONGEST_LINE = 1 << 22


class _Lines:
    """A file read line by line, which knows where it is."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.file, self.where, self.number = file, where, 0

    def next(self) -> str | None:
        """The next line without comment and white space; nothing at the end of the file."""
        raw = self.file.readline(_LONGEST_LINE)
        if not raw:
            return None
        self.number += 1
        try:
            line = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            line = raw.decode("latin-1")
        return "" if line.startswith("//") else line.split("#")[0].strip()


def read_bvh(path: Path, options: Options) -> Take:
    """Read a BVH file.

    Raises:
        AvatarError: If something is wrong in it; the sentence names line and joint where it can.
    """
    with path.open("rb") as file:
        lines = _Lines(file, path.name)
        joints, columns = read_joints(HeaderLines(_header(lines), path.name))
        stated, rate = _motion_head(lines)
        if not columns:
            raise AvatarError(f"{path.name} has no channels that could move. Export the BVH file again.")
        blocks = list(_blocks(lines, path.stat().st_size, joints, columns, options))
    numbers = np.concatenate(blocks) if blocks else np.zeros((0, columns))
    del blocks
    notes = _count_notes(path.name, stated, len(numbers))
    guessed = options.fps is None and rate is None
    if guessed:
        notes.append(f"The file does not state its frame rate; {DEFAULT_FPS:g} was taken.")
    take = _take(path.stem, joints, numbers, options.fps or rate, notes, options)
    return replace(take, guessed=("fps", *take.guessed)) if guessed else take


def _header(lines: _Lines) -> Iterator[tuple[int, str]]:
    """Lines between HIERARCHY and MOTION, with their numbers."""
    while (line := lines.next()) is not None:
        if line.upper() == "MOTION":
            return
        if line.upper() != "HIERARCHY":
            yield lines.number, line
    raise AvatarError(
        f"{lines.where}, line {lines.number}: the file ends before its motion. Export the BVH file again."
    )


def _motion_head(lines: _Lines) -> tuple[int, float | None]:
    """Frames stated, and frames per second if they are; the next line is the first of numbers."""
    frames, rate = None, None
    start, number = lines.file.tell(), lines.number
    while (line := lines.next()) is not None:
        if match := _FRAMES.fullmatch(line):
            frames = int(match[1])
        elif match := _FRAME_TIME.fullmatch(line):
            rate = _rate(match[1], f"{lines.where}, line {lines.number}")
        elif line:
            break
        start, number = lines.file.tell(), lines.number
    lines.file.seek(start)
    lines.number = number
    if frames is None:
        raise AvatarError(
            f"{lines.where}, line {number + 1}: the number of frames is missing. Export the BVH file again."
        )
    return frames, rate


def _rate(word: str, where: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not (np.isfinite(seconds) and seconds > 0):
        raise AvatarError(f"{where}: the time of a frame is {word[:20]}. Set it to 1 / frames per second.")
    return rate_from_seconds(seconds)


def _count_notes(where: str, stated: int, found: int) -> list[str]:
    if not stated or not found:
        raise AvatarError(f"{where} has no frames. Export the BVH file again with its animation.")
    if found < stated:
        raise AvatarError(
            f"{where} is cut off: it states {stated} frames and holds {found}. Get the file again, or "
            "correct the number after 'Frames:'."
        )
    return [f"The file states {stated} frames and holds {found}; all were read."] if found > stated else []


def _blocks(
    lines: _Lines, size: int, joints: Sequence[Joint], columns: int, options: Options
) -> Iterator[NDArray[np.float64]]:
    """The numbers, some frames at a time. [n, C]"""
    while text := lines.file.read(_BLOCK) + lines.file.readline(_LONGEST_LINE):
        if b"#" in text:
            text = re.sub(rb"#[^\n]*", b"", text)
        try:
            values = read_numbers(text)
        except ValueError:
            values = np.full(1, np.nan)
        if len(values) % columns or not (np.abs(values) < LARGEST).all():
            raise _fault(text, lines, joints, columns)
        yield values.reshape(-1, columns)
        lines.number += text.count(b"\n")
        options.report(_READ_SHARE * min(lines.file.tell() / size, 1.0))


def _fault(text: bytes, lines: _Lines, joints: Sequence[Joint], columns: int) -> AvatarError:
    """Find the line that does not hold a frame's numbers, and say so."""
    owners = [joint.name for joint in joints for _ in joint.channels]
    for number, line in enumerate(text.split(b"\n"), lines.number + 1):
        words, place = line.split(), f"{lines.where}, line {number}"
        for word, owner in zip(words, owners, strict=False):
            if not _is_number(word):
                what = word[:20].decode("latin-1")
                return AvatarError(
                    f"{place}, joint {owner}: {what!r} is no usable number. Export the BVH file again."
                )
        if words and len(words) != columns:
            lacking = f"; joint {owners[len(words)]} has none" if len(words) < columns else ""
            return AvatarError(
                f"{place}: {len(words)} numbers, but the joints need {columns}{lacking}. Get the file again, "
                "or export it again."
            )
    raise AssertionError("every line holds a frame")


def _is_number(word: bytes) -> bool:
    try:
        return abs(float(word)) < LARGEST
    except ValueError:
        return False


def _take(
    name: str, joints: list[Joint], numbers: Float, fps: float | None, notes: list[str], options: Options
) -> Take:
    names, parents = tuple(j.name for j in joints), tuple(j.parent for j in joints)
    few = numbers[np.unique(np.linspace(0, len(numbers) - 1, _SAMPLES).astype(int))]
    _, sampled = world_frames(joints, few, np.eye(3))
    up, up_note, up_guessed = choose_up(options.up, head_directions(names, sampled), "y")
    unit, unit_note = guess_unit(parents, sampled)
    basis = BODY_FROM_UP[up]
    rotations = np.empty((len(numbers), len(joints), 3, 3))
    positions = np.empty((len(numbers), len(joints), 3))
    for start in range(0, len(numbers), _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        rotations[part], positions[part] = world_frames(joints, numbers[part], basis)
        options.report(_READ_SHARE + (1 - _READ_SHARE) * start / len(numbers))
    rest = np.array([joint.offset for joint in joints])
    for joint, parent in enumerate(parents):
        rest[joint] += rest[parent] if parent >= 0 else 0
    return Take(
        names=names,
        parents=parents,
        rotations=rotations,
        positions=positions,
        rest_rotations=np.broadcast_to(basis, (len(joints), 3, 3)).copy(),
        rest_positions=rest @ basis.T,
        fps=fps,
        name=name or "Motion",
        source="BVH",
        unit_m=unit,
        up=up,
        notes=(*notes, *(note for note in (up_note, unit_note) if note)),
        guessed=("up",) if up_guessed else (),
    )
