"""The two people of dots, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine.evaluate.people import Person, read_people

from .people_folder import true_avatar, write_people

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("yardstick") / "people")


@pytest.fixture(scope="session")
def person(folder: Path) -> Person:
    return read_people(folder, only=["p00"])[0]


@pytest.fixture(scope="session")
def avatar() -> Avatar:
    return true_avatar("p00")
