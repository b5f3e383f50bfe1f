"""Armatures and avatars that are linked from another file and overridden, as sources and as targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.avatar_objects import AVATAR_KEY, add_avatar
from motion.rigged import lively, rest_joints

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")
FRAMES = 12


def _motion() -> Motion:
    pose, transl = lively(FRAMES)
    return Motion(pose, transl, 24.0, "lively")


def _linked(path: Path, name: str, *, override: bool) -> bpy.types.Object:
    """An object of another file, in this scene."""
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.objects = [name]
    found = wanted.objects[0]
    scene = bpy.context.scene
    scene.collection.objects.link(found)
    if not override:
        return found
    made = found.override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    scene.collection.objects.unlink(found)
    if made.name not in scene.collection.all_objects:
        scene.collection.objects.link(made)
    return made


def _all_places(armature: bpy.types.Object) -> np.ndarray:
    """Joints of the evaluated armature on all frames. [F, 55, 3]"""
    places = []
    for frame in range(1, FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        bones = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        places.append(np.array([bones[name].head for name in JOINT_NAMES]))
    return np.array(places)


def _fresh() -> None:
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.scene.render.fps = 24


def _add(avatar: Avatar) -> bpy.types.Object:
    armature = add_avatar(bpy.context, avatar, name="Ada", pose="rest").armature
    bpy.context.view_layer.objects.active = armature
    return armature


def _retargeted(source: bpy.types.Object, avatar: Avatar) -> np.ndarray:
    armature = _add(avatar)
    assert bpy.ops.lhm.retarget(source=source.name, first=1, last=FRAMES, feet="KEYS") == {"FINISHED"}
    return _all_places(armature)


@pytest.mark.parametrize("override", [False, True], ids=["linked", "overridden"])
def test_a_source_of_another_file_gives_what_a_local_one_does(
    avatar: Avatar, tmp_path: Path, override: bool
) -> None:
    _fresh()
    source = create_armature(bpy.context, "Other", rest_joints(), bpy.context.scene.collection)
    source.location = (1, 2, 0)
    add_action(source, _motion(), fps=24.0)
    path = tmp_path / "other.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    local = _retargeted(source, avatar)
    assert np.ptp(local, axis=0).max() > 0.1
    _fresh()
    linked = _linked(path, "Other", override=override)
    assert (linked.override_library is not None) == override
    assert (linked.library is not None) != override
    assert np.abs(_retargeted(linked, avatar) - local).max() < 1e-6


def test_an_overridden_avatar_plays_what_a_local_one_does(avatar: Avatar, tmp_path: Path) -> None:
    _fresh()
    armature = _add(avatar)
    path = tmp_path / "avatar.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    shown = []
    for override in (False, True):
        if override:
            _fresh()
            armature = _linked(path, "Ada", override=True)
            assert armature.get(AVATAR_KEY) == "armature"
        other = create_armature(bpy.context, "Other", rest_joints(), bpy.context.scene.collection)
        add_action(other, _motion(), fps=24.0)
        bpy.context.view_layer.objects.active = armature
        for feet in ("KEYS", "LAYER"):
            assert bpy.ops.lhm.retarget(source="Other", first=1, last=FRAMES, feet=feet) == {"FINISHED"}
        shown.append(_all_places(armature))
    assert np.ptp(shown[0], axis=0).max() > 0.1
    assert np.abs(shown[1] - shown[0]).max() < 1e-6
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    again = next(o for o in bpy.context.scene.objects if o.get(AVATAR_KEY) == "armature")
    assert again.override_library is not None
    assert np.abs(_all_places(again) - shown[0]).max() < 1e-6


def test_a_linked_avatar_is_refused_with_a_sentence(avatar: Avatar, tmp_path: Path) -> None:
    _fresh()
    _add(avatar)
    path = tmp_path / "avatar.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    _fresh()
    armature = _linked(path, "Ada", override=False)
    other = create_armature(bpy.context, "Other", rest_joints(), bpy.context.scene.collection)
    add_action(other, _motion(), fps=24.0)
    bpy.context.view_layer.objects.active = armature
    before = len(bpy.data.actions)
    for press in (
        lambda: bpy.ops.lhm.retarget(source="Other"),
        lambda: bpy.ops.lhm.import_motion(filepath=str(path)),
        lambda: bpy.ops.lhm.add_motion(motion="walk"),
    ):
        with pytest.raises(RuntimeError, match="linked from another file"):
            press()
    assert len(bpy.data.actions) == before
