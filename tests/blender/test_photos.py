"""What decides an avatar reaches the engine by every way: sidebar, script, file browser, command."""

from __future__ import annotations

import json
from types import MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy
import pytest
from blender import fake_models
from blender.layout import Layout
from blender.test_user_errors import refused
from blender.traces import temporary_files
from blender.window import Pressed
from lhm_avatars import commands
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.operators import photos
from lhm_avatars.operators.reconstruct import last_made, request_settings
from lhm_avatars.operators.reconstruction import Settings, reconstruct_photo
from lhm_avatars.properties import QUALITY_COUNTS, job_state

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("empty_scene")

TOO_MANY = "9 photos are more than the engine takes. Choose at most 8."
ONE_ONLY = "LHM works from one photo. Remove the further photos, or choose the built-in engine."


def asked(engine: Path) -> dict[str, Any]:
    """The settings that the engine was last given."""
    return json.loads((engine / "asked.json").read_text())


def files(folder: Path, *names: str) -> list[str]:
    """Empty files: the fake engine looks at names only."""
    for name in names:
        (folder / f"{name}.jpg").touch()
    return [str(folder / f"{name}.jpg") for name in names]


def chosen() -> Any:
    return bpy.context.scene.lhm_avatars


def listed() -> list[str]:
    return [photo.name for photo in chosen().photos]


# Quality.


@pytest.mark.parametrize(("level", "count"), QUALITY_COUNTS.items())
def test_a_quality_is_a_number_of_splats(engine: Path, level: str, count: int) -> None:
    chosen().photo, chosen().quality = str(engine / "good.jpg"), level
    bpy.ops.lhm.reconstruct()
    assert asked(engine)["count"] == count
    assert chosen().quality == level


def test_levels_are_those_of_the_plan() -> None:
    assert list(QUALITY_COUNTS.values()) == [20_000, 40_000, 80_000, 160_000]
    assert (chosen().quality, chosen().count) == ("standard", 40_000)


def test_custom_starts_from_the_level_before_it(engine: Path) -> None:
    chosen().quality = "high"
    chosen().quality = "custom"
    assert (chosen().quality, chosen().count) == ("custom", 80_000)
    chosen().photo, chosen().count = str(engine / "good.jpg"), 33_000
    bpy.ops.lhm.reconstruct()
    assert asked(engine)["count"] == 33_000
    chosen().quality = "quick"
    assert (chosen().quality, chosen().count) == ("quick", 20_000)


@pytest.mark.parametrize(("count", "level"), [(12_345, "custom"), (80_000, "high"), (40_000, "standard")])
def test_a_count_of_an_older_file_or_script_holds(count: int, level: str) -> None:
    chosen().count = count
    assert (chosen().quality, request_settings(chosen()).count) == (level, count)


def test_settings_are_saved_with_the_file(tmp_path: Path) -> None:
    chosen().quality, chosen().held, chosen().loose_automatic, chosen().loose_strength = (
        "custom",
        "drop",
        0,
        0.75,
    )
    chosen().photos.add().name = "//back.jpg"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    assert chosen().held == "keep"
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    there = request_settings(chosen())
    assert (chosen().quality, there.held, there.loose, there.photos) == (
        "custom", "drop", 0.75, (tmp_path / "back.jpg",),
    )  # fmt: skip
    bpy.ops.wm.read_homefile(use_empty=True)


# Held things and loose clothing.


def test_held_and_loose_reach_the_engine(engine: Path) -> None:
    photo = str(engine / "good.jpg")
    bpy.ops.lhm.reconstruct(photo=photo)
    assert (asked(engine)["held"], asked(engine)["loose"]) == ("keep", None)
    bpy.ops.lhm.reconstruct(photo=photo, held="drop", loose_automatic=False, loose_strength=0.25)
    assert (asked(engine)["held"], asked(engine)["loose"]) == ("drop", 0.25)
    chosen().photo, chosen().held, chosen().loose_automatic, chosen().loose_strength = (
        photo,
        "drop",
        False,
        1.0,
    )
    bpy.ops.lhm.reconstruct()
    assert (asked(engine)["held"], asked(engine)["loose"]) == ("drop", 1.0)


# Further photos.


def test_further_photos_reach_the_engine(engine: Path) -> None:
    back, side = files(engine, "back", "side")
    reconstruct_photo(bpy.context, engine / "good.jpg", Settings(photos=(engine / "back.jpg",)))
    assert asked(engine)["photos"] == [back]
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"), photos=[{"name": back}, {"name": side}])
    assert asked(engine)["photos"] == [back, side]
    assert job_state(bpy.context).outcome == "good: 500 splats from 3 photos"
    chosen().photo = str(engine / "good.jpg")
    chosen().photos.add().name = side
    bpy.ops.lhm.reconstruct()
    assert asked(engine)["photos"] == [side]
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    assert asked(engine)["photos"] == []  # a photo that is given is not mixed with those of the sidebar


