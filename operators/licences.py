"""The licence gate: read, tick, remembered; taken back."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty

from ..engine.avatar.errors import AvatarError
from ..engine.weights import licences
from ..engine.weights.catalogue import LICENCES
from ..preferences import models_root
from .jobs import redraw_sidebars
from .looks import refresh
from .words import wrapped

NOT_TICKED = "Nothing was accepted: the box was not ticked."
ITEMS = tuple((one.name, one.title, f"{one.terms}: {one.url}") for one in LICENCES.values())
_WIDTH, _LETTERS = 460, 72  # pixels at scale 1, and how many letters fit into them


class LHM_OT_accept_licence(bpy.types.Operator):
    """Read what a model's licence allows and say whether you agree; needed before it is downloaded or used"""

    bl_idname = "lhm.accept_licence"
    bl_label = "Accept Licence"
    bl_options = {"REGISTER", "INTERNAL"}

    if TYPE_CHECKING:
        licence: str
        agreed: bool
    else:
        licence: EnumProperty(name="Licence", description="Whose terms", items=ITEMS)
        agreed: BoolProperty(
            name="I have read the licence and agree", description="Nothing is accepted without this tick",
            default=False, options={"SKIP_SAVE"},
        )  # fmt: skip

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the terms, the box not ticked."""
        self.agreed = False
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH, title="Licence")

    def draw(self, context: bpy.types.Context) -> None:
        """Whose, which, what it allows, the text, the tick."""
        licence, layout = LICENCES[self.licence], self.layout
        column = layout.column(align=True)
        column.label(text=f"{licence.title}: {licence.terms}", icon="TEXT")
        for line in wrapped(licence.allows, _LETTERS):
            column.label(text=line)
        layout.operator("wm.url_open", text="Open the Licence", icon="URL").url = licence.url
        layout.prop(self, "agreed")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remember the tick, if there is one."""
        if not self.agreed:
            self.report({"WARNING"}, NOT_TICKED)
            return {"CANCELLED"}
        return _change(self, context, licences.accept, "accepted")


class LHM_OT_withdraw_licence(bpy.types.Operator):
    """Take a tick back; files that are there stay until you delete them, but are not used"""

    bl_idname = "lhm.withdraw_licence"
    bl_label = "Withdraw"
    bl_options = {"REGISTER", "INTERNAL"}

    if TYPE_CHECKING:
        licence: str
    else:
        licence: EnumProperty(name="Licence", description="Whose terms", items=ITEMS)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget the tick."""
        return _change(self, context, licences.withdraw, "withdrawn")


def _change(
    operator: bpy.types.Operator, context: bpy.types.Context, change: Callable[[str, Path], None], word: str
) -> set[str]:
    try:
        change(operator.licence, models_root(context))
    except AvatarError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    refresh()
    redraw_sidebars(context)
    operator.report({"INFO"}, f"{LICENCES[operator.licence].title}: {word}")
    return {"FINISHED"}


CLASSES = (LHM_OT_accept_licence, LHM_OT_withdraw_licence)
