"""Models that are there as far as Blender can see: files of four bytes with their records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lhm_avatars.engine.weights.catalogue import asset, with_needs
from lhm_avatars.engine.weights.licences import accept
from lhm_avatars.engine.weights.records import Record, StoredFile, folder_of, write_record
from lhm_avatars.operators import looks

if TYPE_CHECKING:
    from pathlib import Path


def bring(root: Path, *names: str) -> None:
    """Put assets into a folder."""
    for name in names:
        main = asset(name).main.name
        folder_of(name, root).mkdir(parents=True)
        (folder_of(name, root) / main).write_bytes(b"fake")
        stored = StoredFile(main, 4, "ab" * 32, "server")
        write_record(name, root, Record("download", {main: stored}, "c0ffee"))
    looks.refresh()


def complete(root: Path, model: str) -> None:
    """A model with all it needs, licences accepted."""
    bring(root, *(item.name for item in with_needs(model)))
    agree(root)


def agree(root: Path, *licences: str) -> None:
    """Accept licences, those of LHM's models by default."""
    for licence in licences or ("lhm", "smplx", "sapiens"):
        accept(licence, root)
    looks.refresh()
