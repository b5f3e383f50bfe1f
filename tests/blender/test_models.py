"""Licences, downloads, files one has, deleting, checking a photo: what happens on disk, and what is said."""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender import fake_models
from blender.layout import Layout
from blender.test_panels import drawn
from blender.traces import data_blocks, temporary_files
from blender.window import Pressed, PressedJob
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.weights.catalogue import LICENCES
from lhm_avatars.engine.weights.licences import accepted_on
from lhm_avatars.engine.weights.store import status
from lhm_avatars.operators import photo_check as checks
from lhm_avatars.operators.jobs import BUSY
from lhm_avatars.operators.licences import NOT_TICKED, LHM_OT_accept_licence
from lhm_avatars.operators.models import OFFLINE, LHM_OT_download_model, LHM_OT_use_model_files, to_download
from lhm_avatars.operators.reconstruct import NO_PHOTO
from lhm_avatars.operators.reconstruction import LHM_ENGINE_MISSING
from lhm_avatars.panels import photo_check
from lhm_avatars.preferences import preferences
from lhm_avatars.properties import job_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("empty_scene", "models")
SECRET = "hf_" + "secret"


def refused(sentence: str) -> AbstractContextManager[object]:
    return pytest.raises(RuntimeError, match=re.escape(sentence))


@pytest.fixture
def online() -> Iterator[None]:
    """Blender may go online. The fake engine does not."""
    bpy.context.preferences.system.use_online_access = True
    yield
    bpy.context.preferences.system.use_online_access = False
    for name in ("mirror", "token"):
        preferences().property_unset(name)


# Licences.


def test_a_licence_is_accepted_by_a_tick_and_can_be_withdrawn(models: Path) -> None:
    assert bpy.ops.lhm.accept_licence(licence="lhm", agreed=True) == {"FINISHED"}
    assert accepted_on("lhm", models) is not None
    assert accepted_on("sapiens", models) is None  # one tick each
    assert bpy.ops.lhm.withdraw_licence(licence="lhm") == {"FINISHED"}
    assert accepted_on("lhm", models) is None


def test_without_the_tick_nothing_is_accepted(models: Path) -> None:
    said = []

    class Dialog:
        licence, agreed = "lhm", False
        report = staticmethod(lambda kind, text: said.append((kind, text)))
        execute = LHM_OT_accept_licence.execute

    assert Dialog().execute(bpy.context) == {"CANCELLED"}
    assert said == [({"WARNING"}, NOT_TICKED)]
    assert bpy.ops.lhm.accept_licence(licence="lhm") == {"CANCELLED"}
    assert not models.exists()


def test_the_box_is_never_ticked_beforehand(models: Path) -> None:
    class Dialog:
        licence, agreed = "lhm", True
        invoke = LHM_OT_accept_licence.invoke

    class Manager:
        invoke_props_dialog = staticmethod(lambda *_, **__: {"RUNNING_MODAL"})

    dialog = Dialog()
    dialog.invoke(type("Context", (), {"window_manager": Manager()}), None)
    assert dialog.agreed is False


def test_the_dialog_shows_terms_what_they_allow_and_the_text() -> None:
    class Dialog:
        layout, licence = Layout(), "smplx"
        bl_rna = bpy.ops.lhm.accept_licence.get_rna_type()
        draw = LHM_OT_accept_licence.draw

    dialog = Dialog()
    dialog.draw(bpy.context)
    smplx = LICENCES["smplx"]
    assert f"{smplx.title}: {smplx.terms}" in dialog.layout.text
    assert smplx.allows in dialog.layout.text
    assert dialog.layout.buttons[0].values == {"url": smplx.url}
    assert dialog.layout.properties == ["agreed"]


def test_a_tick_that_cannot_be_kept(models: Path) -> None:
    models.write_text("a file, where the folder should be")
    with refused("The tick could not be kept in"):
        bpy.ops.lhm.accept_licence(licence="lhm", agreed=True)


# Downloads.


def test_a_download_fetches_the_model_and_what_it_needs(lhm_engine: Path, models: Path, online: None) -> None:
    fake_models.agree(models)
    preferences().token = SECRET
    assert bpy.ops.lhm.download_model(model="lhm-mini") == {"FINISHED"}
    there = status(models)
    assert [there.of(name).state for name in ("lhm-mini", "sapiens-1b")] == ["ready", "ready"]
    assert there.of("points-20k").state == "absent"  # it is nowhere to be downloaded from
    assert job_state(bpy.context).outcome == "LHM-MINI is downloaded"
    with refused("LHM points (20,000) cannot be downloaded by the add-on. Get 1_20000.ply from https://"):
        bpy.ops.lhm.download_model(model="lhm-mini")
    fake_models.bring(models, "points-20k")
    with refused("LHM-MINI is there already. Nothing was downloaded."):
        bpy.ops.lhm.download_model(model="lhm-mini")


