"""Motions by command: animate a .blend, export what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars import commands
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.readers import read_motion
from lhm_avatars.engine.motion.writers.bvh import write_bvh
from lhm_avatars.rigging.avatar_objects import AVATAR_KEY
from motion.rigged import rest_joints

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("empty_scene")


@pytest.fixture
def saved(engine: Path) -> Path:
    """A .blend with an avatar."""
    target = engine / "out.blend"
    assert commands.run(["reconstruct", str(engine / "good.jpg"), "-o", str(target)]) == commands.DONE
    return target


def _walk(folder: Path) -> Path:
    path = folder / "walk.bvh"
    write_bvh(path, walk(rest_joints(), fps=30.0, cycles=2, travel=True), rest_joints())
    return path


def test_a_file_becomes_a_shot_and_goes_out_again(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shot = tmp_path / "shots" / "shot.blend"
    assert commands.run(["animate", str(saved), str(_walk(tmp_path)), "-o", str(shot)]) == commands.DONE
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == f"saved {shot}"
    assert any("frames, bones: Meshcapade (SMPL-X)" in line for line in said)
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    armature = next(o for o in bpy.context.scene.objects if o.get(AVATAR_KEY) == "armature")
    assert len(armature.animation_data.nla_tracks) == 2
    out = tmp_path / "again.bvh"
    assert commands.run(["export-motion", str(shot), "-o", str(out), "--frames", "1-20"]) == commands.DONE
    take = read_motion(out)
    assert take.positions.shape[0] == 20
    way = take.positions[-1, 0] - take.positions[0, 0]
    assert way[2] > 30  # centimetres, forward
    assert abs(way[0]) < 10


def test_with_fewer_keys(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["animate", str(saved), str(_walk(tmp_path)), "-o", str(tmp_path / "shot.blend")]
    assert commands.run([*arguments, "--simplify", "0.5", "--stop-drift"]) == commands.DONE
    assert "of the keys, joints at most" in capsys.readouterr().err
    for wrong in ("0", "some", "inf"):
        assert commands.run([*arguments, "--simplify", wrong]) != commands.DONE
        assert "is no angle such as 0.25" in capsys.readouterr().err


def test_on_the_spot_without_layers(saved: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot.blend"
    arguments = ["animate", str(saved), str(_walk(tmp_path)), "-o", str(shot)]
    assert commands.run([*arguments, "--feet", "keys", "--in-place"]) == commands.DONE
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    armature = next(o for o in bpy.context.scene.objects if o.get(AVATAR_KEY) == "armature")
    assert armature.animation_data.action is not None
    places = []
    for frame in (1, 15, 30):
        bpy.context.scene.frame_set(frame)
        places.append(np.array(armature.pose.bones["pelvis"].head))
    assert np.ptp(np.array(places)[:, [0, 2]], axis=0).max() < 1e-4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["animate", "{tmp}/none.blend", "{walk}"], "There is no file"),
        (["animate", "{saved}", "{tmp}/none.bvh"], "cannot be read"),
        (
            ["animate", "{saved}", "{walk}", "--avatar", "Eve"],
            "no avatar 'Eve' in out.blend, but good",
        ),
        (["animate", "{empty}", "{walk}"], "empty.blend holds 0 avatars. Name the one"),
    ],
)
def test_what_fails_is_one_line(
    arguments: list[str], sentence: str, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "empty.blend"))
    names = {"tmp": tmp_path, "saved": saved, "walk": _walk(tmp_path), "empty": tmp_path / "empty.blend"}
    filled = [argument.format(**names) for argument in arguments]
    capsys.readouterr()
    assert commands.run([*filled, "-o", str(tmp_path / "shot.blend")]) == commands.FAILED
    said = capsys.readouterr().err.splitlines()
    assert sentence in said[-1]
    assert not (tmp_path / "shot.blend").exists()


def test_wrong_use(saved: Path, tmp_path: Path) -> None:
    arguments = ["animate", str(saved), str(_walk(tmp_path)), "-o", str(tmp_path / "x.blend")]
    assert commands.run([*arguments, "--fps", "0"]) == commands.WRONG_USE


def test_a_face_and_no_face(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv, shot = tmp_path / "talk.csv", tmp_path / "shot.blend"
    names = (
        "JawOpen",
        "JawLeft",
        "JawRight",
        "EyeLookUpLeft",
        "EyeLookUpRight",
        "HeadYaw",
        "HeadPitch",
        "HeadRoll",
    )
    rows = [f"10:00:00:{k:02d}.000,8,{k / 10},0,0,0,0,{k / 20},0,0" for k in range(5)]
    csv.write_text("\n".join([",".join(("Timecode", "BlendShapeCount", *names)), *rows]), encoding="utf-8")
    arguments = ["animate", str(saved), str(csv), "-o", str(shot)]
    assert commands.run([*arguments, "--turn-head"]) == commands.DONE
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    armature = next(o for o in bpy.context.scene.objects if o.get(AVATAR_KEY) == "armature")
    assert [track.name for track in armature.animation_data.nla_tracks] == ["Face", "Head"]
    capsys.readouterr()
    assert commands.run([*arguments, "--no-face"]) == commands.FAILED
    assert "holds a face and nothing else. Switch Face on." in capsys.readouterr().err
