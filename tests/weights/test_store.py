"""What is there, what it takes, and what is left after deleting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.weights import store
from lhm_avatars.engine.weights.licences import withdraw
from lhm_avatars.engine.weights.records import RECORD, Record, StoredFile, read_record, write_record
from lhm_avatars.engine.weights.store import delete, files, public, status

if TYPE_CHECKING:
    from pathlib import Path


def put(models: Path, name: str = "tiny", file: str = "model.safetensors", content: bytes = b"12345") -> Path:
    """An asset as a download leaves it."""
    path = models / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    stored = {file: StoredFile(file, len(content), "0" * 64, "server")}
    write_record(name, models, Record("download", stored, "c" * 40, "https://example.org"))
    return path


def test_an_empty_folder_and_one_that_is_not_there(tmp_path: Path, assets: object) -> None:
    for root in (tmp_path, tmp_path / "not" / "there"):
        shown = status(root)
        assert {one.state for one in shown.assets} == {"absent"}
        assert shown.used == 0
        assert shown.free > 0
    assert not (tmp_path / "not").exists()


def test_a_model_is_usable_when_all_is_there_and_allowed(models: Path) -> None:
    put(models)
    assert status(models).of("tiny").needs_missing == ("points",)
    assert not status(models).of("tiny").usable
    put(models, "points", "1_20.ply", b"ply")
    shown = status(models).of("tiny")
    assert (shown.state, shown.bytes, shown.to_fetch, shown.source) == ("ready", 5, 0, "download")
    assert shown.revision == "c" * 40
    assert shown.usable
    assert status(models).used == 8
    withdraw("lhm", models)
    assert status(models).of("tiny").licences_missing == ("lhm",)
    assert not status(models).of("tiny").usable


def test_a_status_is_json(models: Path) -> None:
    put(models)
    read_back = json.loads(json.dumps(public(status(models))))
    assert read_back["root"] == str(models)
    assert read_back["assets"][0]["state"] == "ready"


def test_the_engine_gets_paths(models: Path) -> None:
    path = put(models)
    assert files("tiny", models) == {"model.safetensors": path}


def test_the_engine_gets_a_reason_instead(models: Path) -> None:
    with pytest.raises(AvatarError, match=r"Tiny is not there\. Download it in the setup"):
        files("tiny", models)
    put(models).write_bytes(b"1234")
    assert status(models).of("tiny").state == "lost"
    with pytest.raises(AvatarError, match=r"A file of Tiny is gone or has changed: .*model\.safetensors"):
        files("tiny", models)
    withdraw("smplx", models)
    with pytest.raises(AvatarError, match="A licence is not accepted yet"):
        files("tiny", models)


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"files": {"a": 1}, "source": "x"}', '{"files": {}, "y": 1}']
)
def test_a_damaged_record_counts_as_none(models: Path, content: str) -> None:
    put(models)
    (models / "tiny" / RECORD).write_text(content)
    assert read_record("tiny", models) is None
    assert status(models).of("tiny").state == "partial"
    with pytest.raises(AvatarError, match="Tiny is not there"):
        files("tiny", models)


def test_deleting_frees_what_is_ours(models: Path) -> None:
    put(models)
    (models / "tiny" / "model.safetensors.abc.part").write_bytes(b"123")
    assert status(models).of("tiny").bytes == 8
    assert delete("tiny", models) == 8
    assert not (models / "tiny").exists()
    assert status(models).of("tiny").state == "absent"
    assert delete("tiny", models) == 0


def test_deleting_leaves_what_is_not_ours(models: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "mine.safetensors"
    theirs.write_bytes(b"12345")
    stored = {"model.safetensors": StoredFile(str(theirs), 5, "0" * 64, "structure")}
    write_record("tiny", models, Record("file", stored))
    (models / "tiny" / "notes.txt").write_text("keep me")
    assert files("tiny", models) == {"model.safetensors": theirs}
    assert delete("tiny", models) == 0
    assert theirs.exists()
    assert (models / "tiny" / "notes.txt").exists()
    assert status(models).of("tiny").state == "absent"


def test_a_file_that_may_not_be_deleted(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(models)

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "unlink", refuse)
    with pytest.raises(AvatarError, match=r"Tiny could not be deleted .*Close every Blender"):
        delete("tiny", models)


def test_one_status_by_name(models: Path) -> None:
    assert isinstance(status(models).of("smplx"), store.AssetStatus)
