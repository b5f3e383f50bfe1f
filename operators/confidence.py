"""An avatar's colours: the photos', or what the photos say of each place; the share of each, and warnings."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np
from bpy.props import EnumProperty

from ..engine.avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from ..rendering.confidence import display_modifier, show_confidence, shows_confidence
from ..rendering.display_nodes import SEEN_COLORS
from ..rigging.pointcloud import read_attribute
from .avatars import NO_AVATAR, active_armature, cloud_of, metadata_of
from .preview import reveal_colors

PHOTO, CONFIDENCE = "PHOTO", "CONFIDENCE"
COLOR_ITEMS = (
    (PHOTO, "Photo Colors", "The colors of the photo"),
    (
        CONFIDENCE,
        "Confidence",
        "What each place rests on: seen in a photo, mirrored from the other side, or guessed. "
        "Renders show it, too",
    ),
)
SEEN_NAMES = {
    SEEN_PHOTO: "Seen in a photo",
    SEEN_MIRRORED: "Mirrored from the other side",
    SEEN_FILLED: "Guessed",
}
NO_WARNINGS = "This avatar came without warnings"
_ICON_SIDE = 8  # pixels of an icon of one colour

# The only state of this module: icons of the legend, made when first drawn. Cleared when the add-on goes.
_icons: list[Any] = []


def seen_shares(armature: bpy.types.Object) -> dict[int, float]:
    """Which part of an avatar's Gaussians is seen, mirrored, guessed; empty without Gaussians.

    Args:
        armature: Of the avatar.
    """
    cloud = cloud_of(armature)
    if cloud is None or "seen" not in cloud.data.attributes or not len(cloud.data.points):
        return {}
    seen = read_attribute(cloud.data, "seen")
    return {value: float(np.mean(seen == value)) for value in SEEN_NAMES}


def may_show_confidence(armature: bpy.types.Object) -> bool:
    """Whether there is something to tell apart, and nodes of ours that show it.

    Args:
        armature: Of the avatar.
    """
    cloud = cloud_of(armature)
    several = sum(share > 0 for share in seen_shares(armature).values()) > 1
    return several and display_modifier(cloud) is not None  # type: ignore[arg-type]


def warnings_of(armature: bpy.types.Object) -> tuple[str, ...]:
    """What the engine said against an avatar when it made it.

    Args:
        armature: Of the avatar.
    """
    return tuple(metadata_of(armature).get("warnings", ()))


def color_icon(seen: int) -> int:
    """Number of an icon that is filled with a colour of the legend.

    Args:
        seen: Whose colour.
    """
    if not _icons:
        _icons.append(bpy.utils.previews.new())
        for value, color in SEEN_COLORS.items():
            icon = _icons[0].new(str(value))
            icon.icon_size = (_ICON_SIDE, _ICON_SIDE)
            icon.icon_pixels_float.foreach_set(np.tile([*color, 1.0], _ICON_SIDE**2).astype(np.float32))
    return _icons[0][str(seen)].icon_id


class LHM_OT_copy_warnings(bpy.types.Operator):
    """Copy everything that was said against the avatar to the clipboard"""

    bl_idname = "lhm.copy_warnings"
    bl_label = "Copy All Warnings"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar with warnings is active."""
        armature = active_armature(context)
        if armature is None or not warnings_of(armature):
            cls.poll_message_set(NO_AVATAR if armature is None else NO_WARNINGS)
            return False
        return True

    @classmethod
    def description(cls, context: bpy.types.Context, _properties: bpy.types.OperatorProperties) -> str:
        """The tooltip says them all."""
        armature = active_armature(context)
        said = "\n\n".join(warnings_of(armature)) if armature is not None else ""
        return f"{cls.__doc__}\n\n{said}".strip()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy them."""
        said = warnings_of(active_armature(context))
        context.window_manager.clipboard = "\n".join(said)
        self.report({"INFO"}, f"{len(said)} warnings were copied")
        return {"FINISHED"}


def _colors(armature: bpy.types.Object) -> int:
    cloud = cloud_of(armature)
    return int(cloud is not None and shows_confidence(cloud))


def _set_colors(armature: bpy.types.Object, place: int) -> None:
    cloud = cloud_of(armature.original)
    if cloud is None:
        return
    show_confidence(cloud, COLOR_ITEMS[place][0] == CONFIDENCE)
    if place:
        reveal_colors(bpy.context)


def _forget_icons() -> None:
    while _icons:
        bpy.utils.previews.remove(_icons.pop())


def attach(undo: ExitStack) -> None:
    """Give objects the switch. It keeps nothing itself, and no options means: not to be animated."""
    bpy.types.Object.lhm_colors = EnumProperty(  # type: ignore[attr-defined]
        name="Colors",
        description="What the avatar's splats are colored by, in the viewport and in renders",
        items=COLOR_ITEMS,
        get=_colors,
        set=_set_colors,
        options=set(),
    )
    undo.callback(delattr, bpy.types.Object, "lhm_colors")
    undo.callback(_forget_icons)


CLASSES = (LHM_OT_copy_warnings,)
