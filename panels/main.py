"""The sidebar tab 'LHM Avatars' of the 3D Viewport, in the order of the work."""

from __future__ import annotations

import bpy

from ..engine.request import LIFT, OWN_MODEL
from ..operators.avatars import active_armature
from ..operators.engine_state import NO_ENGINE, NO_FOLDER, smaller_button, state_of
from ..operators.install import DOWNLOAD, OFFLINE
from ..preferences import engine_root, preferences
from ..properties import CUSTOM, NON_COMMERCIAL, job_state, settings
from .draw import draw_button, draw_job, draw_outcome, draw_state, draw_words
from .sidebar import Sidebar

_OUT_OF_MEMORY = "choose a smaller model"
"""Part of what the engine says when a model does not fit, before the run or in its midst."""


class LHM_PT_main(Sidebar, bpy.types.Panel):
    """Choose a photo and an engine, and reconstruct."""

    bl_label = "Person from Photo"

    def draw(self, context: bpy.types.Context) -> None:
        """Photo, engine and its state, button or progress, last result."""
        layout, state, chosen = self.layout, job_state(context), settings(context)
        layout.prop(chosen, "photo", text="")
        layout.prop(chosen, "engine", text="")
        if chosen.engine == LIFT:
            draw_quality(layout, context)
        if state.running:
            draw_job(layout, context)
        else:
            draw_next_step(layout, context)
        if state.outcome:
            draw_outcome(layout, context)
            if state.failed and _OUT_OF_MEMORY in state.outcome and chosen.engine != LIFT:
                draw_button(layout, smaller_button(chosen.engine))


class LHM_PT_avatar(Sidebar, bpy.types.Panel):
    """Pose and move the selected avatar."""

    bl_label = "Avatar"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return active_armature(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Poses, motions, picture."""
        layout, armature = self.layout, active_armature(context)
        layout.label(text=armature.name, icon="ARMATURE_DATA")
        row = layout.row(align=True)
        for pose, text in (("photo", "Photo"), ("rest", "T-Pose"), ("a", "A-Pose")):
            row.operator("lhm.pose_avatar", text=text).pose = pose
        layout.operator_menu_enum("lhm.add_motion", "motion", icon="ARMATURE_DATA")
        layout.operator("lhm.show_colors", icon="SHADING_SOLID")
        layout.operator("lhm.set_up_preview", icon="RENDER_STILL")


def draw_quality(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """How many splats, in words or as a number."""
    chosen = settings(context)
    column = layout.column(align=True)
    column.prop(chosen, "quality", text="")
    if chosen.quality == CUSTOM:
        column.prop(chosen, "count")


def draw_next_step(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The engine's state, what it lacks, and Reconstruct, greyed where something is lacking."""
    chosen = settings(context)
    state = state_of(context, chosen.engine)
    draw_state(layout, context, state)
    if chosen.engine != LIFT:
        draw_words(layout.column(align=True), context, (NON_COMMERCIAL,), icon="INFO")
    if chosen.engine == OWN_MODEL and state.kind in (NO_FOLDER, NO_ENGINE):
        layout.prop(chosen, "model_folder", text="")
    if state.kind == NO_ENGINE and chosen.engine == LIFT:
        draw_install_words(layout, context)
    if state.button is not None:
        draw_button(layout, state.button, large=not state.ready)
    row = layout.row()
    row.scale_y = 1.5
    row.operator_context = (
        "INVOKE_DEFAULT"  # asked in the sidebar's own region: greyed for the scene's engine
    )
    row.operator("lhm.reconstruct", text="Reconstruct", icon="OUTLINER_OB_ARMATURE")


def draw_install_words(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What installing costs, and whether it can be done."""
    words = (f"{DOWNLOAD}, in a folder of its own", str(engine_root(context)))
    draw_words(layout.column(align=True), context, words)
    if not bpy.app.online_access and not preferences(context).wheel_folder:
        draw_words(layout.column(align=True), context, (OFFLINE,), icon="INTERNET_OFFLINE")


CLASSES = (LHM_PT_main, LHM_PT_avatar)