def test_another_pose_afterwards_keeps_the_photos(engine: Path) -> None:
    back, _ = files(engine, "back", "side")
    bpy.ops.lhm.reconstruct("EXEC_DEFAULT", True, photo=str(engine / "good.jpg"), photos=[{"name": back}])
    assert last_made() is not None
    operator = bpy.context.window_manager.operators
    if operator:  # a Blender without a window keeps no list
        assert [photo.name for photo in operator[-1].properties.photos] == [back]


def test_the_window_takes_further_photos(engine: Path) -> None:
    (back,) = files(engine, "back")
    pressed = Pressed(engine / "good.jpg", photos=[SimpleNamespace(name=back)])
    assert pressed.tick_until_over() == {"FINISHED"}
    assert asked(engine)["photos"] == [back]


def test_several_photos_of_the_file_browser(engine: Path) -> None:
    back, front, side = files(engine, "back", "front", "side")
    names = [{"name": f"{name}.jpg"} for name in ("back", "front", "side")]  # as the browser sorts them
    bpy.ops.lhm.choose_photo(filepath=front, directory=str(engine), files=names)
    assert (chosen().photo, listed()) == (front, [back, side])
    assert asked(engine)["photos"] == [back, side]
    assert bpy.context.view_layer.objects.active.name == "front"
    bpy.ops.lhm.choose_photo(filepath=side, directory=str(engine), files=[{"name": "side.jpg"}])
    assert (chosen().photo, listed()) == (side, [])  # another person: nobody's back is left over
    assert asked(engine)["photos"] == []


def test_photos_of_a_saved_file_are_kept_relative(engine: Path) -> None:
    back, front = files(engine, "back", "front")
    bpy.ops.wm.save_as_mainfile(filepath=str(engine / "scene.blend"))
    try:
        names = [{"name": "back.jpg"}, {"name": "front.jpg"}]
        bpy.ops.lhm.choose_photo(filepath=front, directory=str(engine), files=names)
        assert (chosen().photo, listed()) == ("//front.jpg", ["//back.jpg"])
        assert asked(engine)["photos"] == [back]
    finally:
        bpy.ops.wm.read_homefile(use_empty=True)


def test_photos_are_added_once_and_removed(engine: Path) -> None:
    back, side = files(engine, "back", "side")
    chosen().photo = str(engine / "good.jpg")
    files(engine, "good")
    names = [{"name": f"{name}.jpg"} for name in ("good", "back")]
    bpy.ops.lhm.add_photos(filepath=back, directory=str(engine), files=names)
    assert listed() == [back]
    bpy.ops.lhm.add_photos(filepath=side, directory=str(engine), files=[*names, {"name": "side.jpg"}])
    assert listed() == [back, side]
    bpy.ops.lhm.remove_photo(index=0)
    assert listed() == [side]


def test_the_photo_selected_first_is_the_main_one() -> None:
    space = SimpleNamespace(params=SimpleNamespace(filename=""))
    context = SimpleNamespace(scene=bpy.context.scene, space_data=space, selected_files=[])
    operator = SimpleNamespace(_first="", directory="/photos")
    operator.note_selection = MethodType(photos._PhotoBrowser.note_selection, operator)
    for names, last, words in (
        ((), "", []),
        (("front",), "front", ["Main: front"]),
        (("back", "front", "side"), "side", ["Main: front", "More: back", "More: side"]),
        (("back", "side"), "side", ["Main: side", "More: back"]),
        (("back", "front"), "gone", ["Main: back", "More: front"]),  # all selected at once
        (("back",), "back", ["Main: back"]),
        (("back", "front"), "front", ["Main: back", "More: front"]),
    ):
        space.params.filename = last
        context.selected_files = [SimpleNamespace(name=name) for name in names]
        operator.layout = Layout()
        photos.LHM_OT_choose_photo.draw(operator, context)
        assert operator.layout.words[-len(words) :] == words or not words
    operator.filepath, operator.files = "/photos/front", context.selected_files
    assert photos._PhotoBrowser.chosen(operator) == ["/photos/back", "/photos/front"]
    chosen().engine, operator.layout = "lhm-mini", Layout()
    photos.LHM_OT_choose_photo.draw(operator, context)
    assert operator.layout.text == photos.ONE


