"""Mirror the avatar's pose, and keep it in the pose library."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, StringProperty

from ..rendering.pose_picture import pose_picture, set_preview
from ..rigging.pose_tools import FLIP, LEFT, RIGHT, create_pose_asset, mirror_pose
from .avatars import active_armature, avatar_is_active, cloud_of

NO_NAME = "The pose has no name. Give it one."


class LHM_OT_mirror_pose(bpy.types.Operator):
    """Mirror the avatar's pose, controls, sliders and face too; keyed if auto-keying is on"""

    bl_idname = "lhm.mirror_pose"
    bl_label = "Mirror Pose"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        way: str
    else:
        way: EnumProperty(
            name="Way",
            description="What becomes of the two sides",
            items=(
                (FLIP, "Flip", "The sides change places"),
                (LEFT, "Left to Right", "The right side does what the left one does"),
                (RIGHT, "Right to Left", "The left side does what the right one does"),
            ),
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return avatar_is_active(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Mirror it."""
        mirror_pose(context, active_armature(context), self.way)
        return {"FINISHED"}


class LHM_OT_create_pose_asset(bpy.types.Operator):
    """Keep the avatar's pose in the pose library: an asset of this file for the asset browser"""

    bl_idname = "lhm.create_pose_asset"
    bl_label = "Create Pose Asset"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        name: str
    else:
        name: StringProperty(name="Name", description="Of the pose", default="Pose")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return avatar_is_active(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make it."""
        if not self.name.strip():
            self.report({"ERROR"}, NO_NAME)
            return {"CANCELLED"}
        armature = active_armature(context)
        made = create_pose_asset(context, armature, self.name.strip())
        cloud = cloud_of(armature)
        depsgraph = context.evaluated_depsgraph_get()
        picture = None if cloud is None else pose_picture(depsgraph, armature, cloud)
        if picture is not None:
            set_preview(made, picture)
        self.report({"INFO"}, f"The pose {made.name!r} is in the asset browser, under Current File")
        return {"FINISHED"}


CLASSES = (LHM_OT_mirror_pose, LHM_OT_create_pose_asset)
