"""The sidebar tab 'LHM Avatars' of the 3D Viewport, in the order of the work."""

from __future__ import annotations

import textwrap

import bpy

from ..engine import environment
from ..operators.avatars import active_armature, metadata_of
from ..operators.install import DOWNLOAD, OFFLINE
from ..preferences import engine_root, preferences
from ..properties import CANCELLED, job_state, settings

CATEGORY = "LHM Avatars"
GOOD_TO_KNOW = ("Runs on your computer. Your photo is not uploaded", "Use photos of people who agreed")
_LETTERS = 40  # in a line, where there is no region to ask
_PIXELS_PER_LETTER = 7.0  # of the interface's font at scale 1; only for breaking lines


class _Sidebar:
    """Where all our panels are."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY


class LHM_PT_main(_Sidebar, bpy.types.Panel):
    """Choose a photo and reconstruct."""

    bl_label = "Person from Photo"

    def draw(self, context: bpy.types.Context) -> None:
        """Photo, button or progress, last result."""
        layout, state = self.layout, job_state(context)
        chosen = settings(context)
        layout.prop(chosen, "photo", text="")
        if state.running:
            draw_job(layout, context)
        elif environment.engine_python(engine_root(context)) is None:
            draw_install(layout, context)
        else:
            draw_reconstruct(layout, chosen)
        if state.outcome:
            draw_outcome(layout, context)


class LHM_PT_settings(_Sidebar, bpy.types.Panel):
    """What can be set and mostly need not."""

    bl_label = "Settings"
    bl_parent_id = "LHM_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """One setting a row."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("mask", "count", "influences", "seed"):
            layout.prop(settings(context), name)


class LHM_PT_avatar(_Sidebar, bpy.types.Panel):
    """Pose and move the selected avatar."""

    bl_label = "Avatar"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return active_armature(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Poses, walk, picture."""
        layout, armature = self.layout, active_armature(context)
        layout.label(text=armature.name, icon="ARMATURE_DATA")
        row = layout.row(align=True)
        for pose, text in (("photo", "Photo"), ("rest", "T-Pose"), ("a", "A-Pose")):
            row.operator("lhm.pose_avatar", text=text).pose = pose
        row = layout.row(align=True)
        row.operator("lhm.add_walk", text="Walk on the Spot").travel = False
        row.operator("lhm.add_walk", text="Walk Forward").travel = True
        layout.operator("lhm.show_colors", icon="SHADING_SOLID")
        layout.operator("lhm.set_up_preview", icon="RENDER_STILL")


class LHM_PT_origin(_Sidebar, bpy.types.Panel):
    """What the photo showed of the avatar, and what may be done with it."""

    bl_label = "About This Avatar"
    bl_parent_id = "LHM_PT_avatar"

    def draw(self, context: bpy.types.Context) -> None:
        """Plain words."""
        armature = active_armature(context)
        seen = armature.get("lhm_seen", 0.0)
        words = (
            f"{seen:.0%} is seen in the photo; the rest is mirrored or filled in",
            "Built-in body, not SMPL-X",
            licence_words(armature),
        )
        draw_words(self.layout.column(align=True), context, words)
        self.layout.operator("lhm.export_avatar", icon="EXPORT")


class LHM_PT_engine(_Sidebar, bpy.types.Panel):
    """The engine's state."""

    bl_label = "Engine"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """What is there, and the buttons for it."""
        layout = self.layout
        found = environment.status(engine_root(context))
        if found.ready:
            layout.label(text=f"Installed, {found.bytes / 1e6:,.0f} MB", icon="CHECKMARK")
        elif found.unfinished:
            layout.label(text="Installation not finished", icon="ERROR")
        else:
            layout.label(text="Not installed", icon="ERROR")
        words = (
            "Runs on your computer. Your photo is not uploaded",
            "Use photos of people who agreed",
            f"Folder: {found.root}",
        )
        draw_words(layout.column(align=True), context, words)
        row = layout.row(align=True)
        row.operator("lhm.remove_engine" if found.ready else "lhm.install_engine")
        row.operator("lhm.open_log")


def licence_words(armature: bpy.types.Object) -> str:
    """The licences of what an avatar was made with, in one line."""
    licences = metadata_of(armature).get("licences", {})
    parts = (f"{part} {licence}" for part, licence in dict(licences).items())
    return f"Licences: {', '.join(parts)}" if licences else "Licences: not known"


def draw_reconstruct(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    """The button, with all that is set."""
    row = layout.row()
    row.scale_y = 1.5
    button = row.operator("lhm.reconstruct", text="Reconstruct", icon="OUTLINER_OB_ARMATURE")
    for name in ("photo", "mask", "count", "seed", "influences"):
        setattr(button, name, getattr(chosen, name))


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """How far the job is, and the way to end it."""
    state = job_state(context)
    layout.label(text=state.message or state.title)
    text = "  ".join(part for part in (f"{state.fraction:.0%}", state.time_left) if part)
    layout.progress(factor=state.fraction, text=text)
    layout.operator("lhm.cancel_job", icon="X")


def draw_install(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """In place of Reconstruct, while there is nothing to reconstruct with."""
    column = layout.column(align=True)
    words = (
        f"The engine is missing. It is installed once: {DOWNLOAD}, in a folder of its own",
        str(engine_root(context)),
    )
    draw_words(column, context, words)
    if not bpy.app.online_access and not preferences(context).wheel_folder:
        draw_words(layout.column(align=True), context, (OFFLINE,), icon="INTERNET_OFFLINE")
    row = layout.row()
    row.scale_y = 1.5
    row.operator("lhm.install_engine", icon="IMPORT")


def draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The last result: what came out or why nothing did, and what to know about it."""
    state = job_state(context)
    box = layout.box()
    box.label(text="Last Result")
    column = box.column(align=True)
    icon = "ERROR" if state.failed else "CANCEL" if state.outcome == CANCELLED else "CHECKMARK"
    draw_words(column, context, (state.outcome,), icon=icon)
    for warning in state.warnings.splitlines():
        draw_words(column, context, (warning,), icon="INFO")


def draw_words(
    layout: bpy.types.UILayout, context: bpy.types.Context, sentences: tuple[str, ...], icon: str = "NONE"
) -> None:
    """Sentences, broken to the width of the sidebar."""
    letters = _LETTERS
    if context.region is not None:
        pixels = _PIXELS_PER_LETTER * context.preferences.system.ui_scale
        letters = max(int(context.region.width / pixels) - 4, 16)
    for sentence in sentences:
        for number, line in enumerate(textwrap.wrap(sentence, letters)):
            layout.label(text=line, icon=icon if number == 0 else "NONE" if icon == "NONE" else "BLANK1")


CLASSES = (LHM_PT_main, LHM_PT_settings, LHM_PT_avatar, LHM_PT_origin, LHM_PT_engine)
