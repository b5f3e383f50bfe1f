"""Render settings that suit avatars, and the way back."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty

from ..engine.avatar.errors import AvatarError
from ..rendering.render_settings import CYCLES, EEVEE, is_suited, put_back, suit_renders

NOT_SUITED = "There is nothing to put back: these settings were not suited to avatars"
LINKED_SCENE = "This scene is linked from another file"


class LHM_OT_render_preset(bpy.types.Operator):
    """Render with this engine, with samples, transparency and view transform that suit avatars"""

    bl_idname = "lhm.render_preset"
    bl_label = "Suit Render Settings"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        engine: str
        splats_only: bool
    else:
        engine: EnumProperty(
            name="Engine",
            description="What renders",
            items=((CYCLES, "Cycles", "Exact, slower"), (EEVEE, "EEVEE", "Fast, a little grainy")),
        )
        splats_only: BoolProperty(
            name="Avatars Only",
            description="Few samples and a narrow filter: splats need no more. Without it, samples and "
            "filter stay as they are, for lights and other objects",
            default=True,
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The scene is this file's."""
        return _is_own_scene(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set them, and note what was there."""
        try:
            suit_renders(context.scene, self.engine, splats_only=self.splats_only)
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LHM_OT_put_back_render_settings(bpy.types.Operator):
    """Set everything that Suit Render Settings changed as it was before"""

    bl_idname = "lhm.put_back_render_settings"
    bl_label = "Put Back Render Settings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """They were suited."""
        if _is_own_scene(cls, context) and is_suited(context.scene):
            return True
        cls.poll_message_set(NOT_SUITED)
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set them back."""
        put_back(context.scene)
        return {"FINISHED"}


def _is_own_scene(operator: Any, context: bpy.types.Context) -> bool:
    if context.scene.is_editable:
        return True
    operator.poll_message_set(LINKED_SCENE)
    return False


CLASSES = (LHM_OT_render_preset, LHM_OT_put_back_render_settings)
