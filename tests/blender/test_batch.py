"""A folder of photos becomes a library: whole, resumable, and one failure does not stop the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender import fake_engine
from lhm_avatars import commands
from lhm_avatars.commands.contact_sheet import CARD_HEIGHT, CARD_WIDTH
from lhm_avatars.commands.photo_folder import find_photos
from lhm_avatars.commands.portraits import HEIGHT, WIDTH, portrait_camera
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.formats.avatar_file import load_avatar, save_avatar
from lhm_avatars.rigging.pointcloud import read_gaussians

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")
NOBODY = "No person was found in this photo. Choose one that shows the whole body."


@pytest.fixture
def folder(avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for photos, and an engine that looks at their names only."""
    if os.name == "nt":
        pytest.skip("the fake engine starts through a shell script")
    save_avatar(tmp_path / "answer.lhma", avatar)
    methods = Path(__file__).parent / "fake_batch.py"
    fake_engine.install(tmp_path / "root", methods, tmp_path / "answer.lhma")
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "root"))
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"photo {name}")


def batch(folder: Path, *more: str) -> int:
    return commands.run(["batch", str(folder), "-o", str(folder.parent / "library"), *more])


def report(folder: Path) -> dict[str, dict[str, object]]:
    """What report.json says of each photo."""
    text = (folder.parent / "library" / "report.json").read_text(encoding="utf-8")
    return {entry["photo"]: entry for entry in json.loads(text)["photos"]}


def calls(folder: Path) -> list[list[str]]:
    """Process and photo of each reconstruction so far."""
    return [line.split(" ", 1) for line in (folder.parent / "calls.txt").read_text().splitlines()]


def pixels(image: bpy.types.Image) -> np.ndarray:
    """Top row first. [H, W, 4]"""
    return np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)[::-1]


# What comes out.


def test_a_folder_becomes_a_library(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(folder, "Zoë 山田.jpg", "half.png", "notes.txt", ".hidden.jpg", "below/not me.jpg")
    library = folder.parent / "library"
    assert batch(folder) == commands.DONE
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("[")] == ["[1/2] Zoë 山田.jpg", "[2/2] half.png"]
    assert sorted(path.name for path in library.iterdir()) == [
        *("avatars", "blender_assets.cats.txt", "contact-sheet.png", "library.blend", "report.json")
    ]
    assert sorted(path.name for path in (library / "avatars").iterdir()) == ["Zoë 山田.lhma", "half.lhma"]
    assert {name: entry["state"] for name, entry in report(folder).items()} == {
        "Zoë 山田.jpg": "made", "half.png": "made",
    }  # fmt: skip
    assert report(folder)["half.png"]["warnings"] == [
        "Only the upper body is in the photo. The legs were guessed."
    ]
    assert len({process for process, _ in calls(folder)}) == 1


