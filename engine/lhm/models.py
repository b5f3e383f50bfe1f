"""Which files an LHM model is, and how large its parts are; torch is not needed to say so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError
from ..network.config import lhm_1b, lhm_1b_hf, lhm_500m, lhm_500m_hf, lhm_mini
from ..request import OWN_MODEL
from ..weights.catalogue import asset, licences_of
from ..weights.hashes import sha256_of
from ..weights.records import read_record
from ..weights.store import files, status
from .own_config import read_config

if TYPE_CHECKING:
    from pathlib import Path

    from ..network.config import LhmConfig

BUILDERS = {
    "lhm-mini": lhm_mini,
    "lhm-500m": lhm_500m,
    "lhm-500m-hf": lhm_500m_hf,
    "lhm-1b": lhm_1b,
    "lhm-1b-hf": lhm_1b_hf,
}
SAPIENS = "sapiens-1b"
DETECTOR, UPSCALER = "head-detector", "face-upscaler"  # LHM can do without them
WEIGHTS, CONFIG, POINTS_FOLDER = "model.safetensors", "config.json", "dense_sample_points"
_OWN_TERMS = "the model's own terms"


@dataclass(frozen=True)
class LhmModel:
    """A model that is there and may be used.

    Args:
        name: The engine's name.
        config: Its sizes.
        weights: Checkpoint.
        points: Surface points, a ``.ply`` file.
        sapiens: TorchScript file.
        sha256: Of the checkpoint.
        licences: For the avatar's metadata: of engine, body and weights.
    """

    name: str
    config: LhmConfig
    weights: Path
    points: Path
    sapiens: Path
    sha256: str
    licences: dict[str, str]


def find_model(name: str, models: Path | None, own_folder: Path | None) -> LhmModel:
    """Find a model's files.

    Args:
        name: An engine's name, one of ``request.LHM_MODELS``.
        models: Folder of the downloaded models.
        own_folder: The model of one's own, if that is asked for.

    Raises:
        AvatarError: If a licence is not accepted, a file is missing or has changed, or no folder is given.
    """
    return _own_model(own_folder, models) if name == OWN_MODEL else _released_model(name, models)


def _released_model(name: str, models: Path | None) -> LhmModel:
    if models is None:
        raise AvatarError("The folder of the models is not set. Choose it in the preferences.")
    weights = _main_file(name, models)
    sapiens, points = (_main_file(needed, models) for needed in asset(name).needs)
    record = read_record(name, models)
    sha256 = record.files[asset(name).main.name].sha256 if record else ""
    terms = f"{_terms(name)}, {_terms(SAPIENS)}"
    return LhmModel(name, BUILDERS[name](), weights, points, sapiens, sha256, _licences(terms))


def _main_file(name: str, models: Path) -> Path:
    return files(name, models)[asset(name).main.name]


def _terms(name: str) -> str:
    first = licences_of(name)[0]
    return f"{first.terms} ({first.title.split(' ')[0]})"


def _licences(weights: str, body: str = "SMPL-X, non-commercial") -> dict[str, str]:
    return {"engine": "GPL-3.0-or-later", "body": body, "weights": weights}


def optional_file(name: str, models: Path | None) -> Path | None:
    """The main file of something that LHM can do without; None where it is not there or not to be used.

    Args:
        name: Of the asset.
        models: Folder of the downloaded models.

    Raises:
        AvatarError: If it was there and is gone or has changed.
    """
    if models is None:
        return None
    there = status(models).of(name)
    if there.licences_missing or there.state not in ("ready", "lost"):
        return None
    return _main_file(name, models)


def _own_model(folder: Path | None, models: Path | None) -> LhmModel:
    if folder is None:
        raise AvatarError("No folder of your own model is set. Choose it beside the engine's name.")
    if not folder.is_dir():
        raise AvatarError(f"There is no folder {folder}. Choose the folder of your own model.")
    config = read_config(folder / CONFIG)
    weights = _only(folder, WEIGHTS)
    points = _only(folder, f"{POINTS_FOLDER}/1_{config.points}.ply", f"{POINTS_FOLDER}/*.ply")
    sapiens = sorted(folder.glob("sapiens*.pt2"))
    if len(sapiens) > 1:
        raise AvatarError(
            f"{folder.name} holds {len(sapiens)} files sapiens*.pt2. Leave the one of this model there."
        )
    terms = _OWN_TERMS
    if not sapiens:
        if models is None:
            raise AvatarError(
                f"{folder.name} holds no sapiens*.pt2, and the folder of the models is not set. Choose it in "
                "the preferences, or put the file there."
            )
        sapiens, terms = [_main_file(SAPIENS, models)], f"{_OWN_TERMS}, {_terms(SAPIENS)}"
    sha256 = _own_hash(weights)
    return LhmModel(OWN_MODEL, config, weights, points, sapiens[0], sha256, _licences(terms, _OWN_TERMS))


def _own_hash(weights: Path) -> str:
    try:
        stat = weights.stat()
        return _hash_of(weights, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise AvatarError(
            f"{weights.name} of your own model cannot be read ({error.strerror}). Check the file's "
            "permissions, or copy it to another disk."
        ) from error


def _only(folder: Path, *patterns: str) -> Path:
    """The file of a name, or the only one that looks like it."""
    for pattern in patterns:
        found = sorted(folder.glob(pattern))
        if len(found) == 1:
            return found[0]
    raise AvatarError(
        f"Your own model lacks the file {patterns[0]}. Put it into {folder}, or choose another folder."
    )


@cache
def _hash_of(path: Path, size: int, modified: int) -> str:
    """The hash of a file, read once while it stays as it is: gigabytes take seconds."""
    del size, modified
    return sha256_of(path)
