"""The user's own SMPL-X file: looked at, never passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.body import load_body
from ..avatar.errors import AvatarError
from .body_pickle import read_body_pickle
from .catalogue import asset
from .hashes import sha256_of
from .records import PART, Record, StoredFile, folder_of

if TYPE_CHECKING:
    from pathlib import Path

    from .meter import Meter

SMPLX = "smplx"
_KINDS = (".npz", ".pkl")


def bring_body(path: Path, root: Path, meter: Meter) -> Record:
    """Use an ``SMPLX_*.npz`` where it lies; of an ``SMPLX_*.pkl`` keep the arrays that we use.

    Args:
        path: The file, or a folder with it.
        root: The folder of the models.
        meter: Told while hashing.

    Raises:
        AvatarError: If it is no SMPL-X body, or a pickle that wants more than arrays.
    """
    path = _chosen(path) if path.is_dir() else path
    if path.suffix not in _KINDS:
        raise AvatarError(f"{path.name} is no SMPL-X file. Choose an SMPLX_*.npz or SMPLX_*.pkl file.")
    name = asset(SMPLX).main.name
    meter.total = path.stat().st_size
    if path.suffix == ".npz":
        load_body(path)
        sha256 = sha256_of(path, lambda done: meter("check", done))
        return Record("file", {name: StoredFile(str(path), path.stat().st_size, sha256, "structure")})
    members: dict[str, Any] = read_body_pickle(path)
    target = folder_of(SMPLX, root) / name
    part = target.with_name(f"{name}.converted{PART}")
    try:
        with part.open("wb") as file:
            np.savez(file, **members)  # numbers only, so nothing is pickled
        load_body(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    sha256 = sha256_of(target, lambda done: meter("check", done))
    return Record("file", {name: StoredFile(name, target.stat().st_size, sha256, "structure")})


def _chosen(folder: Path) -> Path:
    """The neutral body if it is there, else the only one."""
    found = sorted(place for place in folder.glob("SMPLX_*") if place.suffix in _KINDS)
    neutral = [place for place in found if place.stem == "SMPLX_NEUTRAL"]
    if neutral:
        return next((place for place in neutral if place.suffix == ".npz"), neutral[0])
    if len(found) == 1:
        return found[0]
    if not found:
        raise AvatarError(f"There is no SMPLX_*.npz or SMPLX_*.pkl in {folder}. Choose the file itself.")
    raise AvatarError(
        f"There are several SMPL-X files in {folder}, none of them neutral. Choose the file itself."
    )
