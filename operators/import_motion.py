"""Motions from files onto the active avatar."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty

from ..engine.avatar.errors import AvatarError
from ..engine.motion.onto import Carried, Wishes, onto
from ..engine.motion.readers import read_motion
from ..engine.motion.take import Take
from ..properties import job_state
from .asked_job import AskedJob
from .avatars import active_armature
from .bone_maps import Table, chosen_bones, note_source
from .jobs import Job
from .landing import Landing, OntoAvatar, avatar_named, land, ready
from .motion_questions import UP_AXES, Guesses, ask_about, guesses
from .thread_job import ThreadJob

MOTION_SUFFIXES = (
    *(".bvh", ".npz", ".npy", ".pkl", ".pt", ".pth", ".json", ".glb", ".gltf", ".vrma"),
    ".csv",
)
_READING_SHARE = 0.7  # of a job


class LHM_OT_import_motion(OntoAvatar, AskedJob, bpy.types.Operator):
    """Let the avatar play a recorded motion or face: BVH, AMASS, SMPL-X, LHM, glTF, VRMA, Live Link Face"""

    bl_idname = "lhm.import_motion"
    bl_label = "Import Motion"
    bl_options = {"REGISTER", "UNDO"}
    title = "Import Motion"
    handed_on = ("filepath", "up", "fps", "person", *OntoAvatar.shared)

    if TYPE_CHECKING:
        filepath: str
        filter_glob: str
        up: str
        fps: float
        person: int
        avatar: str
    else:
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
        filter_glob: StringProperty(
            default=";".join(f"*{suffix}" for suffix in MOTION_SUFFIXES), options={"HIDDEN"}
        )
        # Another file says other things: these are not remembered.
        up: EnumProperty(
            name="Up", description="Which axis of the file points up", items=UP_AXES, options={"SKIP_SAVE"}
        )
        fps: FloatProperty(
            name="Frame Rate",
            description="Frames per second of the file, if it is wrong or does not say; 0 takes the file's",
            default=0.0,
            min=0.0,
            soft_max=240.0,
            options={"SKIP_SAVE"},
        )
        person: IntProperty(
            name="Person",
            description="Which of several people in the file, from 1; 0 takes the one that is seen longest",
            default=0,
            min=0,
            options={"SKIP_SAVE"},
        )
        avatar: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active, and nothing else goes on."""
        return ready(cls, context)

    def ask(self, context: bpy.types.Context) -> set[str]:
        """Open the file browser, unless a file was dropped; a folder of frames is chosen by entering it."""
        if self.filepath:
            return self._go(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        """Beside the files."""
        layout = self.layout
        layout.use_property_split = True
        layout.label(text="An LHM folder: enter it")
        for name in ("up", "fps", "person"):
            layout.prop(self, name)
        self.draw_choices(layout)

    def start(self, context: bpy.types.Context) -> Job:
        """Read, carry over and hold the feet, beside the window."""
        armature = active_armature(context) if not self.avatar else avatar_named(context, self.avatar)
        if not self.filepath:
            raise AvatarError("No file was chosen. Choose a motion file, or enter a folder of LHM frames.")
        path, landing = Path(bpy.path.abspath(self.filepath)), self.landing(context, armature)
        reading = {"up": self.up, "fps": self.fps or None, "person": self.person - 1 if self.person else None}
        choice = _FileChoice(path, reading, landing, self.wishes(landing, None), chosen_bones(context))
        return ThreadJob(choice.carry, "Reading the motion")

    def finish(self, context: bpy.types.Context, job: Job) -> set[str]:
        """In a window: ask for what the file does not tell, before anything is changed."""
        outcome = job.result()
        if not outcome.guesses or isinstance(outcome.carried, AvatarError):
            return self._used(context, outcome)
        given = {name: getattr(self, name) for name in self.handed_on}
        name = Path(self.filepath).name
        job_state(context).end(f"{name} waits for your answer")
        ask_about(name, outcome.guesses, given | {"avatar": outcome.landing.avatar})
        return {"CANCELLED"}  # no undo step: nothing was changed

    def use(self, context: bpy.types.Context, outcome: "FromFile") -> str:
        """Put it on the avatar that was active when it began."""
        if outcome.bones:
            note_source(context, Path(self.filepath).name, outcome.bones)
        if isinstance(outcome.carried, AvatarError):
            raise outcome.carried
        return land(context, outcome.landing, outcome.carried, self)


@dataclass(frozen=True)
class FromFile:
    """What came of a file.

    Args:
        landing: Where and how.
        carried: The motion, or why it could not be carried over although it was read.
        bones: Of the file's skeleton; none for SMPL-like files.
        guesses: What the file does not tell.
    """

    landing: Landing
    carried: Carried | AvatarError
    bones: tuple[str, ...]
    guesses: Guesses


@dataclass(frozen=True)
class _FileChoice:
    """All that a thread needs, as values."""

    path: Path
    reading: dict[str, Any]
    landing: Landing
    wishes: Wishes
    table: Table

    def carry(self, report: Callable[[float], None]) -> FromFile:
        """Read the file and carry it over."""
        source = read_motion(self.path, **self.reading, progress=lambda done: report(_READING_SHARE * done))
        names = source.names if isinstance(source, Take) else ()
        wishes = replace(self.wishes, bones=self.table.fitting(names) if names else None)
        report(_READING_SHARE)
        try:
            return FromFile(self.landing, onto(source, self.landing.joints, wishes), names, guesses(source))
        except AvatarError as error:  # the table of bones is to show what was read all the same
            return FromFile(self.landing, error, names, guesses(source))


class LHM_FH_motion(bpy.types.FileHandler):
    """Motion files dropped on the viewport go onto the active avatar."""

    bl_idname = "LHM_FH_motion"
    bl_label = "Motion"
    bl_import_operator = "lhm.import_motion"
    bl_file_extensions = ";".join(s for s in MOTION_SUFFIXES if s not in (".glb", ".gltf", ".json"))

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Over a 3D viewport, with an avatar active."""
        return bool(context.area and context.area.type == "VIEW_3D") and active_armature(context) is not None


def _menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(LHM_OT_import_motion.bl_idname, text="Motion onto Avatar (.bvh, .npz, ...)")


def attach(undo: ExitStack) -> None:
    """Put the importer into File > Import."""
    bpy.types.TOPBAR_MT_file_import.append(_menu)
    undo.callback(bpy.types.TOPBAR_MT_file_import.remove, _menu)


CLASSES = (LHM_OT_import_motion, LHM_FH_motion)
