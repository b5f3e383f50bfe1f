"""Faces at a press, and sliders for what joints do in a face: jaw and eyes."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, FloatProperty

from ..rigging.face_expressions import EXPRESSIONS
from ..rigging.face_joints import JOINT_SLIDERS, JointSlider, move_slider, slider_value
from ..rigging.face_values import reason_against, reset_face, set_face
from .avatars import active_armature, avatar_is_active, avatar_takes_keys


class LHM_OT_face_expression(bpy.types.Operator):
    """Make a face. Eyes go on looking where they look; with auto-keying it is keyed"""

    bl_idname = "lhm.face_expression"
    bl_label = "Make Face"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        expression: str
        strength: float
    else:
        expression: EnumProperty(
            name="Face",
            description="Which one",
            items=tuple(
                (face.name, face.label, f"Make this face: {face.label}") for face in EXPRESSIONS.values()
            ),
        )
        strength: FloatProperty(
            name="Strength",
            description="How much of it; 0 is a neutral face",
            default=1.0,
            min=0.0,
            max=1.0,
            subtype="FACTOR",
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active whose face can be moved."""
        if not avatar_is_active(cls, context):
            return False
        reason = reason_against(active_armature(context))
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make it."""
        face = EXPRESSIONS[self.expression]
        set_face(context, active_armature(context), face.scaled(self.strength), jaw=self.strength * face.jaw)
        return {"FINISHED"}


class LHM_OT_reset_face(bpy.types.Operator):
    """Face at rest, mouth closed, eyes straight ahead; keyed if auto-keying is on"""

    bl_idname = "lhm.reset_face"
    bl_label = "Reset Face"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active that this file may animate."""
        return avatar_takes_keys(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Reset it."""
        reset_face(context, active_armature(context))
        return {"FINISHED"}


def _property(slider: JointSlider) -> object:
    """A slider of objects. It keeps nothing itself and is not animated: its bones are."""

    def shown(armature: bpy.types.Object) -> float:
        return slider_value(armature, slider)

    def moved(armature: bpy.types.Object, value: float) -> None:
        move_slider(bpy.context, armature, slider, value)

    return FloatProperty(
        name=slider.label, description=slider.help, options=set(), min=slider.lowest, max=1.0, step=5,
        precision=2, get=shown, set=moved,
    )  # fmt: skip


def attach(undo: ExitStack) -> None:
    """Give objects the sliders of jaw and eyes."""
    for slider in JOINT_SLIDERS:
        setattr(bpy.types.Object, slider.name, _property(slider))
        undo.callback(delattr, bpy.types.Object, slider.name)


CLASSES = (LHM_OT_face_expression, LHM_OT_reset_face)
