"""The switch of the viewport's splats, and why they cannot be drawn."""

from __future__ import annotations

import bpy

from ..operators.avatars import active_armature
from ..rendering.viewport.handlers import NO_WINDOW, PROPERTY, problem
from .draw import draw_words
from .sidebar import Sidebar


class LHM_PT_viewport(Sidebar, bpy.types.Panel):
    """How avatars are drawn in the viewport."""

    bl_label = "Viewport"
    bl_parent_id = "LHM_PT_avatar"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return active_armature(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The switch; what went wrong."""
        layout = self.layout
        row = layout.row()
        row.enabled = not bpy.app.background
        row.prop(context.scene, PROPERTY)
        said = NO_WINDOW if bpy.app.background else problem()
        if said:
            draw_words(layout.column(align=True), context, (said,), icon="ERROR")


CLASSES = (LHM_PT_viewport,)