def test_each_avatar_is_an_asset(folder: Path, avatar: Avatar) -> None:
    fill(folder, "Zoë 山田.jpg", "half.png")
    assert batch(folder) == commands.DONE
    library = folder.parent / "library"
    lines = (library / "blender_assets.cats.txt").read_text().splitlines()
    assert lines[0] == "VERSION 1"
    catalog, *path = lines[-1].split(":")
    assert path == ["Avatars", "Avatars"]
    bpy.ops.wm.open_mainfile(filepath=str(library / "library.blend"))
    assert bpy.utils.blend_paths(absolute=False) == []
    assets = {c.name: c for c in bpy.data.collections if c.asset_data}
    assert sorted(assets) == ["Zoë 山田", "half"]
    data = assets["half"].asset_data
    assert (data.catalog_id, data.author) == (catalog, "")
    assert data.license == "GPL-3.0-or-later; CC0-1.0"
    assert [tag.name for tag in data.tags] == ["avatar", "lift", "GPL-3.0-or-later", "CC0-1.0"]
    seen = (avatar.seen == 2).mean()
    assert data.description.startswith(f"500 splats, {seen:.0%} of them seen in the photo. Only the upper")
    preview = assets["half"].preview
    assert tuple(preview.image_size) == (HEIGHT, HEIGHT)
    shown = np.array(preview.image_pixels_float[:]).reshape(HEIGHT, HEIGHT, 4)[::-1]
    sheet = pixels(bpy.data.images.load(str(library / "contact-sheet.png")))
    front = sheet[CARD_HEIGHT + 6 : CARD_HEIGHT + 6 + HEIGHT, 12 + WIDTH : 12 + 2 * WIDTH]
    middle = shown[:, (HEIGHT - WIDTH) // 2 : (HEIGHT + WIDTH) // 2]
    np.testing.assert_allclose(middle, front, atol=1 / 255)
    assert np.abs(front - front[0, 0]).max(axis=2).astype(bool).sum() > 100  # dots, not only grey


@pytest.mark.parametrize("link", [False, True])
def test_an_asset_works_elsewhere(folder: Path, avatar: Avatar, link: bool) -> None:
    fill(folder, "good.jpg")
    assert batch(folder) == commands.DONE
    bpy.ops.wm.read_homefile(use_empty=True)
    file = folder.parent / "library" / "library.blend"
    with bpy.data.libraries.load(str(file), link=link, assets_only=True) as (there, taken):
        assert list(there.collections) == ["good"]
        taken.collections = ["good"]
    (collection,) = taken.collections
    if link:
        instance = bpy.data.objects.new("good", None)
        instance.instance_type, instance.instance_collection = "COLLECTION", collection
        bpy.context.scene.collection.objects.link(instance)
    else:
        bpy.context.scene.collection.children.link(collection)
    cloud = next(obj for obj in collection.all_objects if obj.get("lhm_avatar") == "cloud")
    cloud.modifiers["LHM Display"].show_viewport = False
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    found = []
    for instance in graph.object_instances:  # each is gone after its step
        if instance.object.type == "POINTCLOUD":
            rows = np.array(instance.matrix_world)
            found.append(read_gaussians(instance.object.data).means @ rows[:3, :3].T + rows[:3, 3])
    (means,) = found
    posed = avatar.posed(avatar.params).means
    expected = np.stack([posed[:, 0], -posed[:, 2], posed[:, 1]], axis=1)
    np.testing.assert_allclose(means - means.mean(axis=0), expected - expected.mean(axis=0), atol=3e-6)


def test_the_sheet_shows_photos_and_failures(folder: Path) -> None:
    fill(folder, *(f"{n}.jpg" for n in "abcd"), "nobody.jpg")
    assert batch(folder) == commands.FAILED
    sheet = pixels(bpy.data.images.load(str(folder.parent / "library" / "contact-sheet.png")))
    assert sheet.shape[:2] == (3 * CARD_HEIGHT, 2 * CARD_WIDTH)  # five cards in two columns
    for column in (0, 1):
        cell = sheet[6 : 6 + HEIGHT, column * CARD_WIDTH + 6 : column * CARD_WIDTH + 6 + WIDTH]
        np.testing.assert_allclose(cell[HEIGHT // 2, :, :3] * 255, [[250, 120, 10]] * WIDTH, atol=0.6)
        assert np.abs(cell[:40, :, :3] - cell[0, 0, :3]).max() < 1 / 255  # the photo is in the middle
    views = slice(12 + WIDTH, CARD_WIDTH)
    failed, empty = sheet[2 * CARD_HEIGHT : -30, views], sheet[2 * CARD_HEIGHT : -30, CARD_WIDTH:]
    assert (failed[..., :3].max(axis=2) > 0.7).sum() > 200  # letters
    assert np.ptp(empty[..., :3]) == 0


# Another time.


def test_what_is_there_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(folder, "a.jpg", "b.jpg", "c.jpg")
    library = folder.parent / "library"
    assert batch(folder) == commands.DONE
    assert len(calls(folder)) == 3
    (folder / "b.jpg").write_text("another photo")
    whole = (library / "avatars" / "c.lhma").read_bytes()
    (library / "avatars" / "c.lhma").write_bytes(whole[: len(whole) // 2])
    capsys.readouterr()
    assert batch(folder) == commands.DONE
    assert [photo for _, photo in calls(folder)[3:]] == ["b.jpg", "c.jpg"]
    assert [entry["state"] for entry in report(folder).values()] == ["kept", "made", "made"]
    assert "will be made again: c.lhma is not a whole avatar file" in capsys.readouterr().err
    assert load_avatar(library / "avatars" / "c.lhma").gaussians.count == 500
    assert batch(folder, "--seed", "7") == commands.DONE
    assert [photo for _, photo in calls(folder)[5:]] == ["a.jpg", "b.jpg", "c.jpg"]
    bpy.ops.wm.open_mainfile(filepath=str(library / "library.blend"))
    assert sum(c.asset_data is not None for c in bpy.data.collections) == 3


def test_one_failure_does_not_stop_the_rest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(folder, "a.jpg", "broken.jpg", "bug.jpg", "killed.jpg", "nobody.jpg", "z.jpg")
    assert batch(folder) == commands.FAILED
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "lhm_avatars: 4 of 6 photos failed. The same command tries them again."
    assert f"failed: nobody.jpg: {NOBODY}" in said
    entries = report(folder)
    assert {name for name, entry in entries.items() if entry["state"] == "made"} == {"a.jpg", "z.jpg"}
    assert entries["nobody.jpg"]["sentence"] == NOBODY
    assert str(entries["killed.jpg"]["sentence"]).startswith("The engine stopped unexpectedly")
    assert str(entries["bug.jpg"]["sentence"]).startswith("The engine made a mistake: ")
    assert len({process for process, _ in calls(folder)}) == 2  # one more after the one that was killed
    assert sorted(p.name for p in (folder.parent / "library" / "avatars").iterdir()) == ["a.lhma", "z.lhma"]


def test_it_may_stop_at_the_first_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(folder, "a.jpg", "nobody.jpg", "z.jpg")
    assert batch(folder, "--no-keep-going") == commands.FAILED
    assert "1 of 3 photos failed, 1 were not tried." in capsys.readouterr().err.splitlines()[-1]
    assert list(report(folder)) == ["a.jpg", "nobody.jpg"]


def test_without_a_single_avatar_there_is_no_library(folder: Path) -> None:
    fill(folder, "nobody.jpg")
    assert batch(folder) == commands.FAILED
    library = folder.parent / "library"
    assert not (library / "library.blend").exists()
    assert (library / "contact-sheet.png").is_file()


def test_ctrl_c_leaves_what_is_done(folder: Path) -> None:
    fill(folder, "a.jpg", "slow.jpg", "z.jpg")
    library = folder.parent / "library"
    program = Path(__file__).with_name("stand_in_blender.py")
    command = [sys.executable, program, "-c", "lhm_avatars", "batch", folder, "-o", library]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for line in started.stderr:
        if "Refining colours" in line:
            break
    started.send_signal(signal.SIGINT)
    rest = started.stderr.read().splitlines()
    assert started.wait(timeout=20) == commands.FAILED
    assert rest == ["lhm_avatars: Stopped after 1 of 3 photos. The same command goes on from there."]
    assert [path.name for path in (library / "avatars").iterdir()] == ["a.lhma"]
    process = int(calls(folder)[-1][0])
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    (folder / "slow.jpg").rename(folder / "quick.jpg")
    assert batch(folder) == commands.DONE
    assert [entry["state"] for entry in report(folder).values()] == ["kept", "made", "made"]


# Which photos.


def test_names_stay_apart(tmp_path: Path) -> None:
    decomposed = "Zoe\u0308.png"  # another way to write Zoë.jpg
    fill(
        tmp_path, "a.jpg", "A.png", "sub/a.jpg", "sub/b.jpg", "Zoë.jpg", decomposed, "c_d.jpg", "one.two.jpg"
    )
    found = {source.shown: source.name for source in find_photos(tmp_path, tmp_path / "x", recursive=True)}
    assert found == {
        "a.jpg": "a_jpg", "A.png": "A_png", "sub/a.jpg": "sub_a_jpg", "sub/b.jpg": "b", "Zoë.jpg": "Zoë_jpg",
        decomposed: "Zoe\u0308_png", "c_d.jpg": "c_d", "one.two.jpg": "one.two",
    }  # fmt: skip
    fill(tmp_path, "sub_a.jpg.png")  # its name is not, with folders and endings, another's
    again = {source.shown: source.name for source in find_photos(tmp_path, tmp_path / "x", recursive=True)}
    assert len(set(again.values())) == len(again) == 9
    assert {shown: again[shown] for shown in found} == found


def test_the_library_is_not_read_as_photos(folder: Path) -> None:
    fill(folder, "a.jpg", "deeper/b.jpg")
    for _ in range(2):
        assert commands.run(["batch", str(folder), "-o", str(folder / "out"), "--recursive"]) == commands.DONE
    text = (folder / "out" / "report.json").read_text(encoding="utf-8")
    assert [entry["photo"] for entry in json.loads(text)["photos"]] == ["a.jpg", "deeper/b.jpg"]


@pytest.mark.parametrize("recursive", [False, True])
def test_no_photos(tmp_path: Path, recursive: bool) -> None:
    fill(tmp_path, "notes.txt", *([] if recursive else ["below/a.jpg"]))
    words = r"There are no photos in .*\.jp2\)(\.|, or look .* with --recursive\.)$"
    with pytest.raises(AvatarError, match=words):
        find_photos(tmp_path, tmp_path / "x", recursive=recursive)


def test_wrong_folders(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(folder, "a.jpg")
    (tmp_path / "file").touch()
    (tmp_path / "half made").mkdir()
    (tmp_path / "half made" / "avatars").touch()
    (tmp_path / "taken" / "contact-sheet.png").mkdir(parents=True)
    (tmp_path / "saved" / "library.blend").mkdir(parents=True)
    for source, target, words in (
        (tmp_path / "none", tmp_path / "x", f"There is no folder {tmp_path / 'none'}. Give the folder"),
        (folder, folder, "The library cannot be the folder of the photos. Give another folder with -o."),
        (folder, tmp_path / "file", f"The folder {tmp_path / 'file' / 'avatars'} cannot be made ("),
        (folder, tmp_path / "half made", f"The folder {tmp_path / 'half made' / 'avatars'} cannot be made ("),
        (folder, tmp_path / "taken", f"{tmp_path / 'taken' / 'contact-sheet.png'} cannot be written ("),
        (folder, tmp_path / "saved", f"{tmp_path / 'saved' / 'library.blend'} could not be saved: "),
    ):
        assert commands.run(["batch", str(source), "-o", str(target)]) == commands.FAILED
        assert capsys.readouterr().err.splitlines()[-1].startswith(f"lhm_avatars: {words}")
    assert [path.name for path in (tmp_path / "taken").iterdir() if "partial" in path.name] == []


def test_settings_that_cannot_be(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder, "a.jpg")
    assert batch(folder, "--count", "3") == commands.FAILED
    assert "A setting cannot be used: count must lie between" in capsys.readouterr().err
    assert batch(folder, "--mask", "m.png") == commands.WRONG_USE  # it would be the same for all
    assert "unrecognized arguments: --mask" in capsys.readouterr().err
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(folder / "none"))
    assert batch(folder) == commands.FAILED
    assert "The engine is not installed." in capsys.readouterr().err
    assert not (folder.parent / "calls.txt").exists()


# Where the camera stands.


@pytest.mark.parametrize("azimuth", [0.0, 35.0, 180.0])
def test_portraits_show_the_whole_person(make_avatar: Callable[..., Avatar], azimuth: float) -> None:
    avatar = make_avatar(3000)
    means = avatar.posed(avatar.params).means.astype(float)
    viewmat, K = portrait_camera(means, azimuth)
    np.testing.assert_allclose(viewmat[:3, :3] @ viewmat[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(viewmat[:3, :3]) == pytest.approx(1)
    seen = means @ viewmat[:3, :3].T + viewmat[:3, 3]
    image = (seen @ K.T)[:, :2] / seen[:, 2:]
    assert (image > 0).all()
    assert (image < (WIDTH, HEIGHT)).all()
    assert max(np.ptp(image[:, 0]) / WIDTH, np.ptp(image[:, 1]) / HEIGHT) > 0.6  # and not lost in the air
    # The camera's place, by hand: from the middle towards +Z, turned to +X.
    place = -viewmat[:3, :3].T @ viewmat[:3, 3]
    low, high = np.quantile(means, (0.002, 0.998), axis=0)
    towards = (place - (low + high) / 2) / np.linalg.norm(place - (low + high) / 2)
    np.testing.assert_allclose(
        towards, [np.sin(np.radians(azimuth)), 0, np.cos(np.radians(azimuth))], atol=1e-9
    )
    lowest, highest = means[:, 1].argmin(), means[:, 1].argmax()
    assert image[lowest, 1] > image[highest, 1]  # upright
    sideways = np.corrcoef(means[:, 0], image[:, 0])[0, 1]
    assert (sideways > 0.5) == (azimuth < 90)  # the person's left is on the right, from behind on the left
