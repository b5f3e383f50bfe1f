"""What avatars are shown as, how much of them, and by whom: our nodes or Blender itself."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty

from ..engine.avatar.errors import AvatarError
from ..rendering import display_nodes as nodes
from ..rendering.capabilities import native_names
from ..rendering.display_modes import (
    display_modifier,
    display_setting,
    hide_nodes,
    set_display,
    show_nodes,
)
from ..rendering.native_splats import NO_NATIVE, hide_native, show_native, shows_native
from .avatars import LINKED, active_armature, avatar_is_active, avatar_takes_keys, cloud_of

NO_NODES = "The avatar's display nodes were removed. Undo that, or import the avatar again"

_MODE_ITEMS = (
    ("SPLATS", "Splats", "Soft splats, as the photo looks: right as seen from the scene's camera"),
    (
        "DISKS",
        "Disks",
        "Soft disks along the surface: rougher, but right from any side. Draft",
    ),
    ("POINTS", "Points", "Balls: the fastest. Draft"),
    ("SOLID", "Solid", "Opaque patches along the surface: for working in viewports. Draft"),
)
_MODES = dict(zip((item[0] for item in _MODE_ITEMS), nodes.MODES, strict=True))
_WHERE_ITEMS = (
    ("RENDER", "Renders", "What renders show"),
    ("VIEWPORT", "Viewports", "What viewports show"),
)
_INPUTS = {"RENDER": nodes.RENDER_MODE, "VIEWPORT": nodes.VIEWPORT_MODE}


def avatars_chosen(context: bpy.types.Context) -> list[bpy.types.Object]:
    """Clouds of the selected avatars that may be changed; of the active one, if none is selected."""
    chosen = []
    for picked in [*context.selected_objects, active_armature(context)]:
        cloud = cloud_of(picked) if picked is not None else None
        if cloud is not None and cloud.is_editable and cloud not in chosen:
            chosen.append(cloud)
    return chosen


class LHM_OT_display_mode(bpy.types.Operator):
    """Choose what the selected avatars are shown as, in renders or in viewports"""

    bl_idname = "lhm.display_mode"
    bl_label = "Set Display Mode"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        where: str
        mode: str
    else:
        where: EnumProperty(name="Where", description="Where it is shown so", items=_WHERE_ITEMS)
        mode: EnumProperty(name="Mode", description="What it is shown as", items=_MODE_ITEMS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar with our display is active."""
        return _has_nodes(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the inputs of their nodes."""
        chosen = [cloud for cloud in avatars_chosen(context) if display_modifier(cloud) is not None]
        for cloud in chosen:
            set_display(cloud, **{_INPUTS[self.where]: _MODES[self.mode]})
        self.report({"INFO"}, f"{len(chosen)} avatars: {_MODES[self.mode]}")
        return {"FINISHED"}


class LHM_OT_native_splats(bpy.types.Operator):
    """Have Blender draw the avatar's splats itself, or go back to the nodes that any Blender can show"""

    bl_idname = "lhm.native_splats"
    bl_label = "Switch Native Splats"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active, and this Blender can, or does."""
        if not avatar_takes_keys(cls, context):
            return False
        cloud = cloud_of(active_armature(context))  # type: ignore[arg-type]
        if cloud is None or (native_names() is None and display_modifier(cloud) is not None):
            cls.poll_message_set(NO_NATIVE.rstrip("."))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Exchange one for the other."""
        cloud = cloud_of(active_armature(context))  # type: ignore[arg-type]
        if shows_native(cloud) or display_modifier(cloud) is None:  # type: ignore[arg-type]
            hide_native(cloud)  # type: ignore[arg-type]
            if display_modifier(cloud) is None:  # type: ignore[arg-type]
                show_nodes(cloud)  # type: ignore[arg-type]
            return {"FINISHED"}
        try:
            show_native(cloud)  # type: ignore[arg-type]
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        hide_nodes(cloud)  # type: ignore[arg-type]
        return {"FINISHED"}


def _has_nodes(operator: Any, context: bpy.types.Context) -> bool:
    if not avatar_is_active(operator, context):
        return False
    cloud = cloud_of(active_armature(context))  # type: ignore[arg-type]
    if cloud is None or display_modifier(cloud) is None:
        operator.poll_message_set(NO_NODES)
        return False
    if not cloud.is_editable:
        operator.poll_message_set(LINKED)
        return False
    return True


def _setting(armature: bpy.types.Object, name: str, otherwise: Any) -> Any:
    cloud = cloud_of(armature)
    value = None if cloud is None else display_setting(cloud, name)
    return otherwise if value is None else value


def _set_setting(armature: bpy.types.Object, name: str, value: object) -> None:
    cloud = cloud_of(armature.original)
    if cloud is not None:
        set_display(cloud, **{name: value})


def _mode_property(where: str, start: str) -> Any:
    name = _INPUTS[where]
    return EnumProperty(
        name=name,
        description=f"What the avatar is shown as in {where.lower()}s",
        items=_MODE_ITEMS,
        get=lambda armature: nodes.MODES.index(_setting(armature, name, start)),
        set=lambda armature, place: _set_setting(armature, name, nodes.MODES[place]),
        options=set(),
    )


def _value_property(kind: Any, name: str, otherwise: Any, **look: Any) -> Any:
    return kind(
        name=name,
        description=nodes.HELP[name],
        get=lambda armature: _setting(armature, name, otherwise),
        set=lambda armature, value: _set_setting(armature, name, value),
        options=set(),
        **look,
    )


def attach(undo: ExitStack) -> None:
    """Give objects the settings of their nodes. They keep nothing, and no options means: not animated."""
    share = {"min": 0.0, "max": 1.0, "subtype": "FACTOR"}
    added = {
        "lhm_render_mode": _mode_property("RENDER", nodes.SPLATS),
        "lhm_viewport_mode": _mode_property("VIEWPORT", nodes.SOLID),
        "lhm_viewport_share": _value_property(FloatProperty, nodes.VIEWPORT_SHARE, 1.0, **share),
        "lhm_detail_distance": _value_property(
            FloatProperty, nodes.DETAIL_DISTANCE, 0.0, min=0.0, subtype="DISTANCE"
        ),
        "lhm_detail_in_renders": _value_property(BoolProperty, nodes.DETAIL_IN_RENDERS, False),
    }
    for name, prop in added.items():
        setattr(bpy.types.Object, name, prop)
        undo.callback(delattr, bpy.types.Object, name)


CLASSES = (
    LHM_OT_display_mode,
    LHM_OT_native_splats,
)
