"""Give an avatar one of the motions that come with the extension."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..engine.motion.builtin.catalogue import BUILT_IN
from ..engine.motion.builtin.walk import DEFAULT_FPS
from ..rigging.actions import add_action
from .avatars import active_armature, avatar_takes_keys, rest_joints
from .pose import take_off_action

_SLOWEST_FPS = 8.0  # below, a step would have too few poses; the motion is made finer, keyed between frames


class LHM_OT_add_motion(bpy.types.Operator):
    """Let the avatar move: adds an Action to its armature; an earlier one stays in the file"""

    bl_idname = "lhm.add_motion"
    bl_label = "Add Motion"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        motion: str
        travel: bool
        cycles: int
        set_range: bool
    else:
        motion: EnumProperty(
            name="Motion",
            description="What the avatar does",
            items=[(name, entry.label, entry.description) for name, entry in BUILT_IN.items()],
            default="walk",
        )
        travel: BoolProperty(name="Forward", description="Cover ground; otherwise stay on the spot")
        cycles: IntProperty(
            name="Times", description="How often: pairs of steps, waves", default=4, min=1, max=200
        )
        set_range: BoolProperty(
            name="Set Frame Range",
            description="Let the scene end with the motion: what is a loop then repeats",
            default=True,
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return avatar_takes_keys(cls, context)

    def draw(self, context: bpy.types.Context) -> None:
        """Only what the motion knows."""
        self.layout.use_property_split = True
        self.layout.prop(self, "motion")
        for option in sorted(BUILT_IN[self.motion].options):
            self.layout.prop(self, option)
        self.layout.prop(self, "set_range")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        wanted = {"cycles": self.cycles, "travel": self.travel}
        options = {name: wanted[name] for name in BUILT_IN[self.motion].options}
        frames = add_motion(context, active_armature(context), self.motion, **options)
        if self.set_range:
            context.scene.frame_end = context.scene.frame_start + frames - 1
        return {"FINISHED"}


def add_motion(
    context: bpy.types.Context, armature: bpy.types.Object, name: str, **options: int | bool
) -> int:
    """Let an avatar move from the scene's first frame on, at the scene's frame rate.

    Args:
        context: Has the scene.
        armature: Of the avatar.
        name: Of a built-in motion.
        **options: Of that motion, see `BUILT_IN`.

    Returns:
        How many frames it takes; after them a loop begins anew without a jump.
    """
    scene = context.scene
    fps = scene.render.fps / scene.render.fps_base
    pace = fps if fps >= _SLOWEST_FPS else DEFAULT_FPS
    motion = BUILT_IN[name].maker(rest_joints(armature), pace, **options)
    take_off_action(armature)
    add_action(armature, motion, start=scene.frame_start, fps=fps)
    scene.frame_set(scene.frame_start)
    return max(round(len(motion.pose) * fps / motion.fps), 1)


CLASSES = (LHM_OT_add_motion,)
