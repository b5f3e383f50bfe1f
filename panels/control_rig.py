"""Mirror and keep poses, and the controls of limbs and fingers; those of the face are in its own panel."""

from __future__ import annotations

import bpy

from ..operators.avatars import active_armature
from ..rigging.control_names import CURLS, FACE, SIDES, SWITCHES, Slider
from ..rigging.control_rig import reason_against_using
from ..rigging.controlled import has_controls
from .draw import draw_words
from .sidebar import Sidebar


class LHM_PT_controls(Sidebar, bpy.types.Panel):
    """Hold limbs by hands and feet."""

    bl_label = "Controls"
    bl_parent_id = "LHM_PT_avatar"

    def draw(self, context: bpy.types.Context) -> None:
        """Poses, then a limb a row: who holds it, and matching both ways."""
        layout, armature = self.layout, active_armature(context)
        row = layout.row(align=True)
        row.operator("lhm.mirror_pose", icon="MOD_MIRROR").way = "FLIP"
        row.operator_context = "INVOKE_DEFAULT"
        row.operator("lhm.create_pose_asset", icon="ASSET_MANAGER", text="Keep Pose")
        if not has_controls(armature):
            reason = reason_against_using(armature)
            if any(slider.bone in armature.pose.bones for slider in FACE):
                draw_words(layout.column(align=True), context, (reason,), icon="ERROR")
                layout.operator("lhm.remove_controls", icon="X")
            else:
                layout.operator("lhm.add_controls", icon="CON_KINEMATIC")
            return
        layout.label(text="Held by Bones (0) or Controls (1)")
        column = layout.column(align=True)
        for limb, switch in SWITCHES.items():
            row = column.row(align=True)
            draw_slider(row, armature, switch)
            row.operator("lhm.snap_ik_to_fk", text="", icon="SNAP_ON").limbs = {limb}
            row.operator("lhm.snap_fk_to_ik", text="", icon="BONE_DATA").limbs = {limb}
        layout.operator("lhm.remove_controls", icon="X")


class LHM_PT_fingers(Sidebar, bpy.types.Panel):
    """Curl fingers."""

    bl_label = "Fingers"
    bl_parent_id = "LHM_PT_controls"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The active avatar has controls."""
        return _has_controls(context)

    def draw(self, context: bpy.types.Context) -> None:
        """The person's right hand on the left, as when facing the avatar."""
        armature, row = active_armature(context), self.layout.row()
        for side in reversed(SIDES):
            column = row.column(align=True)
            column.label(text=side.title())
            for slider in CURLS[side]:
                draw_slider(column, armature, slider)


def draw_slider(layout: bpy.types.UILayout, armature: bpy.types.Object, slider: Slider) -> None:
    """A custom property of a control, which can be keyed here."""
    layout.prop(armature.pose.bones[slider.bone], slider.path, text=slider.label, slider=True)


def _has_controls(context: bpy.types.Context) -> bool:
    armature = active_armature(context)
    return armature is not None and has_controls(armature)


CLASSES = (LHM_PT_controls, LHM_PT_fingers)
