"""The folder is read as its maker means it, and what is broken is named."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.evaluate.people import digest, read_people, read_rgb, read_rgba
from PIL import Image

from .people_folder import SIDE, true_params

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.evaluate.people import Person


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return shutil.copytree(folder, tmp_path / "people")


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def test_people_are_read(folder: Path, person: Person) -> None:
    assert [p.name for p in read_people(folder)] == ["p00", "p01"]
    assert [p.name for p in read_people(folder, "reported")] == ["p01"]
    assert digest(folder) == "test"
    assert [(s.kind, s.azimuth) for s in person.frames] == [
        ("view", 0.0), ("view", 30.0), ("view", 180.0), ("view", -30.0), ("pose", 40.0)
    ]  # fmt: skip
    np.testing.assert_allclose(person.frames[4].params.pose(), true_params("p00", 0.9).pose(), atol=1e-6)
    assert person.photo().frame == 0


def test_pictures_are_read(person: Person) -> None:
    rgba, rgb = read_rgba(person.frames[0]), read_rgb(person.photo().shot)
    assert rgba.shape == (SIDE, SIDE, 4)
    assert rgba[0, 0, 3] == 0
    assert 0.9 < rgba[..., 3].max() <= 1
    np.testing.assert_allclose(rgb[0, 0], (0.9, 0.2, 0.9), atol=0.03)


def test_a_folder_without_people_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"There are no people in .*make_people\.py --out"):
        read_people(tmp_path)


def test_unknown_names_and_empty_halves_are_named(folder: Path, person: Person) -> None:
    with pytest.raises(AvatarError, match=r"nobody named p07 in .* There are p00, p01"):
        read_people(folder, only=["p07"])
    with pytest.raises(AvatarError, match="belongs to the reported half"):
        read_people(folder, "reported", ["p00"])
    with pytest.raises(AvatarError, match=r"p00 has no left\.jpg"):
        person.photo("left.jpg")
    with pytest.raises(ValueError, match="split must be"):
        read_people(folder, "half")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v.pop("frames"), "lacks 'frames'"),
        (lambda v: v.update(betas=None, frames=None), "is damaged"),
        (lambda v: v["frames"][0].update(pose=[[0, 0]]), "cannot reshape"),
        (lambda v: v["frames"][0].update(file="nobody.png"), r"nobody\.png is missing"),
        (lambda v: v["frames"][0].update(kind="film"), "kind must be view"),
        (lambda v: v["photos"][0].update(frame=9), "frame must be 0 to 4"),
        (lambda v: v.update(split="third"), "split must be tuning or reported"),
    ],
)
def test_a_broken_person_is_named(
    broken: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    edit(broken / "p00" / "person.json", change)
    with pytest.raises(AvatarError, match=rf"person\.json.*{told}"):
        read_people(broken)


def test_a_broken_index_is_named(broken: Path) -> None:
    edit(broken / "people.json", lambda v: v.update(version=2))
    with pytest.raises(AvatarError, match="people of version 2, and this reads version 1"):
        read_people(broken)
    (broken / "people.json").write_text("[]", encoding="utf-8")
    with pytest.raises(AvatarError, match="no object"):
        read_people(broken)
    (broken / "people.json").write_text("{", encoding="utf-8")
    with pytest.raises(AvatarError, match=r"people\.json is damaged"):
        read_people(broken)


def test_a_person_without_a_file_is_named(broken: Path) -> None:
    (broken / "p01" / "person.json").unlink()
    with pytest.raises(AvatarError, match=r"p01.person\.json is missing"):
        read_people(broken)


def test_broken_pictures_are_named(broken: Path) -> None:
    shot = read_people(broken)[0].frames[0]
    Image.new("RGB", (SIDE, SIDE)).save(shot.path)
    with pytest.raises(AvatarError, match="has no alpha"):
        read_rgba(shot)
    Image.new("RGBA", (8, 8)).save(shot.path)
    with pytest.raises(AvatarError, match="has 8 × 8 pixels, and its camera 256 × 256"):
        read_rgba(shot)
    shot.path.write_bytes(b"no picture")
    with pytest.raises(AvatarError, match="cannot be read"):
        read_rgba(shot)
