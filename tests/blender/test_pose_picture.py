"""Pictures of pose assets: drawn from the posed splats, right way up, different for different poses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.test_control_rig import random_params
from lhm_avatars.rendering.pose_picture import SIDE, drawn
from lhm_avatars.rigging.avatar_objects import add_avatar, cloud_of
from lhm_avatars.rigging.poses import set_pose

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")
RED, GREEN, BLUE = np.eye(3)


def _at(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    """The pixel at a share of the side, from the lower left."""
    return picture[int(y * SIDE), int(x * SIDE)]


def test_the_nearest_is_on_top_and_up_is_up():
    # A cross of four ends; in its middle green is nearer than red, whichever comes first.
    places = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, 0.5], [0, 0, 0.1]], float)
    colors = np.array([RED, GREEN, BLUE, [1, 1, 0], GREEN, RED])
    for order in (slice(None), slice(None, None, -1)):
        picture = drawn(places[order], colors[order], np.full(6, 0.02))
        assert picture.shape == (SIDE, SIDE, 4)
        for x, y, color in (
            (0.045, 0.5, RED),
            (0.955, 0.5, GREEN),
            (0.5, 0.045, BLUE),
            (0.5, 0.955, [1, 1, 0]),
            (0.5, 0.5, GREEN),
        ):
            assert _at(picture, x, y) == pytest.approx([*color, 1], abs=1e-6), (x, y)
        assert not _at(picture, 0.25, 0.25).any()


def test_one_point_is_a_square_in_the_middle():
    picture = drawn(np.zeros((1, 3)), RED[None], np.ones(1))
    drawn_at = np.argwhere(picture[..., 3] > 0.5)
    assert drawn_at.mean(axis=0) == pytest.approx([SIDE / 2, SIDE / 2], abs=1)


def _preview(name: str) -> np.ndarray | None:
    preview = bpy.data.actions[name].preview
    if preview is None or tuple(preview.image_size) == (0, 0):
        return None
    return np.array(preview.image_pixels_float[:]).reshape(*preview.image_size, 4)


def test_each_pose_has_its_own_picture(make_avatar: Callable[..., Avatar]) -> None:
    armature = add_avatar(bpy.context, make_avatar(count=2000), name="Ada", pose="rest").armature
    armature.location, armature.rotation_euler[2] = (3, -2, 1), 1.0
    pictures = []
    for name, params in (("One", None), ("Two", random_params(6))):
        if params is not None:
            set_pose(armature, params)
        assert bpy.ops.lhm.create_pose_asset(name=name) == {"FINISHED"}
        picture = _preview(name)
        assert picture is not None
        assert picture.shape == (SIDE, SIDE, 4)
        assert 0.03 < (picture[..., 3] > 0).mean() < 0.9
        assert picture[..., :3][picture[..., 3] > 0].std() > 0.05
        pictures.append(picture)
    assert np.abs(pictures[0] - pictures[1]).mean() > 0.02
    # The T-pose is as wide as the picture and symmetric: arms reach both edges at the same height.
    shape = pictures[0][..., 3] > 0
    columns = np.flatnonzero(shape.any(axis=0))
    assert columns[0] < 0.08 * SIDE
    assert columns[-1] > 0.92 * SIDE
    assert (shape & shape[:, ::-1]).sum() > 0.7 * shape.sum()
    # Seen from the front of the armature, wherever it stands.
    armature.rotation_euler[2] = -2.0
    bpy.ops.lhm.create_pose_asset(name="Again")
    assert np.abs(_preview("Again") - pictures[1]).mean() < 0.01


def test_only_this_avatar_is_in_it(make_avatar: Callable[..., Avatar]) -> None:
    other = add_avatar(bpy.context, make_avatar(count=800, seed=1), name="Eve", pose="rest").armature
    other.location = (0.4, 0.0, 0.0)
    made = add_avatar(bpy.context, make_avatar(count=800), name="Ada", pose="rest").armature
    bpy.context.view_layer.objects.active = made
    bpy.ops.lhm.create_pose_asset(name="Both")
    cloud_of(other).hide_viewport = True
    bpy.ops.lhm.create_pose_asset(name="Alone")
    assert np.abs(_preview("Both") - _preview("Alone")).max() < 1e-6


def test_a_hidden_avatar_keeps_its_pose_without_a_picture(make_avatar: Callable[..., Avatar]) -> None:
    armature = add_avatar(bpy.context, make_avatar(count=100), name="Ada", pose="rest").armature
    cloud_of(armature).hide_viewport = True
    assert bpy.ops.lhm.create_pose_asset(name="Unseen") == {"FINISHED"}
    assert bpy.data.actions["Unseen"].asset_data is not None
    assert _preview("Unseen") is None
