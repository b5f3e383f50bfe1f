"""Draw avatars as splats in the viewport, or show their usual display."""

from __future__ import annotations

import bpy

from ..rendering.viewport.handlers import NO_WINDOW, PROPERTY, is_on


class LHM_OT_viewport_splats(bpy.types.Operator):
    """Draw this scene's avatars in the viewport as soft splats in the right order, or stop doing so"""

    bl_idname = "lhm.viewport_splats"
    bl_label = "Draw Splats in Viewport"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """There are windows."""
        if bpy.app.background:
            cls.poll_message_set(NO_WINDOW)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Use the scene's switch."""
        setattr(context.scene, PROPERTY, not is_on(context.scene))
        return {"FINISHED"}


CLASSES = (LHM_OT_viewport_splats,)
