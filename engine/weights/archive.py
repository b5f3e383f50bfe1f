"""LHM's archive of prior models: only what the catalogue names and the user has accepted is taken from it.

The archive also holds SMPL-X, FLAME, MANO and other people's models under terms of their own; they stay in
it. A member's name only says which file it is: where it goes is our decision, so no name can lead elsewhere.
"""

from __future__ import annotations

import tarfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError
from .disk import check_space
from .records import PART

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .catalogue import Asset

_BLOCK = 4 << 20


def is_archive(path: Path) -> bool:
    """Whether a file is a plain tar archive."""
    return path.is_file() and path.suffix == ".tar"


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive for reading.

    Raises:
        AvatarError: If it is none, or is cut short.
    """
    try:
        with tarfile.open(path, "r:") as archive:  # uncompressed, as published
            yield archive
    except (tarfile.TarError, EOFError) as error:
        raise AvatarError(
            f"{path.name} is damaged or was cut short ({error}). Get it again; the official file has 18.8 GB."
        ) from error


def find(
    archive: tarfile.TarFile, assets: Iterable[Asset], look: Callable[[], None]
) -> dict[str, tarfile.TarInfo]:
    """The members that are one of the assets' main files.

    Args:
        archive: Open.
        assets: What to look for.
        look: Called for each member; may raise to cancel.

    Returns:
        By asset name; the first of several copies.
    """
    wanted = {item.main.name: item.name for item in assets if item.in_prior_archive}
    found: dict[str, tarfile.TarInfo] = {}
    for member in archive:
        look()
        name = wanted.get(PurePosixPath(member.name).name)
        if name is not None and name not in found and member.isreg():  # no links: they point where they like
            found[name] = member
    return found


def unpack(
    archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path, report: Callable[[str, int], None]
) -> Path:
    """Copy one member beside its target.

    Returns:
        The half file, still to be checked and renamed.

    Raises:
        AvatarError: If there is no room for it.
        OSError: If the disk is full.
    """
    check_space(member.size, target.parent)
    part = Path(f"{target}.unpacked{PART}")
    source = archive.extractfile(member)
    if source is None:
        raise ValueError(f"{member.name} must be a regular file")
    try:
        with source, part.open("wb") as file:
            done = 0
            while block := source.read(_BLOCK):
                file.write(block)
                done += len(block)
                report("unpack", done)
    except BaseException:
        part.unlink(missing_ok=True)  # cancelled, full disk: unpacking starts anew
        raise
    return part
