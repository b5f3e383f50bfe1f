"""Change the body shape of an avatar: sliders on its armature, and operators that do the same."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import EnumProperty, FloatVectorProperty

from ..engine.avatar.errors import AvatarError
from ..rigging.reshape import Reshaped, reason_against, set_shape
from ..rigging.shape_store import has_shape, photo_betas, present_betas
from .avatars import NO_AVATAR, active_armature

log = logging.getLogger(__name__)

SLIDERS = 10
"""How many betas can be changed; an avatar may have fewer, and keeps those that it has more."""

_RANGE = {"size": SLIDERS, "min": -5.0, "max": 5.0, "soft_min": -3.0, "soft_max": 3.0}
_LOOK = {"step": 10, "precision": 2}
_HELP = "Body shape in standard deviations from the average person"
EDIT_MODE = "Leave Edit Mode first"


class LHM_OT_reshape_avatar(bpy.types.Operator):
    """Change the avatar's body: height, weight and proportions. Its pose and its motions stay"""

    bl_idname = "lhm.reshape_avatar"
    bl_label = "Change Body Shape"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        betas: Sequence[float]
    else:
        betas: FloatVectorProperty(name="Shape", description=_HELP, **_RANGE, **_LOOK)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active whose shape can be changed."""
        return _may_reshape(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start from the shape that it has."""
        self.betas = slider_values(active_armature(context))
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set it."""
        armature = active_armature(context)
        return _reported(self, lambda: set_sliders(context, armature, self.betas))


class LHM_OT_reset_shape(bpy.types.Operator):
    """Give the avatar the body of the photo again, or the average one"""

    bl_idname = "lhm.reset_shape"
    bl_label = "Reset Body Shape"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        to: str
    else:
        to: EnumProperty(
            name="To",
            description="Which body it gets",
            items=(
                ("PHOTO", "From Photo", "The body shape that fits the photo"),
                ("AVERAGE", "Average", "The average body, all sliders at zero"),
            ),
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active whose shape can be changed."""
        return _may_reshape(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set it."""
        armature, photo = active_armature(context), self.to == "PHOTO"
        return _reported(self, lambda: set_shape(context, armature, photo_betas(armature) if photo else []))


def set_sliders(context: bpy.types.Context, armature: bpy.types.Object, values: Sequence[float]) -> Reshaped:
    """Change the first betas of an avatar; further ones stay, and values it has no beta for do nothing.

    Args:
        context: Any.
        armature: Of the avatar.
        values: At most `SLIDERS`.

    Raises:
        AvatarError: If the shape cannot be changed.
    """
    reason = reason_against(armature)
    if reason:
        raise AvatarError(reason)
    betas = present_betas(armature)
    count = min(len(betas), len(values))
    betas[:count] = values[:count]
    return set_shape(context, armature, betas)


def slider_values(armature: bpy.types.Object) -> list[float]:
    """The first betas of an avatar, zeros where it has fewer; zeros too for what is no avatar. [SLIDERS]"""
    values = np.zeros(SLIDERS)
    try:
        betas = present_betas(armature)[:SLIDERS] if has_shape(armature) else values
    except AvatarError:  # Blender asks whenever it draws; the panel says what is wrong
        betas = values
    values[: len(betas)] = betas
    return values.tolist()


def _move_sliders(armature: bpy.types.Object, values: Sequence[float]) -> None:
    """Blender calls this at each step of a dragged slider, and would print an error of ours as a bug."""
    try:
        set_sliders(bpy.context, armature.original, values)
    except AvatarError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence for the user, no traceback


def _reported(operator: bpy.types.Operator, change: Callable[[], Reshaped]) -> set[str]:
    try:
        done = change()
    except AvatarError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    operator.report({"INFO"}, f"Height: {done.before:.2f} m before, {done.after:.2f} m now")
    return {"FINISHED"}


def _may_reshape(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    armature = active_armature(context)
    reason = NO_AVATAR if armature is None else reason_to_wait(armature)
    if reason:
        cls.poll_message_set(reason)
    return not reason


def reason_to_wait(armature: bpy.types.Object) -> str:
    """Why the shape cannot be changed in the user interface now; empty if it can."""
    # What happens in Edit Mode is undone apart from the rest of the file: half a shape would be undone.
    return EDIT_MODE if armature.mode == "EDIT" else reason_against(armature)


def attach(undo: ExitStack) -> None:
    """Give objects the sliders. They keep nothing themselves, and no options means: not to be animated."""
    bpy.types.Object.lhm_shape = FloatVectorProperty(  # type: ignore[attr-defined]
        name="Shape",
        description=_HELP,
        options=set(),
        get=slider_values,
        set=_move_sliders,
        **_RANGE,
        **_LOOK,
    )
    undo.callback(delattr, bpy.types.Object, "lhm_shape")


CLASSES = (LHM_OT_reshape_avatar, LHM_OT_reset_shape)
