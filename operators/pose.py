"""Pose an avatar, and let it walk."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..engine.avatar.body import JOINT_COUNT, BodyParams, joint_index
from ..engine.motion.builtin.walk import DEFAULT_FPS, walk
from ..properties import POSE_ITEMS
from ..rigging.actions import add_action
from ..rigging.pose_tools import strike_pose
from ..rigging.poses import photo_pose, rest_pose
from .avatars import NO_AVATAR, active_armature, rest_joints

_ARMS_DOWN = np.radians(45)
_SLOWEST_FPS = 8.0  # below, a step would have too few poses; the walk is made finer and keyed between frames


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
        if active_armature(context) is None:
            cls.poll_message_set(NO_AVATAR)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set it."""
        armature = active_armature(context)
        keying = context.scene.tool_settings.use_keyframe_insert_auto
        taken = None if keying else take_off_action(armature)
        strike_pose(context, armature, pose_by_name(armature, self.pose))
        if taken is not None:
            self.report({"INFO"}, f"The motion {taken.name!r} was taken off; it is still in the file")
        return {"FINISHED"}


class LHM_OT_add_walk(bpy.types.Operator):
    """Make the avatar walk: adds an Action to its armature"""

    bl_idname = "lhm.add_walk"
    bl_label = "Add Walk"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        travel: bool
        cycles: int
        set_range: bool
    else:
        travel: BoolProperty(name="Walk Forward", description="Cover ground; otherwise walk on the spot")
        cycles: IntProperty(name="Double Steps", description="How many", default=4, min=1, max=200)
        set_range: BoolProperty(
            name="Set Frame Range",
            description="Let the scene end with the walk: it then repeats",
            default=True,
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        if active_armature(context) is None:
            cls.poll_message_set(NO_AVATAR)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        frames = add_walk(context, active_armature(context), cycles=self.cycles, travel=self.travel)
        if self.set_range:
            context.scene.frame_end = context.scene.frame_start + frames - 1
        return {"FINISHED"}


def add_walk(
    context: bpy.types.Context, armature: bpy.types.Object, *, cycles: int = 4, travel: bool = False
) -> int:
    """Let an avatar walk from the scene's first frame on, at the scene's frame rate.

    Args:
        context: Has the scene.
        armature: Of the avatar.
        cycles: Double steps.
        travel: Whether it covers ground.

    Returns:
        How many frames the walk takes; after them it begins anew without a jump.
    """
    scene = context.scene
    fps = scene.render.fps / scene.render.fps_base
    motion = walk(rest_joints(armature), fps if fps >= _SLOWEST_FPS else DEFAULT_FPS, cycles, travel=travel)
    take_off_action(armature)
    add_action(armature, motion, start=scene.frame_start, fps=fps)
    scene.frame_set(scene.frame_start)
    return max(round(len(motion.pose) * fps / motion.fps), 1)


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


CLASSES = (LHM_OT_pose_avatar, LHM_OT_add_walk)