def test_what_is_for_one_engine_is_left_out_for_the_other(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    chosen().engine, chosen().photo = "lhm-mini", str(lhm_engine / "good.jpg")
    chosen().photos.add().name = str(lhm_engine / "gone.jpg")
    chosen().held, chosen().loose_automatic, chosen().binding, chosen().quality = (
        "drop",
        0,
        "diffused",
        "high",
    )
    bpy.ops.lhm.reconstruct()
    got = asked(lhm_engine)
    assert [got[name] for name in ("photos", "held", "loose", "count")] == [[], "keep", None, 40_000]
    assert got["binding"] == "diffused"
    chosen().engine = "lift"
    chosen().photos.clear()
    bpy.ops.lhm.reconstruct()
    assert asked(lhm_engine)["binding"] is None  # the built-in engine has its own


# What does not work, in one sentence.


def test_more_photos_than_the_engine_takes(engine: Path) -> None:
    paths = files(engine, *"abcdefghi")
    before = temporary_files()
    with refused(TOO_MANY):
        bpy.ops.lhm.reconstruct(photo=paths[0], photos=[{"name": path} for path in paths[1:]])
    with refused(TOO_MANY):
        bpy.ops.lhm.choose_photo(filepath=paths[0], directory=str(engine), files=_names("abcdefghi"))
    assert (chosen().photo, listed()) == ("", [])
    chosen().photo = paths[0]
    bpy.ops.lhm.add_photos(filepath=paths[1], directory=str(engine), files=_names("bcdef"))
    with refused(TOO_MANY):
        bpy.ops.lhm.add_photos(filepath=paths[6], directory=str(engine), files=_names("ghi"))
    assert len(listed()) == 5
    bpy.ops.lhm.add_photos(filepath=paths[6], directory=str(engine), files=_names("gh"))
    with refused(photos.FULL):
        bpy.ops.lhm.add_photos(filepath=paths[8])
    assert temporary_files() == before


def _names(letters: str) -> list[dict[str, str]]:
    return [{"name": f"{letter}.jpg"} for letter in letters]


def test_a_further_photo_that_is_gone(engine: Path) -> None:
    gone = engine / "gone.jpg"
    sentence = f"There is no photo {gone}. Remove it from More Photos, or choose another."
    with refused(sentence):
        bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"), photos=[{"name": str(gone)}])
    with pytest.raises(AvatarError, match="There is no photo"):
        reconstruct_photo(bpy.context, engine / "good.jpg", Settings(photos=(gone,)))


def test_lhm_takes_one_photo(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    back, front = files(lhm_engine, "back", "front")
    with refused(ONE_ONLY):
        bpy.ops.lhm.reconstruct(photo=front, photos=[{"name": back}], engine="lhm-mini")
    chosen().engine = "lhm-mini"
    with refused(ONE_ONLY):
        bpy.ops.lhm.choose_photo(filepath=front, directory=str(lhm_engine), files=_names("ab"))
    assert chosen().photo == ""


# The command.


def test_the_command_takes_them_all(engine: Path) -> None:
    back, side = files(engine, "back", "side")
    arguments = ["reconstruct", str(engine / "good.jpg"), "-o", str(engine / "out.blend")]
    assert commands.run([*arguments, "--photo", back, "--photo", side, "--quality", "very-high"]) == 0
    assert (asked(engine)["photos"], asked(engine)["count"]) == ([back, side], 160_000)
    assert commands.run([*arguments, "--count", "9000", "--held", "drop", "--loose", "0.5"]) == 0
    got = asked(engine)
    assert (got["count"], got["held"], got["loose"], got["photos"]) == (9000, "drop", 0.5, [])
    assert commands.run(arguments) == 0
    got = asked(engine)
    assert (got["count"], got["held"], got["loose"]) == (40_000, "keep", None)


def test_the_command_says_what_is_wrong(engine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["reconstruct", str(engine / "good.jpg"), "-o", str(engine / "out.blend")]
    assert commands.run([*arguments, "--photo", str(engine / "gone.jpg")]) == commands.FAILED
    assert f"lhm_avatars: There is no photo {engine / 'gone.jpg'}." in capsys.readouterr().err
    many = [part for path in files(engine, *"abcdefgh") for part in ("--photo", path)]
    assert commands.run([*arguments, *many]) == commands.FAILED
    assert TOO_MANY in capsys.readouterr().err
    assert commands.run([*arguments, "--photo", str(engine / "a.jpg"), "--engine", "lhm-1b"]) == 1
    assert ONE_ONLY in capsys.readouterr().err
    for wrong, words in (
        (["--loose", "2"], "'2' is no strength from 0 to 1"),
        (["--loose", "very"], "'very' is no strength from 0 to 1"),
        (["--quality", "best"], "invalid choice: 'best'"),
        (["--held", "maybe"], "invalid choice: 'maybe'"),
        (["--quality", "high", "--count", "9000"], "not allowed with argument"),
    ):
        assert commands.run([*arguments, *wrong]) == commands.WRONG_USE
        assert words in capsys.readouterr().err
