"""The face: a slider for each shape, by what it moves, and ready-made faces."""

from __future__ import annotations

import bpy

from ..operators.avatars import active_armature
from ..rigging.controlled import has_controls
from ..rigging.face_joints import JOINT_SLIDERS
from ..rigging.face_names import BONE, COEFFICIENTS, property_path, rows, side_of, word_of
from ..rigging.face_values import face_names, reason_against
from .draw import draw_words
from .sidebar import Sidebar


class LHM_PT_face(Sidebar, bpy.types.Panel):
    """Make faces."""

    bl_label = "Face"
    bl_parent_id = "LHM_PT_avatar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Whole faces, jaw and eyes, then every shape; or why there is no more."""
        layout, armature = self.layout, active_armature(context)
        reason = reason_against(armature)
        if reason:
            draw_words(layout.column(align=True), context, (reason,), icon="INFO")
        row = layout.row(align=True)
        if not reason:
            row.operator_menu_enum("lhm.face_expression", "expression", text="Make Face", icon="USER")
        row.operator("lhm.reset_face", icon="LOOP_BACK")
        column = layout.column(align=True)
        for slider in JOINT_SLIDERS:
            if slider.control is not None and has_controls(armature):
                bone = armature.pose.bones[slider.control.bone]
                column.prop(bone, slider.control.path, text=slider.label, slider=True)
            else:
                column.prop(armature, slider.name, slider=True)
        if not reason:
            _draw_shapes(layout, armature)


def _draw_shapes(layout: bpy.types.UILayout, armature: bpy.types.Object) -> None:
    """A row for each; two sides beside each other, the person's right one first, as when facing it."""
    bone = armature.pose.bones[BONE]
    for group, table in rows(face_names(armature)).items():
        header, body = layout.panel(f"LHM_PT_face_{group}", default_closed=group == COEFFICIENTS)
        header.label(text=group)
        if body is None:
            continue
        column = body.column(align=True)
        for names in table:
            row = column.row(align=True)
            for name in names:
                side = f" {side_of(name)[0]}" if side_of(name) else ""
                row.prop(bone, property_path(name), text=f"{word_of(name).label}{side}", slider=True)


CLASSES = (LHM_PT_face,)
