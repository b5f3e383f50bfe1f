"""Folders with one file per frame: LHM's, SMPLer-X's, EasyMocap's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ...avatar.errors import AvatarError
from .arrays import read_npz
from .lhm_folder import is_lhm, with_face
from .people import people_of_frames, pick_person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..smplx_take import SmplFrames
    from .options import Options

_NUMBERED = re.compile(r"\D*(\d{1,9})(?:[_-](\d+))?")  # the frame, and sometimes the person
_ENDINGS = (".json", ".npz")
_FOLDERS = ("smplx_params", "smplx", "smpl", "smplfull", "params")
_REPORT_EVERY = 32


def read_folder(folder: Path, options: Options) -> SmplFrames:
    """Read a motion of one file per frame; missing frames are filled in between.

    Args:
        folder: Holds the frames, or a folder that does.
        options: What the user said.

    Raises:
        AvatarError: If there are no frames, or one of them is damaged or no pose.
    """
    files = _frame_files(folder)
    frames: list[tuple[int, Any]] = []
    for index, (number, person, path) in enumerate(files):
        content = _content(path)
        if is_lhm(content):
            content = with_face(content, path, read_json)
        elif person is not None and isinstance(content, dict):
            content["id"] = person
        frames.append((number, content))
        if index % _REPORT_EVERY == 0:
            options.report(index / len(files))
    people = people_of_frames(frames, folder.name)
    if not people:
        raise AvatarError(
            f"{folder.name}: {files[0][2].name} and the other files hold no poses. Choose a folder with one "
            "pose file per frame."
        )
    return pick_person(people, options, folder.name)


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        AvatarError: If it is damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # bytes that are no text are a ValueError, too
        raise AvatarError(f"{path.name} is damaged ({error}). Get the file again.") from error


def _content(path: Path) -> Any:
    with path.open("rb") as file:
        return read_npz(path) if file.read(2) == b"PK" else read_json(path)


def _frame_files(folder: Path) -> list[tuple[int, str | None, Path]]:
    """Number of the frame, person and path of each file, in order."""
    inside = [folder / name for name in _FOLDERS]
    others = sorted(path for path in folder.iterdir() if path.is_dir() and path not in inside)
    for candidate in (folder, *inside, *others):
        if candidate.is_dir() and (found := sorted(_numbered(candidate), key=lambda entry: entry[:1])):
            return found
    raise AvatarError(
        f"{folder.name} holds no frames. Choose a folder with numbered files such as 00001.json, or the "
        "folder above it."
    )


def _numbered(folder: Path) -> Iterator[tuple[int, str | None, Path]]:
    for path in sorted(folder.iterdir()):
        match = _NUMBERED.fullmatch(path.stem)
        if match and path.suffix.lower() in _ENDINGS and path.is_file():
            yield int(match[1]), match[2], path
