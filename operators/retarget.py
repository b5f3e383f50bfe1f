"""Motions from other armatures of the scene onto the active avatar."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import IntProperty, StringProperty

from ..engine.avatar.errors import AvatarError
from ..engine.motion.onto import Carried, Wishes, onto
from ..engine.protocol import Cancelled, Progress
from ..rigging.avatar_objects import AVATAR_KEY
from ..rigging.motion_layers import push_down
from ..rigging.takes import TakeSampler
from .asked_job import AskedJob
from .avatars import active_armature, avatar_takes_keys
from .bone_maps import chosen_bones, note_source
from .jobs import Job
from .landing import Landing, OntoAvatar, land, ready
from .thread_job import ThreadJob

NO_SOURCE = "Select the armature that moves, then the avatar's armature last (Shift-click)"
_SAMPLING_SHARE = 0.9  # of a job


class LHM_OT_retarget(OntoAvatar, AskedJob, bpy.types.Operator):
    """Let the avatar do what another armature in the scene does; it may be linked or driven by constraints"""

    bl_idname = "lhm.retarget"
    bl_label = "Retarget from Armature"
    bl_options = {"REGISTER", "UNDO"}
    title = "Retarget"
    handed_on = ("source", "first", "last", *OntoAvatar.shared)

    if TYPE_CHECKING:
        source: str
        first: int
        last: int
    else:
        source: StringProperty(
            name="Armature", description="The one that moves; by default the other one selected"
        )
        first: IntProperty(name="First Frame", description="Of the scene; 0 takes the Action's", default=0)
        last: IntProperty(name="Last Frame", description="Of the scene; 0 takes the Action's", default=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active, another armature is there, and nothing else goes on."""
        if not ready(cls, context):
            return False
        if not any(other.type == "ARMATURE" and AVATAR_KEY not in other for other in context.scene.objects):
            cls.poll_message_set(NO_SOURCE)
            return False
        return True

    def ask(self, context: bpy.types.Context) -> set[str]:
        """What and how, in a dialog."""
        source = _selected_source(context)
        if source is not None:
            self.source = source.name
            self.first, self.last = _range_of(context, source)
        return context.window_manager.invoke_props_dialog(self, width=360)

    def draw(self, context: bpy.types.Context) -> None:
        """The source, its frames and the choices."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop_search(self, "source", context.scene, "objects")
        layout.prop(self, "first")
        layout.prop(self, "last")
        self.draw_choices(layout)

    def start(self, context: bpy.types.Context) -> Job:
        """Sample the source bit by bit, so that the window stays alive."""
        armature = active_armature(context)
        source = bpy.data.objects.get(self.source) if self.source else _selected_source(context)
        if source is None or source.type != "ARMATURE" or source == armature:
            raise AvatarError(f"{NO_SOURCE}.")
        first, last = _range_of(context, source)
        frames = range(self.first or first, (self.last or last) + 1)
        landing = self.landing(context, armature)
        names = [bone.name for bone in source.data.bones]
        bones = chosen_bones(context).fitting(names)
        note_source(context, source.name, names)
        return _RetargetJob(TakeSampler(context, source, frames), landing, self.wishes(landing, bones))

    def use(self, context: bpy.types.Context, outcome: tuple[Landing, Carried]) -> str:
        """Put it on the avatar that was active when it began."""
        return land(context, *outcome, self)


class _RetargetJob:
    """Samples in Blender's main thread, some frames at each look, and carries over at the end."""

    def __init__(self, sampler: TakeSampler, landing: Landing, wishes: Wishes) -> None:
        self.sampler, self.landing, self.wishes = sampler, landing, wishes
        self._then: ThreadJob[tuple[Landing, Carried]] | None = None
        self._cancelled = False

    @property
    def progress(self) -> Progress:
        """How far it is."""
        if self._then is not None:
            return self._then.progress
        return Progress(0, "", _SAMPLING_SHARE * self.sampler.fraction, "Watching the armature")

    def poll(self) -> bool:
        """Go on a little."""
        if self._cancelled:
            return self._then is None or self._then.poll()
        if self._then is None and self.sampler.step():
            take, landing, wishes = self.sampler.take(), self.landing, self.wishes

            def carry(report: Callable[[float], None]) -> tuple[Landing, Carried]:
                report(_SAMPLING_SHARE)
                return landing, onto(take, landing.joints, wishes)

            self._then = ThreadJob(carry, "Carrying it over")
        return self._then is not None and self._then.poll()

    def result(self) -> tuple[Landing, Carried]:
        """The carried motion."""
        if self._then is None:
            raise Cancelled("Retarget")
        return self._then.result()

    def cancel(self) -> None:
        """Stop sampling."""
        self._cancelled = True
        if self._then is not None:
            self._then.cancel()

    def close(self) -> None:
        """Put the scene back to its frame."""
        self.sampler.close()
        if self._then is not None:
            self._then.close()


class LHM_OT_push_down_motion(bpy.types.Operator):
    """Turn the Action that the avatar plays into a strip of its NLA, so that others can follow or overlay"""

    bl_idname = "lhm.push_down_motion"
    bl_label = "Push Down Motion"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The active avatar plays an Action."""
        if not avatar_takes_keys(cls, context):
            return False
        animation = active_armature(context).animation_data
        if animation is None or animation.action is None:
            cls.poll_message_set("Select an avatar that plays an Action")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the strip."""
        armature = active_armature(context)
        armature.animation_data.use_tweak_mode = False  # in it no Action can be taken off
        if armature.animation_data.action is None:
            self.report({"INFO"}, "Tweak Mode has ended; the Action is a strip already")
            return {"FINISHED"}
        push_down(armature)
        return {"FINISHED"}


def _selected_source(context: bpy.types.Context) -> bpy.types.Object | None:
    """The other armature that is selected."""
    avatar = active_armature(context)
    others = [o for o in context.selected_objects if o.type == "ARMATURE" and o != avatar]
    return others[0] if len(others) == 1 else None


def _range_of(context: bpy.types.Context, source: bpy.types.Object) -> tuple[int, int]:
    """First and last frame of what an armature plays, else the scene's."""
    animation = source.animation_data
    if animation is not None and animation.action is not None:
        first, last = animation.action.frame_range
        return int(np.floor(first)), int(np.ceil(last))
    return context.scene.frame_start, context.scene.frame_end


CLASSES = (LHM_OT_retarget, LHM_OT_push_down_motion)
