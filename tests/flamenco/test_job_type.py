"""The Flamenco job type: its settings, the tasks it compiles, their order and their command lines."""

from __future__ import annotations

from typing import Any

import pytest
from flamenco.compiled import Refused, compiled, needs_node
from lhm_avatars.engine.request import LIFT, RELEASED_MODELS

pytestmark = needs_node

# Flamenco's documentation: the schema AvailableJobSetting, and the list of commands with their parameters.
KEYS = {
    *("key", "type", "subtype", "choices", "propargs", "description", "default", "eval", "evalInfo"),
    *("visible", "required", "editable"),
}
TYPES = {"string": str, "int32": int, "float": float, "bool": bool}
SUBTYPES = {"file_path", "dir_path", "file_name", "hashed_file_path"}
VISIBLE = {"visible", "hidden", "submission", "web"}
PARAMETERS = {
    "exec": {"exe": str, "args": list},
    "blender-render": {"exe": str, "exeArgs": str, "argsBefore": list, "blendfile": str, "args": list},
    "frames-to-video": {"exe": str, "fps": (int, float), "inputGlob": str, "outputFile": str, "args": list},
}
SET = {"blendfile": "/farm/set.blend", "output": "/farm/out/", "frames": "1-10"}


def tasks(**settings: Any) -> dict[str, dict[str, Any]]:
    """By name, with the names of what they wait for; every command as documented."""
    made = compiled(SET | settings)["tasks"]
    assert len({task["name"] for task in made}) == len(made)
    for task in made:
        assert all(number < made.index(task) for number in task["dependencies"])
        (command,) = task["commands"]
        expected = PARAMETERS[command["name"]]
        assert set(command["parameters"]) == set(expected)
        for name, value in command["parameters"].items():
            assert isinstance(value, expected[name])
            assert not isinstance(value, list) or all(isinstance(part, str) for part in value)
    return {
        task["name"]: {
            "type": task["type"],
            "after": {made[number]["name"] for number in task["dependencies"]},
            **task["commands"][0]["parameters"],
        }
        for task in made
    }


def test_the_settings_are_what_flamenco_knows() -> None:
    settings = compiled(None)["type"]["settings"]
    assert len({entry["key"] for entry in settings}) == len(settings)
    for entry in settings:
        assert set(entry) <= KEYS
        assert entry["type"] in TYPES
        assert entry.get("subtype", "file_path") in SUBTYPES
        assert entry.get("visible", "visible") in VISIBLE
        assert isinstance(entry.get("default", TYPES[entry["type"]]()), TYPES[entry["type"]])
        assert "choices" not in entry or entry["default"] in entry["choices"]
        compile(entry.get("eval", "None"), entry["key"], "eval")
    by_key = {entry["key"]: entry for entry in settings}
    assert by_key["engine"]["choices"] == [LIFT, *RELEASED_MODELS]


def test_a_photo_becomes_a_video() -> None:
    made = tasks(photo="/farm/Ada.jpg", motion="/farm/walk.bvh", chunk_size=4)
    chunks = {"render-1-4", "render-5-8", "render-9-10"}
    assert {name: (task["type"], task["after"]) for name, task in made.items()} == {
        "reconstruct": ("lhm-avatars", set()),
        "place": ("lhm-avatars", {"reconstruct"}),
        "animate": ("lhm-avatars", {"place"}),
        **dict.fromkeys(chunks, ("blender", {"animate"})),
        "video": ("ffmpeg", chunks),
    }
    command = ["-c", "lhm_avatars"]
    assert made["reconstruct"]["args"] == [
        *command, "reconstruct", "/farm/Ada.jpg", "-o", "/farm/out/avatar.blend",
        "--avatar", "/farm/out/avatar.lhma", "--engine", "lift", "--quality", "standard",
    ]  # fmt: skip
    assert made["place"]["args"] == [
        *command, "place", "/farm/out/avatar.lhma", "--into", "/farm/set.blend", "--name", "Ada",
        "-o", "/farm/out/placed.blend",
    ]  # fmt: skip
    assert made["animate"]["args"] == [
        *command, "animate", "/farm/out/placed.blend", "/farm/walk.bvh", "--avatar", "Ada",
        "-o", "/farm/out/shot.blend",
    ]  # fmt: skip
    assert made["render-5-8"]["blendfile"] == "/farm/out/shot.blend"
    assert made["render-5-8"]["args"] == [
        "--render-output", "/farm/out/frames/######", "--render-format", "PNG", "--render-frame", "5..8",
    ]  # fmt: skip
    assert made["video"]["inputGlob"] == "/farm/out/frames/*.png"
    assert made["video"]["outputFile"] == "/farm/out/Ada.mp4"
    assert made["video"]["fps"] == 24


def test_an_avatar_that_stands_still() -> None:
    made = tasks(avatar="/farm/Ada.lhma", video=False, chunk_size=10)
    assert {name: task["after"] for name, task in made.items()} == {"place": set(), "render-1-10": {"place"}}
    assert made["place"]["args"][3] == "/farm/Ada.lhma"
    assert made["place"]["args"][-1] == made["render-1-10"]["blendfile"] == "/farm/out/shot.blend"


def test_every_frame_is_rendered_once() -> None:
    made = tasks(avatar="/a.lhma", frames="3, 5-9, 20-21", chunk_size=3)
    lines = [task["args"][-1] for name, task in made.items() if name.startswith("render")]
    assert lines == ["3,5..6", "7..9", "20..21"]


def test_lhm_gets_no_settings_of_lift() -> None:
    args = tasks(photo="/Ada.jpg", engine="lhm-500m")["reconstruct"]["args"]
    assert args[-2:] == ["--engine", "lhm-500m"]


def test_further_photos_and_a_motion_on_the_spot() -> None:
    made = tasks(photo="/a.jpg", more_photos="/b.jpg; /c d.jpg;", motion="/m.bvh", in_place=True)
    assert made["reconstruct"]["args"][-4:] == ["--photo", "/b.jpg", "--photo", "/c d.jpg"]
    assert made["animate"]["args"][-1] == "--in-place"


def test_names_with_blanks_stay_one_argument() -> None:
    made = tasks(
        photo="/farm/my photos/Ada \"the\" one's.v2.jpg", motion="/farm/a walk.bvh",
        blendfile="/farm/the set.blend", output="S:\\out of $HOME\\",
    )  # fmt: skip
    assert made["reconstruct"]["args"][3] == '/farm/my photos/Ada "the" one\'s.v2.jpg'
    assert made["place"]["args"][5:8] == ["/farm/the set.blend", "--name", 'Ada "the" one\'s.v2']
    assert made["animate"]["args"][4] == "/farm/a walk.bvh"
    assert made["render-1-5"]["blendfile"] == "S:\\out of $HOME/shot.blend"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "Give either a photo or an avatar file."),
        ({"photo": "/a.jpg", "avatar": "/a.lhma"}, "Give either a photo or an avatar file."),
        ({"avatar": "/a.blend"}, "The avatar must be a .lhma file."),
        (
            {"photo": "/a.jpg", "more_photos": "/b.jpg", "engine": "lhm-1b"},
            "Further photos are for the engine lift",
        ),
        ({"photo": "/a.jpg", "output": "/farm/[1]"}, "The output folder's name must not hold"),
    ],
)
def test_what_cannot_work_is_said_at_once(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        compiled(SET | settings)
    assert sentence in str(refused.value)
