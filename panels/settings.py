"""Settings of a reconstruction, those of the chosen engine only."""

from __future__ import annotations

import bpy

from ..engine.request import LIFT, OWN_MODEL
from ..preferences import preferences
from ..properties import settings
from .sidebar import Sidebar


class LHM_PT_settings(Sidebar, bpy.types.Panel):
    """What can be set and mostly need not."""

    bl_label = "Settings"
    bl_parent_id = "LHM_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """One setting a row; those of the chosen engine only."""
        layout, chosen = self.layout, settings(context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(chosen, "mask")
        if chosen.engine == LIFT:
            layout.prop(chosen, "held")
            draw_loose(layout, context)
        layout.prop(chosen, "influences")
        if chosen.engine == LIFT:
            layout.prop(chosen, "seed")
        else:
            draw_lhm_settings(layout, context)


def draw_loose(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Skirts and coats: found by the engine, or as freely as set."""
    chosen = settings(context)
    column = layout.column(heading="Loose Clothing")
    column.prop(chosen, "loose_automatic")
    if not chosen.loose_automatic:
        column.prop(chosen, "loose_strength", slider=True)


def draw_lhm_settings(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Settings that LHM's models alone have."""
    chosen = settings(context)
    if chosen.engine == OWN_MODEL:
        layout.prop(chosen, "model_folder")
    layout.prop(chosen, "preparation")
    layout.prop(chosen, "binding")
    layout.prop(chosen, "shape")
    if chosen.shape == "betas":
        layout.prop(chosen, "betas")
    layout.prop(chosen, "enlarge")
    layout.prop(chosen, "use_head_box")
    if chosen.use_head_box:
        layout.prop(chosen, "head_box")
    layout.prop(preferences(context), "device")


CLASSES = (LHM_PT_settings,)
