"""What an avatar rests on: the photo's share, its doubts, its licences."""

from __future__ import annotations

import bpy

from ..engine.request import LIFT, OWN_MODEL
from ..operators.avatars import active_armature, metadata_of
from ..operators.confidence import (
    CONFIDENCE,
    SEEN_NAMES,
    color_icon,
    may_show_confidence,
    seen_shares,
    warnings_of,
)
from ..properties import NON_COMMERCIAL
from .draw import draw_words, lines_of
from .sidebar import Sidebar

MOST_LINES = 8  # of warnings; the button below them has all


class LHM_PT_origin(Sidebar, bpy.types.Panel):
    """What the photo showed of the avatar, and what may be done with it."""

    bl_label = "About This Avatar"
    bl_parent_id = "LHM_PT_avatar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Plain words."""
        armature = active_armature(context)
        metadata = metadata_of(armature)
        column = self.layout.column(align=True)
        if metadata.get("non_commercial"):
            column.alert = True
            draw_words(column, context, (NON_COMMERCIAL,), icon="ERROR")
        column = self.layout.column(align=True)
        draw_words(column, context, (*origin_words(armature, metadata), licence_words(metadata)))
        if may_show_confidence(armature):
            draw_colors(self.layout, armature)
        draw_warnings(self.layout, context, warnings_of(armature))
        self.layout.operator("lhm.export_avatar", icon="EXPORT")


def draw_colors(layout: bpy.types.UILayout, armature: bpy.types.Object) -> None:
    """The switch between the photo's colours and what they rest on, with its legend."""
    layout.row().prop(armature, "lhm_colors", expand=True)
    if armature.lhm_colors != CONFIDENCE:
        return
    column = layout.column(align=True)
    for seen, share in seen_shares(armature).items():
        column.label(text=f"{share:.0%}  {SEEN_NAMES[seen]}", icon_value=color_icon(seen))


def draw_warnings(layout: bpy.types.UILayout, context: bpy.types.Context, warnings: tuple[str, ...]) -> None:
    """What the engine said against the avatar; as much as there is room for, and a button for all of it."""
    if not warnings:
        return
    column = layout.box().column(align=True)
    lines = 0
    for number, warning in enumerate(warnings):
        lines += len(lines_of(context, warning))
        if number and lines > MOST_LINES:
            draw_words(column, context, (f"and {len(warnings) - number} more",), icon="BLANK1")
            break
        draw_words(column, context, (warning,), icon="ERROR")
    column.operator("lhm.copy_warnings", icon="COPYDOWN")


def origin_words(armature: bpy.types.Object, metadata: dict) -> tuple[str, ...]:
    """How the avatar came about.

    Args:
        armature: Of the avatar.
        metadata: What its file said.
    """
    if metadata.get("engine", LIFT) == LIFT:
        seen, settings = armature.get("lhm_seen", 0.0), metadata.get("settings", {})
        where = "a photo" if settings.get("photo_count", 1) > 1 else "the photo"
        return (
            f"{seen:.0%} is seen in {where}; the rest is mirrored or filled in",
            "Built-in body, not SMPL-X",
        )
    body = "SMPL-X layout" if metadata["engine"] == OWN_MODEL else "SMPL-X"
    words = [
        f"Model: {metadata.get('model') or metadata['engine']}",
        "Every side is the model's guess from one photo",
        f"Body: {body}",
    ]
    if error := metadata.get("binding_error_mm"):
        words.append(
            f"{error['influences']} bones per splat: {error['mean']:.1f} mm off on average, "
            f"{error['percentile99']:.1f} mm for one in a hundred"
        )
    return tuple(words)


def licence_words(metadata: dict) -> str:
    """The licences of what an avatar was made with, in one line.

    Args:
        metadata: What its file said.
    """
    licences = metadata.get("licences", {})
    parts = (f"{part} {licence}" for part, licence in dict(licences).items())
    return f"Licences: {', '.join(parts)}" if licences else "Licences: not known"


CLASSES = (LHM_PT_origin,)
