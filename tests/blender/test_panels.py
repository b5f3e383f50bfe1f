"""The panels draw what there is to do, in each state; everything registered can be understood."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy
import pytest
from blender.layout import Layout
from blender.test_user_errors import refused
from blender.window import Pressed
from lhm_avatars import registration
from lhm_avatars.operators import confidence, install
from lhm_avatars.operators.confidence import LHM_OT_copy_warnings
from lhm_avatars.operators.photos import LHM_FH_photo
from lhm_avatars.panels import about, main, more_photos, photo_check, setup
from lhm_avatars.panels import settings as panel_settings
from lhm_avatars.panels.draw import draw_words
from lhm_avatars.properties import job_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

pytestmark = pytest.mark.usefixtures("empty_scene")
PARTS = ("head", "left arm", "right arm", "left leg", "right leg", "hair", "back", "skirt")


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
    modules = (main, more_photos, panel_settings, photo_check, about, setup)
    for panel in (panel for module in modules for panel in module.CLASSES):
        assert (panel.bl_space_type, panel.bl_region_type, panel.bl_category) == (
            "VIEW_3D",
            "UI",
            "LHM Avatars",
        )


def test_import_and_export_menus_list_us(engine: Path) -> None:
    for menu, wanted in (
        (bpy.types.TOPBAR_MT_file_import, ["lhm.choose_photo", "lhm.import_motion", "lhm.import_avatar"]),
        (bpy.types.TOPBAR_MT_file_export, ["lhm.export_motion", "lhm.export_avatar"]),
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
    assert layout.pressed == ["lhm.install_engine", "lhm.reconstruct"]
    assert "MB" in layout.text
    assert str(tmp_path) in layout.text.replace(" ", "")
    assert install.OFFLINE.split(".")[0] in layout.text  # this Blender may not go online


def test_with_an_engine_there_is_one_button_that_takes_the_scenes_settings(engine: Path) -> None:
    layout = drawn(main.LHM_PT_main)
    (button,) = layout.buttons
    assert (button.operator, button.values) == ("lhm.reconstruct", {})
    assert layout.properties[:2] == ["photo", "engine"]
    assert "Ready" in layout.words


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
    text = drawn(about.LHM_PT_origin).text
    assert "42% is seen in the photo" in text
    assert "Built-in body, not SMPL-X" in text
    assert "body CC0-1.0, weights none" in text


def test_settings_of_the_chosen_engine_are_offered() -> None:
    chosen = bpy.context.scene.lhm_avatars
    own = ["mask", "held", "loose_automatic", "influences", "seed"]
    assert drawn(panel_settings.LHM_PT_settings).properties == own
    chosen.loose_automatic = False
    assert "loose_strength" in drawn(panel_settings.LHM_PT_settings).properties
    chosen.engine = "lhm-500m"
    common = ["mask", "influences", "preparation", "binding", "shape", "enlarge", "use_head_box", "device"]
    assert drawn(panel_settings.LHM_PT_settings).properties == common
    chosen.shape, chosen.use_head_box, chosen.engine = "betas", True, "lhm-own"
    offered = drawn(panel_settings.LHM_PT_settings).properties
    assert set(offered) == {*common, "betas", "head_box", "model_folder"}


def test_quality_is_offered_for_the_built_in_engine_only() -> None:
    chosen = bpy.context.scene.lhm_avatars
    assert drawn(main.LHM_PT_main).properties == ["photo", "engine", "quality"]
    chosen.quality = "custom"
    assert drawn(main.LHM_PT_main).properties == ["photo", "engine", "quality", "count"]
    chosen.engine = "lhm-500m"
    assert drawn(main.LHM_PT_main).properties == ["photo", "engine"]


def test_further_photos_are_listed_and_can_be_removed(tmp_path: Path) -> None:
    chosen = bpy.context.scene.lhm_avatars
    assert drawn(more_photos.LHM_PT_more_photos).pressed == ["lhm.add_photos"]
    for name in ("back", "side"):
        chosen.photos.add().name = str(tmp_path / f"{name}.jpg")
    (tmp_path / "back.jpg").touch()
    layout = drawn(more_photos.LHM_PT_more_photos)
    assert layout.words == ["back.jpg", "side.jpg is gone"]
    removing = [b.values["index"] for b in layout.buttons if b.operator == "lhm.remove_photo"]
    assert removing == [0, 1]
    header = Layout()
    more_photos.LHM_PT_more_photos.draw_header_preset(SimpleNamespace(layout=header), bpy.context)
    assert header.text.strip() == "2"
    chosen.engine = "lhm-500m"
    assert not more_photos.LHM_PT_more_photos.poll(bpy.context)


def test_an_avatars_warnings_stay_with_it(engine: Path) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    armature = bpy.context.view_layer.objects.active
    armature["lhm_metadata"] = "{}"
    assert "lhm.copy_warnings" not in drawn(about.LHM_PT_origin).pressed
    assert not bpy.ops.lhm.copy_warnings.poll()
    warnings = [f"The {part} is doubtful, because too little of it is in the photo." for part in PARTS]
    armature["lhm_metadata"] = json.dumps({"warnings": warnings})
    layout = drawn(about.LHM_PT_origin)
    assert warnings[0] in layout.text
    shown = sum(warning in layout.text for warning in warnings)
    assert 1 <= shown < len(PARTS)
    assert f"and {len(PARTS) - shown} more" in layout.text
    assert "lhm.copy_warnings" in layout.pressed
    tip = LHM_OT_copy_warnings.description(bpy.context, None)
    assert all(warning in tip for warning in warnings)
    with refused(confidence.NO_WARNINGS):
        armature["lhm_metadata"] = "{}"
        bpy.ops.lhm.copy_warnings()


def test_one_long_warning_is_shown_whole(engine: Path) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    long = "word " * 200
    bpy.context.view_layer.objects.active["lhm_metadata"] = json.dumps({"warnings": [long]})
    assert drawn(about.LHM_PT_origin).words.count("and 1 more") == 0
    assert drawn(about.LHM_PT_origin).text.count("word") == 200


def test_an_avatar_of_lhm_says_what_may_be_done_with_it(engine: Path) -> None:
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    metadata = {
        "engine": "lhm-mini", "model": "LHM-MINI", "non_commercial": True,
        "licences": {"weights": "CC BY-NC 4.0 (LHM)"},
        "binding_error_mm": {"influences": 4, "mean": 0.31, "percentile99": 2.44, "worst": 9.0},
    }  # fmt: skip
    bpy.context.view_layer.objects.active["lhm_metadata"] = json.dumps(metadata)
    text = drawn(about.LHM_PT_origin).text
    assert "For non-commercial use only" in text
    assert "Model: LHM-MINI" in text
    assert "Every side is the model's guess from one photo" in text
    assert "Body: SMPL-X" in text
    assert "4 bones per splat: 0.3 mm off on average, 2.4 mm for one in a hundred" in text
    assert "weights CC BY-NC 4.0 (LHM)" in text
    assert "%" not in text


def test_after_a_failure_for_lack_of_memory_a_smaller_model_is_offered(engine: Path, root: Path) -> None:
    for file in ("network/plan.py", "lhm/memory.py"):  # the words that the panel knows are the engine's
        assert main._OUT_OF_MEMORY in (root / "engine" / file).read_text(encoding="utf-8")
    said = "LHM-1B needs 8.0 GB of memory, 6.0 GB are free. Close other programs, or choose a smaller model."
    job_state(bpy.context).end(said, failed=True)
    bpy.context.scene.lhm_avatars.engine = "lhm-1b"
    assert drawn(main.LHM_PT_main).buttons[-1].values == {"engine": "lhm-mini"}
    bpy.context.scene.lhm_avatars.engine = "lhm-mini"
    assert drawn(main.LHM_PT_main).buttons[-1].values == {"engine": "lift"}
    bpy.ops.lhm.use_engine(engine="lift")
    assert bpy.context.scene.lhm_avatars.engine == "lift"
    assert drawn(main.LHM_PT_main).pressed == ["lhm.reconstruct"]


def test_long_sentences_are_broken_into_lines() -> None:
    layout = Layout()
    draw_words(layout, bpy.context, ("one " * 60,))
    assert len(layout.words) > 3
    assert max(map(len, layout.words)) < 60
    assert layout.text.split() == ["one"] * 60
