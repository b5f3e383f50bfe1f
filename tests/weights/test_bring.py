"""Files that the user has: folders, single files, LHM's archive; wrong ones are told apart."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.protocol import Cancelled
from lhm_avatars.engine.weights import catalogue, disk
from lhm_avatars.engine.weights.bring import use_archive, use_file
from lhm_avatars.engine.weights.licences import withdraw
from lhm_avatars.engine.weights.store import delete, files, status

from .conftest import CONFIG, TINY, WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

PLY = b"ply\nformat ascii 1.0\nelement vertex 20\nproperty float x\nend_header\n" + b"0\n" * 20


def torch_file(extra: bytes = b"") -> bytes:
    """A zip archive, as torch.jit.save writes."""
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("body/data.pkl", b"not a pickle" + extra)
    return buffer.getvalue()


def refusal(name: str, models: Path, path: Path) -> str:
    with pytest.raises(AvatarError) as caught:
        use_file(name, models, path)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files as the hub's own program keeps them: links in a deep folder."""
    place = tmp_path / "mine" / "models--somebody--tiny" / "snapshots" / ("a" * 40)
    blobs = place.parent.parent / "blobs"
    blobs.mkdir(parents=True)
    place.mkdir(parents=True)
    for name, content in (("model.safetensors", WEIGHTS), ("config.json", CONFIG)):
        (blobs / name[0]).write_bytes(content)
        (place / name).symlink_to(os.path.relpath(blobs / name[0], place))
    return place


def test_a_folder_is_searched_and_its_files_stay_there(models: Path, folder: Path, tmp_path: Path) -> None:
    record = use_file("tiny", models, tmp_path / "mine")
    assert (record.source, record.revision) == ("file", None)
    assert files("tiny", models) == {name: folder / name for name in ("model.safetensors", "config.json")}
    assert status(models).of("tiny").bytes == 0
    delete("tiny", models)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_one_file_may_have_any_name(models: Path, tmp_path: Path) -> None:
    (tmp_path / "my tiny.safetensors").write_bytes(WEIGHTS)
    told: list[tuple[str, float, str]] = []
    use_file("tiny", models, tmp_path / "my tiny.safetensors", progress=lambda *report: told.append(report))
    assert files("tiny", models)["model.safetensors"].name == "my tiny.safetensors"
    assert told[-1][:2] == ("check", 1.0)


def test_checking_can_be_cancelled(models: Path, folder: Path) -> None:
    with pytest.raises(Cancelled):
        use_file("tiny", models, folder, cancelled=lambda: True)
    assert status(models).of("tiny").state == "absent"


def test_wrong_places_are_named(models: Path, tmp_path: Path) -> None:
    assert "There is no" in refusal("tiny", models, tmp_path / "nowhere")
    assert "There is no model.safetensors in" in refusal("tiny", models, tmp_path)
    (tmp_path / "a.ckpt").write_bytes(b"1")
    assert "a.ckpt is no .safetensors file. Choose model.safetensors of Tiny" in refusal(
        "tiny", models, tmp_path / "a.ckpt"
    )


