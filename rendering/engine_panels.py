"""Blender's own property panels, opened to our render engine: output, camera, color management, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

_EVERY_ENGINE = "BLENDER_RENDER"  # stands in a panel's list when it is meant for any engine
_OF_NO_USE = ("gpencil", "grease", "freestyle", "simplify_render")
# Of other engines, but right for ours: the colour behind the avatar.
_BORROWED = ("EEVEE_WORLD_PT_surface", "WORLD_PT_viewport_display")


def join_panels(engine: str, undo: ExitStack) -> None:
    """Add an engine to the panels that serve it.

    Args:
        engine: The ``bl_idname``.
        undo: Takes it out again.
    """
    for panel in _useful_panels():
        if engine not in panel.COMPAT_ENGINES:
            panel.COMPAT_ENGINES.add(engine)
            undo.callback(panel.COMPAT_ENGINES.discard, engine)


def _useful_panels() -> Iterator[type]:
    for panel in bpy.types.Panel.__subclasses__():
        engines = getattr(panel, "COMPAT_ENGINES", ())
        wanted = _EVERY_ENGINE in engines or panel.__name__ in _BORROWED
        if engines and wanted and not any(word in panel.__name__.lower() for word in _OF_NO_USE):
            yield panel
