"""The panels draw what there is to do, in each state; everything registered can be understood."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy
import pytest
from blender.layout import Layout
from blender.window import Pressed
from lhm_avatars import registration
from lhm_avatars.operators import install
from lhm_avatars.operators.reconstruct import LHM_FH_photo
from lhm_avatars.panels import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

pytestmark = pytest.mark.usefixtures("empty_scene")


def drawn(panel: type) -> Layout:
    """What a panel draws now."""
    layout = Layout()
    if not hasattr(panel, "poll") or panel.poll(bpy.context):
        panel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout


def operators() -> Iterator[type[bpy.types.Operator]]:
    for module in registration.MODULES:
        yield from (cls for cls in module.CLASSES if issubclass(cls, bpy.types.Operator))


# Everything registered.


def test_every_operator_says_what_it_does(lhm: ModuleType) -> None:
    found = list(operators())
    assert len(found) >= 10
    for cls in found:
        group, name = cls.bl_idname.split(".")
        rna = getattr(getattr(bpy.ops, group), name).get_rna_type()
        assert rna.name, cls.__name__
        assert len(rna.description) > 20, cls.__name__
        assert not rna.description.endswith("."), "tooltips end without a period"
        for name, prop in rna.properties.items():
            hidden = prop.is_hidden or name in ("rna_type", "filepath", "check_existing", "filter_glob")
            assert hidden or prop.name, (cls.__name__, name)
            assert not prop.description.endswith("."), (cls.__name__, name)


def test_every_poll_answers_without_a_window(lhm: ModuleType) -> None:
    for module in registration.MODULES:
        for cls in module.CLASSES:
            if hasattr(cls, "poll") and issubclass(cls, (bpy.types.Operator, bpy.types.Panel)):
                assert isinstance(cls.poll(bpy.context), bool), cls.__name__


def test_panels_stand_in_our_tab(lhm: ModuleType) -> None:
    for panel in main.CLASSES:
        assert (panel.bl_space_type, panel.bl_region_type, panel.bl_category) == (
            "VIEW_3D",
            "UI",
            "LHM Avatars",
        )


def test_import_and_export_menus_list_us(engine: Path) -> None:
    for menu, wanted in (
        (bpy.types.TOPBAR_MT_file_import, ["lhm.choose_photo", "lhm.import_avatar"]),
        (bpy.types.TOPBAR_MT_file_export, ["lhm.export_avatar"]),
    ):
        layout = Layout()
        for draw in menu._dyn_ui_initialize():
            if draw.__module__.startswith("lhm_avatars"):
                draw(SimpleNamespace(layout=layout), bpy.context)
        assert layout.pressed == wanted


def test_a_photo_may_be_dropped_on_the_sidebar_only() -> None:
    def over(area: str, region: str) -> Any:
        return SimpleNamespace(area=SimpleNamespace(type=area), region=SimpleNamespace(type=region))

    assert LHM_FH_photo.poll_drop(over("VIEW_3D", "UI"))
    assert not LHM_FH_photo.poll_drop(over("VIEW_3D", "WINDOW"))  # there an image becomes a reference
    assert not LHM_FH_photo.poll_drop(over("IMAGE_EDITOR", "UI"))


# States of the main panel.


def test_without_an_engine_there_is_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "none"))
    layout = drawn(main.LHM_PT_main)
    assert layout.pressed == ["lhm.install_engine"]
    assert "MB" in layout.text
    assert str(tmp_path) in layout.text.replace(" ", "")
    assert install.OFFLINE.split(".")[0] in layout.text  # this Blender may not go online


def test_with_an_engine_there_is_one_button_with_all_settings(engine: Path) -> None:
    chosen = bpy.context.scene.lhm_avatars
    chosen.photo, chosen.seed, chosen.count, chosen.influences = "/a.jpg", 5, 9000, "8"
    (button,) = drawn(main.LHM_PT_main).buttons
    assert button.operator == "lhm.reconstruct"
    assert button.values == {"photo": "/a.jpg", "mask": "", "count": 9000, "seed": 5, "influences": "8"}


def test_a_running_job_shows_its_progress_and_a_way_out(engine: Path) -> None:
    pressed = Pressed(engine / "slow.jpg")
    pressed.tick_until(lambda _: bpy.context.window_manager.lhm_job.fraction > 0.5)
    layout = drawn(main.LHM_PT_main)
    assert layout.pressed == ["lhm.cancel_job"]
    assert "Refining colours" in layout.words
    assert "50%" in layout.text
    pressed.cancel(pressed.context)


def test_the_last_result_is_shown_with_its_warnings(engine: Path) -> None:
    Pressed(engine / "half.jpg").tick_until_over()
    layout = drawn(main.LHM_PT_main)
    assert "half: 500 splats" in layout.text
    assert "The legs were guessed." in layout.text


def test_a_failure_is_shown(engine: Path) -> None:
    Pressed(engine / "nobody.jpg").tick_until_over()
    assert "No person was found in this photo." in drawn(main.LHM_PT_main).text


# The avatar's panels.


def test_the_avatars_panels_are_there_with_an_avatar_only(engine: Path) -> None:
    assert not main.LHM_PT_avatar.poll(bpy.context)
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    poses = [b.values["pose"] for b in drawn(main.LHM_PT_avatar).buttons if b.operator == "lhm.pose_avatar"]
    assert poses == ["photo", "rest", "a"]


def test_the_origin_says_share_body_and_licences(engine: Path) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    armature = bpy.context.view_layer.objects.active
    armature["lhm_seen"] = 0.42
    armature["lhm_metadata"] = '{"licences": {"body": "CC0-1.0", "weights": "none"}}'
    text = drawn(main.LHM_PT_origin).text
    assert "42% is seen in the photo" in text
    assert "Built-in body, not SMPL-X" in text
    assert "body CC0-1.0, weights none" in text


def test_settings_are_all_offered() -> None:
    assert drawn(main.LHM_PT_settings).properties == ["mask", "count", "influences", "seed"]


def test_the_engines_panel(engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = drawn(main.LHM_PT_engine)
    assert "Installed, 123 MB" in layout.words
    assert layout.pressed == ["lhm.remove_engine", "lhm.open_log"]
    assert "Your photo is not uploaded" in layout.text
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "none"))
    layout = drawn(main.LHM_PT_engine)
    assert "Not installed" in layout.words
    assert layout.pressed == ["lhm.install_engine", "lhm.open_log"]


def test_long_sentences_are_broken_into_lines() -> None:
    layout = Layout()
    main.draw_words(layout, bpy.context, ("one " * 60,))
    assert len(layout.words) > 3
    assert max(map(len, layout.words)) < 60
    assert layout.text.split() == ["one"] * 60
