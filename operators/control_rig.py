"""Controls for the avatar's limbs and face: add, remove, match."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..engine.avatar.errors import AvatarError
from ..rigging.control_match import match_bones, match_controls
from ..rigging.control_names import LIMBS
from ..rigging.control_rig import (
    add_controls,
    reason_against_adding,
    reason_against_removing,
    reason_against_using,
    remove_controls,
)
from .avatars import NO_AVATAR, active_armature
from .shape import EDIT_MODE

NO_LIMB = "No limb was chosen. Choose at least one arm or leg."
EMPTY_RANGE = "The last frame lies before the first one. Give a longer range."
_LIMB_ITEMS = tuple((limb.name, limb.label, f"The {limb.label.lower()}") for limb in LIMBS.values())


class _Range:
    """Frames of the scene to key; otherwise only the present one is set."""

    if TYPE_CHECKING:
        over_range: bool
        first: int
        last: int
    else:
        over_range: BoolProperty(
            name="Key Frames",
            description="Key every frame of a range; otherwise set the present frame only",
            default=False,
        )
        first: IntProperty(name="First Frame", description="Of the scene; 0 takes its first", default=0)
        last: IntProperty(name="Last Frame", description="Of the scene; 0 takes its last", default=0)

    def frames(self, context: bpy.types.Context) -> range:
        """None without a range.

        Raises:
            AvatarError: If the range is empty.
        """
        if not self.over_range:
            return range(0)
        scene = context.scene
        frames = range(self.first or scene.frame_start, (self.last or scene.frame_end) + 1)
        if not frames:
            raise AvatarError(EMPTY_RANGE)
        return frames


class LHM_OT_add_controls(bpy.types.Operator):
    """Add controls: IK hands and feet, hips, chest, head, fingers, jaw and eyes. Motions play on"""

    bl_idname = "lhm.add_controls"
    bl_label = "Add Controls"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar without controls is active."""
        return _may(cls, context, reason_against_adding)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them."""
        return _reported(self, lambda: add_controls(context, active_armature(context)), "Controls were added")


class LHM_OT_remove_controls(_Range, bpy.types.Operator):
    """Remove the avatar's controls; its bones keep the pose that they are held in"""

    bl_idname = "lhm.remove_controls"
    bl_label = "Remove Controls"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar with controls is active."""
        return _may(cls, context, reason_against_removing)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove them."""
        armature = active_armature(context)
        return _reported(
            self,
            lambda: remove_controls(context, armature, frames=self.frames(context)),
            "Controls were removed",
        )


class _Snap(_Range):
    """What both ways of matching share."""

    if TYPE_CHECKING:
        limbs: set[str]
        switch: bool
    else:
        limbs: EnumProperty(
            name="Limbs",
            description="Which arms and legs",
            items=_LIMB_ITEMS,
            options={"ENUM_FLAG"},
            default=set(LIMBS),
        )
        switch: BoolProperty(
            name="Switch", description="Let these limbs follow what was matched from now on", default=True
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar with all its controls is active."""
        return _may(cls, context, reason_against_using)

    def match(self, context: bpy.types.Context, match: Callable[..., None], done: str) -> set[str]:
        """Match the chosen limbs."""
        limbs = [name for name in LIMBS if name in self.limbs]

        def work() -> None:
            if not limbs:
                raise AvatarError(NO_LIMB)
            frames = self.frames(context)
            match(context, active_armature(context), limbs, frames=frames, switch=self.switch)

        return _reported(self, work, f"{', '.join(LIMBS[name].label for name in limbs)}: {done}")


class LHM_OT_snap_ik_to_fk(_Snap, bpy.types.Operator):
    """Put hand and foot controls where the limbs are, and let them hold the limbs; the pose stays"""

    bl_idname = "lhm.snap_ik_to_fk"
    bl_label = "Controls to Bones"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Match them."""
        return self.match(context, match_controls, "controls follow the bones")


class LHM_OT_snap_fk_to_ik(_Snap, bpy.types.Operator):
    """Turn the bones as hand and foot controls hold them, and let the bones go on alone; the pose stays"""

    bl_idname = "lhm.snap_fk_to_ik"
    bl_label = "Bones to Controls"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Match them."""
        return self.match(context, match_bones, "bones follow the controls")


def _may(
    cls: type[bpy.types.Operator], context: bpy.types.Context, reason_against: Callable[..., str]
) -> bool:
    armature = active_armature(context)
    if armature is None:
        reason = NO_AVATAR
    elif armature.mode == "EDIT":
        reason = EDIT_MODE
    else:
        reason = reason_against(armature)
    if reason:
        cls.poll_message_set(reason.removesuffix("."))
    return not reason


def _reported(operator: bpy.types.Operator, work: Callable[[], None], done: str) -> set[str]:
    try:
        work()
    except AvatarError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    operator.report({"INFO"}, done)
    return {"FINISHED"}


CLASSES = (LHM_OT_add_controls, LHM_OT_remove_controls, LHM_OT_snap_ik_to_fk, LHM_OT_snap_fk_to_ik)