def test_what_is_there_is_not_fetched_again(models: Path) -> None:
    fake_models.agree(models)
    fake_models.bring(models, "sapiens-1b")
    assert [item.name for item in to_download("lhm-mini", models)] == ["lhm-mini"]


def test_cancel_keeps_what_was_fetched(lhm_engine: Path, models: Path, online: None) -> None:
    fake_models.agree(models)
    preferences().mirror = "slow"
    before = temporary_files()
    pressed = PressedJob(LHM_OT_download_model, model="lhm-mini")
    state = job_state(bpy.context)
    pressed.tick_until(lambda _: "2 MB of 4 MB" in state.message)
    share = 2_775_668_536 / (2_775_668_536 + 4_680_000_000)  # of the first file in the whole
    assert state.fraction == pytest.approx(0.5 * share, rel=1e-3)
    with refused(BUSY):
        bpy.ops.lhm.delete_model(model="lhm-mini")
    pressed.event("ESC", "PRESS")
    assert pressed.tick_until_over() == {"CANCELLED"}
    assert state.outcome == "Cancelled"
    assert status(models).of("lhm-mini").state == "partial"
    assert temporary_files() == before


def test_a_download_that_fails_says_why(lhm_engine: Path, models: Path, online: None) -> None:
    fake_models.agree(models)
    preferences().mirror = "broken"
    with refused("The server does not answer. Try again later."):
        bpy.ops.lhm.download_model(model="lhm-mini")
    assert job_state(bpy.context).failed


def test_no_download_without_licence_engine_or_network(engine: Path, models: Path, online: None) -> None:
    with refused("A licence is not accepted yet: LHM weights (Alibaba), CC BY-NC 4.0, SMPL-X"):
        bpy.ops.lhm.download_model(model="lhm-mini")
    fake_models.agree(models)
    with refused(LHM_ENGINE_MISSING):
        bpy.ops.lhm.download_model(model="lhm-mini")
    bpy.context.preferences.system.use_online_access = False
    with refused(OFFLINE):
        bpy.ops.lhm.download_model(model="lhm-mini")


# Files that the user has.


def write_points(path: Path, count: int) -> None:
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n"
    header += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n"
    path.write_bytes(header.encode() + bytes(12 * count))


def test_files_are_checked_and_used_where_they_lie(engine: Path, models: Path) -> None:
    fake_models.agree(models)
    mine = engine / "mine"
    mine.mkdir()
    write_points(mine / "1_20000.ply", 20_000)
    assert bpy.ops.lhm.use_model_files(model="points-20k", filepath=str(mine)) == {"FINISHED"}
    there = status(models).of("points-20k")
    assert (there.state, there.source) == ("ready", "file")
    assert bpy.ops.lhm.delete_model(model="points-20k") == {"FINISHED"}
    assert status(models).of("points-20k").state == "absent"
    assert (mine / "1_20000.ply").is_file()


def test_the_window_does_the_same(engine: Path, models: Path) -> None:
    fake_models.agree(models)
    write_points(engine / "any_name.ply", 20_000)
    pressed = PressedJob(LHM_OT_use_model_files, model="points-20k", filepath=str(engine / "any_name.ply"))
    assert pressed.tick_until_over() == {"FINISHED"}
    assert status(models).of("points-20k").state == "ready"


def test_files_that_cannot_be_used(engine: Path, models: Path) -> None:
    path = engine / "wrong.ply"
    path.write_bytes(b"no points")
    with refused("A licence is not accepted yet: LHM weights"):
        bpy.ops.lhm.use_model_files(model="points-20k", filepath=str(path))
    fake_models.agree(models)
    with refused("wrong.ply"):
        bpy.ops.lhm.use_model_files(model="points-20k", filepath=str(path))
    with refused("is no archive (.tar). Choose the file LHM_prior_model.tar."):
        bpy.ops.lhm.use_model_files(model="archive", filepath=str(path))
    assert status(models).of("points-20k").state == "absent"


def test_files_need_an_engine(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "none"))
    fake_models.agree(models)
    with refused("The engine is not installed."):
        bpy.ops.lhm.use_model_files(model="points-20k", filepath=str(tmp_path))


