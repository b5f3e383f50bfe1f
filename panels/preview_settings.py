"""Properties > Render and View Layer, when the render engine is LHM Preview."""

from __future__ import annotations

import bpy

from ..rendering.preview.passes import SETTINGS
from ..rendering.preview_engine import ENGINE_ID
from ..rendering.relight.relit import UNLIT, any_lit
from ..rendering.render_settings import keeps_photo_colors
from .draw import draw_words


class _PreviewPanel:
    """Shown for our render engine only."""

    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    COMPAT_ENGINES = {ENGINE_ID}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Our engine is chosen."""
        return context.engine in cls.COMPAT_ENGINES


class LHM_PT_film(_PreviewPanel, bpy.types.Panel):
    """Film settings of LHM Preview."""

    bl_label = "Film"
    bl_context = "render"

    def draw(self, context: bpy.types.Context) -> None:
        """Transparency, what the view transform does to the colours, and avatars whose light is not shown."""
        self.layout.use_property_split = True
        self.layout.prop(context.scene.render, "film_transparent", text="Transparent")
        if not keeps_photo_colors(context.scene):
            column = self.layout.column(align=True)
            column.label(text="The view transform changes the photo's colors.", icon="INFO")
            column.prop(context.scene.view_settings, "view_transform")
        if any_lit(context.scene):
            draw_words(self.layout.column(align=True), context, (UNLIT,), icon="INFO")


class LHM_PT_passes(_PreviewPanel, bpy.types.Panel):
    """Passes of LHM Preview."""

    bl_label = "Passes"
    bl_context = "view_layer"

    def draw(self, context: bpy.types.Context) -> None:
        """Those that a compositor may want."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        layer = context.view_layer
        column = self.layout.column(heading="Include")
        column.prop(layer, "use_pass_z", text="Depth")
        column.prop(layer, "use_pass_normal", text="Normal")
        column.prop(layer, "use_pass_object_index", text="Object Index")
        column.prop(getattr(layer, SETTINGS), "masks")
        column.prop(getattr(layer, SETTINGS), "seen")


CLASSES = (LHM_PT_film, LHM_PT_passes)
