"""Downloads from a real server on loopback: whole, cut, continued, refused, spoiled."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.exclusive import exclusive
from lhm_avatars.engine.protocol import Cancelled
from lhm_avatars.engine.weights import catalogue, disk, hub_errors
from lhm_avatars.engine.weights import hub as hub_module
from lhm_avatars.engine.weights.download import download
from lhm_avatars.engine.weights.hub import Server
from lhm_avatars.engine.weights.licences import withdraw
from lhm_avatars.engine.weights.store import files, status

from .conftest import CONFIG, REPOSITORY, TINY, WEIGHTS, weights
from .hub_server import COMMIT, LARGE, Faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.weights.catalogue import Asset

    from .hub_server import HubServer

SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
OTHER_COMMIT = "f" * 40


def as_tiny(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Asset:
    """Put a changed tiny model into the catalogue."""
    changed = replace(TINY, **changes)
    others = tuple(item for item in catalogue.catalogue() if item.name != "tiny")
    monkeypatch.setattr(catalogue, "_ASSETS", (changed, *others))
    return changed


def main_file(**changes: Any) -> tuple[catalogue.ModelFile, ...]:
    return (replace(TINY.main, **changes), *TINY.files[1:])


def refusal(models: Path, server: Server, **options: Any) -> str:
    with pytest.raises(AvatarError) as caught:
        download("tiny", models, server=server, **options)
    return str(caught.value)


def test_a_download_brings_every_file_checked_and_recorded(
    models: Path, hub: HubServer, server: Server
) -> None:
    record = download("tiny", models, server=server)
    found = files("tiny", models)
    assert found["model.safetensors"].read_bytes() == WEIGHTS
    assert found["config.json"].read_bytes() == CONFIG
    assert (record.source, record.revision, record.endpoint) == ("download", COMMIT, hub.endpoint)
    stored = record.files["model.safetensors"]
    assert (stored.bytes, stored.sha256, stored.checked) == (len(WEIGHTS), SHA256, "server")
    assert record.files["config.json"].sha256 == hashlib.sha256(CONFIG).hexdigest()
    assert not list(models.rglob("*.part"))
    assert status(models).of("tiny").state == "ready"


def test_the_bytes_come_from_the_version_that_was_described(
    models: Path, hub: HubServer, server: Server
) -> None:
    download("tiny", models, server=server)
    heads = [one.path for one in hub.seen if one.method == "HEAD"]
    assert heads == [
        f"/{REPOSITORY}/resolve/main/model.safetensors",
        f"/{REPOSITORY}/resolve/{COMMIT}/config.json",
    ]
    gets = [one.path for one in hub.seen if one.method == "GET" and not one.on_cdn]
    assert gets == [f"/{REPOSITORY}/resolve/{COMMIT}/{name}" for name in ("model.safetensors", "config.json")]


def test_what_is_there_is_not_asked_for_again(models: Path, hub: HubServer, server: Server) -> None:
    first = download("tiny", models, server=server)
    hub.seen.clear()
    assert download("tiny", models, server=server, online=False) == first
    assert hub.seen == []


def test_progress_grows_to_the_whole_and_names_the_sizes(
    models: Path, hub: HubServer, server: Server
) -> None:
    told: list[tuple[str, float, str]] = []
    download("tiny", models, server=server, progress=lambda *report: told.append(report))
    assert [stage for stage, _, _ in told[:1]] == ["connect"]
    fetched = [fraction for stage, fraction, _ in told if stage == "fetch"]
    assert fetched == sorted(fetched)
    assert fetched[-1] == 1.0
    assert "Downloading Tiny: 0.3 MB of 0.3 MB" in told[-2][2]


def test_cut_connections_are_mended_without_fetching_twice(
    models: Path, hub: HubServer, server: Server
) -> None:
    hub.faults.cuts = [70_000, 100_000, 50_000]
    download("tiny", models, server=server)
    assert files("tiny", models)["model.safetensors"].read_bytes() == WEIGHTS
    ranges = [one.range for one in hub.byte_requests()]
    assert len(ranges) == 4
    assert ranges[0] is None
    assert hub.served <= len(WEIGHTS) + 4 * 65_536  # what a closing socket may swallow


def test_a_cancelled_download_goes_on_where_it_was(models: Path, hub: HubServer, server: Server) -> None:
    hub.faults.trickle = 0.02
    with pytest.raises(Cancelled, match="what is there is kept"):
        download("tiny", models, server=server, cancelled=lambda: hub.served > 150_000)
    (part,) = models.rglob("*.part")
    have = part.stat().st_size
    assert 0 < have < len(WEIGHTS)
    shown = status(models).of("tiny")
    assert (shown.state, shown.bytes, shown.to_fetch) == ("partial", have, len(WEIGHTS) - have)
    hub.seen.clear()
    download("tiny", models, server=server)
    assert [one.range for one in hub.byte_requests()] == [f"bytes={have}-"]
    assert files("tiny", models)["model.safetensors"].read_bytes() == WEIGHTS


@pytest.mark.parametrize("no_size", [False, True])
def test_a_server_without_ranges_starts_anew(
    models: Path, hub: HubServer, server: Server, no_size: bool
) -> None:
    hub.faults = Faults(cuts=[100_000], no_ranges=True, no_size=no_size)
    download("tiny", models, server=server)
    assert files("tiny", models)["model.safetensors"].read_bytes() == WEIGHTS
    assert len(hub.byte_requests()) == 2


def test_a_server_that_tells_no_size_is_read_to_its_end(models: Path, hub: HubServer, server: Server) -> None:
    hub.faults = Faults(cuts=[100_000], no_size=True)
    download("tiny", models, server=server)
    assert files("tiny", models)["model.safetensors"].read_bytes() == WEIGHTS


def part_file(models: Path, content: bytes, etag: str = SHA256) -> Path:
    folder = models / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"model.safetensors.{etag[:16]}.part"
    part.write_bytes(content)
    return part


def test_half_files_of_another_version_are_not_mixed_in(models: Path, hub: HubServer, server: Server) -> None:
    old = part_file(models, b"old" * 1000, etag="e" * 64)
    download("tiny", models, server=server)
    assert not old.exists()
    assert hub.byte_requests()[0].range is None


def test_a_half_file_that_is_too_long_is_thrown_away(models: Path, hub: HubServer, server: Server) -> None:
    part_file(models, WEIGHTS + b"more")
    download("tiny", models, server=server)
    assert files("tiny", models)["model.safetensors"].read_bytes() == WEIGHTS


def test_a_whole_file_without_a_record_is_checked_not_fetched(
    models: Path, hub: HubServer, server: Server
) -> None:
    part_file(models, WEIGHTS)
    download("tiny", models, server=server)
    assert hub.byte_requests() == []


@pytest.mark.parametrize("checked_by", ["server", "catalogue", "git"])
def test_a_wrong_content_is_thrown_away_and_said(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch, checked_by: str
) -> None:
    hub.faults.spoil = checked_by != "catalogue"
    if checked_by == "catalogue":
        as_tiny(monkeypatch, files=main_file(sha256="0" * 64))
    if checked_by == "git":
        as_tiny(monkeypatch, files=(TINY.files[1],))
    assert "its hash differs" in refusal(models, server)
    assert not list(models.rglob("*.part"))
    assert status(models).of("tiny").state == "absent"
    hub.faults.spoil = False
    as_tiny(monkeypatch)
    download("tiny", models, server=server)
    assert status(models).of("tiny").state == "ready"


def test_a_hash_in_the_catalogue_counts_more_than_the_servers(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_tiny(monkeypatch, files=main_file(sha256=SHA256))
    assert download("tiny", models, server=server).files["model.safetensors"].checked == "catalogue"


@pytest.mark.parametrize("etag", ["abc", "../../../evil", SHA256[:-1] + "/", "g" * 64])
def test_a_server_without_hashes_is_refused(models: Path, hub: HubServer, server: Server, etag: str) -> None:
    hub.faults.etag = etag
    assert "gives no hash for model.safetensors" in refusal(models, server)
    assert hub.byte_requests() == []
    assert not list(models.rglob("*.part"))


def test_a_pinned_version_must_be_the_one_that_comes(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_tiny(monkeypatch, revision=COMMIT)
    hub.faults.commit = OTHER_COMMIT
    assert "answers with another version of Tiny" in refusal(models, server)
    hub.faults.commit = COMMIT
    assert download("tiny", models, server=server).revision == COMMIT
    assert not any("/main/" in one.path for one in hub.seen)


def test_a_size_other_than_the_known_one_is_refused_before_the_bytes(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_tiny(monkeypatch, files=main_file(bytes=len(WEIGHTS) + 1))
    assert f"should have {len(WEIGHTS) + 1:,} bytes" in refusal(models, server)
    assert hub.byte_requests() == []


@pytest.mark.parametrize(
    ("status_code", "error_code", "sentence"),
    [
        (401, "", "does not know this access token, or wants one"),
        (401, "GatedRepo", "Open https://example.org/tiny, log in, accept the terms, make an access token"),
        (403, "GatedRepo", "Open https://example.org/tiny, log in, accept the terms, make an access token"),
        (
            403,
            "",
            "does not give Tiny to this account. Open https://example.org/tiny, accept the terms there",
        ),
        (404, "EntryNotFound", "has no Tiny. Update the add-on"),
        (404, "RepoNotFound", "has no Tiny. Update the add-on"),
        (404, "RevisionNotFound", "no longer has the version of Tiny"),
        (418, "", "refused Tiny (error 418)"),
        (429, "", "asks us to wait: too many requests"),
        (500, "", "is in trouble (error 500). Try again later"),
        (503, "", "is in trouble (error 503). Try again later"),
    ],
)
def test_every_refusal_says_what_to_do(
    models: Path, hub: HubServer, server: Server, status_code: int, error_code: str, sentence: str
) -> None:
    hub.faults = Faults(status=status_code, error_code=error_code)
    assert sentence in refusal(models, server)
    assert status(models).of("tiny").state == "absent"


@pytest.mark.parametrize("status_code", [500, 503, 429])
def test_a_busy_server_is_asked_again(models: Path, hub: HubServer, server: Server, status_code: int) -> None:
    hub.faults = Faults(status=status_code, busy=2, cdn_status=[0, 503])
    hub.faults.cuts = [100_000]
    download("tiny", models, server=server)
    assert files("tiny", models)["model.safetensors"].read_bytes() == WEIGHTS


def test_a_refusal_in_the_middle_is_not_repeated(models: Path, hub: HubServer, server: Server) -> None:
    hub.faults.cdn_status = [403]
    assert "does not give Tiny" in refusal(models, server)
    assert len(hub.byte_requests()) == 1


def test_a_silent_server_is_waited_for_then_given_up(models: Path, hub: HubServer, server: Server) -> None:
    server = replace(server, timeout=0.15)
    hub.faults.stalls = [0.4]
    download("tiny", models, server=server)
    (models / "tiny" / "asset.json").unlink()
    (models / "tiny" / "model.safetensors").unlink()
    hub.faults.stalls = [0.4] * 9
    assert "stays silent for more than" in refusal(models, server)


def test_a_server_that_cuts_at_once_is_given_up(models: Path, hub: HubServer, server: Server) -> None:
    hub.faults.cuts = [0] * 9
    assert "was cut again and again" in refusal(models, server)


def test_a_server_that_sends_nothing_more_is_given_up(models: Path, hub: HubServer, server: Server) -> None:
    hub.faults.empty = True
    assert "sends only a part of model.safetensors" in refusal(models, server)


def test_no_connection_at_all(models: Path, server: Server) -> None:
    closed = replace(server, endpoint="http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached. Check the connection" in refusal(models, closed)


def test_a_proxy_that_refuses(server: Server) -> None:
    hub_module.library()
    import httpx2

    error = httpx2.ProxyError("407")
    assert not hub_errors.transient(error)
    assert "The proxy does not let us through" in str(hub_errors.explain(error, TINY, server))


@pytest.mark.parametrize("address", ["example.org", "ftp://example.org", "https://"])
def test_an_address_that_is_none(models: Path, address: str) -> None:
    assert "is no address of a mirror" in refusal(models, Server(endpoint=address))


def test_a_server_that_is_no_hub(models: Path, hub: HubServer, server: Server) -> None:
    hub.faults.no_commit = True
    assert "does not answer like a model server" in refusal(models, server)


def test_offline_nothing_is_asked(models: Path, hub: HubServer, server: Server) -> None:
    assert "Blender may not go online" in refusal(models, server, online=False)
    assert hub.seen == []


def test_the_librarys_own_offline_switch(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_module.library()
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refusal(models, server)
    assert hub.seen == []


def test_without_the_library(models: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # type: ignore[arg-type]
    assert "huggingface_hub is missing" in refusal(models, server)


def test_a_mirror_gets_no_token_but_one_meant_for_it(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_from_the_environment")
    download("tiny", models, server=server)
    assert {one.authorization for one in hub.seen} == {None}
    assert Server().credential() is None  # the official hub: the library's own, as its users expect
    (models / "tiny" / "asset.json").unlink()
    (models / "tiny" / "model.safetensors").unlink()
    hub.seen.clear()
    download("tiny", models, server=replace(server, token="hf_given"))  # noqa: S106 (no real one)
    assert {one.authorization for one in hub.seen if not one.on_cdn} == {"Bearer hf_given"}
    assert {one.authorization for one in hub.seen if one.on_cdn} == {None}


def test_the_mirror_of_the_environment_is_used(
    models: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint + "/")
    assert download("tiny", models).endpoint == hub.endpoint


def test_a_licence_comes_first(models: Path, hub: HubServer, server: Server) -> None:
    withdraw("smplx", models)
    text = refusal(models, server)
    assert "A licence is not accepted yet: SMPL-X (Max Planck Society)" in text
    assert "LHM weights" not in text
    assert hub.seen == []


def test_what_must_be_brought_is_not_downloaded(models: Path, server: Server) -> None:
    with pytest.raises(AvatarError, match=r"Get 1_20\.ply from https://example\.org/points"):
        download("points", models, server=server)


def test_an_unknown_model(models: Path) -> None:
    with pytest.raises(AvatarError, match="There is no model named 'lhm-9b'"):
        download("lhm-9b", models)


def test_a_disk_without_room_is_seen_before_the_bytes(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda _: 200_000_000)
    assert "GB are needed in" in refusal(models, server)
    assert hub.byte_requests() == []
    # What is there already does not count twice.
    part_file(models, WEIGHTS[:-1])
    monkeypatch.setattr(disk, "free_bytes", lambda _: 200_000_000 + 1 + len(CONFIG))
    download("tiny", models, server=server)


class FullDisk:
    """A file on a disk that takes so many bytes more."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        taken = data[: self._room]
        self._room -= len(taken)
        self._file.write(taken)
        if len(taken) < len(data):
            raise OSError(28, "No space left on device")
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def test_a_disk_that_fills_up_keeps_what_it_has(
    models: Path, hub: HubServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Path.open
    monkeypatch.setattr(Path, "open", full_disk(really, room=100_000))
    assert "The disk is full" in refusal(models, server)
    monkeypatch.setattr(Path, "open", really)
    (part,) = models.rglob("*.part")
    assert part.read_bytes() == WEIGHTS[:100_000]
    hub.seen.clear()
    download("tiny", models, server=server)
    assert hub.byte_requests()[0].range == "bytes=100000-"


def full_disk(really: Callable[..., Any], room: int) -> Callable[..., Any]:
    def opened(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = really(path, mode, *args, **options)
        return FullDisk(file, room) if path.suffix == ".part" and mode == "ab" else file

    return opened


def test_a_folder_that_cannot_be_made(models: Path, server: Server) -> None:
    (models / "tiny").write_text("a file in the way")
    assert "Choose a folder for the models that you may write to" in refusal(models, server)


def test_two_at_once(models: Path, server: Server) -> None:
    with exclusive(models / disk.LOCK):
        assert "Another Blender is downloading or deleting models" in refusal(models, server)


def test_a_bug_stays_a_bug(models: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("huggingface_hub")
    monkeypatch.setattr(hub_module, "library", lambda: broken)
    with pytest.raises(AttributeError):
        download("tiny", models, server=server)


def test_the_server_of_these_tests_has_both_kinds_of_files() -> None:
    assert len(CONFIG) < LARGE < len(WEIGHTS)
    header = json.loads(WEIGHTS[8 : WEIGHTS.index(b"}}") + 2])
    assert header["w"]["dtype"] == "U8"
    assert weights(seed=2) != WEIGHTS
