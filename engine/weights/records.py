"""What is known of an asset that is there: ``ROOT/<asset>/asset.json``, written last.

A file that the user brought stays where it is: its record holds the absolute path.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .catalogue import asset

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

RECORD = "asset.json"
PART = ".part"  # how the name of a half file ends


@dataclass(frozen=True)
class StoredFile:
    """One file of an asset on disk.

    Attributes:
        path: Absolute, or relative to the asset's folder.
        bytes: Its size when it was checked.
        sha256: Its content's hash.
        checked: Against what: "catalogue", "server" or "structure" (no hash of it was known).
    """

    path: str
    bytes: int
    sha256: str
    checked: str


@dataclass(frozen=True)
class Record:
    """What is known of an asset that is there.

    Attributes:
        source: "download", "file" or "archive".
        files: By the catalogue's names.
        revision: The commit it was fetched at.
        endpoint: The server it was fetched from.
    """

    source: str
    files: Mapping[str, StoredFile]
    revision: str | None = None
    endpoint: str | None = None


def folder_of(name: str, root: Path) -> Path:
    """The folder of one asset."""
    return Path(root).absolute() / asset(name).name


def read_record(name: str, root: Path) -> Record | None:
    """The record of an asset; None when there is none, or when it cannot be understood."""
    path = folder_of(name, root) / RECORD
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        stored = {key: StoredFile(**one) for key, one in values.pop("files").items()}
        return Record(files=stored, **values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("%s cannot be read: %s", path, error)
        return None


def write_record(name: str, root: Path, record: Record) -> None:
    """Say that an asset is whole; the last step of getting it.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
    """
    folder = folder_of(name, root)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{RECORD}.{os.getpid()}.tmp"
    try:
        partial.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        partial.replace(folder / RECORD)
    finally:
        partial.unlink(missing_ok=True)
