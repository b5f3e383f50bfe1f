"""Where a model's files are, and what is said when they are not, or are others."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.lhm import models as lhm_models
from lhm_avatars.engine.lhm.models import BUILDERS, find_model, optional_file
from lhm_avatars.engine.lhm.own_config import read_config
from lhm_avatars.engine.network.config import RELEASED, lhm_tiny
from lhm_avatars.engine.request import RELEASED_MODELS
from lhm_avatars.engine.weights.catalogue import asset, with_needs
from lhm_avatars.engine.weights.hashes import sha256_of
from lhm_avatars.engine.weights.licences import accept, withdraw
from lhm_avatars.engine.weights.records import Record, StoredFile, folder_of, write_record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(own_folder: Path, tmp_path: Path) -> Path:
    """A copy to spoil; the weights are a link."""
    copy = tmp_path / "my model"
    shutil.copytree(own_folder, copy, copy_function=os.link)
    return copy


def change(folder: Path, **values: Any) -> Path:
    """Write other sizes; a name with a dot belongs to the head's encoder, None leaves one out."""
    path = folder / "config.json"
    content = json.loads(path.read_text())
    for name, value in values.items():
        target = content["vit"] if name.startswith("vit_") else content
        key = name.removeprefix("vit_")
        target[key] = value
        if value is None:
            del target[key]
    path.unlink()  # it is a link
    path.write_text(json.dumps(content))
    return path


def test_every_released_model_has_its_sizes() -> None:
    assert tuple(BUILDERS) == RELEASED_MODELS
    assert set(BUILDERS.values()) == set(RELEASED)
    for name, build in BUILDERS.items():
        config = build()
        assert config.name == asset(name).title
        _, sapiens, points = with_needs(name)
        assert points.main.vertices == config.points
        assert sapiens.name == lhm_models.SAPIENS


def test_a_downloaded_model_is_found_with_all_it_needs(models_root: Path, model_files: Any) -> None:
    model = find_model("lhm-mini", models_root, None)
    assert (model.weights, model.points, model.sapiens) == tuple(model_files)
    assert model.config == lhm_tiny()
    assert model.sha256 == sha256_of(model_files.weights)
    assert model.licences == {
        "engine": "GPL-3.0-or-later",
        "body": "SMPL-X, non-commercial",
        "weights": "CC BY-NC 4.0 (LHM), CC BY-NC 4.0 (Sapiens)",
    }


def test_a_model_without_a_folder_of_models() -> None:
    with pytest.raises(AvatarError, match=r"folder of the models is not set\. Choose it in the preferences"):
        find_model("lhm-500m", None, None)


@pytest.mark.parametrize("licence", ["lhm", "smplx", "sapiens"])
def test_no_model_without_each_licence(models_root: Path, licence: str) -> None:
    withdraw(licence, models_root)
    with pytest.raises(
        AvatarError, match=r"^A licence is not accepted yet: .* tick it in the setup first\.$"
    ):
        find_model("lhm-mini", models_root, None)


@pytest.mark.parametrize("name", ["lhm-mini", "sapiens-1b", "points-20k"])
def test_a_model_that_is_not_there(models_root: Path, name: str) -> None:
    shutil.rmtree(folder_of(name, models_root))
    with pytest.raises(AvatarError, match=f"^{re.escape(asset(name).title)} is not there"):
        find_model("lhm-mini", models_root, None)


def test_a_model_whose_file_is_gone(models_root: Path) -> None:
    record = folder_of("sapiens-1b", models_root) / "asset.json"
    values = json.loads(record.read_text())
    values["files"][asset("sapiens-1b").main.name]["path"] = str(models_root / "moved.pt2")
    record.write_text(json.dumps(values))
    with pytest.raises(AvatarError, match=r"A file of Sapiens-1B is gone or has changed: .*moved\.pt2"):
        find_model("lhm-mini", models_root, None)


def test_a_model_of_ones_own_is_found(own_folder: Path, model_files: Any) -> None:
    model = find_model("lhm-own", None, own_folder)
    assert (model.weights, model.points, model.sapiens) == tuple(model_files)
    assert model.config == lhm_tiny()
    assert model.sha256 == sha256_of(model_files.weights)


def test_the_hash_of_ones_own_weights_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr(lhm_models, "sha256_of", lambda path: read.append(path) or str(len(read)))
    weights = folder / "model.safetensors"
    assert [find_model("lhm-own", None, folder).sha256 for _ in range(2)] == ["1", "1"]
    os.utime(weights, ns=(1, 1))
    assert find_model("lhm-own", None, folder).sha256 == "2"


def test_ones_own_weights_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(lhm_models, "sha256_of", refuse)  # whoever runs as root may read any file
    with pytest.raises(AvatarError, match=r"^model\.safetensors of your own model cannot be read"):
        find_model("lhm-own", None, folder)


def test_ones_own_model_may_use_the_downloaded_sapiens(
    folder: Path, models_root: Path, model_files: Any
) -> None:
    next(folder.glob("sapiens*")).unlink()
    model = find_model("lhm-own", models_root, folder)
    assert model.sapiens == model_files.sapiens
    assert "CC BY-NC 4.0 (Sapiens)" in model.licences["weights"]
    withdraw("sapiens", models_root)
    with pytest.raises(AvatarError, match="A licence is not accepted yet: Sapiens"):
        find_model("lhm-own", models_root, folder)
    with pytest.raises(
        AvatarError, match=r"holds no sapiens\*\.pt2, and the folder of the models is not set"
    ):
        find_model("lhm-own", None, folder)


