"""Which photos a folder holds, and what their avatars are called."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.avatar.errors import AvatarError
from ..operators.photos import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Source:
    """A photo to make an avatar from.

    Args:
        photo: The file.
        shown: Its path below the folder, with slashes.
        name: Of the avatar and its file; no other avatar of the folder has it on any file system.
    """

    photo: Path
    shown: str
    name: str


def find_photos(folder: Path, library: Path, *, recursive: bool) -> tuple[Source, ...]:
    """The photos of a folder in the order of their names; hidden files and what is no photo are left out.

    Args:
        folder: With photos.
        library: Pictures in it are not photos, should it lie in the folder.
        recursive: Look into folders in it, too.

    Raises:
        AvatarError: If there are none, or the library would lie among them.
    """
    if not folder.is_dir():
        raise AvatarError(f"There is no folder {folder}. Give the folder that holds the photos.")
    if folder.resolve() == library.resolve():
        raise AvatarError("The library cannot be the folder of the photos. Give another folder with -o.")
    found = folder.rglob("*") if recursive else folder.iterdir()
    below = library.resolve()
    photos = sorted(
        (path for path in found if _is_photo(path, folder) and below not in path.resolve().parents),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    if not photos:
        raise AvatarError(
            f"There are no photos in {folder}. Give a folder with photos ({', '.join(IMAGE_SUFFIXES)})"
            f"{'.' if recursive else ', or look into the folders in it, too, with --recursive.'}"
        )
    names = _names([path.relative_to(folder).parts for path in photos])
    return tuple(
        Source(path, path.relative_to(folder).as_posix(), name)
        for path, name in zip(photos, names, strict=True)
    )


def _is_photo(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def _names(paths: list[tuple[str, ...]]) -> list[str]:
    """The file's name without its ending; where several have it, folders and ending as well.

    So a name never depends on the order of the photos, and a photo that comes later takes no other's avatar.
    """
    short = [_stem(parts[-1]) for parts in paths]
    often = Counter(map(_folded, short))
    long = [
        name if often[_folded(name)] == 1 else "_".join(parts).replace(".", "_")
        for name, parts in zip(short, paths, strict=True)
    ]
    return list(_numbered(long))


def _numbered(names: Iterable[str]) -> Iterable[str]:
    """What is still the same, such as ``a_b.jpg`` and ``b.jpg`` in ``a``, gets a number."""
    taken: set[str] = set()
    for name in names:
        unique, number = name, 2
        while _folded(unique) in taken:
            unique, number = f"{name}-{number}", number + 1
        taken.add(_folded(unique))
        yield unique


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _folded(name: str) -> str:
    """Names are the same where a file system does not tell capitals or ways to write an accent apart."""
    return unicodedata.normalize("NFC", name).casefold()
