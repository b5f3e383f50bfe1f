"""A tiny model of one's own, the same files as downloaded ones, and the prepared example photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lhm_avatars.bench.random_lhm import write_model
from lhm_avatars.engine.lhm import models as lhm_models
from lhm_avatars.engine.network.config import lhm_tiny
from lhm_avatars.engine.prepare.person import prepare
from lhm_avatars.engine.weights.catalogue import with_needs
from lhm_avatars.engine.weights.hashes import sha256_of
from lhm_avatars.engine.weights.licences import accept
from lhm_avatars.engine.weights.records import Record, StoredFile, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.bench.random_lhm import Files
    from lhm_avatars.engine.prepare.person import PreparedPhoto

LICENCES = ("lhm", "smplx", "sapiens")


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_model(tmp_path_factory.mktemp("own"), lhm_tiny())


@pytest.fixture(scope="session")
def own_folder(model_files: Files) -> Path:
    return model_files.weights.parent


@pytest.fixture
def models_root(model_files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Downloaded models: LHM-MINI is the tiny one; all licences are accepted."""
    root = tmp_path / "models"
    root.mkdir()
    monkeypatch.setitem(lhm_models.BUILDERS, "lhm-mini", lhm_tiny)
    mini, sapiens, points = with_needs("lhm-mini")
    for item, path in (
        (mini, model_files.weights),
        (sapiens, model_files.sapiens),
        (points, model_files.points),
    ):
        stored = StoredFile(str(path), path.stat().st_size, sha256_of(path), "structure")
        write_record(item.name, root, Record("file", {item.main.name: stored}))
    for licence in LICENCES:
        accept(licence, root)
    return root


@pytest.fixture(scope="session")
def prepared(root: Path) -> PreparedPhoto:
    return prepare(root / "assets" / "example_person.jpg")
