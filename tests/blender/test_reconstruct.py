"""Photo to avatar by the operator: the same as by the plain function, and nothing is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import pytest
from blender.traces import data_blocks, is_running, temporary_files
from blender.window import Pressed
from lhm_avatars.engine.environment import engine_python
from lhm_avatars.engine.formats.avatar_file import load_avatar
from lhm_avatars.operators import jobs
from lhm_avatars.operators.jobs import time_left
from lhm_avatars.operators.preview import world_points
from lhm_avatars.operators.reconstruct import last_made
from lhm_avatars.operators.reconstruction import Settings, reconstruct_photo
from lhm_avatars.preferences import engine_root
from lhm_avatars.properties import job_state
from lhm_avatars.rigging.poses import get_pose

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


def cloud_values(armature: bpy.types.Object) -> dict[str, Any]:
    """The attributes of an avatar's points, and its pose, as plain numbers."""
    (cloud,) = (child for child in armature.children if child.type == "POINTCLOUD")
    values: dict[str, Any] = {}
    for attribute in cloud.data.attributes:
        items = attribute.data
        if len(items):
            field = next(f for f in ("vector", "color", "value") if hasattr(items[0], f))
            values[attribute.name] = [np.array(getattr(item, field)).tolist() for item in items]
    values["pose"] = get_pose(armature).pose().tolist()
    values["matrix"] = [list(row) for row in armature.matrix_world]
    values["modifiers"] = [(m.name, m.node_group.name) for m in cloud.modifiers]
    values["properties"] = {key: str(value) for key, value in armature.items()}
    return values


# The result.


def test_the_button_gives_what_the_function_gives(engine: Path) -> None:
    made = reconstruct_photo(bpy.context, engine / "good.jpg", Settings(seed=3), location=(1, 2, 3))
    assert bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"), seed=3, location=(1, 2, 3)) == {"FINISHED"}
    button = bpy.context.view_layer.objects.active
    assert button != made.objects.armature
    assert cloud_values(button) == cloud_values(made.objects.armature)


def test_the_window_gives_what_the_function_gives(engine: Path) -> None:
    made = reconstruct_photo(bpy.context, engine / "good.jpg", location=(1, 2, 3))
    pressed = Pressed(engine / "good.jpg")
    assert pressed.tick_until_over() == {"FINISHED"}
    assert cloud_values(bpy.context.view_layer.objects.active) == cloud_values(made.objects.armature)


def test_the_person_stands_on_the_ground_at_the_cursor(engine: Path) -> None:
    bpy.context.scene.cursor.location = (1.5, -2.0, 0.25)
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    armature = bpy.context.view_layer.objects.active
    assert armature.select_get()
    points = world_points(bpy.context, armature)
    # Two of 500 points may be below the floor: they count as strays.
    assert np.sort(points[:, 2])[[0, 2]] == pytest.approx([0.25, 0.25], abs=0.1)
    assert tuple(armature.matrix_world.translation) == pytest.approx((1.5, -2.0, 0.25), abs=1e-6)


def test_settings_reach_the_engine(engine: Path) -> None:
    (engine / "mask.png").touch()
    made = reconstruct_photo(
        bpy.context, engine / "good.jpg", Settings(engine / "mask.png", seed=7, count=9000, influences=8)
    ).made
    wanted = {"engine": "lift", "mask": str(engine / "mask.png"), "seed": 7, "count": 9000, "influences": 8}
    assert {name: made.report["settings"][name] for name in wanted} == wanted


def test_the_sidebars_settings_are_used_when_none_are_given(engine: Path) -> None:
    chosen = bpy.context.scene.lhm_avatars
    chosen.photo, chosen.seed, chosen.count = str(engine / "good.jpg"), 11, 12_000
    assert bpy.ops.lhm.reconstruct() == {"FINISHED"}
    settings = last_made().report["settings"]
    assert (settings["seed"], settings["count"]) == (11, 12_000)


def test_a_saved_file_keeps_a_chosen_photo_relative(engine: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(engine / "scene.blend"))
    relative = bpy.context.preferences.filepaths.use_relative_paths
    try:
        for wanted, kept in ((True, "//good.jpg"), (False, str(engine / "good.jpg"))):
            bpy.context.preferences.filepaths.use_relative_paths = wanted
            assert bpy.ops.lhm.choose_photo(filepath=str(engine / "good.jpg")) == {"FINISHED"}
            assert bpy.context.scene.lhm_avatars.photo == kept
            assert bpy.context.view_layer.objects.active.name.startswith("good")
    finally:
        bpy.context.preferences.filepaths.use_relative_paths = relative
        bpy.ops.wm.read_homefile(use_empty=True)


def test_choosing_a_photo_reconstructs_it(engine: Path) -> None:
    assert bpy.ops.lhm.choose_photo(filepath=str(engine / "good.jpg")) == {"FINISHED"}
    assert bpy.context.scene.lhm_avatars.photo == str(engine / "good.jpg")
    assert bpy.context.view_layer.objects.active.name == "good"


