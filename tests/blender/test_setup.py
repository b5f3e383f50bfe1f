"""What each engine lacks, in words, with the next button; what is installed; the report for an issue."""

from __future__ import annotations

import re
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import bpy
import pytest
from blender import fake_models
from blender.test_panels import drawn
from lhm_avatars.engine import torch_builds
from lhm_avatars.engine.hardware import Gpu, Hardware
from lhm_avatars.engine.weights.catalogue import asset, with_needs
from lhm_avatars.operators import looks
from lhm_avatars.operators.engine_state import state_of, time_words
from lhm_avatars.operators.install import OFFLINE, build_words
from lhm_avatars.operators.reconstruct import LHM_OT_reconstruct, last_made
from lhm_avatars.operators.setup import REPORT_TEXT
from lhm_avatars.operators.setup_report import add_on_version, anonymous, setup_report
from lhm_avatars.panels import main, setup
from lhm_avatars.preferences import LHM_AvatarsPreferences, engines, models_root, preferences

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.usefixtures("empty_scene", "models")

SECRET = "hf_" + "secret"
ROOMY = Hardware(None, 64 * 10**9, 60 * 10**9, 500 * 10**9, 8, "Linux", "x86_64")
CARD = Gpu("Fake RTX", 24 * 10**9, 23 * 10**9, "580.65", capability=(8, 9))


def computer(**changes: object) -> None:
    """Have the add-on know this computer."""
    looks._hardware[:] = [Hardware(**(vars(ROOMY) | changes))]
    looks.refresh()


def choose(engine: str) -> None:
    bpy.context.scene.lhm_avatars.engine = engine


# The state of an engine, step by step.


@pytest.mark.usefixtures("engine")
def test_without_its_engine_a_model_offers_to_install_it() -> None:
    computer()
    state = state_of(bpy.context, "lhm-mini")
    assert (state.kind, state.button.operator) == ("engine", "lhm.install_lhm")
    assert state.button.values == {"build": "cpu"}  # no card: the smallest that runs
    computer(gpu=CARD)
    assert state_of(bpy.context, "lhm-mini").button.values == {"build": "cu130"}


def test_each_step_leads_to_the_next_until_the_model_is_ready(lhm_engine: Path, models: Path) -> None:
    choose("lhm-500m")

    def state() -> tuple[str, str]:
        looks.refresh()
        found = state_of(bpy.context, "lhm-500m")
        assert not found.ready
        assert drawn(main.LHM_PT_main).pressed == [found.button.operator, "lhm.reconstruct"]
        return found.kind, found.button.operator

    for licence in ("lhm", "smplx", "sapiens"):
        assert state() == ("licence", "lhm.accept_licence")
        assert state_of(bpy.context, "lhm-500m").button.values == {"licence": licence}
        fake_models.agree(models, licence)
    assert state() == ("download", "lhm.download_model")
    size = (asset("lhm-500m").expected_bytes + asset("sapiens-1b").expected_bytes) / 1e9
    assert f"{size:.1f} GB" in state_of(bpy.context, "lhm-500m").words
    fake_models.bring(models, "lhm-500m", "sapiens-1b")
    assert state() == ("file", "lhm.use_model_files")
    assert state_of(bpy.context, "lhm-500m").button.values == {"model": "points-40k"}
    fake_models.bring(models, "points-40k")
    ready = state_of(bpy.context, "lhm-500m")
    assert (ready.ready, ready.button) == (True, None)
    assert drawn(main.LHM_PT_main).pressed == ["lhm.reconstruct"]


def test_a_download_that_was_stopped_goes_on(lhm_engine: Path, models: Path) -> None:
    fake_models.agree(models)
    (models / "lhm-mini").mkdir(parents=True)
    (models / "lhm-mini" / "model.safetensors.abc.part").write_bytes(b"half")
    looks.refresh()
    assert state_of(bpy.context, "lhm-mini").button.text.startswith("Continue Download")


