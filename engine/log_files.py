"""The text files that child processes write, and that a user sends with a question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .avatar.errors import AvatarError

if TYPE_CHECKING:
    from typing import BinaryIO

MAX_LOG_BYTES = 2_000_000
TAIL_BYTES = 4_000


def open_log(path: Path) -> BinaryIO:
    """Open a log for appending; one that grew large is first put aside as ``NAME.old``.

    Raises:
        AvatarError: If it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_name(f"{path.name}.old"))
        stream = path.open("ab")
    except OSError as error:
        raise AvatarError(
            f"The log file {path} cannot be written ({error.strerror}). Free some space on that disk, or "
            "choose a folder for the engine that you may write to."
        ) from error
    return stream


def tail(path: Path, start: int = 0) -> str:
    """The last lines of a log.

    Args:
        path: A missing file has no lines.
        start: Byte where the part of interest begins.
    """
    try:
        with Path(path).open("rb") as stream:
            end = stream.seek(0, 2)
            stream.seek(min(end, max(start, end - TAIL_BYTES)))
            return stream.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
