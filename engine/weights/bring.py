"""Use files that the user has: a folder, one file, or LHM's archive of prior models.

Files stay where they are; only what comes out of an archive or a pickle is written into our folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError
from .archive import find, is_archive, opened, unpack
from .catalogue import asset, catalogue
from .disk import disk_errors, locked
from .hashes import sha256_of
from .licences import accepted, require
from .meter import Meter
from .records import Record, StoredFile, folder_of, write_record
from .smplx import SMPLX, bring_body
from .structure import check_structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .catalogue import Asset, ModelFile
    from .meter import ReportProgress

_DEEPEST = 6  # levels: a hub's cache has five


def use_file(
    name: str,
    root: Path,
    path: Path,
    *,
    progress: ReportProgress = lambda _stage, _fraction, _message: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Record:
    """Take an asset from where the user has it.

    Args:
        name: In the catalogue.
        root: The folder of the models; made when missing.
        path: A folder that holds the files, the main file under any name, or the archive of prior models.
        progress: As in ``download``; stages "check" and "unpack".
        cancelled: Asked with each block of bytes.

    Returns:
        What is known of it now.

    Raises:
        AvatarError: If it cannot be used; the sentence says why.
        Cancelled: If the user wants no more.
    """
    item, path = asset(name), Path(path).expanduser().absolute()
    require(name, root)
    if not path.exists():
        raise AvatarError(f"There is no {path}. Choose the file or the folder of {item.title}.")
    meter = Meter(item.title, item.expected_bytes, progress, cancelled)
    with disk_errors(root):
        folder_of(name, root).mkdir(parents=True, exist_ok=True)
        with locked(root):
            if is_archive(path):
                return _from_archive(path, (item,), root, meter)[name]
            record = bring_body(path, root, meter) if name == SMPLX else _in_place(item, path, meter)
            write_record(name, root, record)
    return record


def use_archive(
    root: Path,
    path: Path,
    *,
    progress: ReportProgress = lambda _stage, _fraction, _message: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Record]:
    """Take from LHM's archive of prior models all that is of use and whose licence is accepted.

    Returns:
        What was taken, by asset name.

    Raises:
        AvatarError: If there is nothing to take, or the archive is damaged.
        Cancelled: If the user wants no more.
    """
    path = Path(path).expanduser().absolute()
    if not is_archive(path):
        raise AvatarError(f"{path} is no archive (.tar). Choose the file {_ARCHIVE_NAME}.")
    items = tuple(item for item in catalogue() if item.in_prior_archive and accepted(item.name, root))
    if not items:
        raise AvatarError(
            "No licence of what lies in the archive is accepted yet. Tick the licences in the setup first."
        )
    total = sum(item.expected_bytes for item in items)
    with disk_errors(root):
        Path(root).mkdir(parents=True, exist_ok=True)
        with locked(root):
            return _from_archive(path, items, root, Meter("prior models", total, progress, cancelled))


_ARCHIVE_NAME = "LHM_prior_model.tar"


def _from_archive(path: Path, items: tuple[Asset, ...], root: Path, meter: Meter) -> dict[str, Record]:
    records = {}
    with opened(path) as archive:
        members = find(archive, items, meter.look)
        if not members:
            names = ", ".join(item.main.name for item in items)
            raise AvatarError(
                f"{path.name} does not hold {names}. Get it from its own page and choose that file."
            )
        meter.total = 2 * sum(member.size for member in members.values())
        for item in items:
            if item.name not in members:
                continue
            folder = folder_of(item.name, root)
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / item.main.name
            part = unpack(archive, members[item.name], target, meter)
            meter.before += members[item.name].size
            try:
                stored = _checked(item.main, part, meter)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
            meter.before += stored.bytes
            record = Record("archive", {item.main.name: _renamed(stored, item.main.name)})
            write_record(item.name, root, record)
            records[item.name] = record
    return records


def _in_place(item: Asset, path: Path, meter: Meter) -> Record:
    """Check the files where they lie."""
    found = _in_folder(item, path) if path.is_dir() else _around_file(item, path)
    meter.total = sum(place.stat().st_size for place in found.values())
    stored = {}
    for file in item.files:
        if file.name in found:
            stored[file.name] = _checked(file, found[file.name], meter)
            meter.before += stored[file.name].bytes
    return Record("file", stored)


def _around_file(item: Asset, path: Path) -> dict[str, Path]:
    """The main file under any name of its kind, and what lies beside it."""
    kind = Path(item.main.name).suffix
    if path.suffix != kind:
        raise AvatarError(f"{path.name} is no {kind} file. Choose {item.main.name} of {item.title}.")
    beside = {file.name: path.parent / file.name for file in item.files[1:]}
    return {item.main.name: path} | {name: place for name, place in beside.items() if place.is_file()}


def _in_folder(item: Asset, folder: Path) -> dict[str, Path]:
    """The one file of the main file's name and size, at any depth."""
    places = [place for place in _below(folder, item.main.name) if place.is_file()]
    fitting = [place for place in places if item.main.fits(place.stat().st_size)]
    distinct = {place.resolve(): place for place in fitting}
    if len(distinct) == 1:
        return _around_file(item, next(iter(distinct.values())))
    if not places:
        raise AvatarError(
            f"There is no {item.main.name} in {folder}. Choose the folder or the file of {item.title}."
        )
    if not distinct:
        raise AvatarError(
            f"{places[0]} is not {item.title}: it should have {item.main.expected_bytes:,} bytes, but has "
            f"{places[0].stat().st_size:,}. It is another model's, or was cut short."
        )
    raise AvatarError(f"There are several {item.main.name} in {folder}. Choose the file itself.")


def _below(folder: Path, name: str) -> list[Path]:
    """Files of a name, not deeper than a cache of the hub is."""
    found, level = [], [folder]
    for _ in range(_DEEPEST):
        found += [place / name for place in level if (place / name).is_file()]
        level = [child for place in level for child in sorted(place.iterdir()) if child.is_dir()]
    return found


def _checked(file: ModelFile, path: Path, meter: Meter) -> StoredFile:
    check_structure(path, file)
    sha256 = sha256_of(path, lambda done: meter("check", done))
    if file.sha256 not in (None, sha256):
        raise AvatarError(
            f"{path.name} is not the {file.name} that this add-on knows (its hash differs). Get it again "
            "from its source, or download it."
        )
    return StoredFile(str(path), path.stat().st_size, sha256, "catalogue" if file.sha256 else "structure")


def _renamed(stored: StoredFile, name: str) -> StoredFile:
    return StoredFile(name, stored.bytes, stored.sha256, stored.checked)
