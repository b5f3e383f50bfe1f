"""Where motions come in and go out in a window: files dropped on the viewport, menus, greyed buttons."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy
import pytest
from lhm_avatars.operators.avatars import LINKED, NO_AVATAR
from lhm_avatars.operators.import_motion import MOTION_SUFFIXES, LHM_FH_motion
from lhm_avatars.operators.jobs import BUSY, Watch, _running
from lhm_avatars.operators.retarget import NO_SOURCE
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.avatar_objects import add_avatar, cloud_of
from motion.rigged import rest_joints

from .test_linked import _linked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


@pytest.fixture
def armature(empty_scene: None, avatar: Avatar) -> bpy.types.Object:
    """Of an avatar, active."""
    made = add_avatar(bpy.context, avatar, name="Ada", pose="rest").armature
    bpy.context.view_layer.objects.active = made
    return made


@pytest.fixture
def busy(armature: bpy.types.Object) -> Iterator[None]:
    """A job is in the window."""
    _running.append(Watch(SimpleNamespace(cancel=lambda: None, close=lambda: None)))  # type: ignore[arg-type]
    yield
    _running.clear()


def _over(area: str | None) -> Any:
    """The context of a drop."""
    return SimpleNamespace(
        area=None if area is None else SimpleNamespace(type=area), view_layer=bpy.context.view_layer
    )


def _refused(press: Callable[[], object], reason: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        press()
    assert reason in str(caught.value)


def test_files_dropped_on_the_viewport_go_onto_the_avatar(armature: bpy.types.Object) -> None:
    assert LHM_FH_motion.poll_drop(_over("VIEW_3D"))
    bpy.context.view_layer.objects.active = cloud_of(armature)  # a part of it will do
    assert LHM_FH_motion.poll_drop(_over("VIEW_3D"))
    for elsewhere in ("IMAGE_EDITOR", "OUTLINER", None):
        assert not LHM_FH_motion.poll_drop(_over(elsewhere))
    other = bpy.data.objects.new("Empty", None)
    bpy.context.scene.collection.objects.link(other)
    for nobody in (other, None):
        bpy.context.view_layer.objects.active = nobody
        assert not LHM_FH_motion.poll_drop(_over("VIEW_3D"))


def test_what_may_be_dropped(lhm: object) -> None:
    endings = LHM_FH_motion.bl_file_extensions.split(";")
    assert {".bvh", ".npz", ".pkl", ".pt", ".vrma"} <= set(endings) <= set(MOTION_SUFFIXES)
    # Blender's own glTF importer keeps its files, and a JSON may be anything.
    assert not {".glb", ".gltf", ".json"} & set(endings)
    # A drop fills in the path and invokes; the path is never remembered for the next time.
    importer = bpy.ops.lhm.import_motion.get_rna_type()
    assert LHM_FH_motion.bl_import_operator == importer.identifier.lower().replace("_ot_", ".")
    path = importer.properties["filepath"]
    assert path.subtype == "FILE_PATH"
    assert path.is_skip_save
    assert all(importer.properties[name].is_skip_save for name in ("fps", "up", "person", "avatar"))
    assert getattr(bpy.types, "LHM_FH_motion", None) is LHM_FH_motion


def test_greyed_without_an_avatar(lhm: object) -> None:
    for name in ("import_motion", "retarget", "bake_to_rig", "add_motion"):
        _refused(getattr(bpy.ops.lhm, name), NO_AVATAR)


@pytest.mark.usefixtures("busy")
def test_greyed_while_a_job_runs(armature: bpy.types.Object) -> None:
    create_armature(bpy.context, "Other", rest_joints(), bpy.context.scene.collection)
    bpy.context.view_layer.objects.active = armature
    for name in ("import_motion", "retarget", "bake_to_rig"):
        _refused(getattr(bpy.ops.lhm, name), BUSY)


def test_retarget_needs_another_armature(armature: bpy.types.Object) -> None:
    _refused(bpy.ops.lhm.retarget, NO_SOURCE)
    create_armature(bpy.context, "Other", rest_joints(), bpy.context.scene.collection)
    bpy.context.view_layer.objects.active = armature
    assert bpy.ops.lhm.retarget.poll()


def test_bake_asks_for_an_armature_that_takes_keys(armature: bpy.types.Object, tmp_path: Path) -> None:
    assert bpy.ops.lhm.bake_to_rig.poll()
    for wrong in ("", armature.name, cloud_of(armature).name, "Nobody"):
        _refused(lambda wrong=wrong: bpy.ops.lhm.bake_to_rig(target=wrong), "Select the armature that gets")
    create_armature(bpy.context, "Rig", rest_joints(), bpy.context.scene.collection)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "rig.blend"), copy=True)
    bpy.data.objects.remove(bpy.data.objects["Rig"])
    bpy.context.view_layer.objects.active = armature
    linked = _linked(tmp_path / "rig.blend", "Rig", override=False)
    _refused(lambda: bpy.ops.lhm.bake_to_rig(target=linked.name, last=2), "is linked from another file")
    bpy.context.scene.collection.objects.unlink(linked)
    overridden = _linked(tmp_path / "rig.blend", "Rig", override=True)
    overridden.name = "Own Rig"
    bpy.context.view_layer.objects.active = armature
    assert bpy.ops.lhm.bake_to_rig(target="Own Rig", first=1, last=3) == {"FINISHED"}
    assert overridden.animation_data.action.frame_range[1] == 3


def test_a_linked_avatar_can_still_be_baked_and_exported(avatar: Avatar, tmp_path: Path) -> None:
    add_avatar(bpy.context, avatar, name="Ada", pose="rest")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ada.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.view_layer.objects.active = _linked(tmp_path / "ada.blend", "Ada", override=False)
    _refused(bpy.ops.lhm.import_motion, LINKED)
    _refused(bpy.ops.lhm.push_down_motion, LINKED)
    assert bpy.ops.lhm.export_motion(filepath=str(tmp_path / "x.bvh"), last=2) == {"FINISHED"}
