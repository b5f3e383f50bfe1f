"""The commands for scripts and farms: files come out, or one line says why not, with an exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest
from blender import fake_models
from lhm_avatars import commands
from lhm_avatars.engine.formats.avatar_file import load_avatar
from lhm_avatars.engine.weights.licences import accepted_on
from lhm_avatars.engine.weights.store import status
from lhm_avatars.operators.setup_report import setup_report
from lhm_avatars.rigging.avatar_objects import AVATAR_KEY

pytestmark = pytest.mark.usefixtures("empty_scene")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What the command itself said."""
    return capsys.readouterr().err.splitlines()


@pytest.fixture
def saved(engine: Path) -> Path:
    """A .blend with an avatar, made by the command."""
    target = engine / "new folder" / "out.blend"
    assert commands.run(["reconstruct", str(engine / "good.jpg"), "-o", str(target)]) == 0
    return target


def test_reconstruct_saves_a_file_with_avatar_and_camera(
    engine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = engine / "deep" / "er" / "out.blend"
    arguments = ["reconstruct", str(engine / "half.jpg"), "-o", str(target), "--pose", "rest", "--seed", "4"]
    assert commands.run([*arguments, "--avatar", str(engine / "kept.lhma")]) == commands.DONE
    said = lines(capsys)
    assert "note: Only the upper body is in the photo. The legs were guessed." in said
    assert said[-1] == f"saved {target}"
    assert load_avatar(engine / "kept.lhma").gaussians.count == 500
    bpy.ops.wm.open_mainfile(filepath=str(target))
    scene = bpy.context.scene
    assert [o.name for o in scene.objects if o.get(AVATAR_KEY) == "armature"] == ["half"]
    assert scene.camera is not None
    assert scene.render.engine == "LHM_PREVIEW"
    assert [o.type for o in scene.objects if o.get(AVATAR_KEY) is None] == ["CAMERA"]  # no default cube


def test_render_writes_the_frames_in_the_size_asked_for(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    arguments = ["render", str(saved), "-o", str(folder), "--frames", "2-4", "--size", "40x24"]
    assert commands.run([*arguments, "--engine", "cycles"]) == commands.DONE
    assert sorted(p.name for p in folder.iterdir()) == ["frame_0002.png", "frame_0003.png", "frame_0004.png"]
    image = bpy.data.images.load(str(folder / "frame_0003.png"))
    assert tuple(image.size) == (40, 24)
    assert np.array(image.pixels[:]).reshape(-1, 4)[:, :3].std() > 0.01  # there is something to see


def test_render_takes_the_current_frame_and_finds_a_camera(saved: Path, tmp_path: Path) -> None:
    bpy.data.objects.remove(bpy.context.scene.camera)
    bpy.context.scene.frame_set(7)
    bpy.ops.wm.save_mainfile()
    arguments = ["render", str(saved), "-o", str(tmp_path), "--size", "16x16", "--engine", "cycles"]
    assert commands.run(arguments) == commands.DONE
    assert (tmp_path / "frame_0007.png").is_file()


@pytest.mark.parametrize(
    ("photo", "sentence"),
    [
        (
            "nobody.jpg",
            "lhm_avatars: No person was found in this photo. Choose one that shows",
        ),
        ("killed.jpg", "lhm_avatars: The engine stopped unexpectedly"),
        ("bug.jpg", "lhm_avatars: the engine made a mistake, please report it: "),
    ],
)
def test_a_failure_is_one_line_and_exit_code_1(
    engine: Path, photo: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = engine / "out.blend"
    assert commands.run(["reconstruct", str(engine / photo), "-o", str(target)]) == commands.FAILED
    assert sum(line.startswith(sentence) for line in lines(capsys)) == 1
    assert not target.exists()


@pytest.mark.usefixtures("engine")
def test_what_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "out.blend"
    assert commands.run(["reconstruct", "a.jpg", "-o", str(target)]) == commands.FAILED
    (line,) = lines(capsys)
    assert (
        line
        == f"lhm_avatars: The folder {tmp_path / 'file'} cannot be made (File exists). Choose another one."
    )
    (tmp_path / "a.blend").mkdir()
    assert commands.run(["reconstruct", str(tmp_path / "good.jpg"), "-o", str(tmp_path / "a.blend")]) == 1
    assert lines(capsys)[-1].startswith(f"lhm_avatars: {tmp_path / 'a.blend'} could not be saved: ")


def test_what_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, broken, empty = (tmp_path / f"{name}.blend" for name in ("missing", "broken", "empty"))
    broken.write_text("this is no file of Blender's")
    bpy.ops.wm.save_as_mainfile(filepath=str(empty), copy=True)
    for file, words in (
        (missing, f"There is no file {missing}. Give the .blend that holds the avatar."),
        (broken, f"{broken} could not be opened: "),
        (empty, "The scene has neither a camera nor an avatar. Give a file with an avatar."),
    ):
        assert commands.run(["render", str(file), "-o", str(tmp_path / "out")]) == commands.FAILED
        assert lines(capsys)[-1].startswith(f"lhm_avatars: {words}")


def test_a_frame_that_cannot_be_rendered_is_said(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "no engine here"))
    arguments = ["render", str(saved), "-o", str(tmp_path / "out"), "--size", "16x16"]
    assert commands.run(arguments) == commands.FAILED
    assert lines(capsys)[-1].startswith(
        "lhm_avatars: frame 1 could not be rendered: The engine is not installed"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["reconstruct", "a.jpg"], "required: -o/--output"),
        (["render", "a.blend", "-o", "x", "--frames", "9-3"], "'9-3' is no range of frames such as 1-24"),
        (["render", "a.blend", "-o", "x", "--size", "0x5"], "'0x5' is no size such as 512x768"),
        (["render", "a.blend", "-o", "x", "--engine", "eevee"], "invalid choice: 'eevee'"),
        (["reconstruct", "a.jpg", "-o", "x", "--engine", "lhm-9b"], "invalid choice: 'lhm-9b'"),
        (["check", "a.jpg", "--shape", "fat"], "'fat' is neither fit nor zero nor up to 10 numbers"),
        (["check", "a.jpg", "--shape", ",".join("1" * 11)], "is neither fit nor zero nor up to 10 numbers"),
        (["check", "a.jpg", "--head-box", "9,9,3,3"], "'9,9,3,3' is no box such as 100,40,220,180"),
        (["download", "lhm-9b"], "invalid choice: 'lhm-9b'"),
        (["download", "smplx"], "invalid choice: 'smplx'"),
        (["download", "lhm-mini", "--accept-licences", "all"], "'all' is none of lhm, sapiens, smplx"),
    ],
)
def test_wrong_use_is_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run(arguments) == commands.WRONG_USE
    assert words in capsys.readouterr().err


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["--help"]) == commands.DONE
    assert "reconstruct" in capsys.readouterr().out


