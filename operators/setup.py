"""The report for an issue, a new look at the computer, and the change to another engine."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty

from ..preferences import models_root
from ..properties import ENGINE_ITEMS, job_state, settings
from .jobs import redraw_sidebars
from .looks import look_at_hardware
from .setup_report import setup_report

REPORT_TEXT = "LHM Setup Report"


class LHM_OT_check_setup(bpy.types.Operator):
    """Write a report on engines, models and this computer, without names, to paste into an issue"""

    bl_idname = "lhm.check_setup"
    bl_label = "Check Setup"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Into a text of the Text Editor, and into the clipboard."""
        look_at_hardware(models_root(context))
        report = setup_report(context)
        text = bpy.data.texts.get(REPORT_TEXT) or bpy.data.texts.new(REPORT_TEXT)
        text.from_string(report)
        context.window_manager.clipboard = report
        redraw_sidebars(context)
        self.report({"INFO"}, f"The report is in the clipboard and in the text '{REPORT_TEXT}'")
        return {"FINISHED"}


class LHM_OT_look_again(bpy.types.Operator):
    """Look again at the graphics card, the memory, the disk and the folders"""

    bl_idname = "lhm.look_again"
    bl_label = "Look Again"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Now; takes up to a second."""
        look_at_hardware(models_root(context))
        redraw_sidebars(context)
        return {"FINISHED"}


class LHM_OT_use_engine(bpy.types.Operator):
    """Choose another engine, which needs less of this computer"""

    bl_idname = "lhm.use_engine"
    bl_label = "Use Another Engine"
    bl_options = {"INTERNAL", "UNDO"}

    if TYPE_CHECKING:
        engine: str
    else:
        engine: EnumProperty(name="Engine", description="Which one", items=ENGINE_ITEMS)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose it; what the last one said is no longer of interest."""
        settings(context).engine = self.engine
        job_state(context).end("")
        return {"FINISHED"}


CLASSES = (LHM_OT_check_setup, LHM_OT_look_again, LHM_OT_use_engine)
