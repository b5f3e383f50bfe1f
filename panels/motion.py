"""Motions onto the avatar, and the table of bones."""

from __future__ import annotations

import bpy

from ..operators.avatars import active_armature
from ..operators.bone_maps import SHOWN, bone_table
from .draw import draw_words
from .sidebar import Sidebar

HINT = "Import a motion, or find the bones of a selected armature: the table then shows what drives what"


class LHM_PT_motion(Sidebar, bpy.types.Panel):
    """Let the avatar play motions."""

    bl_label = "Motion"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return active_armature(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Where motions come from, and where they go."""
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        column = layout.column(align=True)
        column.operator("lhm.import_motion", icon="IMPORT", text="Import Motion")
        column.operator("lhm.retarget", icon="ARMATURE_DATA")
        row = layout.row(align=True)
        row.operator("lhm.push_down_motion", icon="NLA_PUSHDOWN", text="Push Down")
        row.operator("lhm.export_motion", icon="EXPORT", text="Export")
        layout.operator("lhm.bake_to_rig", icon="ARMATURE_DATA")


class LHM_PT_bones(Sidebar, bpy.types.Panel):
    """The table of bones of the last source."""

    bl_label = "Bones"
    bl_parent_id = "LHM_PT_motion"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Joint by joint."""
        layout, table = self.layout, bone_table(context)
        row = layout.row(align=True)
        row.operator("lhm.read_bones", icon="VIEWZOOM")
        row.operator("lhm.load_bones", icon="FILE_FOLDER", text="")
        row.operator("lhm.save_bones", icon="FILE_TICK", text="")
        if not table.pairs:
            draw_words(layout, context, (HINT,))
            return
        layout.label(text=f"{table.source}: {table.rig}" if table.source else table.rig)
        layout.prop(table, "use")
        layout.prop(table, "fingers")
        column = layout.column(align=True)
        column.use_property_split = True
        for pair in table.pairs if table.fingers else table.pairs[:SHOWN]:
            column.prop_search(
                pair, "bone", table, "bones", text=pair.name.replace("_", " ").title(), icon="BONE_DATA"
            )


CLASSES = (LHM_PT_motion, LHM_PT_bones)