def test_two_sapiens_are_one_too_many(folder: Path) -> None:
    (folder / "sapiens_other.pt2").write_bytes(b"")
    with pytest.raises(AvatarError, match=r"my model holds 2 files sapiens\*\.pt2\. Leave the one"):
        find_model("lhm-own", None, folder)


def test_no_folder_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"^No folder of your own model is set\. Choose it"):
        find_model("lhm-own", None, None)
    with pytest.raises(
        AvatarError, match=r"^There is no folder .*gone\. Choose the folder of your own model\.$"
    ):
        find_model("lhm-own", None, tmp_path / "gone")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "dense_sample_points/1_2000.ply"])
def test_a_file_that_ones_own_model_lacks(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(AvatarError, match=rf"^Your own model lacks the file {name}\. .*hoose .*folder"):
        find_model("lhm-own", None, folder)


def test_what_is_left_out_is_as_in_the_released_models(folder: Path) -> None:
    path = change(folder, width=None, vit_eps=None)
    with pytest.raises(AvatarError, match="width must not be above context_width"):
        read_config(path)  # 1024 it is
    path.write_text('{"name": "Mine", "layers": 3, "points": 40000, "image_size": 1024}')
    config = read_config(path)
    assert (config.name, config.layers, config.width, config.vit.depth) == ("Mine", 3, 1024, 24)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"layers": "2"}, "layers must be a whole number above 0, got '2'"),
        ({"layers": True}, "layers must be a whole number above 0, got True"),
        ({"points": 0}, "points must be a whole number above 0, got 0"),
        ({"name": ""}, "name must be a text, got ''"),
        ({"voxels": [6, 12]}, r"voxels must be a list of 3 whole numbers, got \[6, 12\]"),
        ({"vit_taps": []}, r"vit\.taps must be a list of some whole numbers, got \[\]"),
        ({"vit_taps": [1, 2.5]}, r"vit\.taps must be a list of some whole numbers"),
        ({"vit_eps": 2}, r"vit\.eps must be a number between 0 and 1, got 2"),
        ({"vit": 3}, r"vit\. must hold an object, got int"),
        ({"transformer_dim": 64}, "transformer_dim is no size that is known here"),
        ({"vit_colour": 64}, r"vit\.colour is no size that is known here"),
        ({"image_size": None}, "image_size is missing"),
        ({"heads": 5}, "width must be a multiple of heads"),
        ({"vit_heads": 5}, r"vit\.width must be a multiple of vit\.heads"),
        ({"vit_resolution": 100}, r"vit\.resolution must be a multiple of vit\.patch"),
        ({"vit_trained_size": 100}, r"vit\.trained_size must be a multiple of vit\.patch"),
        ({"vit_taps": [1, 8]}, r"vit\.taps must be blocks below vit\.depth"),
        ({"points": 1}, "points must be at least 4"),
        ({"body_tokens": 63}, "body_tokens must be the number of sapiens_resolution's patches"),
    ],
)
def test_sizes_that_cannot_be_a_models_are_named(folder: Path, values: dict[str, Any], what: str) -> None:
    with pytest.raises(
        AvatarError,
        match=rf"^config\.json does not describe a model for this extension: {what}.*\. Correct it",
    ):
        read_config(change(folder, **values))


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff\xfe", b""])
def test_a_file_that_is_no_json_object(folder: Path, content: bytes) -> None:
    path = folder / "config.json"
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(AvatarError, match=r"^config\.json does not describe a model for this extension: "):
        read_config(path)


def test_torch_is_not_needed_to_find_a_model(root: Path) -> None:
    code = (
        "import importlib.util, sys; sys.modules['torch'] = None\n"
        "spec = importlib.util.spec_from_file_location('lhm_avatars', 'ROOT/__init__.py', "
        "submodule_search_locations=['ROOT'])\n"
        "sys.modules['lhm_avatars'] = importlib.util.module_from_spec(spec)\n"
        "import lhm_avatars.engine.lhm.models\n"
    ).replace("ROOT", root.as_posix())
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_lhm_can_do_without_is_used_where_it_may_be(models_root: Path, tmp_path: Path) -> None:
    name = "face-upscaler"
    assert optional_file(name, None) is None
    assert optional_file(name, models_root) is None
    assert optional_file(name, tmp_path / "no such folder") is None
    path = tmp_path / "RealESRGAN_x4plus.pth"
    path.write_bytes(b"weights")
    write_record(
        name, models_root, Record("file", {path.name: StoredFile(str(path), 7, "0" * 64, "structure")})
    )
    assert optional_file(name, models_root) is None  # its licence is not accepted
    accept("real-esrgan", models_root)
    assert optional_file(name, models_root) == path
    path.unlink()
    with pytest.raises(AvatarError, match=r"A file of Real-ESRGAN x4plus is gone or has changed"):
        optional_file(name, models_root)
