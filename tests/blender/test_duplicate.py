"""Duplicates of an avatar: shared splats, poses, motions and faces of their own."""

from __future__ import annotations

from dataclasses import replace
from math import pi
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.facial import with_face
from blender.test_user_errors import refused
from blender.traces import data_blocks
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.operators.avatars import NO_AVATAR
from lhm_avatars.rendering.display_modes import show
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.control_rig import add_controls
from lhm_avatars.rigging.duplicate import INCOMPLETE, Arrangement, Place, duplicate_avatars, places
from lhm_avatars.rigging.pointcloud import read_gaussians
from motion.rigged import lively

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


def points(made: AvatarObjects) -> np.ndarray:
    """Posed Gaussians in the avatar's own space. [N, 3]"""
    display = made.cloud.modifiers.get("LHM Display")
    if display is not None:
        display.show_viewport = False
    evaluated = made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return read_gaussians(evaluated.data).means


def test_it_stands_elsewhere_and_shares_the_splats(avatar: Avatar) -> None:
    made = add_avatar(bpy.context, avatar, name="Ada")
    show(made.cloud)
    made.armature.scale = (1.1,) * 3
    bpy.context.view_layer.update()
    (other,) = duplicate_avatars(bpy.context, made.armature, [Place((3, 1, 0.5), turn=pi / 2)])
    assert other.cloud.data == made.cloud.data
    assert other.armature.data == made.armature.data
    assert other.frames.data == made.frames.data
    groups = [[modifier.node_group for modifier in one.cloud.modifiers] for one in (made, other)]
    assert groups[0] == groups[1]
    assert len({other.armature, other.cloud, other.frames, made.armature, made.cloud, made.frames}) == 6
    bpy.context.view_layer.update()
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    was, now = (np.array(one.cloud.matrix_world) for one in (made, other))
    np.testing.assert_allclose(now[:3, :3], turn @ was[:3, :3], atol=1e-6)
    np.testing.assert_allclose(now[:3, 3], (3, 1, 0.5), atol=1e-6)
    np.testing.assert_allclose(points(other), points(made), atol=3e-6)
    assert bpy.context.view_layer.objects.active == other.armature
    assert not made.armature.select_get()


def test_it_has_a_pose_of_its_own(avatar: Avatar) -> None:
    made = add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    (other,) = duplicate_avatars(bpy.context, made.armature, [Place((3, 0, 0))])
    rest = points(made)
    other.armature.pose.bones["left_shoulder"].rotation_quaternion = (0.8, 0.6, 0, 0)
    assert np.abs(points(other) - rest).max() > 0.1
    np.testing.assert_array_equal(points(made), rest)
    # The same as the original in that pose.
    made.armature.pose.bones["left_shoulder"].rotation_quaternion = (0.8, 0.6, 0, 0)
    np.testing.assert_allclose(points(made), points(other), atol=3e-6)


@pytest.mark.parametrize("own", [True, False])
def test_it_plays_the_motion(avatar: Avatar, own: bool) -> None:
    made = add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    pose, transl = lively(8)
    action = add_action(made.armature, Motion(pose, transl, 24.0, "lively"))
    (other,) = duplicate_avatars(bpy.context, made.armature, [Place((3, 0, 0))], own_motion=own)
    moved = []
    for frame in (1, 5):
        bpy.context.scene.frame_set(frame)
        np.testing.assert_allclose(points(other), points(made), atol=3e-6)
        moved.append(points(other))
    assert np.abs(moved[1] - moved[0]).max() > 0.05
    assert (other.armature.animation_data.action == action) == (not own)
    assert other.armature.animation_data.action_slot is not None


def test_its_controls_are_its_own(avatar: Avatar) -> None:
    made = add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    add_controls(bpy.context, made.armature)
    (other,) = duplicate_avatars(bpy.context, made.armature, [Place((3, 0, 0))])
    before = points(made)
    for one in (made, other):
        for bone in one.armature.pose.bones:
            for constraint in bone.constraints:
                assert getattr(constraint, "target", None) in (one.armature, None)
                assert all(t.target == one.armature for t in getattr(constraint, "targets", ()))
        drivers = one.armature.animation_data.drivers
        assert len(drivers) > 10
        for curve in drivers:
            assert all(t.id == one.armature for v in curve.driver.variables for t in v.targets)
    hips = next(bone for bone in other.armature.pose.bones if "hips" in bone.name.lower())
    hips.location = (0.0, -0.2, 0.0)
    bpy.context.view_layer.update()
    assert np.abs(points(other) - before).max() > 0.05
    np.testing.assert_array_equal(points(made), before)


