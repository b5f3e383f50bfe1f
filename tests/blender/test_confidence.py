"""Colours that say what a place rests on: the palette and back exactly, undone, saved, in older files."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.pictures import add_camera, scene_splats
from blender.test_display_nodes import shown_mesh
from blender.test_panels import drawn
from lhm_avatars.operators import confidence
from lhm_avatars.operators.confidence import (
    SEEN_NAMES,
    LHM_OT_copy_warnings,
    color_icon,
    may_show_confidence,
    seen_shares,
)
from lhm_avatars.panels import about
from lhm_avatars.rendering import display_nodes
from lhm_avatars.rendering.confidence import show_confidence, shows_confidence
from lhm_avatars.rendering.display_nodes import CORNERS, SEEN_COLORS, display_group
from lhm_avatars.rendering.splat_material import EMISSION
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.nodes import modifier_input, set_modifier_input

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

# Okabe and Ito's palette in the numbers of their page, 0..255: blue, orange, reddish purple.
PALETTE = {2: (0, 114, 178), 1: (230, 159, 0), 0: (204, 121, 167)}


@pytest.fixture
def ada(avatar: Avatar) -> AvatarObjects:
    add_camera()
    return add_avatar(bpy.context, avatar, name="Ada", display=display_group())


def armature() -> bpy.types.Object:
    """Found anew each time: undo puts another object in its place."""
    return bpy.data.objects["Ada"]


def emitted() -> np.ndarray:
    """What the viewport's patches glow with, one row per Gaussian, linear. [N, 3]"""
    cloud = next(child for child in armature().children if child.type == "POINTCLOUD")
    mesh = shown_mesh(cloud)
    values = np.empty(4 * len(mesh.vertices), np.float32)
    mesh.attributes[EMISSION].data.foreach_get("color", values)
    return values.reshape(-1, CORNERS, 4)[:, 0, :3]


