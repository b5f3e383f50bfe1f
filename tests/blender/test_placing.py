"""``place``: an avatar file into a .blend, or into a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars import commands
from lhm_avatars.engine.formats.avatar_file import save_avatar
from lhm_avatars.rendering.preview_engine import ENGINE_ID
from lhm_avatars.rigging.avatar_objects import AVATAR_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


@pytest.fixture
def file(avatar: Avatar, tmp_path: Path) -> Path:
    save_avatar(tmp_path / "Ada.lhma", avatar)
    return tmp_path / "Ada.lhma"


def people() -> dict[str, bpy.types.Object]:
    return {o.name: o for o in bpy.context.scene.objects if o.get(AVATAR_KEY) == "armature"}


def test_a_new_scene_renders_anywhere(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "ada.blend"
    assert commands.run(["place", str(file), "-o", str(target)]) == commands.DONE
    bpy.ops.wm.open_mainfile(filepath=str(target))
    assert list(people()) == ["Ada"]
    assert bpy.context.scene.camera is not None
    assert bpy.context.scene.render.engine == "CYCLES"
    assert bpy.context.scene.view_settings.view_transform == "Standard"


def test_two_in_a_set(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = bpy.context.scene
    scene.render.engine = ENGINE_ID
    camera = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    the_set, both = tmp_path / "set.blend", tmp_path / "both.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(the_set))
    arguments = ["place", str(file), "--into", str(the_set), "-o", str(both), "--location=-1,2,0.5"]
    assert commands.run(arguments) == commands.DONE
    assert "note: LHM Preview renders this file" in capsys.readouterr().err
    again = ["place", str(file), "--into", str(both), "-o", str(both)]
    assert commands.run(again) == commands.FAILED
    assert "There is an object 'Ada' already. Choose another name with --name." in capsys.readouterr().err
    assert commands.run([*again, "--name", "Eve", "--pose", "rest"]) == commands.DONE
    bpy.ops.wm.open_mainfile(filepath=str(both))
    assert bpy.context.scene.camera.name == "Mine"
    assert sorted(people()) == ["Ada", "Eve"]
    np.testing.assert_allclose(people()["Ada"].location, (-1, 2, 0.5))
    shoulders = [people()[name].pose.bones["left_shoulder"].rotation_quaternion for name in ("Ada", "Eve")]
    assert shoulders[0].angle > 0.05
    assert shoulders[1].angle < 1e-6


def test_what_fails_is_one_line(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = ["-o", str(tmp_path / "x.blend")]
    for arguments, words in (
        (["place", str(tmp_path / "none.lhma"), *target], "There is no avatar file at "),
        (["place", str(file), "--into", str(tmp_path / "none.blend"), *target], "There is no file "),
        (["place", str(file), "-o", str(file / "x.blend")], f"The folder {file} cannot be made ("),
    ):
        assert commands.run(arguments) == commands.FAILED
        assert capsys.readouterr().err.splitlines()[-1].startswith(f"lhm_avatars: {words}")
    assert commands.run(["place", str(file), *target, "--location", "1,2"]) == commands.WRONG_USE
    assert "'1,2' is no place such as 0,1.5,0" in capsys.readouterr().err


def test_a_name_that_later_commands_would_not_find(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "long.blend"
    assert commands.run(["place", str(file), "-o", str(target), "--name", 200 * "ä"]) == commands.FAILED
    assert "Choose a shorter one with --name." in capsys.readouterr().err
    assert not target.exists()
