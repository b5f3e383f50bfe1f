"""Registering records its own undo: nothing is left after unregister, nor after a failure half-way."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy
import pytest
from lhm_avatars import registration
from lhm_avatars.preferences import LHM_AvatarsPreferences, engine_root, preferences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

ID_TYPES = ("Scene", "Object", "WindowManager", "Collection", "Armature", "PointCloud", "World", "Camera")


def blender_state() -> dict[str, Any]:
    """Everything an extension can leave behind in Blender, in a form that can be compared."""
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    handlers = {name: value for name, value in lists.items() if isinstance(value, list)}
    return {
        "classes": sorted(f"{c.__module__}.{c.__name__}" for c in registered_classes()),
        "operators": sorted(f"{a}.{b}" for a in dir(bpy.ops) for b in dir(getattr(bpy.ops, a))),
        "handlers": {name: [f.__qualname__ for f in value] for name, value in handlers.items()},
        "properties": {name: sorted(vars(getattr(bpy.types, name))) for name in ID_TYPES},
        "rna": {name: sorted(getattr(bpy.types, name).bl_rna.properties.keys()) for name in ID_TYPES},
        "menu": [f.__qualname__ for f in bpy.types.TOPBAR_MT_file_import._dyn_ui_initialize()],
        "panels_of_engines": {c.__name__: sorted(c.COMPAT_ENGINES) for c in panels_of_engines()},
    }


def registered_classes() -> Iterator[type]:
    """Our own classes that Blender knows now."""
    bases = (
        bpy.types.Operator,
        bpy.types.Panel,
        bpy.types.PropertyGroup,
        bpy.types.AddonPreferences,
        bpy.types.RenderEngine,
        bpy.types.UIList,
        bpy.types.Menu,
    )
    for base in bases:
        for cls in base.__subclasses__():
            if cls.__module__.startswith("lhm_avatars") and getattr(cls, "is_registered", False):
                yield cls


def panels_of_engines() -> Iterator[type]:
    """Blender's own panels that render engines sign up for."""
    return (c for c in bpy.types.Panel.__subclasses__() if hasattr(c, "COMPAT_ENGINES"))


@pytest.fixture
def unregistered(lhm: ModuleType) -> Iterator[ModuleType]:
    """The extension, out of Blender during the test."""
    lhm.unregister()
    yield lhm
    lhm.register()


def test_register_twice_leaves_nothing(unregistered: ModuleType) -> None:
    before = blender_state()
    for _ in range(2):
        unregistered.register()
        assert blender_state() != before  # the comparison sees what register adds
        unregistered.unregister()
        assert blender_state() == before


def test_registering_again_without_unregister_keeps_one_copy(unregistered: ModuleType) -> None:
    before = blender_state()
    unregistered.register()
    once = blender_state()
    unregistered.register()
    assert blender_state() == once
    unregistered.unregister()
    assert blender_state() == before


def test_every_listed_class_is_registered(lhm: ModuleType) -> None:
    for module in registration.MODULES:
        for cls in module.CLASSES:
            assert cls.is_registered, f"{module.__name__}: {cls.__name__}"


def test_our_operators_and_panels_carry_our_prefix(lhm: ModuleType) -> None:
    for module in registration.MODULES:
        for cls in module.CLASSES:
            assert cls.__name__.startswith("LHM_"), f"{cls.__name__} could collide with another extension"
            if issubclass(cls, bpy.types.Operator):
                assert cls.bl_idname.startswith("lhm."), cls.bl_idname


def test_every_poll_answers_without_a_window(lhm: ModuleType) -> None:
    for module in registration.MODULES:
        for cls in module.CLASSES:
            if issubclass(cls, bpy.types.Operator):
                group, name = cls.bl_idname.split(".")
                assert isinstance(getattr(getattr(bpy.ops, group), name).poll(), bool)


def test_a_broken_class_leaves_nothing(lhm: ModuleType) -> None:
    class LHM_OT_good(bpy.types.Operator):
        bl_idname = "lhm.test_good"
        bl_label = "Good"

    class LHM_OT_broken(bpy.types.Operator):
        bl_idname = "no dot"
        bl_label = "Broken"

    before = blender_state()
    undo = ExitStack()
    with pytest.raises(RuntimeError, match="no dot"):
        registration.add([SimpleNamespace(CLASSES=(LHM_OT_good, LHM_OT_broken))], undo)
    assert blender_state() == before
    undo.close()


def test_a_failing_attach_undoes_the_steps_before_it(lhm: ModuleType) -> None:
    def attach(undo: ExitStack) -> None:
        bpy.types.Scene.lhm_test = bpy.props.IntProperty()
        undo.callback(delattr, bpy.types.Scene, "lhm_test")
        raise LookupError("planted")

    before = blender_state()
    with pytest.raises(LookupError, match="planted"):
        registration.add([SimpleNamespace(CLASSES=(), attach=attach)], ExitStack())
    assert blender_state() == before


def test_preferences_are_found_by_package(lhm: ModuleType) -> None:
    assert isinstance(preferences(), LHM_AvatarsPreferences)
    assert preferences().keep_log is False


def test_engine_folder_order(lhm: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preferences().engine_folder = str(tmp_path / "chosen")
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "farm"))
    assert engine_root() == tmp_path / "farm"
    monkeypatch.delenv("LHM_AVATARS_ENGINE_ROOT")
    assert engine_root() == tmp_path / "chosen"
    preferences().property_unset("engine_folder")


def test_the_extension_survives_a_new_file(lhm: ModuleType, empty_scene: None) -> None:
    assert LHM_AvatarsPreferences.is_registered
    assert isinstance(preferences(), LHM_AvatarsPreferences)
