"""Download an asset from the hub: asked for, allowed, with room for it, fetched, checked, recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError
from .catalogue import asset
from .disk import check_space, disk_errors, locked
from .hub import Server, describe, library
from .hub_errors import expected, explain
from .licences import require
from .meter import Meter
from .records import Record, folder_of, read_record, write_record
from .store import status
from .transfer import fetch, part_size, retried

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .catalogue import Asset, ModelFile
    from .hub import Remote
    from .meter import ReportProgress

_NEWEST = "main"
_SPARE_BYTES = 200_000_000  # what a disk should keep free


def download(
    name: str,
    root: Path,
    *,
    online: bool = True,
    server: Server | None = None,
    progress: ReportProgress = lambda _stage, _fraction, _message: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Record:
    """Get an asset; nothing is done when it is there.

    Args:
        name: In the catalogue.
        root: The folder of the models; made when missing.
        online: Whether the network may be used (in Blender: ``bpy.app.online_access``).
        server: A mirror, a token, patience; None for the official hub.
        progress: Called with stage ("connect", "fetch", "check"), fraction of the whole, message; may raise.
        cancelled: Asked with each block of bytes.

    Returns:
        What is known of it now.

    Raises:
        AvatarError: If it cannot be done; the sentence says what to do.
        Cancelled: If the user wants no more; the next call goes on from there.
    """
    item, server = asset(name), server or Server()
    require(name, root)
    there = read_record(name, root)
    if there is not None and status(root).of(name).state == "ready":
        return there
    if item.repository is None:
        raise AvatarError(
            f"{item.title} cannot be downloaded by the add-on. Get {item.main.name} from {item.page} and "
            "choose it with Use Files You Have."
        )
    if not online:
        raise AvatarError(
            f"{item.title} must be downloaded, but Blender may not go online. Allow online access in the "
            "preferences (System > Network), or use files you have."
        )
    library()
    meter = Meter(item.title, item.expected_bytes, progress, cancelled)
    with disk_errors(root):
        folder_of(name, root).mkdir(parents=True, exist_ok=True)
        with locked(root):
            try:
                record = _fetch_all(item, root, server, meter)
            except expected() as error:
                raise explain(error, item, server) from error
            write_record(name, root, record)
    return record


def _fetch_all(item: Asset, root: Path, server: Server, meter: Meter) -> Record:
    folder = folder_of(item.name, root)
    remotes: dict[str, Remote] = {}
    revision = item.revision or _NEWEST
    for file in item.files:
        remotes[file.name] = _described(item, file, revision, server, meter)
        revision = remotes[file.name].commit  # all files of one version, whatever is published meanwhile
    meter.total = sum(remotes[file.name].size or file.expected_bytes for file in item.files)
    present = sum(part_size(folder, name, remote) for name, remote in remotes.items())
    check_space(max(meter.total - present, 0) + _SPARE_BYTES, folder)
    stored = {}
    for file in item.files:
        stored[file.name] = fetch(file, remotes[file.name], folder, server, meter)
        meter.before += stored[file.name].bytes
    return Record("download", stored, revision, server.address())


def _described(item: Asset, file: ModelFile, revision: str, server: Server, meter: Meter) -> Remote:
    """Ask for one file, and compare the answer with what we know of it."""
    remote = retried(
        lambda: describe(item.repository or "", revision, file.name, server), server, meter.connect
    )
    if item.revision is not None and remote.commit != item.revision:
        raise AvatarError(
            f"{server.address()} answers with another version of {item.title} than the one this add-on was "
            "made for. Choose another mirror, or use files you have."
        )
    if remote.size is not None and not file.fits(remote.size):
        raise AvatarError(
            f"{file.name} of {item.title} should have {file.expected_bytes:,} bytes, but {server.address()} "
            f"has {remote.size:,}. Choose another mirror, or use files you have."
        )
    return remote
