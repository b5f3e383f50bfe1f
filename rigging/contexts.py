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
    for other in context.view_layer.objects:
        other.select_set(False)
    target.select_set(True)
    context.view_layer.objects.active = target


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
