"""Render settings that suit avatars, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import addon_utils
import bpy
import numpy as np
import pytest
from blender.pictures import add_camera, psnr, reference, render
from blender.test_display_nodes import person
from blender.test_panels import drawn
from blender.test_user_errors import refused
from exr import rgba
from lhm_avatars.operators.render_settings import LINKED_SCENE, NOT_SUITED
from lhm_avatars.panels.display import LHM_PT_render_settings
from lhm_avatars.rendering.capabilities import eevee
from lhm_avatars.rendering.render_settings import (
    BEFORE_KEY,
    CYCLES,
    CYCLES_LAYERS,
    CYCLES_SAMPLES,
    EEVEE,
    put_back,
    suit_renders,
)
from lhm_avatars.rigging.avatar_objects import add_avatar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


def everything() -> dict[str, Any]:
    """All plain settings of the scene that have to do with pictures."""
    scene, found = bpy.context.scene, {}
    for group in ("render", "cycles", "eevee", "view_settings", "display_settings"):
        block = getattr(scene, group)
        for prop in block.bl_rna.properties:
            if prop.type in ("INT", "FLOAT", "BOOLEAN", "ENUM", "STRING"):
                value = getattr(block, prop.identifier)
                found[f"{group}.{prop.identifier}"] = (
                    tuple(value) if getattr(prop, "is_array", False) else value
                )
    return found


def messed_up() -> dict[str, Any]:
    """Settings that nobody would take for what they started with."""
    scene = bpy.context.scene
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Punchy"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.7, 1.3
    scene.cycles.samples, scene.cycles.filter_width = 33, 2.125
    scene.cycles.transparent_max_bounces, scene.cycles.min_transparent_bounces = 11, 3
    scene.cycles.use_denoising = True
    scene.eevee.taa_render_samples, scene.render.filter_size = 7, 1.25
    scene.render.engine = "BLENDER_WORKBENCH"
    return everything()


@pytest.mark.parametrize("order", [(CYCLES,), (EEVEE,), (CYCLES, EEVEE), (EEVEE, CYCLES, CYCLES)])
@pytest.mark.parametrize("splats_only", [True, False])
def test_everything_is_put_back(order: tuple[str, ...], splats_only: bool) -> None:
    before = messed_up()
    for engine in order:
        assert bpy.ops.lhm.render_preset(engine=engine, splats_only=splats_only) == {"FINISHED"}
    assert everything() != before
    assert "lhm.put_back_render_settings" in drawn(LHM_PT_render_settings).pressed
    assert bpy.ops.lhm.put_back_render_settings() == {"FINISHED"}
    assert everything() == before
    assert BEFORE_KEY not in bpy.context.scene
    assert "lhm.put_back_render_settings" not in drawn(LHM_PT_render_settings).pressed
    with refused(NOT_SUITED):
        bpy.ops.lhm.put_back_render_settings()
    put_back(bpy.context.scene)
    assert everything() == before


def test_eevee_of_another_blender_is_put_back() -> None:
    suit_renders(bpy.context.scene, EEVEE)
    bpy.context.scene.render.engine = "BLENDER_WORKBENCH"
    for name in ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"):  # a file of Blender 4.5 in 5.0, and the other way
        bpy.context.scene[BEFORE_KEY] = f'[["render.engine", "{name}"]]'
        put_back(bpy.context.scene)
        assert bpy.context.scene.render.engine == eevee()


def test_cycles_that_is_not_enabled_is_said() -> None:
    before = bpy.context.scene.render.engine
    addon_utils.disable("cycles")
    try:
        with pytest.raises(RuntimeError, match=r"Cycles is not enabled in this Blender\. Enable"):
            bpy.ops.lhm.render_preset(engine=CYCLES)
        assert bpy.context.scene.render.engine == before
        assert BEFORE_KEY not in bpy.context.scene
    finally:
        addon_utils.enable("cycles")


def test_what_suits_cycles() -> None:
    messed_up()
    scene = bpy.context.scene
    suit_renders(scene, CYCLES)
    cycles = scene.cycles
    assert scene.render.engine == "CYCLES"
    assert (cycles.transparent_max_bounces, cycles.min_transparent_bounces) == (CYCLES_LAYERS, CYCLES_LAYERS)
    assert (cycles.samples, cycles.use_denoising, cycles.use_adaptive_sampling) == (
        CYCLES_SAMPLES, False, False,
    )  # fmt: skip
    view = scene.view_settings
    assert (view.view_transform, view.look, view.exposure, view.gamma) == ("Standard", "None", 0, 1)
    put_back(scene)
    cycles.transparent_max_bounces = 1000
    suit_renders(scene, CYCLES, splats_only=False)
    assert (cycles.transparent_max_bounces, cycles.min_transparent_bounces) == (1000, 1000)
    assert cycles.samples == 33


def test_what_suits_eevee() -> None:
    messed_up()
    scene = bpy.context.scene
    suit_renders(scene, EEVEE)
    assert scene.render.engine == eevee()
    assert scene.render.engine.startswith("BLENDER_EEVEE")
    assert scene.eevee.taa_render_samples == 64
    assert scene.cycles.samples == 33  # another engine's settings are left alone


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="engine must be CYCLES or EEVEE, got 'POVRAY'"):
        suit_renders(bpy.context.scene, "POVRAY")


def test_a_linked_scene_is_refused(tmp_path: Path) -> None:
    bpy.context.scene.name = "Far Away"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "a.blend"), link=True) as (_, wanted):
        wanted.scenes = ["Far Away"]
    far = bpy.data.scenes["Far Away"]
    assert far.library is not None
    with bpy.context.temp_override(scene=far), refused(LINKED_SCENE):
        bpy.ops.lhm.render_preset(engine=CYCLES)
    bpy.ops.wm.read_homefile(use_empty=True)


def test_one_undo_step_and_saved_with_the_file(make_avatar: Callable[..., Avatar], tmp_path: Path) -> None:
    add_avatar(bpy.context, make_avatar(10), name="Ada")
    before = messed_up()
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.lhm.render_preset(engine=CYCLES)
    bpy.ops.ed.undo_push(message="Suit Render Settings")  # as the user interface does
    suited = everything()
    bpy.ops.ed.undo()
    assert everything() == before
    bpy.ops.ed.redo()
    assert everything() == suited
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.lhm.put_back_render_settings()
    changed = {name for name, value in everything().items() if value != before[name]}
    assert changed <= {"render.filepath"}
    bpy.ops.wm.read_homefile(use_empty=True)


def test_a_suited_render_agrees_with_the_rasterizer(
    make_avatar: Callable[..., Avatar], tmp_path: Path
) -> None:
    add_camera((160, 160))
    person(lambda _: make_avatar(4000), **{"Raw Colors": True})
    messed_up()
    bpy.ops.lhm.render_preset(engine=CYCLES)
    expected = reference()
    picture = rgba(render(tmp_path / "a.exr"))
    lit = expected.alpha > 0.02
    assert lit.sum() > 1000
    assert psnr(picture[..., :3], expected.color, lit) > 36  # four samples, as set
    np.testing.assert_allclose(picture[..., 3][lit], expected.alpha[lit], atol=0.12)