def test_its_face_is_its_own(avatar: Avatar) -> None:
    made = add_avatar(bpy.context, with_face(avatar), name="Ada", pose="rest")
    (other,) = duplicate_avatars(bpy.context, made.armature, [Place((3, 0, 0))])
    before = points(made)
    head = other.armature.pose.bones["head"]
    shape = next(key for key in head.keys() if isinstance(head[key], float))  # noqa: SIM118
    head[shape] = 1.0
    other.armature.update_tag()
    assert np.abs(points(other) - before).max() > 1e-3
    np.testing.assert_array_equal(points(made), before)


def test_linked_avatars_can_be_duplicated(avatar: Avatar, tmp_path: Path) -> None:
    add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ada.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "ada.blend"), link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    bpy.context.scene.collection.children.link(bpy.data.collections["Ada"])
    (other,) = duplicate_avatars(bpy.context, bpy.data.objects["Ada"], [Place((3, 0, 0))])
    assert other.armature.library is None
    assert other.cloud.data.library is not None
    rest = points(other)
    other.armature.pose.bones["left_shoulder"].rotation_quaternion = (0.8, 0.6, 0, 0)
    assert np.abs(points(other) - rest).max() > 0.1


def test_fifty_of_five_share_five_clouds(make_avatar: Callable[..., Avatar]) -> None:
    people = [add_avatar(bpy.context, make_avatar(30, seed=k), name=f"P{k}") for k in range(5)]
    for made in people:
        bpy.context.view_layer.objects.active = made.armature
        assert bpy.ops.lhm.duplicate_avatar(count=9, arrangement="SCATTER", seed=1) == {"FINISHED"}
    clouds = [thing for thing in bpy.data.objects if thing.get("lhm_avatar") == "cloud"]
    assert len(clouds) == 50
    assert len({cloud.data for cloud in clouds}) == len(bpy.data.pointclouds) == 5
    assert len(bpy.data.armatures) == 5
    assert len({cloud.parent for cloud in clouds}) == 50
    frames = {cloud.modifiers[0].node_group.name for cloud in clouds}
    assert len(frames) == 1
    assert len([c for c in bpy.data.collections if c.name.endswith("Rig") or " Rig" in c.name]) == 50


def test_places() -> None:
    rows = places(Arrangement.CURSOR, 5, 2.0, (1.0, 2.0, 0.5))
    assert [one.location for one in rows] == [
        (1, 2, 0.5), (3, 2, 0.5), (5, 2, 0.5), (1, 4, 0.5), (3, 4, 0.5),
    ]  # fmt: skip
    assert {one.turn for one in rows} == {0.0}
    strewn = places(Arrangement.SCATTER, 100, 2.0, (1.0, 2.0, 0.5), seed=3)
    flat = np.array([one.location[:2] for one in strewn])
    distances = np.linalg.norm(flat[:, None] - flat[None], axis=2) + 10 * np.eye(100)
    assert distances.min() > 0.8 - 1e-9  # 0.4 of the spacing
    np.testing.assert_allclose(flat.mean(axis=0), (1, 2), atol=0.3)
    assert np.ptp([one.turn for one in strewn]) > 5
    assert strewn == places(Arrangement.SCATTER, 100, 2.0, (1.0, 2.0, 0.5), seed=3)
    assert strewn != places(Arrangement.SCATTER, 100, 2.0, (1.0, 2.0, 0.5), seed=4)


def test_an_incomplete_avatar_is_refused_and_leaves_nothing(avatar: Avatar) -> None:
    with refused(NO_AVATAR):
        bpy.ops.lhm.duplicate_avatar()
    made = add_avatar(bpy.context, avatar, name="Ada")
    bpy.data.objects.remove(made.frames)
    before = data_blocks()
    with refused(INCOMPLETE):
        bpy.ops.lhm.duplicate_avatar()
    with pytest.raises(AvatarError, match="lost its splats"):
        duplicate_avatars(bpy.context, made.armature, [Place((1, 0, 0))])
    assert data_blocks() == before


def test_what_fails_half_way_leaves_nothing(avatar: Avatar) -> None:
    made = add_avatar(bpy.context, avatar, name="Ada")
    before = data_blocks()
    with pytest.raises(TypeError):
        duplicate_avatars(bpy.context, made.armature, [Place((1, 0, 0)), replace(Place((2, 0, 0)), turn="x")])
    assert data_blocks() == before
