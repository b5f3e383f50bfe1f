"""Further photos of the same person, for the built-in engine."""

from __future__ import annotations

import bpy

from ..engine.request import LIFT
from ..operators.photos import listed
from ..properties import settings
from .draw import draw_words
from .sidebar import Sidebar

HINT = "From the back and the sides, in the same clothes and about the same pose"


class LHM_PT_more_photos(Sidebar, bpy.types.Panel):
    """The list of further photos."""

    bl_label = "More Photos"
    bl_parent_id = "LHM_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The engine takes several."""
        return settings(context).engine == LIFT

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """How many, to be seen while the list is closed."""
        if count := len(settings(context).photos):
            self.layout.label(text=f"{count}  ")

    def draw(self, context: bpy.types.Context) -> None:
        """One a row, and a button that asks for more."""
        layout, photos = self.layout, listed(context)
        column = layout.column(align=True)
        for index, (name, there) in enumerate(photos):
            row = column.row(align=True)
            row.label(text=name if there else f"{name} is gone", icon="IMAGE_DATA" if there else "ERROR")
            row.operator("lhm.remove_photo", text="", icon="X").index = index
        if not photos:
            draw_words(column, context, (HINT,))
        layout.operator("lhm.add_photos", icon="ADD")


CLASSES = (LHM_PT_more_photos,)