def test_several_of_a_name_are_told_apart_by_size_else_asked_for(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, extra in enumerate((b"", b"x")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "model.safetensors").write_bytes(WEIGHTS + extra)
    assert "There are several model.safetensors in" in refusal("tiny", models, tmp_path)
    sized = replace(TINY, files=(replace(TINY.main, bytes=len(WEIGHTS)), TINY.files[1]))
    monkeypatch.setattr(catalogue, "_ASSETS", (sized, *catalogue.catalogue()[1:]))
    use_file("tiny", models, tmp_path)
    assert files("tiny", models)["model.safetensors"] == tmp_path / "0" / "model.safetensors"
    text = refusal("tiny", models, tmp_path / "1")
    assert f"is not Tiny: it should have {len(WEIGHTS):,} bytes, but has {len(WEIGHTS) + 1:,}" in text
    text = refusal("tiny", models, tmp_path / "1" / "model.safetensors")
    assert "It is another model's, or was cut short" in text


def test_a_hash_that_is_known_must_be_met(
    models: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = replace(TINY, files=(replace(TINY.main, sha256="0" * 64),))
    monkeypatch.setattr(catalogue, "_ASSETS", (known, *catalogue.catalogue()[1:]))
    assert "is not the model.safetensors that this add-on knows" in refusal("tiny", models, folder)


@pytest.mark.parametrize(
    ("asset", "name", "content", "sentence"),
    [
        ("tiny", "m.safetensors", WEIGHTS[:-1], "is not whole"),
        ("tiny", "m.safetensors", WEIGHTS + b"x", "is not whole"),
        ("tiny", "m.safetensors", b"", "is no safetensors file"),
        ("tiny", "m.safetensors", b"\xff" * 100, "is no safetensors file"),
        ("tiny", "m.safetensors", b"\x02" + b"\0" * 7 + b"[]", "is no safetensors file"),
        ("tiny", "m.safetensors", b"\x0b" + b"\0" * 7 + b'{"w": null}', "is no safetensors file"),
        ("torch", "b.pt2", torch_file()[:-30], "is not whole, or not a PyTorch file"),
        ("torch", "b.pt2", b"\x80\x02}q\x00.", "is not whole, or not a PyTorch file"),
        ("points", "p.ply", PLY.replace(b"20", b"40"), "holds 40 points, but 20 are needed"),
        ("points", "p.ply", b"solid", "is no PLY file"),
        ("points", "p.ply", b"ply\nelement vertex 20\n", "is no PLY file"),
    ],
)
def test_files_that_cannot_be_it(
    models: Path, tmp_path: Path, asset: str, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert sentence in refusal(asset, models, tmp_path / name)
    assert status(models).of(asset).state == "absent"


def test_a_damaged_config_beside_the_weights(models: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "config.json").write_bytes(b"{")
    assert "config.json is damaged" in refusal("tiny", models, tmp_path)


@pytest.mark.parametrize(
    ("asset", "name", "content"), [("torch", "b.pt2", torch_file()), ("points", "p.ply", PLY)]
)
def test_files_of_other_kinds(models: Path, tmp_path: Path, asset: str, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    use_file(asset, models, tmp_path / name)
    assert status(models).of(asset).state == "ready"


def tar(path: Path, *members: tuple[str, bytes | str]) -> Path:
    """An archive; a text is the target of a link."""
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_only_what_may_be_used_comes_out_of_the_archive(models: Path, tmp_path: Path) -> None:
    archive = tar(
        tmp_path / "prior.tar",
        ("./pretrained_models/human_model_files/smplx/SMPLX_NEUTRAL.npz", b"not ours to take"),
        ("./pretrained_models/sapiens/body.pt2", torch_file()),
        ("./pretrained_models/copy/body.pt2", torch_file(b"a copy")),
        ("./pretrained_models/dense_sample_points/1_20.ply", PLY),
        ("./pretrained_models/arcface_resnet18.pth", b"somebody else's"),
    )
    records = use_archive(models, archive)
    assert set(records) == {"torch", "points"}
    assert {record.source for record in records.values()} == {"archive"}
    assert files("points", models)["1_20.ply"].read_bytes() == PLY
    assert files("torch", models)["body.pt2"].read_bytes() == torch_file()
    assert everything(models) == {
        *("licences.json", "models.lock", "torch", "torch/body.pt2", "torch/asset.json"),
        *("points", "points/1_20.ply", "points/asset.json"),
    }


def test_what_has_no_tick_stays_in_the_archive(models: Path, tmp_path: Path) -> None:
    archive = tar(tmp_path / "prior.tar", ("body.pt2", torch_file()), ("1_20.ply", PLY))
    withdraw("sapiens", models)
    assert set(use_archive(models, archive)) == {"points"}
    withdraw("smplx", models)
    with pytest.raises(AvatarError, match="No licence of what lies in the archive is accepted"):
        use_archive(models, archive)


def test_no_name_in_an_archive_leads_elsewhere(models: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("unharmed")
    before = everything(tmp_path) - {"evil.tar"}
    archive = tar(
        tmp_path / "evil.tar",
        ("1_20.ply", str(victim)),  # a link of the wanted name is not followed
        ("../../../../../../tmp/evil/body.pt2", torch_file()),
        (str(tmp_path / "absolute" / "1_20.ply"), PLY),
        ("points", "/etc"),
    )
    assert set(use_archive(models, archive)) == {"points", "torch"}
    after = {name for name in everything(tmp_path) if not name.startswith("models/")} - {"evil.tar"}
    assert after == {name for name in before if not name.startswith("models/")}
    assert victim.read_text() == "unharmed"


def test_one_asset_from_the_archive(models: Path, tmp_path: Path) -> None:
    archive = tar(tmp_path / "prior.tar", ("a/body.pt2", torch_file()), ("a/1_20.ply", PLY))
    use_file("points", models, archive)
    assert status(models).of("torch").state == "absent"
    assert status(models).of("points").state == "ready"


def test_archives_that_cannot_be_used(models: Path, tmp_path: Path) -> None:
    whole = tar(tmp_path / "whole.tar", ("a/body.pt2", torch_file(b"x" * 100_000)))
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:20_000])
    assert "cut.tar is damaged or was cut short" in refusal("torch", models, cut)
    (tmp_path / "zip.tar").write_bytes(torch_file())
    assert "zip.tar is damaged or was cut short" in refusal("torch", models, tmp_path / "zip.tar")
    assert "whole.tar does not hold 1_20.ply" in refusal("points", models, whole)
    bad = tar(tmp_path / "bad.tar", ("a/body.pt2", b"no zip"))
    assert "not a PyTorch file" in refusal("torch", models, bad)
    with pytest.raises(AvatarError, match="is no archive"):
        use_archive(models, tmp_path)
    assert status(models).of("torch").bytes == 0


def test_unpacking_needs_room_and_can_be_cancelled(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tar(tmp_path / "prior.tar", ("body.pt2", torch_file()))
    told: list[Any] = []
    with pytest.raises(Cancelled):
        use_file("torch", models, archive, progress=lambda *r: told.append(r), cancelled=lambda: bool(told))
    assert not list(models.rglob("*.part"))
    monkeypatch.setattr(disk, "free_bytes", lambda _: 10)
    assert "GB are needed in" in refusal("torch", models, archive)


def test_a_licence_comes_first(models: Path, folder: Path) -> None:
    withdraw("lhm", models)
    assert "A licence is not accepted yet: LHM weights" in refusal("tiny", models, folder)
