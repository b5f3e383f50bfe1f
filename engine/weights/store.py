"""The folder of the models: what is there, where a file lies, how much it takes, how to be rid of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..avatar.errors import AvatarError
from .catalogue import Asset, asset, catalogue
from .disk import free_bytes, locked
from .licences import missing, require
from .records import PART, RECORD, Record, StoredFile, folder_of, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class AssetStatus:
    """What a list in the user interface shows.

    Attributes:
        name: Of the asset.
        state: "ready", "partial" (a download waits to be continued), "lost" (a file that the user brought is
            gone or has changed) or "absent".
        bytes: On disk in our folder, half files included.
        to_fetch: Bytes that a download would still fetch; 0 when ready.
        source: As in ``Record``; None when absent.
        revision: As in ``Record``.
        licences_missing: Keys of licences that wait for a tick.
        needs_missing: Names of other assets that it needs and that are not ready.
    """

    name: str
    state: str
    bytes: int
    to_fetch: int
    source: str | None = None
    revision: str | None = None
    licences_missing: tuple[str, ...] = ()
    needs_missing: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether the engine may start with it."""
        return self.state == "ready" and not self.licences_missing and not self.needs_missing


@dataclass(frozen=True)
class Status:
    """The whole folder.

    Attributes:
        root: The folder asked about.
        assets: In the catalogue's order.
        used: Bytes in the folder.
        free: Bytes left on its disk.
    """

    root: Path
    assets: tuple[AssetStatus, ...] = field(default_factory=tuple)
    used: int = 0
    free: int = 0

    def of(self, name: str) -> AssetStatus:
        """One asset's status."""
        return next(status for status in self.assets if status.name == name)


def status(root: Path) -> Status:
    """Look what is there; reads a few small files, hashes nothing."""
    root = Path(root)
    states = {item.name: _state(item, root) for item in catalogue()}
    assets = tuple(_asset_status(item, root, states) for item in catalogue())
    return Status(root, assets, sum(one.bytes for one in assets), free_bytes(root))


def files(name: str, root: Path) -> dict[str, Path]:
    """Where an asset's files lie, for the engine.

    Raises:
        AvatarError: If a licence is not accepted, or the asset is not there or has changed.
    """
    item = asset(name)
    require(name, root)
    state = _state(item, root)
    record = read_record(name, root)
    if record is None:
        raise AvatarError(f"{item.title} is not there. Download it in the setup, or use files you have.")
    if state == "lost":
        raise AvatarError(
            f"A file of {item.title} is gone or has changed: {_first_lost(name, root, record)}. Put it back, "
            "or delete the model in the setup and get it again."
        )
    return {key: _absolute(name, root, stored) for key, stored in record.files.items()}


def delete(name: str, root: Path) -> int:
    """Remove an asset's files from our folder; files that the user brought are only forgotten.

    Returns:
        Bytes set free.

    Raises:
        AvatarError: If a file is in use or may not be deleted.
    """
    item = asset(name)
    folder = folder_of(name, root)
    freed = _bytes_in(item, folder)
    if not folder.is_dir():
        return 0
    try:
        with locked(root):
            (folder / RECORD).unlink(missing_ok=True)  # first: half an asset is none
            for path in list(_ours(item, folder)):
                path.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise AvatarError(
            f"{item.title} could not be deleted from {folder} ({error.strerror}). Close every Blender that "
            "uses it and try again."
        ) from error
    return freed


def _state(item: Asset, root: Path) -> str:
    record = read_record(item.name, root)
    if record is not None and all(file.name in record.files for file in item.files if file.required):
        return "ready" if _first_lost(item.name, root, record) is None else "lost"
    return "partial" if any(_ours(item, folder_of(item.name, root))) else "absent"


def _asset_status(item: Asset, root: Path, states: Mapping[str, str]) -> AssetStatus:
    record = read_record(item.name, root) if states[item.name] in ("ready", "lost") else None
    present = _bytes_in(item, folder_of(item.name, root))
    ready = states[item.name] == "ready"
    return AssetStatus(
        name=item.name,
        state=states[item.name],
        bytes=present,
        to_fetch=0 if ready else max(item.expected_bytes - present, 0),
        source=record.source if record else None,
        revision=record.revision if record else None,
        licences_missing=tuple(licence.name for licence in missing(item.name, root)),
        needs_missing=tuple(needed for needed in item.needs if states[needed] != "ready"),
    )


def _absolute(name: str, root: Path, stored: StoredFile) -> Path:
    return folder_of(name, root) / stored.path  # an absolute path replaces the folder


def _first_lost(name: str, root: Path, record: Record) -> Path | None:
    """The first file that is not there with the size it had."""
    for stored in record.files.values():
        path = _absolute(name, root, stored)
        if not path.is_file() or path.stat().st_size != stored.bytes:
            return path
    return None


def _ours(item: Asset, folder: Path) -> Iterator[Path]:
    """The asset's files in our folder, whole or not; nothing else that may lie there."""
    for file in item.files:
        if (folder / file.name).is_file():
            yield folder / file.name
        yield from folder.glob(f"{file.name}.*{PART}")


def _bytes_in(item: Asset, folder: Path) -> int:
    return sum(path.stat().st_size for path in _ours(item, folder))


def public(value: Status | AssetStatus | Record) -> dict[str, Any]:
    """A JSON object of a value here, for the engine's answers."""
    values = asdict(value)
    if isinstance(value, Status):
        values["root"] = str(value.root)
    return values
