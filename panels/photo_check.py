"""What LHM would see of the photo, and whether the photo will do."""

from __future__ import annotations

import bpy

from ..operators.photo_check import last_check, picture_icon
from .draw import draw_words
from .sidebar import Sidebar

_ICON_PIXELS = 20.0  # of the interface at scale 1


class LHM_PT_photo_check(Sidebar, bpy.types.Panel):
    """Look at the photo before the run."""

    bl_label = "Photo Check"
    bl_parent_id = "LHM_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The button, the picture, the sentences."""
        layout, check = self.layout, last_check(context)
        layout.operator("lhm.check_photo", icon="VIEWZOOM")
        if check is None:
            return
        if icon := picture_icon():
            width = context.region.width if context.region else 0
            scale = max(width / (_ICON_PIXELS * context.preferences.system.ui_scale) - 2, 8)
            layout.template_icon(icon_value=icon, scale=scale)
        column = layout.column(align=True)
        if check.good:
            draw_words(column, context, ("The photo will do",), icon="CHECKMARK")
        for sentence in check.warnings:
            draw_words(column, context, (sentence,), icon="ERROR")
        for sentence in check.notes:
            draw_words(column, context, (sentence,), icon="INFO")


CLASSES = (LHM_PT_photo_check,)
