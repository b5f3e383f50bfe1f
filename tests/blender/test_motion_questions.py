"""What a motion file does not tell is asked in a window, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_COUNT
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.writers.bvh import write_bvh
from lhm_avatars.engine.motion.writers.smplx_files import write_amass
from lhm_avatars.operators import motion_questions
from lhm_avatars.operators.import_motion import LHM_OT_import_motion
from lhm_avatars.operators.motion_questions import Guesses, LHM_OT_tell_motion
from lhm_avatars.properties import job_state
from motion.rigged import lively, rest_joints

from .window import PressedJob

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 11


@pytest.fixture
def armature(engine: Path, empty_scene: None) -> bpy.types.Object:
    """An avatar in the scene, active."""
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    bpy.context.scene.render.fps = 24
    return bpy.context.view_layer.objects.active


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Guesses, dict[str, Any]]]:
    """What was asked; nobody answers."""
    calls: list[Any] = []
    monkeypatch.setattr("lhm_avatars.operators.import_motion.ask_about", lambda *call: calls.append(call))
    return calls


def _silent(folder: Path) -> Path:
    """A file that tells neither its rate nor which way is up: the person lies."""
    path = folder / "lying.npz"
    pose = np.zeros((FRAMES, JOINT_COUNT, 3))
    pose[:, 0] = (0, 0, np.pi / 2)
    pose[:, 18, 1] = np.linspace(0, 1, FRAMES)
    np.savez(
        path,
        global_orient=pose[:, 0], body_pose=pose[:, 1:22].reshape(FRAMES, -1), transl=np.zeros((FRAMES, 3)),
    )  # fmt: skip
    return path


class _Import(PressedJob):
    """Its button was pressed."""

    landing, wishes = LHM_OT_import_motion.landing, LHM_OT_import_motion.wishes


def _pressed(path: Path, **chosen: Any) -> PressedJob:
    known = bpy.ops.lhm.import_motion.get_rna_type().properties
    defaults = {one.identifier: one.default for one in known if hasattr(one, "default")}
    pressed = _Import(LHM_OT_import_motion, **(defaults | {"feet": "OFF", "filepath": str(path)} | chosen))
    pressed.answer = pressed.tick_until_over()
    return pressed


def test_a_window_asks_before_anything_changes(
    armature: bpy.types.Object, asked: list[Any], tmp_path: Path
) -> None:
    before = len(bpy.data.actions)
    pressed = _pressed(_silent(tmp_path))
    assert pressed.answer == {"CANCELLED"}
    [(name, found, given)] = asked
    assert name == "lying.npz"
    assert found == Guesses(30.0, "y")
    assert given["filepath"] == str(tmp_path / "lying.npz")
    assert given["avatar"] == armature.name
    assert len(bpy.data.actions) == before
    assert not pressed.reports
    assert job_state(bpy.context).outcome == "lying.npz waits for your answer"
    assert not job_state(bpy.context).failed


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({"fps": 50.0}, Guesses(None, "y")),
        ({"up": "z"}, Guesses(30.0, None)),
        ({"fps": 50.0, "up": "z"}, None),
    ],
)
def test_what_the_user_has_said_is_not_asked(
    armature: bpy.types.Object, asked: list[Any], tmp_path: Path, chosen: dict[str, Any], left: Guesses | None
) -> None:
    pressed = _pressed(_silent(tmp_path), **chosen)
    assert [found for _, found, _ in asked] == ([left] if left else [])
    assert pressed.answer == ({"CANCELLED"} if left else {"FINISHED"})
    assert (armature.animation_data is not None) == (left is None)


def test_files_that_tell_all_are_not_asked_about(
    armature: bpy.types.Object, asked: list[Any], tmp_path: Path
) -> None:
    pose, transl = lively(FRAMES)
    motion = Motion(pose, transl, 24.0, "lively")
    write_bvh(tmp_path / "m.bvh", motion, rest_joints())
    write_amass(tmp_path / "m.npz", motion, rest_joints(), np.zeros(10))
    for name in ("m.bvh", "m.npz"):
        assert _pressed(tmp_path / name).answer == {"FINISHED"}
    assert not asked


def test_a_bvh_without_its_rate(armature: bpy.types.Object, asked: list[Any], tmp_path: Path) -> None:
    pose, transl = lively(FRAMES)
    write_bvh(tmp_path / "m.bvh", Motion(pose, transl, 24.0, "lively"), rest_joints())
    text = (tmp_path / "m.bvh").read_text()
    start = text.index("Frame Time")
    (tmp_path / "m.bvh").write_text(text[:start] + text[text.index("\n", start) + 1 :])
    assert _pressed(tmp_path / "m.bvh").answer == {"CANCELLED"}
    assert asked[0][1] == Guesses(30.0, None)


def test_a_single_pose_has_no_rate(armature: bpy.types.Object, asked: list[Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "pose.npz", global_orient=np.zeros(3), body_pose=np.zeros(63), transl=np.zeros(3))
    assert _pressed(tmp_path / "pose.npz").answer == {"FINISHED"}
    assert not asked


def test_scripts_are_told_and_not_asked(armature: bpy.types.Object, asked: list[Any], tmp_path: Path) -> None:
    assert bpy.ops.lhm.import_motion(filepath=str(_silent(tmp_path)), feet="OFF") == {"FINISHED"}
    assert not asked
    assert armature.animation_data.action is not None


def test_ok_imports_with_the_answers(armature: bpy.types.Object, tmp_path: Path) -> None:
    # Without a window Blender executes what it would show, as if OK was pressed at once.
    given = {"filepath": str(_silent(tmp_path)), "feet": "OFF", "avatar": armature.name}
    motion_questions.ask_about("lying.npz", Guesses(12.0, "z"), given)
    # Ten steps at 12 a second last twenty frames at 24.
    assert armature.animation_data.action.frame_range[1] == 21
    assert "21 frames" in job_state(bpy.context).outcome
    with pytest.raises(RuntimeError, match="is gone"):
        motion_questions.ask_about("lying.npz", Guesses(12.0, None), given | {"avatar": "Nobody"})


def test_the_dialog_says_what_is_missing() -> None:
    class Shown:
        file, sentences = "a.npz", LHM_OT_tell_motion.sentences

        def __init__(self, fps: bool, up: bool) -> None:
            self.ask_fps, self.ask_up = fps, up

    assert Shown(True, False).sentences() == ["a.npz does not state its frame rate."]
    assert Shown(False, True).sentences() == ["a.npz does not tell which way is up."]
    assert len(Shown(True, True).sentences()) == 2
