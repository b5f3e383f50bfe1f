"""Sliders, operators and panel of the body shape: undone in one step, saved, exported, and explained."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.layout import Layout
from blender.shapely import with_shape
from lhm_avatars.engine.formats.avatar_file import load_avatar, save_avatar
from lhm_avatars.operators.avatars import NO_AVATAR, cloud_of
from lhm_avatars.operators.files import SHAPE_LEFT_OUT
from lhm_avatars.operators.shape import EDIT_MODE, SLIDERS
from lhm_avatars.panels.shape import LHM_PT_shape, slider_name
from lhm_avatars.rigging.avatar_objects import add_avatar
from lhm_avatars.rigging.pointcloud import read_attribute
from lhm_avatars.rigging.reshape import NO_SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

TALL = [2.0, *[0.0] * 9]


@pytest.fixture
def shapely(make_avatar: Callable[..., Avatar]) -> Avatar:
    return with_shape(make_avatar(count=400))


def ada() -> bpy.types.Object:
    """Found anew each time: undo puts another object in its place."""
    return bpy.data.objects["Ada"]


def add(avatar: Avatar) -> bpy.types.Object:
    return add_avatar(bpy.context, avatar, name="Ada").armature


def assert_shape(avatar: Avatar) -> None:
    """Splats, bones and betas of Ada are those of an avatar."""
    floor = np.array([0, avatar.ground_height(), 0])
    means = read_attribute(cloud_of(ada()).data, "position")
    np.testing.assert_allclose(means + floor, avatar.gaussians.means, rtol=0, atol=1e-6)
    knee = ada().data.bones["left_knee"].head_local
    np.testing.assert_allclose(np.array(knee) + floor, avatar.joints[4], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.array(ada()["lhm_betas"]), avatar.params.betas, atol=1e-6)


# Operators.


def test_the_operator_does_what_the_function_does(shapely: Avatar, capfd: pytest.CaptureFixture[str]) -> None:
    before = add(shapely)["lhm_height"]
    assert bpy.ops.lhm.reshape_avatar(betas=TALL) == {"FINISHED"}
    assert_shape(shapely.reshaped(TALL))
    assert f"Height: {before:.2f} m before, {ada()['lhm_height']:.2f} m now" in capfd.readouterr().out


def test_reset_to_the_photo_and_to_the_average(shapely: Avatar) -> None:
    add(shapely)
    bpy.ops.lhm.reset_shape(to="AVERAGE")
    assert_shape(shapely.reshaped([]))
    bpy.ops.lhm.reset_shape(to="PHOTO")
    assert_shape(shapely)


@pytest.mark.parametrize("mode", ["OBJECT", "POSE"])
@pytest.mark.parametrize("way", ["operator", "slider"])
def test_one_undo_and_redo(shapely: Avatar, mode: str, way: str) -> None:
    add(shapely)
    bpy.ops.object.mode_set(mode=mode)
    bpy.ops.ed.undo_push(message="Before")
    if way == "operator":
        bpy.ops.lhm.reshape_avatar("EXEC_DEFAULT", True, betas=TALL)
    else:
        ada().lhm_shape = TALL
        bpy.ops.ed.undo_push(message="Shape")  # as the user interface does when the slider is released
    for _ in range(2):
        assert_shape(shapely.reshaped(TALL))
        bpy.ops.ed.undo()
        assert_shape(shapely)
        assert ada().mode == mode
        bpy.ops.ed.redo()


def test_polls_say_why(shapely: Avatar, avatar: Avatar) -> None:
    with pytest.raises(RuntimeError, match=NO_AVATAR):
        bpy.ops.lhm.reshape_avatar()
    add_avatar(bpy.context, avatar, name="Old")
    for operator in (bpy.ops.lhm.reshape_avatar, bpy.ops.lhm.reset_shape):
        with pytest.raises(RuntimeError, match=NO_SHAPE):
            operator()
    add(shapely)
    bpy.ops.object.mode_set(mode="EDIT")
    for operator in (bpy.ops.lhm.reshape_avatar, bpy.ops.lhm.reset_shape):
        with pytest.raises(RuntimeError, match=EDIT_MODE):
            operator()


def test_a_lost_part_is_reported(shapely: Avatar) -> None:
    data = cloud_of(add(shapely)).data
    data.attributes.remove(data.attributes["shape_4"])
    for operator in (bpy.ops.lhm.reshape_avatar, bpy.ops.lhm.reset_shape):
        with pytest.raises(RuntimeError, match="lost the attribute shape_4"):
            operator()
    assert_shape(shapely)


# Sliders.


def test_sliders_show_and_set_the_betas(shapely: Avatar) -> None:
    armature = add(shapely)
    np.testing.assert_allclose(armature.lhm_shape, shapely.params.betas, rtol=1e-6)
    armature.lhm_shape[3] = 1.25
    betas = shapely.params.betas.copy()
    betas[3] = 1.25
    assert_shape(shapely.reshaped(betas))
    armature.lhm_shape = TALL
    np.testing.assert_allclose(armature.lhm_shape, TALL)


@pytest.mark.parametrize("count", [3, 12])
def test_avatars_with_fewer_or_more_betas(make_avatar: Callable[..., Avatar], count: int) -> None:
    avatar = with_shape(make_avatar(count=200), count)
    armature = add(avatar)
    armature.lhm_shape = [0.5] * SLIDERS
    betas = avatar.params.betas.copy()
    betas[:SLIDERS] = 0.5
    assert_shape(avatar.reshaped(betas))
    np.testing.assert_allclose(armature.lhm_shape, [0.5] * min(count, SLIDERS) + [0] * (SLIDERS - count))


def test_sliders_cannot_be_animated_and_keep_nothing(shapely: Avatar) -> None:
    armature = add(shapely)
    with pytest.raises(TypeError, match="not animatable"):
        armature.keyframe_insert("lhm_shape", index=0)
    assert "lhm_shape" not in armature
    assert not armature.bl_rna.properties["lhm_shape"].is_animatable


def test_a_slider_that_cannot_move_logs_why(
    shapely: Avatar, avatar: Avatar, caplog: pytest.LogCaptureFixture
) -> None:
    old = add_avatar(bpy.context, avatar, name="Old").armature
    old.lhm_shape = TALL
    assert caplog.messages == [NO_SHAPE]
    assert list(old.lhm_shape) == [0.0] * SLIDERS
    armature = add(shapely)
    del armature["lhm_betas"]
    assert list(armature.lhm_shape) == [0.0] * SLIDERS
    armature.lhm_shape = TALL
    assert "lost its custom property lhm_betas" in caplog.messages[-1]


def test_an_evaluated_avatar_stands_for_its_original(shapely: Avatar) -> None:
    evaluated = add(shapely).evaluated_get(bpy.context.evaluated_depsgraph_get())
    evaluated.lhm_shape = TALL
    assert_shape(shapely.reshaped(TALL))


# Files.


def test_export_and_import_keep_shape_space_and_both_betas(shapely: Avatar, tmp_path: Path) -> None:
    add(shapely)
    bpy.ops.lhm.reshape_avatar(betas=TALL)
    bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "tall.lhma"))
    tall = load_avatar(tmp_path / "tall.lhma")
    assert tall.shape is not None
    assert shapely.shape is not None
    np.testing.assert_array_equal(tall.shape.mean_dirs, shapely.shape.mean_dirs)
    np.testing.assert_array_equal(tall.shape.joint_dirs, shapely.shape.joint_dirs)
    np.testing.assert_array_equal(tall.params.betas, np.array(TALL, np.float32))
    bpy.data.objects.remove(cloud_of(ada()))
    bpy.data.objects.remove(ada())
    add(tall)
    np.testing.assert_allclose(ada().lhm_shape, TALL)
    bpy.ops.lhm.reset_shape(to="PHOTO")
    bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "photo.lhma"))
    again = load_avatar(tmp_path / "photo.lhma")
    np.testing.assert_array_equal(again.params.betas, shapely.params.betas)
    moved = again.gaussians.means - shapely.gaussians.means.astype(np.float64)
    np.testing.assert_allclose(moved, np.tile(moved.mean(axis=0), (len(moved), 1)), atol=1e-6)
    np.testing.assert_allclose(moved.mean(axis=0), (0, -shapely.ground_height(), 0), atol=1e-6)


def test_an_unchanged_avatar_is_exported_as_it_came(shapely: Avatar, tmp_path: Path) -> None:
    add(shapely)
    bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "same.lhma"))
    assert load_avatar(tmp_path / "same.lhma").metadata == shapely.metadata


def test_an_avatar_with_a_damaged_shape_is_exported_without_it(
    shapely: Avatar, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = cloud_of(add(shapely)).data
    data.attributes.remove(data.attributes["shape_base"])
    bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "rest.lhma"))
    assert SHAPE_LEFT_OUT in capfd.readouterr().out
    assert load_avatar(tmp_path / "rest.lhma").shape is None


def test_an_avatar_that_lost_the_photos_betas_is_exported_without_a_shape(
    shapely: Avatar, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    del add(shapely)["lhm_photo_betas"]
    bpy.ops.lhm.export_avatar(filepath=str(tmp_path / "rest.lhma"))
    assert SHAPE_LEFT_OUT in capfd.readouterr().out
    assert load_avatar(tmp_path / "rest.lhma").shape is None


def test_files_of_older_versions_have_no_sliders(avatar: Avatar, tmp_path: Path) -> None:
    save_avatar(tmp_path / "old.lhma", avatar)
    bpy.ops.lhm.import_avatar(filepath=str(tmp_path / "old.lhma"))
    assert NO_SHAPE in drawn().text


# Panel.


def drawn() -> Layout:
    layout = Layout()
    LHM_PT_shape.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout


def test_the_panel_shows_height_sliders_and_ways_back(shapely: Avatar) -> None:
    armature = add(shapely)
    layout = drawn()
    assert layout.properties == ["lhm_shape"] * 10
    assert f"Height: {armature['lhm_height']:.2f} m" in layout.words
    assert [button.values["to"] for button in layout.buttons] == ["PHOTO", "AVERAGE"]
    bpy.ops.object.mode_set(mode="EDIT")
    assert drawn().text == EDIT_MODE


def test_sliders_are_named_after_the_body(shapely: Avatar) -> None:
    armature = add(shapely)
    assert [slider_name(armature, k) for k in (0, 3, 9)] == ["Size", "Weight", "Shape 10"]
    armature["lhm_metadata"] = '{"licences": {"body": "SMPL-X, non-commercial"}}'
    assert [slider_name(armature, k) for k in (0, 1, 2)] == ["Size", "Weight", "Shape 3"]