def test_deleting_sets_space_free(models: Path) -> None:
    fake_models.bring(models, "lhm-mini")
    assert bpy.ops.lhm.delete_model(model="lhm-mini") == {"FINISHED"}
    assert not (models / "lhm-mini").exists()


def test_a_model_that_cannot_be_deleted(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_name: str, _root: Path) -> int:
        raise AvatarError("LHM-MINI could not be deleted. Close every Blender that uses it and try again.")

    fake_models.bring(models, "lhm-mini")
    monkeypatch.setattr("lhm_avatars.operators.models.delete", locked)
    with refused("LHM-MINI could not be deleted. Close every Blender"):
        bpy.ops.lhm.delete_model(model="lhm-mini")


# A photo before the run.


def write_png(path: Path, rgb: np.ndarray) -> None:
    """[H, W, 3] bytes, the first row on top."""
    height, width, _ = rgb.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in rgb)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def picture(engine: Path) -> np.ndarray:
    """What the fake engine draws."""
    rgb = np.zeros((4, 12, 3), np.uint8)
    rgb[0, 0] = 255  # top left
    write_png(engine / "picture.png", rgb)
    return rgb


@pytest.mark.usefixtures("picture")
def test_a_photo_is_checked_and_the_answer_kept_until_it_changes(engine: Path) -> None:
    chosen = bpy.context.scene.lhm_avatars
    chosen.photo = str(engine / "half.jpg")
    before, files = data_blocks(), temporary_files()
    assert bpy.ops.lhm.check_photo() == {"FINISHED"}
    assert (data_blocks(), temporary_files()) == (before, files)
    layout = drawn(photo_check.LHM_PT_photo_check)
    assert "The head has only 40 pixels in the photo; the face will be blurred." in layout.text
    assert "Asked for lift, best, None" in layout.text
    assert "The photo will do" not in layout.text
    chosen.mask = str(engine / "mask.png")
    assert drawn(photo_check.LHM_PT_photo_check).words == []
    chosen.mask = ""
    chosen.photo = str(engine / "good.jpg")
    assert drawn(photo_check.LHM_PT_photo_check).words == []
    assert bpy.ops.lhm.check_photo() == {"FINISHED"}
    assert "The photo will do" in drawn(photo_check.LHM_PT_photo_check).text
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert (checks._last, checks._previews) == ([], [])


def test_the_picture_is_shown_as_it_was_drawn(engine: Path, picture: np.ndarray) -> None:
    bpy.context.scene.lhm_avatars.photo = str(engine / "good.jpg")
    bpy.ops.lhm.check_photo()
    preview = checks._previews[-1][checks._PICTURE]
    assert tuple(preview.image_size) == (12, 4)
    shown = np.array(preview.image_pixels_float[:]).reshape(4, 12, 4)
    np.testing.assert_allclose(shown[::-1, :, :3], picture / 255, atol=0.01)


@pytest.mark.usefixtures("picture")
def test_the_check_asks_as_the_reconstruction_would(lhm_engine: Path) -> None:
    chosen = bpy.context.scene.lhm_avatars
    chosen.photo, chosen.engine, chosen.preparation = str(lhm_engine / "good.jpg"), "lhm-1b", "official"
    chosen.use_head_box, chosen.head_box = True, (1, 2, 3, 4)
    bpy.ops.lhm.check_photo()
    text = drawn(photo_check.LHM_PT_photo_check).text
    assert "Asked for lhm-1b, official, [1, 2, 3, 4]" in text


@pytest.mark.usefixtures("picture")
def test_a_check_that_fails_says_why(engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused(NO_PHOTO):
        bpy.ops.lhm.check_photo()
    bpy.context.scene.lhm_avatars.photo = str(engine / "nobody.jpg")
    with refused("No person was found in this photo."):
        bpy.ops.lhm.check_photo()
    (engine / "picture.png").write_text("no picture")
    bpy.context.scene.lhm_avatars.photo = str(engine / "good.jpg")
    with refused("The engine made no picture of the photo. Check the photo again."):
        bpy.ops.lhm.check_photo()
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "none"))
    with refused("The engine is not installed."):
        bpy.ops.lhm.check_photo()


def test_only_one_job_at_a_time(engine: Path) -> None:
    pressed = Pressed(engine / "slow.jpg")
    for name in (
        "download_model",
        "use_model_files",
        "delete_model",
        "check_photo",
        "install_lhm",
        "remove_lhm",
    ):
        with refused(BUSY):
            getattr(bpy.ops.lhm, name)()
    pressed.cancel(pressed.context)