def test_the_avatar_file_is_kept_where_asked(engine: Path, avatar: Avatar) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"), avatar_file=str(engine / "kept.lhma"))
    kept = load_avatar(engine / "kept.lhma")
    np.testing.assert_array_equal(kept.gaussians.means, avatar.gaussians.means)


def test_warnings_are_told_and_shown(engine: Path) -> None:
    pressed = Pressed(engine / "half.jpg")
    pressed.tick_until_over()
    assert ("WARNING", "Only the upper body is in the photo. The legs were guessed.") in pressed.reports
    assert job_state(bpy.context).warnings == "Only the upper body is in the photo. The legs were guessed."


def test_nothing_but_the_avatar_is_left_on_disk_and_in_memory(engine: Path) -> None:
    before = temporary_files()
    pressed = Pressed(engine / "good.jpg")
    assert temporary_files() != before  # the comparison sees the folder of the job
    pressed.tick_until_over()
    assert temporary_files() == before
    assert not is_running(pressed.pid)


# The job in the window.


def test_progress_is_shown_while_it_runs(engine: Path) -> None:
    pressed = Pressed(engine / "slow.jpg")
    state = job_state(bpy.context)
    pressed.tick_until(lambda _: state.fraction > 0.5)
    assert (state.running, state.message) == (True, "Refining colours")
    assert not bpy.ops.lhm.reconstruct.poll()  # one at a time
    pressed.cancel(pressed.context)
    assert not state.running


@pytest.mark.parametrize("how", ["esc", "button"])
def test_cancel_midway_leaves_nothing(engine: Path, how: str) -> None:
    before, files = data_blocks(), temporary_files()
    pressed = Pressed(engine / "slow.jpg")
    pressed.tick_until(lambda _: job_state(bpy.context).fraction > 0.5)
    if how == "esc":
        pressed.event("ESC", "PRESS")
    else:
        bpy.ops.lhm.cancel_job()
    assert pressed.tick_until_over() == {"CANCELLED"}
    assert (data_blocks(), temporary_files()) == (before, files)
    assert not is_running(pressed.pid)
    assert jobs.running() is None
    assert pressed.context.window_manager.timers == 0
    assert (job_state(bpy.context).outcome, job_state(bpy.context).failed) == ("Cancelled", False)


def test_a_new_file_ends_the_job(engine: Path) -> None:
    pressed = Pressed(engine / "slow.jpg")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert not is_running(pressed.pid)
    assert jobs.running() is None
    assert not job_state(bpy.context).running


def test_disabling_the_extension_ends_the_job(engine: Path, lhm: Any) -> None:
    pressed = Pressed(engine / "slow.jpg")
    lhm.unregister()
    try:
        assert not is_running(pressed.pid)
        assert jobs.running() is None
    finally:
        lhm.register()


def test_other_events_pass_through(engine: Path) -> None:
    pressed = Pressed(engine / "slow.jpg")
    assert pressed.event("MOUSEMOVE") == {"PASS_THROUGH"}
    assert pressed.event("ESC", "RELEASE") == {"PASS_THROUGH"}
    assert not jobs.running().cancelling
    pressed.cancel(pressed.context)


@pytest.mark.parametrize(
    ("fraction", "seconds", "words"),
    [
        (0.5, 1.0, ""),  # too early to say
        (0.01, 30.0, ""),
        (0.5, 30.0, "about 30 s left"),
        (0.25, 10.0, "about 30 s left"),
        (0.9, 45.0, "about 5 s left"),
        (0.1, 60.0, "about 9 min left"),
        (1.0, 60.0, "about 1 s left"),
    ],
)
def test_time_left_in_words(fraction: float, seconds: float, words: str) -> None:
    assert time_left(fraction, seconds) == words


# With the real engine.


@pytest.mark.slow
def test_a_real_photo_becomes_an_avatar(root: Path, tmp_path: Path) -> None:
    photo = next((p for p in sorted((root / "assets").glob("example_*.jpg"), reverse=True)), None)
    if photo is None or engine_python(engine_root()) is None:
        pytest.skip("needs the example photo and the real engine (python dev.py setup engine)")
    bpy.context.scene.cursor.location = (0.0, 0.0, 1.0)
    assert bpy.ops.lhm.reconstruct(photo=str(photo), count=8000, avatar_file=str(tmp_path / "real.lhma")) == {
        "FINISHED"
    }
    armature = bpy.context.view_layer.objects.active
    points = world_points(bpy.context, armature)
    assert points[:, 2].min() == pytest.approx(1.0, abs=0.1)
    assert 1.2 < np.ptp(points[:, 2]) < 2.3  # a person's height, standing
    assert load_avatar(tmp_path / "real.lhma").gaussians.count == len(points)
    assert 0.1 < armature["lhm_seen"] < 0.9
