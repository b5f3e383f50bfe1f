"""Every sentence that operators say when something does not work, each said once; nothing is left behind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import pytest
from blender.traces import data_blocks, is_running, temporary_files
from blender.window import Pressed
from lhm_avatars.engine import environment
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.protocol import EngineBug
from lhm_avatars.operators import install
from lhm_avatars.operators.avatars import NO_AVATAR, cloud_of
from lhm_avatars.operators.install import InstallJob, logs
from lhm_avatars.operators.jobs import BUG, BUSY
from lhm_avatars.operators.reconstruct import NO_PHOTO
from lhm_avatars.operators.reconstruction import ENGINE_MISSING, reconstruct_photo
from lhm_avatars.preferences import preferences
from lhm_avatars.properties import job_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

pytestmark = pytest.mark.usefixtures("empty_scene")
REAL_ENGINE = environment.engine_python(Path(__file__).resolve().parents[2] / "build" / "engine")


def refused(sentence: str) -> AbstractContextManager[Any]:
    """An operator reports this as its error; Blender raises what operators report."""
    return pytest.raises(RuntimeError, match=re.escape(sentence))


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "nothing here"))


@pytest.fixture
def nothing_left(empty_scene: None) -> Iterator[None]:
    before, files = data_blocks(), temporary_files()
    yield
    assert (data_blocks(), temporary_files()) == (before, files)


# Before the engine starts.


@pytest.mark.usefixtures("no_engine", "nothing_left")
def test_engine_missing(tmp_path: Path) -> None:
    with refused(ENGINE_MISSING):
        bpy.ops.lhm.reconstruct(photo=str(tmp_path / "a.jpg"))
    with refused(ENGINE_MISSING):
        bpy.ops.lhm.choose_photo(filepath=str(tmp_path / "a.jpg"))
    with pytest.raises(AvatarError, match=re.escape(ENGINE_MISSING)):
        reconstruct_photo(bpy.context, tmp_path / "a.jpg")


@pytest.mark.usefixtures("engine", "nothing_left")
def test_no_photo_chosen() -> None:
    with refused(NO_PHOTO):
        bpy.ops.lhm.reconstruct()


@pytest.mark.usefixtures("nothing_left")
def test_another_job_runs(engine: Path) -> None:
    pressed = Pressed(engine / "slow.jpg")
    for operator in (bpy.ops.lhm.reconstruct, bpy.ops.lhm.install_engine, bpy.ops.lhm.remove_engine):
        with refused(BUSY):
            operator()
    pressed.cancel(pressed.context)


def test_temporary_folder_cannot_be_written(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lhm_avatars.operators.engine_job.tempfile.mkdtemp", full)
    with refused("The folder for temporary files cannot be written (No space left on device). Free some"):
        bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))


# While the engine works.


@pytest.mark.parametrize(
    ("photo", "sentence"),
    [
        ("nobody", "No person was found in this photo. Choose one that shows the whole body."),
        ("killed", "The engine stopped unexpectedly"),
        ("full", "The disk is full"),
        ("broken", "avatar.lhma is not a whole avatar file"),
    ],
)
@pytest.mark.usefixtures("nothing_left")
def test_the_engine_says_why(engine: Path, photo: str, sentence: str) -> None:
    with refused(sentence):
        bpy.ops.lhm.reconstruct(photo=str(engine / f"{photo}.jpg"))
    pressed = Pressed(engine / f"{photo}.jpg")
    assert pressed.tick_until_over() == {"CANCELLED"}
    (report,) = pressed.reports
    assert report[0] == "ERROR"
    assert report[1].startswith(sentence)
    state = job_state(bpy.context)
    assert (state.running, state.failed, state.outcome) == (False, True, report[1])
    assert not is_running(pressed.pid)


@pytest.mark.usefixtures("nothing_left")
def test_a_bug_in_the_engine_keeps_its_traceback(engine: Path) -> None:
    pressed = Pressed(engine / "bug.jpg")
    with pytest.raises(EngineBug, match="ZeroDivisionError"):
        pressed.tick_until_over()
    assert job_state(bpy.context).outcome == BUG
    assert pressed.context.window_manager.timers == 0


@pytest.mark.usefixtures("nothing_left")
def test_a_bug_of_ours_ends_the_job_too(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        bpy.data.meshes.new("half")
        raise LookupError("planted")

    monkeypatch.setattr("lhm_avatars.operators.reconstruction.add_avatar", broken)
    pressed = Pressed(engine / "good.jpg")
    with pytest.raises(LookupError, match="planted"):
        pressed.tick_until_over()
    state = job_state(bpy.context)
    assert (state.running, state.failed) == (False, True)
    assert not is_running(pressed.pid)


@pytest.mark.usefixtures("nothing_left")
def test_the_avatar_file_cannot_be_written(engine: Path) -> None:
    target = engine / "no such folder" / "a.lhma"
    with refused(f"The avatar file {target} cannot be written (No such file or directory). Choose another"):
        bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"), avatar_file=str(target))


@pytest.mark.slow
@pytest.mark.skipif(REAL_ENGINE is None, reason="needs the real engine (python dev.py setup engine)")
@pytest.mark.usefixtures("nothing_left")
def test_a_corrupt_photo_in_the_real_engine(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(root / "build" / "engine"))
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 and then nothing of a picture")
    with refused("torn.jpg"):
        bpy.ops.lhm.reconstruct(photo=str(tmp_path / "torn.jpg"))
    assert job_state(bpy.context).outcome.count(". ") >= 1  # what happened, and what to do


# Installing.


@pytest.mark.usefixtures("no_engine")
def test_install_offline() -> None:
    assert not bpy.app.online_access
    with refused(install.OFFLINE):
        bpy.ops.lhm.install_engine()


@pytest.mark.usefixtures("no_engine")
def test_install_from_an_empty_folder(tmp_path: Path) -> None:
    preferences().wheel_folder = str(tmp_path)
    try:
        with refused(f"There are no packages (.whl files) in {tmp_path}. Choose the folder that holds"):
            bpy.ops.lhm.install_engine()
    finally:
        preferences().property_unset("wheel_folder")


def test_an_installation_that_fails_says_why(tmp_path: Path) -> None:
    job = InstallJob(tmp_path, {"python": None, "wheel_dir": tmp_path, "online": False})
    while not job.poll():
        pass
    with pytest.raises(AvatarError, match="There are no packages"):
        job.result()


def test_remove_engine_removes_it(engine: Path) -> None:
    assert bpy.ops.lhm.remove_engine() == {"FINISHED"}
    assert not bpy.ops.lhm.remove_engine.poll()
    assert environment.engine_python(engine / "root") is None


def test_remove_engine_that_is_in_use(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lhm_avatars.engine.environment.shutil.rmtree", locked)
    with refused("could not be removed (Permission denied). Close every Blender that uses it"):
        bpy.ops.lhm.remove_engine()


@pytest.mark.usefixtures("no_engine")
def test_no_log_yet() -> None:
    assert bpy.ops.lhm.open_log() == {"CANCELLED"}


def test_the_newest_log_is_found(engine: Path) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    assert logs(engine / "root")[0] == engine / "root" / "engine.log"


# Avatars and files.


@pytest.mark.parametrize("name", ["pose_avatar", "add_motion", "set_up_preview", "export_avatar"])
def test_no_avatar_selected(name: str) -> None:
    with refused(NO_AVATAR):
        getattr(bpy.ops.lhm, name)()


def test_import_of_a_missing_file(tmp_path: Path) -> None:
    with refused("There is no avatar file at"):
        bpy.ops.lhm.import_avatar(filepath=str(tmp_path / "gone.lhma"))


def test_export_into_a_missing_folder(engine: Path) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    target = engine / "no such folder" / "a.lhma"
    with refused(f"{target} cannot be written (No such file or directory). Choose another folder."):
        bpy.ops.lhm.export_avatar(filepath=str(target))


def test_export_of_an_avatar_without_gaussians(engine: Path) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    bpy.data.objects.remove(cloud_of(bpy.context.view_layer.objects.active))
    with refused(NO_AVATAR):
        bpy.ops.lhm.export_avatar(filepath=str(engine / "a.lhma"))
