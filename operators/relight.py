"""Let the scene's lights fall on an avatar, and let it cast its own shadow."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, FloatProperty

from ..engine.avatar.errors import AvatarError
from ..rendering.relight.relit import cast_shadow, is_lit, light_avatar, remove_shadow, shadow_of
from .avatars import NO_AVATAR, active_armature, cloud_of

DELIGHT = {
    "name": "Remove Photo Light",
    "description": "How much of the light that stood on the person in the photo is taken off the colors: "
    "0 leaves them as they are, 1 takes all of the estimate off",
    "default": 1.0,
    "min": 0.0,
    "max": 1.0,
    "subtype": "FACTOR",
}


class _OnSplats:
    """What operators share that need an avatar with its splats."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active, and its splats are there."""
        armature = active_armature(context)
        if armature is None or cloud_of(armature) is None:
            cls.poll_message_set(NO_AVATAR)  # type: ignore[attr-defined]
            return False
        return True


class LHM_OT_light_avatar(_OnSplats, bpy.types.Operator):
    """Let the scene's lights fall on the avatar in Cycles and EEVEE, or show it in its photo's light again"""

    bl_idname = "lhm.light_avatar"
    bl_label = "Light Avatar"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        delight: float
        shadow: bool
    else:
        delight: FloatProperty(**DELIGHT)
        shadow: BoolProperty(name="Cast Shadow", description="It casts its own shadow, too", default=True)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn it on or off."""
        armature = active_armature(context)
        cloud = cloud_of(armature)
        lit = not is_lit(cloud)
        try:
            light_avatar(armature, cloud, lit, delight=self.delight)
            if lit and self.shadow:
                cast_shadow(armature, cloud)
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report(
            {"INFO"},
            "The scene's lights fall on it in Cycles and EEVEE"
            if lit
            else "It is in its photo's light again",
        )
        return {"FINISHED"}


class LHM_OT_cast_shadow(_OnSplats, bpy.types.Operator):
    """Let the avatar cast the shadow of its body, or that of its splats again, which all face the camera"""

    bl_idname = "lhm.cast_shadow"
    bl_label = "Cast Shadow"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn it on or off."""
        armature = active_armature(context)
        cloud, on = cloud_of(armature), shadow_of(armature) is None
        try:
            if on:
                cast_shadow(armature, cloud)
            else:
                remove_shadow(armature, cloud)
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "It casts its body's shadow" if on else "The shadow was removed")
        return {"FINISHED"}


CLASSES = (LHM_OT_light_avatar, LHM_OT_cast_shadow)
