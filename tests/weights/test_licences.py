"""One tick a licence, remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.weights import licences
from lhm_avatars.engine.weights.catalogue import LICENCES
from lhm_avatars.engine.weights.licences import accept, accepted, accepted_on, missing, require, withdraw

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tick_is_remembered_with_its_date(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    accept("sapiens", tmp_path / "new" / "folder")
    date = accepted_on("sapiens", tmp_path / "new" / "folder")
    assert date is not None
    assert before <= datetime.fromisoformat(date) <= datetime.now(UTC)
    kept = json.loads((tmp_path / "new" / "folder" / licences.FILE).read_text())
    assert kept == {"sapiens": {"terms": "CC BY-NC 4.0", "date": date}}


def test_a_model_wants_all_its_ticks(tmp_path: Path) -> None:
    assert [licence.name for licence in missing("lhm-mini", tmp_path)] == ["lhm", "smplx"]
    accept("lhm", tmp_path)
    assert not accepted("lhm-mini", tmp_path)
    with pytest.raises(AvatarError, match=r"not accepted yet: SMPL-X .*tick it in the setup"):
        require("lhm-mini", tmp_path)
    accept("smplx", tmp_path)
    assert accepted("lhm-mini", tmp_path)
    assert accepted("lhm-1b-hf", tmp_path)  # the same licences
    assert not accepted("sapiens-1b", tmp_path)


def test_a_tick_can_be_taken_back(tmp_path: Path) -> None:
    accept("lhm", tmp_path)
    accept("smplx", tmp_path)
    withdraw("lhm", tmp_path)
    withdraw("lhm", tmp_path)
    assert accepted_on("lhm", tmp_path) is None
    assert accepted_on("smplx", tmp_path) is not None


def test_other_terms_are_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept("lhm", tmp_path)
    monkeypatch.setitem(LICENCES, "lhm", replace(LICENCES["lhm"], terms="CC BY-NC 5.0"))
    assert accepted_on("lhm", tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"lhm": true}', "\x00\xff"])
def test_a_damaged_file_means_asking_again(tmp_path: Path, content: str) -> None:
    (tmp_path / licences.FILE).write_text(content, encoding="latin1")
    assert accepted_on("lhm", tmp_path) is None
    accept("lhm", tmp_path)
    assert accepted_on("lhm", tmp_path) is not None


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AvatarError, match=r"The tick could not be kept in .*Choose a folder"):
        accept("lhm", tmp_path / "file")


def test_only_known_licences() -> None:
    with pytest.raises(ValueError, match="licence must be one of lhm, sapiens, smplx"):
        accept("gpl", None)  # type: ignore[arg-type]
