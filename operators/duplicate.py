"""More of an avatar in the scene, for crowds."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ..engine.avatar.errors import AvatarError
from ..rigging.duplicate import Arrangement, duplicate_avatars, places
from .avatars import active_armature, avatar_is_active


class LHM_OT_duplicate_avatar(bpy.types.Operator):
    """Add more of this avatar, each with its own pose and motion, all with the same splats in memory"""

    bl_idname = "lhm.duplicate_avatar"
    bl_label = "Duplicate Avatar"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        count: int
        arrangement: str
        spacing: float
        seed: int
        own_motion: bool
    else:
        count: IntProperty(name="Count", description="How many to add", default=1, min=1, max=1000)
        arrangement: EnumProperty(
            name="Arrangement",
            description="Where they stand",
            items=(
                (
                    "CURSOR",
                    "Rows at the Cursor",
                    "In rows, the first at the 3D cursor, turned as the original",
                ),
                ("SCATTER", "Scattered", "Strewn around the 3D cursor, turned at random"),
            ),
        )
        spacing: FloatProperty(
            name="Spacing", description="Between neighbors", default=1.2, min=0.01, subtype="DISTANCE"
        )
        seed: IntProperty(name="Seed", description="Of the scattering", default=0, min=0)
        own_motion: BoolProperty(
            name="Own Motion",
            description="Copy the motion, so that each can be changed; else all play the same one",
            default=True,
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return avatar_is_active(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them."""
        where = places(
            Arrangement[self.arrangement], self.count, self.spacing, context.scene.cursor.location, self.seed
        )
        try:
            made = duplicate_avatars(context, active_armature(context), where, own_motion=self.own_motion)
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{len(made)} avatars were added; they share their splats")
        return {"FINISHED"}


CLASSES = (LHM_OT_duplicate_avatar,)
