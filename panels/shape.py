"""The body shape of the avatar: one slider for each beta."""

from __future__ import annotations

import bpy

from ..operators.avatars import active_armature, metadata_of
from ..operators.shape import SLIDERS, reason_to_wait
from ..rigging.shape_store import HEIGHT_KEY, beta_count
from .draw import draw_words
from .sidebar import CATEGORY

BUILT_IN = ("Size", "Narrow Shoulders", "Leg Length", "Weight", "Slim Waist", "Belly")
"""What the first betas of the built-in body change most when they grow; see docs/body.md."""

SMPLX = ("Size", "Weight")
"""The same for SMPL-X, whose further components mix several things."""


class LHM_PT_shape(bpy.types.Panel):
    """Taller, heavier, other proportions."""

    bl_label = "Shape"
    bl_parent_id = "LHM_PT_avatar"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The sliders, or why there are none."""
        armature = active_armature(context)
        reason = reason_to_wait(armature)
        if reason:
            draw_words(self.layout.column(align=True), context, (reason,), icon="INFO")
            return
        self.layout.label(text=f"Height: {armature.get(HEIGHT_KEY, 0.0):.2f} m", icon="ARMATURE_DATA")
        column = self.layout.column(align=True)
        for k in range(min(beta_count(armature), SLIDERS)):
            column.prop(armature, "lhm_shape", index=k, text=slider_name(armature, k), slider=True)
        row = self.layout.row(align=True)
        for to, text in (("PHOTO", "From Photo"), ("AVERAGE", "Average")):
            row.operator("lhm.reset_shape", text=text).to = to


def slider_name(armature: bpy.types.Object, index: int) -> str:
    """What a beta changes, in a word.

    Args:
        armature: Of an avatar.
        index: Of the beta.
    """
    licences = metadata_of(armature).get("licences")
    body = licences.get("body", "") if isinstance(licences, dict) else ""
    names = SMPLX if "SMPL-X" in body else BUILT_IN
    return names[index] if index < len(names) else f"Shape {index + 1}"


CLASSES = (LHM_PT_shape,)