# LHM and its setup.


def test_lhms_settings_reach_the_engine(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    target, kept = lhm_engine / "out.blend", lhm_engine / "kept.lhma"
    arguments = ["reconstruct", str(lhm_engine / "good.jpg"), "-o", str(target), "--avatar", str(kept)]
    lhm = ["--engine", "lhm-mini", "--device", "cpu", "--shape", "0.5,-1", "--head-box", "1,2,30,40"]
    assert (
        commands.run([*arguments, *lhm, "--preparation", "official", "--keep-face", "--binding", "diffused"])
        == commands.DONE
    )
    asked = json.loads((lhm_engine / "asked.json").read_text())
    assert {name: asked[name] for name in asked if name not in ("mask", "seed", "count", "influences")} == {
        "engine": "lhm-mini", "preparation": "official", "shape": [0.5, -1.0] + [0.0] * 8, "device": "cpu",
        "head_box": [1, 2, 30, 40], "enlarge": False, "models": str(models), "model_folder": None,
        "photos": [], "held": "keep", "loose": None, "binding": "diffused",
    }  # fmt: skip


def test_lhm_without_its_engine_says_so(
    engine: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["reconstruct", str(engine / "good.jpg"), "-o", str(engine / "a.blend"), "--engine", "lhm-1b"]
    assert commands.run(arguments) == commands.FAILED
    assert lines(capsys)[-1].startswith("lhm_avatars: The engine for LHM is not installed.")


def test_setup_prints_the_report(lhm_engine: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["setup"]) == commands.DONE
    assert capsys.readouterr().out.strip() == setup_report(bpy.context).strip()


def test_check_says_what_is_seen(engine: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copyfile(Path(__file__).parents[2] / "assets" / "example_person.jpg", engine / "picture.png")
    assert commands.run(["check", str(engine / "half.jpg"), "--preparation", "official"]) == commands.DONE
    said = lines(capsys)
    assert "warning: The head has only 40 pixels in the photo; the face will be blurred." in said
    assert "note: Asked for lift, official, None" in said
    assert commands.run(["check", str(engine / "nobody.jpg")]) == commands.FAILED


def test_download_accepts_only_the_licences_that_are_named(
    lhm_engine: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bpy.context.preferences.system.use_online_access = True
    try:
        arguments = ["download", "lhm-mini"]
        assert commands.run(arguments) == commands.FAILED
        assert "A licence is not accepted yet: LHM weights" in lines(capsys)[-1]
        assert commands.run([*arguments, "--accept-licences", "lhm,smplx"]) == commands.FAILED
        assert "A licence is not accepted yet: Sapiens (Meta), CC BY-NC 4.0." in lines(capsys)[-1]
        assert commands.run([*arguments, "--accept-licences", "sapiens"]) == commands.DONE
        assert "accepted: Sapiens (Meta), CC BY-NC 4.0, https://" in "".join(lines(capsys))
    finally:
        bpy.context.preferences.system.use_online_access = False
    assert status(models).of("lhm-mini").state == "ready"
    assert accepted_on("vggheads", models) is None


def test_install_says_what_is_missing(
    engine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run(["install"]) == commands.DONE  # it is there
    assert lines(capsys)[-1] == "the engine is installed"
    assert commands.run(["install", "--build", "cu999"]) == commands.FAILED
    assert "There is no build of torch named 'cu999'" in lines(capsys)[-1]
    assert commands.run(["install", "--build", "cpu", "--wheels", str(tmp_path / "x")]) == commands.FAILED
    assert "There are no packages (.whl files) in" in lines(capsys)[-1]
