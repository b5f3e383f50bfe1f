"""One process at a time: a lock on a file that the system releases when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from .avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt

    def _take(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def exclusive(path: Path, doing: str = "installing or removing the engine") -> Iterator[None]:
    """Hold the lock while the block runs.

    Args:
        path: The lock file; it stays, empty.
        doing: What another holder is at, for the user.

    Raises:
        AvatarError: If another process holds it.
        OSError: If it cannot be written.
    """
    with path.open("ab") as file:
        try:
            _take(file)
        except OSError as error:
            raise AvatarError(
                f"Another Blender is {doing} in {path.parent}. Wait until it is done."
            ) from error
        yield
