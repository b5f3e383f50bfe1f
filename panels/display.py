"""What an avatar is shown as, how much of it, and the render settings that suit it."""

from __future__ import annotations

import bpy

from ..operators.avatars import active_armature, cloud_of
from ..rendering.capabilities import native_names
from ..rendering.display_modes import display_modifier
from ..rendering.native_splats import shows_native
from ..rendering.playback_detail import PROPERTY as LIGHTER_PLAYBACK
from ..rendering.relight.relit import UNLIT, any_lit
from ..rendering.render_settings import CYCLES, EEVEE, is_suited
from ..rendering.viewport.handlers import NO_WINDOW, PROPERTY, is_on, problem
from .draw import draw_words
from .sidebar import Sidebar


class LHM_PT_display(Sidebar, bpy.types.Panel):
    """How the avatar is shown."""

    bl_label = "Display"
    bl_parent_id = "LHM_PT_avatar"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return active_armature(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Splats in the viewport; modes and detail; Blender's own splats; duplicates."""
        layout, armature = self.layout, active_armature(context)
        draw_viewport_switch(layout, context)
        cloud = cloud_of(armature)  # type: ignore[arg-type]
        if cloud is not None and display_modifier(cloud) is not None:
            column = layout.column()
            column.use_property_split, column.use_property_decorate = True, False
            column.prop(armature, "lhm_render_mode", text="Render")
            if armature.lhm_render_mode != "SPLATS":  # type: ignore[union-attr]
                column.label(text="Draft: not as the photo looks", icon="INFO")
            column.prop(armature, "lhm_viewport_mode", text="Viewport")
            column.prop(armature, "lhm_viewport_share", slider=True)
            column.prop(armature, "lhm_detail_distance")
            column.prop(armature, "lhm_detail_in_renders")
            column.prop(context.scene, LIGHTER_PLAYBACK)
        if cloud is not None and (native_names() is not None or display_modifier(cloud) is None):
            text = "Show by Nodes" if shows_native(cloud) else "Let Blender Draw the Splats"
            layout.operator("lhm.native_splats", text=text)
        layout.operator("lhm.duplicate_avatar", icon="DUPLICATE")


def draw_viewport_switch(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The switch of the viewport's splats, and why they cannot be drawn."""
    row = layout.row()
    row.enabled = not bpy.app.background
    row.prop(context.scene, PROPERTY)
    said = NO_WINDOW if bpy.app.background else problem()
    if said:
        draw_words(layout.column(align=True), context, (said,), icon="ERROR")
    elif is_on(context.scene) and any_lit(context.scene):
        draw_words(layout.column(align=True), context, (UNLIT,), icon="INFO")


class LHM_PT_render_settings(Sidebar, bpy.types.Panel):
    """Render settings that suit avatars."""

    bl_label = "Render Settings"
    bl_parent_id = "LHM_PT_avatar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """A button for each engine, and the way back."""
        row = self.layout.row(align=True)
        for engine, text in ((CYCLES, "Suit Cycles"), (EEVEE, "Suit EEVEE")):
            row.operator("lhm.render_preset", text=text).engine = engine
        if is_suited(context.scene):
            self.layout.operator("lhm.put_back_render_settings", icon="LOOP_BACK")


CLASSES = (LHM_PT_display, LHM_PT_render_settings)