def test_a_file_that_is_gone_is_named(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    (models / "points-20k" / "1_20000.ply").unlink()
    looks.refresh()
    assert state_of(bpy.context, "lhm-mini").words == (
        "1_20000.ply (LHM points (20,000)) is gone or has changed"
    )


def test_what_does_not_fit_says_why_and_offers_the_smaller_model(lhm_engine: Path, models: Path) -> None:
    computer(ram_free=6 * 10**9)
    state = state_of(bpy.context, "lhm-1b")
    assert (state.kind, state.words) == ("too large", "LHM-1B does not fit this computer")
    assert re.search(r"needs 8\.0 GB of memory, 6\.0 GB are free", " ".join(state.notes))
    assert state.button.values == {"engine": "lhm-mini"}
    computer(ram_free=10**9)  # not even the smallest
    assert state_of(bpy.context, "lhm-1b").button.values == {"engine": "lift"}
    computer(disk_free=10**9)
    assert "GB of disk" in " ".join(state_of(bpy.context, "lhm-mini").notes)
    computer()
    assert state_of(bpy.context, "lhm-1b").kind == "licence"


def test_a_model_that_is_there_is_not_forbidden_by_an_estimate(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-1b")
    computer(ram_free=6 * 10**9)
    state = state_of(bpy.context, "lhm-1b")
    assert state.ready
    assert state.icon == "ERROR"
    assert state.button.values == {"engine": "lhm-mini"}


def test_how_long_a_photo_takes_is_told_where_the_device_was_measured(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    computer()
    # 20.2e12 operations at half of 1e11 a second: 405 s.
    assert state_of(bpy.context, "lhm-mini").words == "Ready, about 7 min a photo"
    assert time_words(0.3) == "about 1 s a photo"
    assert time_words(None) == ""


def test_a_model_of_ones_own(lhm_engine: Path, models: Path) -> None:
    chosen = bpy.context.scene.lhm_avatars
    choose("lhm-own")
    assert state_of(bpy.context, "lhm-own").kind == "folder"
    assert "model_folder" in drawn(main.LHM_PT_main).properties
    chosen.model_folder = str(lhm_engine)
    words = "The folder of your model does not hold model.safetensors and config.json"
    assert state_of(bpy.context, "lhm-own").words == words
    for name in ("model.safetensors", "config.json"):
        (lhm_engine / name).touch()
    looks.refresh()
    state = state_of(bpy.context, "lhm-own")
    assert (state.kind, state.button.values) == ("licence", {"licence": "sapiens"})  # it brings no Sapiens
    (lhm_engine / "sapiens_mine.pt2").touch()
    looks.refresh()
    assert state_of(bpy.context, "lhm-own").ready


def test_an_environment_of_ones_own(engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    try:
        preferences().lhm_python = str(engine / "nowhere")
        assert engines().drawing() == engines().basic()
        state = state_of(bpy.context, "lhm-mini")
        assert state.words.startswith(f"There is no Python at {engine / 'nowhere'}")
        preferences().lhm_python = sys.executable
        assert engines().drawing() == Path(sys.executable) != engines().basic()
        preferences().lhm_python = str(engines().basic())
        assert state_of(bpy.context, "lhm-mini").ready
        assert "your own environment" in drawn(setup.LHM_PT_setup_engines).text
    finally:
        preferences().property_unset("lhm_python")


def test_a_panel_looks_at_the_disk_once_in_a_while(
    lhm_engine: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    real = looks.store.status
    monkeypatch.setattr(looks.store, "status", lambda root: looked.append(root) or real(root))
    choose("lhm-mini")
    for _ in range(20):
        drawn(main.LHM_PT_main)
        drawn(setup.LHM_PT_setup_models)
    assert len(looked) == 1


def test_drawing_asks_no_hardware(lhm_engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "inspect_hardware", lambda folder: pytest.fail("asked"))
    choose("lhm-1b")
    for panel in (main.LHM_PT_main, *setup.CLASSES):
        drawn(panel)
    assert looks.known_hardware() is None


def test_the_hardware_is_asked_beside_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def slow(folder: Path) -> Hardware:
        asked.append(threading.current_thread())
        return ROOMY

    monkeypatch.setattr(looks, "inspect_hardware", slow)
    looks._first_look()
    for _ in range(200):
        if looks.known_hardware():
            break
        time.sleep(0.01)
    assert looks.known_hardware() == ROOMY
    assert asked[0] is not threading.main_thread()


# Reconstructing with LHM, by a fake engine.


def test_all_settings_reach_the_engine(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    chosen = bpy.context.scene.lhm_avatars
    chosen.photo, chosen.engine, chosen.preparation = str(lhm_engine / "good.jpg"), "lhm-mini", "official"
    chosen.shape, chosen.betas[0], chosen.use_head_box, chosen.head_box = "betas", 2.0, True, (10, 20, 30, 40)
    chosen.enlarge, chosen.influences = False, "8"
    preferences().device = "cpu"
    try:
        assert bpy.ops.lhm.reconstruct() == {"FINISHED"}
    finally:
        preferences().property_unset("device")
    assert last_made().report["settings"] == {
        "engine": "lhm-mini", "preparation": "official", "shape": [2.0] + [0.0] * 9, "device": "cpu",
        "head_box": [10, 20, 30, 40], "enlarge": False, "influences": 8, "models": str(models),
        "model_folder": None, "mask": None, "seed": 0, "count": 40_000,
        "binding": "surface", "held": "keep", "loose": None, "photos": [],
    }  # fmt: skip


@pytest.mark.usefixtures("engine")
def test_what_is_not_ready_is_refused_with_the_reason(models: Path, engine: Path) -> None:
    photo = str(engine / "good.jpg")
    with pytest.raises(
        RuntimeError, match=r"The engine for LHM is not installed\. Install it in the 3D View"
    ):
        bpy.ops.lhm.reconstruct(photo=photo, engine="lhm-mini")
    with pytest.raises(
        RuntimeError, match=r"Own LHM Model: Choose the folder of your model\. See the 3D View"
    ):
        bpy.ops.lhm.reconstruct(photo=photo, engine="lhm-own")
    assert not bpy.data.pointclouds


def test_an_empty_head_box_is_refused(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    photo = str(lhm_engine / "good.jpg")
    with pytest.raises(RuntimeError, match=r"The head box is empty\. Enter its left, top, right and bottom"):
        bpy.ops.lhm.reconstruct(photo=photo, engine="lhm-mini", use_head_box=True)
    assert bpy.ops.lhm.reconstruct(photo=photo, engine="lift", use_head_box=True) == {"FINISHED"}


def test_in_the_sidebar_the_button_is_greyed_with_the_reason(
    lhm_engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sidebar:
        region = type("Region", (), {"type": "UI"})

        def __getattr__(self, name: str) -> object:
            return getattr(bpy.context, name)

    said = []
    monkeypatch.setattr(LHM_OT_reconstruct, "poll_message_set", said.append, raising=False)
    choose("lhm-mini")
    assert not LHM_OT_reconstruct.poll(Sidebar())
    assert said[-1].startswith("LHM-MINI: Needs a licence: LHM weights (Alibaba) and 2 more.")
    assert LHM_OT_reconstruct.poll(bpy.context)  # a script may name another engine
    choose("lift")
    assert LHM_OT_reconstruct.poll(Sidebar())


def test_lift_runs_in_lhms_environment_where_there_is_no_other(lhm_engine: Path) -> None:
    assert bpy.ops.lhm.remove_engine() == {"FINISHED"}
    assert state_of(bpy.context, "lift").ready
    assert bpy.ops.lhm.reconstruct(photo=str(lhm_engine / "good.jpg")) == {"FINISHED"}
    assert bpy.ops.lhm.remove_lhm() == {"FINISHED"}
    assert not bpy.ops.lhm.remove_lhm.poll()
    assert state_of(bpy.context, "lift").kind == "engine"


# Setup and preferences.


def test_setup_lists_engines_with_what_they_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "none"))
    computer(gpu=CARD)
    layout = drawn(setup.LHM_PT_setup_engines)
    builds = [b.values["build"] for b in layout.buttons if b.operator == "lhm.install_lhm"]
    assert builds == ["cu130", "cu126", "cpu"]
    for build in torch_builds.builds("Linux", "x86_64"):
        shown = " ".join(build_words(build).split()) in layout.text
        assert shown == (build.name in builds)
    assert str(tmp_path / "none") in layout.text.replace(" ", "")
    assert "Blender may not go online." in layout.text


def test_setup_shows_what_is_installed(lhm_engine: Path) -> None:
    layout = drawn(setup.LHM_PT_setup_engines)
    assert "Built-in: installed, 123 MB" in layout.text
    assert "For LHM: installed, Processor only, 123 MB" in layout.text
    assert layout.pressed == ["lhm.remove_engine", "lhm.remove_lhm"]


def test_setup_lists_models_with_licences_and_buttons(lhm_engine: Path, models: Path) -> None:
    fake_models.bring(models, "lhm-mini")
    fake_models.agree(models, "lhm")
    layout = drawn(setup.LHM_PT_setup_models)
    assert "SMPL-X body" not in layout.text  # nothing uses it yet
    for name in ("LHM-MINI: Ready", "LHM-1B-HF: Not there, 6.9 GB", "Sapiens-1B: Not there, 4.7 GB"):
        assert name in layout.text
    accepts = {b.values["licence"] for b in layout.buttons if b.operator == "lhm.accept_licence"}
    assert accepts == {"smplx", "sapiens", "vggheads", "real-esrgan"}
    assert [b.values for b in layout.buttons if b.operator == "lhm.withdraw_licence"] == [{"licence": "lhm"}]
    fetched = {b.values["model"] for b in layout.buttons if b.operator == "lhm.download_model"}
    assert fetched == {"lhm-500m", "lhm-500m-hf", "lhm-1b", "lhm-1b-hf", "sapiens-1b"}
    assert [b.values["model"] for b in layout.buttons if b.operator == "lhm.delete_model"] == ["lhm-mini"]
    assert layout.buttons[-1].values == {"model": "archive"}
    assert "free" in layout.text


def test_the_preferences_show_the_same(lhm_engine: Path) -> None:
    class Page:
        layout = None
        draw = LHM_AvatarsPreferences.draw

    page = Page()
    from blender.layout import Layout

    class Named(Layout):
        def prop(self, data: object, name: str, **rest: object) -> None:
            super().prop(preferences() if data is page else data, name, **rest)

    page.layout = Named()
    page.draw(bpy.context)
    for name in ("engine_folder", "lhm_python", "device", "models_folder", "mirror", "token"):
        assert name in page.layout.properties
    assert "lhm.check_setup" in page.layout.pressed
    assert "lhm.download_model" in page.layout.pressed


def test_the_token_is_hidden_and_its_place_is_told(lhm_engine: Path) -> None:
    assert preferences().bl_rna.properties["token"].subtype == "PASSWORD"
    preferences().token = SECRET
    try:
        assert "kept in Blender's preferences, unencrypted" in drawn(setup.LHM_PT_setup_models).text
    finally:
        preferences().property_unset("token")


def test_models_folder_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preferences().models_folder = str(tmp_path / "chosen")
    try:
        assert models_root() == tmp_path / "models"  # the variable wins
        monkeypatch.delenv("LHM_AVATARS_MODELS_ROOT")
        assert models_root() == tmp_path / "chosen"
    finally:
        preferences().property_unset("models_folder")


@pytest.mark.usefixtures("engine")
def test_installing_for_lhm_needs_a_way_to_get_it() -> None:
    with pytest.raises(RuntimeError, match=re.escape(OFFLINE)):
        bpy.ops.lhm.install_lhm(build="cpu")


@pytest.mark.usefixtures("engine")
def test_a_build_that_there_is_not(tmp_path: Path) -> None:
    preferences().wheel_folder = str(tmp_path)
    try:
        with pytest.raises(RuntimeError, match="There is no build of torch named 'cu999' for this system"):
            bpy.ops.lhm.install_lhm(build="cu999")
        with pytest.raises(RuntimeError, match=r"There are no packages \(.whl files\) in"):
            bpy.ops.lhm.install_lhm(build="cpu")
    finally:
        preferences().property_unset("wheel_folder")


# The report.


def test_the_report_says_what_there_is(lhm_engine: Path, models: Path) -> None:
    fake_models.complete(models, "lhm-mini")
    computer(gpu=CARD)
    bpy.ops.lhm.reconstruct(photo=str(lhm_engine / "good.jpg"))
    report = setup_report(bpy.context)
    for words in (
        bpy.app.version_string, f"Add-on {add_on_version()}", "Online access: not allowed", "Fake RTX",
        "driver 580.65", "For LHM (cpu): 123 MB; torch 2.13.0", "'rate': 100000000000.0",
        f"lhm-mini: {state_of(bpy.context, 'lhm-mini').words}", "ab" * 32, "smplx: accepted 20",
        "vggheads: not accepted", "engine.log",
    ):  # fmt: skip
        assert words in report, words
    assert "SMPL" not in "".join(line for line in report.splitlines() if "1_20000" in line)


@pytest.mark.usefixtures("engine")
def test_the_report_says_what_ones_own_environment_lacks(tmp_path: Path) -> None:
    preferences().lhm_python = str(tmp_path / "nowhere")
    try:
        assert f"There is no Python at {tmp_path / 'nowhere'}" in setup_report(bpy.context)
        preferences().lhm_python = sys.executable  # Blender's: it has no torch
        assert "cannot import what LHM needs: torch" in setup_report(bpy.context)
    finally:
        preferences().property_unset("lhm_python")


def test_the_processor_is_judged_by_its_own_speed(lhm_engine: Path) -> None:
    computer(gpu=CARD)
    assert looks.fit(bpy.context, "lhm-mini").seconds == pytest.approx(20.2272e12 / (0.5 * 1e11), rel=1e-3)
    preferences().device = "cpu"
    try:
        looks.refresh()
        assert looks.fit(bpy.context, "lhm-mini").seconds == pytest.approx(404.54, rel=1e-3)
    finally:
        preferences().property_unset("device")


def test_the_operator_puts_it_into_a_text(lhm_engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "inspect_hardware", lambda folder: ROOMY)
    assert bpy.ops.lhm.check_setup() == {"FINISHED"}
    assert bpy.ops.lhm.check_setup() == {"FINISHED"}
    assert [text.name for text in bpy.data.texts] == [REPORT_TEXT]
    assert bpy.data.texts[REPORT_TEXT].as_string().rstrip() == setup_report(bpy.context).rstrip()
    assert bpy.ops.lhm.look_again() == {"FINISHED"}


def test_the_report_names_nobody(lhm_engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path.parent)
    preferences().token = SECRET
    try:
        (lhm_engine / "root" / "engine.log").write_text(f"{tmp_path}/a.jpg {SECRET}")
        report = setup_report(bpy.context)
    finally:
        preferences().property_unset("token")
    assert str(tmp_path.parent) not in report
    assert tmp_path.parent.name not in report
    assert SECRET not in report
    assert f"~/{tmp_path.name}/a.jpg TOKEN" in report


def test_a_name_outside_the_home_folder_is_hidden_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/jane"))
    assert anonymous("/home/jane/x and /mnt/jane/y") == "~/x and /mnt/USER/y"


def test_the_login_of_a_mirror_is_hidden() -> None:
    assert anonymous("Mirror https://jane:pass@hub.example/a@b") == "Mirror https://hub.example/a@b"


def test_the_first_look_outlives_the_file_that_blender_is_started_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "empty.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    monkeypatch.setattr(looks, "_FIRST_LOOK_SECONDS", 60.0)
    monkeypatch.setattr(looks, "bpy", _in_a_window())
    with ExitStack() as undo:
        looks.attach(undo)
        bpy.ops.wm.open_mainfile(filepath=path)
        kept = bpy.app.timers.is_registered(looks._first_look)
    assert kept
    assert not bpy.app.timers.is_registered(looks._first_look)


def _in_a_window() -> SimpleNamespace:
    return SimpleNamespace(app=SimpleNamespace(background=False, timers=bpy.app.timers))


def test_paths_beside_the_blend_file_may_be_chosen() -> None:
    fields = bpy.context.scene.lhm_avatars.bl_rna.properties
    assert all(fields[name].is_path_supports_blend_relative for name in ("photo", "mask", "model_folder"))


def test_with_needs_is_what_the_states_count(lhm: ModuleType) -> None:
    assert [item.name for item in with_needs("lhm-mini")] == ["lhm-mini", "sapiens-1b", "points-20k"]
