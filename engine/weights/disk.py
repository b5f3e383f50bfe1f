"""Space, and what the disk says when there is none."""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError
from ..exclusive import exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = "models.lock"
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def free_bytes(root: Path) -> int:
    """Free space where the folder is, or will be."""
    place = Path(root).absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


@contextlib.contextmanager
def disk_errors(root: Path) -> Iterator[None]:
    """Turn what the disk says into a sentence.

    Raises:
        AvatarError: If the disk is full or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise AvatarError(
                f"The disk is full ({root}). Free some space and start again; what is there is kept and the "
                "download goes on from it."
            ) from error
        if error.errno in _NOT_ALLOWED:
            raise AvatarError(
                f"The models cannot be written to {root} ({error.strerror}). Choose a folder for the models "
                "that you may write to."
            ) from error
        raise


def check_space(needed: int, root: Path) -> None:
    """Refuse before the start what would fill the disk.

    Raises:
        AvatarError: Saying how much is needed and how much is free.
    """
    free = free_bytes(root)
    if free < needed:
        raise AvatarError(
            f"{needed / 1e9:.1f} GB are needed in {root}, but only {free / 1e9:.1f} GB are free. Free some "
            "space, or choose a folder for the models on another disk."
        )


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep other Blenders from changing the folder meanwhile.

    Raises:
        AvatarError: If one is at it.
        OSError: If the folder cannot be written.
    """
    with exclusive(Path(root) / LOCK, "downloading or deleting models"):
        yield