def expected_colors(avatar: Avatar) -> np.ndarray:
    """Display-space: the palette, from 55 % where the photo is black to 100 % where it is white. [N, 3]"""
    palette = np.array([PALETTE[int(value)] for value in avatar.seen]) / 255
    lightness = avatar.gaussians.colors().astype(float) @ (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
    return palette * (0.55 + 0.45 * lightness)[:, None]


def decoded(codes: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def test_photo_colors_come_first(ada: AvatarObjects, avatar: Avatar) -> None:
    assert ada.armature.lhm_colors == "PHOTO"
    np.testing.assert_allclose(scene_splats()[0].colors, avatar.gaussians.colors(), atol=1e-6)


def test_the_palette_in_viewport_and_preview_and_back_exactly(ada: AvatarObjects, avatar: Avatar) -> None:
    before, glow = scene_splats()[0], emitted()
    ada.armature.lhm_colors = "CONFIDENCE"
    marked = scene_splats()[0]
    np.testing.assert_allclose(marked.colors, expected_colors(avatar), atol=1e-6)
    np.testing.assert_allclose(emitted(), decoded(expected_colors(avatar)), atol=2e-6)
    for name in ("means", "quats", "scales", "opacities"):
        np.testing.assert_array_equal(getattr(marked, name), getattr(before, name))
    ada.armature.lhm_colors = "PHOTO"
    np.testing.assert_array_equal(scene_splats()[0].colors, before.colors)
    np.testing.assert_array_equal(emitted(), glow)


def test_one_avatar_of_two(make_avatar: Callable[..., Avatar], ada: AvatarObjects) -> None:
    before = scene_splats()[0].colors
    bea = add_avatar(bpy.context, make_avatar(40), name="Bea", display=display_group())
    bea.armature.lhm_colors = "CONFIDENCE"
    assert ada.armature.lhm_colors == "PHOTO"
    np.testing.assert_allclose(scene_splats()[0].colors[500:], expected_colors(make_avatar(40)), atol=1e-6)
    np.testing.assert_array_equal(scene_splats()[0].colors[:500], before)


def test_one_undo_and_redo(ada: AvatarObjects, avatar: Avatar) -> None:
    photo = avatar.gaussians.colors()
    bpy.ops.ed.undo_push(message="Before")
    armature().lhm_colors = "CONFIDENCE"
    bpy.ops.ed.undo_push(message="Colors")  # as the user interface does
    for _ in range(2):
        assert armature().lhm_colors == "CONFIDENCE"
        np.testing.assert_allclose(scene_splats()[0].colors, expected_colors(avatar), atol=1e-6)
        bpy.ops.ed.undo()
        assert armature().lhm_colors == "PHOTO"
        np.testing.assert_allclose(scene_splats()[0].colors, photo, atol=1e-6)
        bpy.ops.ed.redo()


def test_it_is_saved(ada: AvatarObjects, avatar: Avatar, tmp_path: Path) -> None:
    ada.armature.lhm_colors = "CONFIDENCE"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert armature().lhm_colors == "CONFIDENCE"
    np.testing.assert_allclose(scene_splats()[0].colors, expected_colors(avatar), atol=1e-6)
    bpy.ops.wm.read_homefile(use_empty=True)


# Avatars of older files.


@pytest.fixture
def old(avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> AvatarObjects:
    """As version 1 made them: nodes without this input and the modes, but with a switch of the viewport."""
    add_camera()
    with monkeypatch.context() as patch:
        patch.setattr(display_nodes, "VERSION", 1)
        made = add_avatar(bpy.context, avatar, name="Ada", display=display_group())
    tree = made.cloud.modifiers["LHM Display"].node_group
    for name in ("Confidence", "Render Mode", "Viewport Mode"):
        tree.interface.remove(tree.interface.items_tree[name])
    (switch,) = (node for node in tree.nodes if node.bl_idname == "GeometryNodeMenuSwitch")
    tree.links.remove(switch.inputs[0].links[0])
    switch.inputs[0].default_value = "Solid"
    tree.interface.new_socket("Splats in Viewport", in_out="INPUT", socket_type="NodeSocketBool")
    set_modifier_input(made.cloud.modifiers["LHM Display"], "Dilation", 0.125)
    set_modifier_input(made.cloud.modifiers["LHM Display"], "Splats in Viewport", True)
    return made


def test_an_older_file_gets_it_and_keeps_its_settings(old: AvatarObjects, avatar: Avatar) -> None:
    before = scene_splats()[0]
    assert old.armature.lhm_colors == "PHOTO"
    assert may_show_confidence(old.armature)
    old.armature.lhm_colors = "CONFIDENCE"
    modifier = old.cloud.modifiers["LHM Display"]
    assert modifier.node_group == display_group()
    assert modifier_input(modifier, "Dilation") == pytest.approx(0.125)
    assert modifier_input(modifier, "Viewport Mode") == "Splats"
    assert modifier_input(modifier, "Render Mode") == "Splats"
    assert not modifier_input(modifier, "Raw Colors")
    np.testing.assert_allclose(scene_splats()[0].colors, expected_colors(avatar), atol=1e-6)
    old.armature.lhm_colors = "PHOTO"
    np.testing.assert_array_equal(scene_splats()[0].colors, before.colors)


def test_nodes_of_the_users_own_are_left_alone(ada: AvatarObjects) -> None:
    own = bpy.data.node_groups.new("Own", "GeometryNodeTree")
    ada.cloud.modifiers["LHM Display"].node_group = own
    show_confidence(ada.cloud, True)
    assert ada.cloud.modifiers["LHM Display"].node_group == own
    assert not shows_confidence(ada.cloud)
    assert not may_show_confidence(ada.armature)
    ada.cloud.modifiers.clear()
    show_confidence(ada.cloud, True)
    bpy.data.objects.remove(ada.cloud)
    armature().lhm_colors = "CONFIDENCE"
    assert armature().lhm_colors == "PHOTO"
    assert seen_shares(armature()) == {}


# The panel.


def test_the_panel_has_the_switch_and_the_legend(ada: AvatarObjects, avatar: Avatar) -> None:
    ada.armature["lhm_metadata"] = "{}"
    layout = drawn(about.LHM_PT_origin)
    assert layout.properties == ["lhm_colors"]
    assert not any("Guessed" in words for words in layout.words)
    ada.armature.lhm_colors = "CONFIDENCE"
    counts = np.bincount(avatar.seen, minlength=3) / len(avatar.seen)
    legend = [
        words for words in drawn(about.LHM_PT_origin).words if words.endswith(tuple(SEEN_NAMES.values()))
    ]
    assert legend == [f"{counts[value]:.0%}  {SEEN_NAMES[value]}" for value in (2, 1, 0)]


def test_the_legend_has_the_palettes_colors() -> None:
    assert {key: tuple(np.round(np.array(c) * 255).astype(int)) for key, c in SEEN_COLORS.items()} == PALETTE
    for value, color in PALETTE.items():
        color_icon(value)  # the number itself needs a window
        pixels = np.array(confidence._icons[0][str(value)].icon_pixels_float).reshape(-1, 4)
        assert len(pixels) > 0
        np.testing.assert_allclose(pixels, [[*np.array(color) / 255, 1]] * len(pixels), atol=1 / 255)


def test_where_all_is_guessed_there_is_no_switch(make_avatar: Callable[..., Avatar]) -> None:
    lhm = make_avatar(20)
    lhm = replace(lhm, seen=np.zeros(20, np.uint8), metadata={})
    add_avatar(bpy.context, lhm, name="Ada", display=display_group())
    assert drawn(about.LHM_PT_origin).properties == []


def test_warnings_can_be_copied(ada: AvatarObjects) -> None:
    ada.armature["lhm_metadata"] = '{"warnings": ["One.", "Two."]}'
    manager, reports = SimpleNamespace(clipboard=""), []
    context = SimpleNamespace(window_manager=manager, view_layer=bpy.context.view_layer)
    operator = SimpleNamespace(report=lambda kind, text: reports.append((kind, text)))
    assert LHM_OT_copy_warnings.execute(operator, context) == {"FINISHED"}
    assert manager.clipboard == "One.\nTwo."
    assert reports == [({"INFO"}, "2 warnings were copied")]
