"""Context managers for what a script must not leave changed: mode, selection, data-blocks."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA = (
    "objects",
    "collections",
    "armatures",
    "meshes",
    "pointclouds",
    "node_groups",
    "materials",
    "actions",
)
"""Kinds of data-block that building an avatar may create."""


def to_object_mode(context: bpy.types.Context) -> None:
    """Leave whatever mode the active object is in."""
    active = context.view_layer.objects.active
    if active is not None and active.mode != "OBJECT":
        with context.temp_override(object=active, active_object=active):
            bpy.ops.object.mode_set(mode="OBJECT")


@contextmanager
def mode_of(context: bpy.types.Context, target: bpy.types.Object, mode: str) -> Iterator[None]:
    """Make an object active, enter a mode, and come back to Object Mode; the object stays active.

    Args:
        context: Its view layer contains the object.
        target: The object.
        mode: As in ``bpy.ops.object.mode_set``.
    """
    to_object_mode(context)
    context.view_layer.objects.active = target
    with context.temp_override(object=target, active_object=target):
        bpy.ops.object.mode_set(mode=mode)
        try:
            yield
        finally:
            bpy.ops.object.mode_set(mode="OBJECT")


def select_only(context: bpy.types.Context, target: bpy.types.Object) -> None:
    """Select one object, make it active, deselect all others."""
    context.view_layer.update()  # Blender 4.5 crashes over what a collection excluded just now still lists
    for other in context.view_layer.objects:
        other.select_set(False)
    target.select_set(True)
    context.view_layer.objects.active = target


@contextmanager
def out_of_edit_mode(context: bpy.types.Context, target: bpy.types.Object) -> Iterator[None]:
    """Leave an object's Edit Mode, keeping what was edited, and enter it again; other modes stay.

    Args:
        context: Its view layer shows the object.
        target: In any mode.
    """
    if target.mode != "EDIT":
        yield
        return
    selected, active, mode = _selection(context)
    context.view_layer.objects.active = target
    to_object_mode(context)
    try:
        yield
    finally:
        _restore_selection(context, selected, active, mode)


@contextmanager
def edit_bones(context: bpy.types.Context, data: bpy.types.Armature) -> Iterator[bpy.types.ArmatureEditBones]:
    """Open an armature's bones for editing without touching modes, selection or what is visible.

    An object of ours with the same data enters Edit Mode, in a scene of its own, so the user's scene does not
    notice. There, every change of mode would evaluate all objects twice: 200 ms more for an avatar with its
    display.

    Args:
        context: Its active object may be in any mode.
        data: Local to the file, and in nobody's Edit Mode.
    """
    with ExitStack() as undo:
        scene = bpy.data.scenes.new("LHM Bones")
        undo.callback(bpy.data.scenes.remove, scene)
        double = bpy.data.objects.new("LHM Bones", data)
        undo.callback(bpy.data.objects.remove, double)
        scene.collection.objects.link(double)
        scene.view_layers[0].objects.active = double
        # The window stays: with `window=None` Blender 4.5 to 5.2 crash in the change of mode.
        with context.temp_override(
            scene=scene, view_layer=scene.view_layers[0], object=double, active_object=double
        ):
            bpy.ops.object.mode_set(mode="EDIT")
            try:
                yield data.edit_bones
            finally:
                bpy.ops.object.mode_set(mode="OBJECT")


@contextmanager
def all_or_nothing(context: bpy.types.Context) -> Iterator[None]:
    """If the block fails, remove every data-block that it made and restore selection, active object and mode.

    The error goes on. Only data-blocks are counted, so the block must not change ones that were there.
    """
    before = {kind: {block.session_uid for block in getattr(bpy.data, kind)} for kind in _DATA}
    with ExitStack() as undo:
        undo.callback(_restore_selection, context, *_selection(context))
        undo.callback(context.view_layer.update)  # else it still lists what was removed
        undo.callback(_remove_new, before)
        undo.callback(to_object_mode, context)
        yield
        undo.pop_all()


def _selection(context: bpy.types.Context) -> tuple[list[bpy.types.Object], bpy.types.Object | None, str]:
    active = context.view_layer.objects.active
    selected = [target for target in context.view_layer.objects if target.select_get()]
    return selected, active, "OBJECT" if active is None else active.mode


def _restore_selection(
    context: bpy.types.Context, selected: list[bpy.types.Object], active: bpy.types.Object | None, mode: str
) -> None:
    for target in context.view_layer.objects:
        target.select_set(target in selected)
    context.view_layer.objects.active = active
    if active is not None and mode != "OBJECT":
        with context.temp_override(object=active, active_object=active):
            bpy.ops.object.mode_set(mode=mode)


def _remove_new(before: dict[str, set[int]]) -> None:
    blocks = [
        block for kind in _DATA for block in getattr(bpy.data, kind) if block.session_uid not in before[kind]
    ]
    bpy.data.batch_remove(blocks)
