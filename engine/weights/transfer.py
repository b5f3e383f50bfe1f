"""Fetch one file: continued after a cut, checked before it gets its name."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError
from . import hub
from .hashes import matches, sha256_of
from .hub_errors import expected, transient
from .records import PART, StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .catalogue import ModelFile
    from .hub import Remote, Server

    Report = Callable[[str, int], None]

log = logging.getLogger(__name__)

_TICK = 0.1  # seconds between two looks whether the user cancelled, while waiting


def part_of(folder: Path, name: str, remote: Remote) -> Path:
    """Where a file grows; its name tells versions apart, so that two are never mixed."""
    return folder / f"{name}.{remote.etag[:16]}{PART}"


def part_size(folder: Path, name: str, remote: Remote) -> int:
    """How much of a file is there already."""
    return max(_size(folder / name), _size(part_of(folder, name, remote)))


def fetch(file: ModelFile, remote: Remote, folder: Path, server: Server, report: Report) -> StoredFile:
    """Bring one file into a folder.

    Args:
        file: From the catalogue.
        remote: What the server said of it.
        folder: Exists.
        server: Where from, how patiently.
        report: Told "fetch" or "check" and the bytes done; called often, may raise to cancel.

    Returns:
        The file, checked.

    Raises:
        AvatarError: If it is not what the server or the catalogue names.
        OSError: If the disk is full.
        Exception: As the library does; ``hub_errors`` has sentences for them.
    """
    target = folder / file.name
    part = part_of(folder, file.name, remote)
    for old in folder.glob(f"{file.name}.*{PART}"):
        if old != part:
            old.unlink()  # a half file of another version
    if target.is_file() and not part.exists():
        target.replace(part)  # whole, but its record was never written: check it like a fetched one
    fill(part, remote, server, report)
    sha256 = sha256_of(part, lambda done: report("check", done))
    if not matches(part, remote.etag, sha256) or file.sha256 not in (None, sha256):
        part.unlink()
        raise AvatarError(
            f"{file.name} is not what it should be (its hash differs), so it was thrown away. Download it "
            "again; if that does not help, choose another mirror."
        )
    size = part.stat().st_size
    part.replace(target)
    return StoredFile(file.name, size, sha256, "catalogue" if file.sha256 else "server")


def fill(part: Path, remote: Remote, server: Server, report: Report) -> None:
    """Append to a half file until it is whole, over as many connections as it takes.

    Raises:
        AvatarError: If the server sends nothing more, and the file is not whole.
        Exception: The last one, when several tries in a row brought no byte.
    """
    failures = 0
    while (before := _size(part)) != remote.size:
        if remote.size is not None and before > remote.size:
            part.unlink()  # cannot be right
            continue
        failure: Exception | None = None
        try:
            if _append(part, remote, server, report):
                return
        except expected() as error:
            if not transient(error):
                raise
            failure = error
            log.info("%s: %r after %d bytes", part.name, error, _size(part))
        failures = 0 if _size(part) > before else failures + 1
        if failures >= server.tries:
            raise failure or _nothing_more(part, server)
        if failure is not None:
            _wait(server.pause * 2 ** max(failures - 1, 0), lambda: report("fetch", _size(part)))


def retried(ask: Callable[[], Remote], server: Server, report: Callable[[], None]) -> Remote:
    """Ask again when the server is busy, in trouble or silent.

    Raises:
        Exception: The last one, after several tries.
    """
    for attempt in range(server.tries):
        report()
        try:
            return ask()
        except expected() as error:
            if not transient(error) or attempt == server.tries - 1:
                raise
            log.info("asking again: %r", error)
        _wait(server.pause * 2**attempt, report)
    raise ValueError(f"tries must be at least 1, got {server.tries}")


def _append(part: Path, remote: Remote, server: Server, report: Report) -> bool:
    """One connection.

    Returns:
        Whether the server has no more; only asked for when it does not tell the size.
    """
    have = _size(part)
    with hub.stream(remote, have, server) as (begins, blocks):
        if begins < 0:  # nothing lies beyond what we have
            if remote.size is not None:
                part.unlink()
            return remote.size is None
        with part.open("ab") as file:
            file.truncate(begins)
            done = begins
            report("fetch", done)
            for block in blocks:
                file.write(block)
                done += len(block)
                report("fetch", done)
    return remote.size is None


def _nothing_more(part: Path, server: Server) -> AvatarError:
    return AvatarError(
        f"{server.address()} sends only a part of {part.name.split(PART)[0]}. Try again later, or choose a "
        "mirror in the preferences."
    )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _wait(seconds: float, report: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        report()
        time.sleep(min(left, _TICK))
