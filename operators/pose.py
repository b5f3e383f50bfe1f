"""Pose an avatar."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import EnumProperty

from ..engine.avatar.body import JOINT_COUNT, BodyParams, joint_index
from ..properties import POSE_ITEMS
from ..rigging.pose_tools import strike_pose
from ..rigging.poses import photo_pose, rest_pose
from .avatars import active_armature, avatar_is_active

_ARMS_DOWN = np.radians(45)


class LHM_OT_pose_avatar(bpy.types.Operator):
    """Put the avatar into a pose. With auto-keying it is keyed; without, a motion is taken off and kept"""

    bl_idname = "lhm.pose_avatar"
    bl_label = "Pose Avatar"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        pose: str
    else:
        pose: EnumProperty(
            name="Pose", items=(*POSE_ITEMS, ("a", "A-Pose", "Stand upright with the arms half down"))
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return avatar_is_active(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set it."""
        armature = active_armature(context)
        keying = context.scene.tool_settings.use_keyframe_insert_auto
        taken = None if keying else take_off_action(armature)
        strike_pose(context, armature, pose_by_name(armature, self.pose))
        if taken is not None:
            self.report({"INFO"}, f"The motion {taken.name!r} was taken off; it is still in the file")
        return {"FINISHED"}


def pose_by_name(armature: bpy.types.Object, name: str) -> BodyParams:
    """The pose ``photo``, ``rest`` or ``a`` of an avatar, standing on the ground."""
    return {"photo": photo_pose, "rest": lambda _: rest_pose(), "a": lambda _: a_pose()}[name](armature)


def a_pose() -> BodyParams:
    """Upright, arms half down: turned about the body's forward axis."""
    pose = np.zeros((JOINT_COUNT, 3), np.float32)
    pose[joint_index("left_shoulder"), 2] = -_ARMS_DOWN
    pose[joint_index("right_shoulder"), 2] = _ARMS_DOWN
    return replace(BodyParams.from_pose(pose), transl=rest_pose().transl)


def take_off_action(armature: bpy.types.Object) -> bpy.types.Action | None:
    """Stop the Action that an armature plays, and keep it in the file."""
    animation = armature.animation_data
    action = animation.action if animation else None
    if action is not None:
        action.use_fake_user = True
        animation.action = None
    return action


CLASSES = (LHM_OT_pose_avatar,)
