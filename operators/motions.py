"""Motions from files and from other armatures, onto the active avatar."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ..engine.avatar.body import bundled_body
from ..engine.avatar.errors import AvatarError
from ..engine.motion.onto import Carried, FaceWishes, Wishes, onto
from ..engine.motion.readers import read_motion
from ..engine.motion.retarget.retarget import Retargeting
from ..engine.motion.retarget.root import Placing
from ..engine.motion.simplify import Tolerance
from ..engine.motion.take import Take
from ..engine.protocol import Cancelled, Progress
from ..engine.weights.catalogue import asset
from ..engine.weights.store import files
from ..preferences import models_root
from ..properties import job_state
from ..rigging.avatar_objects import AVATAR_KEY
from ..rigging.face_curves import face_shapes
from ..rigging.motion_layers import Layers, add_face, add_motion, push_down
from ..rigging.takes import TakeSampler
from .asked_job import AskedJob
from .avatars import active_armature, avatar_takes_keys, rest_joints
from .bone_maps import Table, chosen_bones, note_source
from .jobs import Job, idle
from .looks import model_status
from .motion_questions import UP_AXES, Guesses, ask_about, guesses
from .pose import take_off_action
from .thread_job import ThreadJob

MOTION_SUFFIXES = (
    *(".bvh", ".npz", ".npy", ".pkl", ".pt", ".pth", ".json", ".glb", ".gltf", ".vrma"),
    ".csv",
)
NO_SOURCE = "Select the armature that moves, then the avatar's armature last (Shift-click)"
_READING_SHARE, _SAMPLING_SHARE = 0.7, 0.9  # of a job
_SMPLX = "smplx"  # among the models
LAYER, KEYS, OFF = "LAYER", "KEYS", "OFF"
_FEET = (
    (LAYER, "As a Layer", "Standing feet stand still; a track of the NLA that can be muted"),
    (KEYS, "In the Keys", "Standing feet stand still; one Action, ready to be edited"),
    (OFF, "Off", "As recorded"),
)
EVERY, SIMPLIFIED = "EVERY", "SIMPLIFIED"
_KEYS = (
    (EVERY, "Every Frame", "As exact as the motion"),
    (SIMPLIFIED, "Simplified", "Fewer keys to edit: none where a straight way between others is near enough"),
)


@dataclass(frozen=True)
class Landing:
    """How a motion is put on the avatar.

    Args:
        avatar: Name of the armature.
        joints: Its rest joints. [55, 3]
        start: Frame of the first pose.
        fps: Of the scene.
        feet: :data:`LAYER`, :data:`KEYS` or :data:`OFF`.
        set_range: Whether the scene's range becomes the motion's.
        shapes: What its face can do.
        smplx: The user's own SMPL-X body, if there is one.
    """

    avatar: str
    joints: Any
    start: int
    fps: float
    feet: str
    set_range: bool
    shapes: tuple[str, ...] = ()
    smplx: Path | None = None


class _OntoAvatar:
    """What operators share that put a motion on the active avatar."""

    if TYPE_CHECKING:
        feet: str
        sliding: bool
        travel: bool
        heading: bool
        scale: float
        calibration: int
        set_range: bool
        face: bool
        head: bool
        keys: str
        degrees: float
        millimetres: float
    else:
        feet: EnumProperty(name="Hold Feet", description="Keep standing feet from sliding", items=_FEET)
        sliding: BoolProperty(
            name="Stop Drift",
            description="Take back the way that the whole body slides along the ground, as estimates from "
            "videos often do; leave it off for skating and other slides that are meant",
            default=False,
        )
        travel: BoolProperty(
            name="Travel", description="Move through the scene; otherwise stay on the spot", default=True
        )
        heading: BoolProperty(
            name="Face Forward",
            description="Begin where the avatar stands, facing where it faces; otherwise as recorded",
            default=True,
        )
        scale: FloatProperty(
            name="Scale",
            description="Metres for one unit of the source; 0 makes the legs equally long",
            default=0.0,
            min=0.0,
            soft_max=1.0,
            precision=4,
        )
        calibration: IntProperty(
            name="T-Pose Frame",
            description="Frame of the source in which the person stands straight; 0 finds it",
            default=0,
            min=0,
        )
        set_range: BoolProperty(
            name="Set Frame Range", description="Let the scene last as long as the motion", default=True
        )
        face: BoolProperty(
            name="Face",
            description="Move face, jaw and eyes as the source's face curves say, found by their names",
            default=True,
        )
        head: BoolProperty(
            name="Turn Head",
            description="Add the turns of the head that a recording of a face alone has",
            default=False,
        )
        keys: EnumProperty(name="Keys", description="How many keys each bone gets", items=_KEYS)
        degrees: FloatProperty(
            name="Turns",
            description="Degrees by which a joint may be turned otherwise than recorded on any frame",
            default=Tolerance.degrees,
            min=0.01,
            soft_max=5.0,
        )
        millimetres: FloatProperty(
            name="Way",
            description="Millimetres by which the pelvis may be elsewhere than recorded on any frame",
            default=1000 * Tolerance.metres,
            min=0.01,
            soft_max=20.0,
        )

    shared = (
        "feet",
        "sliding",
        "travel",
        "heading",
        "scale",
        "calibration",
        "set_range",
        "face",
        "head",
        "keys",
        "degrees",
        "millimetres",
    )

    def draw_choices(self, layout: bpy.types.UILayout) -> None:
        """As a column of properties."""
        for name in self.shared:
            if self._matters(name):
                layout.prop(self, name)

    def _matters(self, name: str) -> bool:
        """Whether a property changes anything with the others as they are."""
        if name == "sliding":
            return self.feet != OFF
        return self.keys == SIMPLIFIED or name not in ("degrees", "millimetres")

    def landing(self, context: bpy.types.Context, armature: bpy.types.Object) -> Landing:
        """Where and how, asked before the job begins: later another object may be active."""
        render = context.scene.render
        return Landing(
            avatar=armature.name,
            joints=rest_joints(armature),
            start=context.scene.frame_start,
            fps=render.fps / render.fps_base,
            feet=self.feet,
            set_range=self.set_range,
            shapes=face_shapes(armature),
            smplx=_own_body(context),
        )

    def wishes(self, landing: Landing, bones: dict[str, str] | None) -> Wishes:
        """What was chosen."""
        return Wishes(
            bones=bones,
            retargeting=Retargeting(
                scale=self.scale or None,
                frame=self.calibration - 1 if self.calibration else None,
                placing=Placing(travel=self.travel, heading=self.heading, origin=self.heading),
                relaxed_hands=bundled_body().hands_mean,
            ),
            fps=landing.fps,
            plant=landing.feet != OFF,
            sliding=self.sliding,
            layer=landing.feet == LAYER,
            tolerance=Tolerance(self.degrees, self.millimetres / 1000) if self.keys == SIMPLIFIED else None,
            face=FaceWishes(self.face, self.head, landing.shapes, landing.smplx),
        )


class LHM_OT_import_motion(_OntoAvatar, AskedJob, bpy.types.Operator):
    """Let the avatar play a recorded motion or face: BVH, AMASS, SMPL-X, LHM, glTF, VRMA, Live Link Face"""

    bl_idname = "lhm.import_motion"
    bl_label = "Import Motion"
    bl_options = {"REGISTER", "UNDO"}
    title = "Import Motion"
    handed_on = ("filepath", "up", "fps", "person", *_OntoAvatar.shared)

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
        return _ready(cls, context)

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
        armature = active_armature(context) if not self.avatar else _avatar(context, self.avatar)
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


class LHM_OT_retarget(_OntoAvatar, AskedJob, bpy.types.Operator):
    """Let the avatar do what another armature in the scene does; it may be linked or driven by constraints"""

    bl_idname = "lhm.retarget"
    bl_label = "Retarget from Armature"
    bl_options = {"REGISTER", "UNDO"}
    title = "Retarget"
    handed_on = ("source", "first", "last", *_OntoAvatar.shared)

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
        if not _ready(cls, context):
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
        armature = active_armature(context)
        if armature is None or not armature.animation_data or not armature.animation_data.action:
            cls.poll_message_set("Select an avatar that plays an Action")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the strip."""
        push_down(active_armature(context))
        return {"FINISHED"}


def land(context: bpy.types.Context, landing: Landing, carried: Carried, operator: Any) -> str:
    """Key a carried motion on its avatar, and say what was done.

    Args:
        context: Has the scene.
        landing: Where and how.
        carried: The motion.
        operator: Reports the notes, as warnings.

    Raises:
        AvatarError: If the avatar is no longer there.
    """
    armature = _avatar(context, landing.avatar)
    layers = place_motion(armature, landing, carried)
    scene = context.scene
    if landing.set_range:
        scene.frame_end = max(int(np.ceil(layers.frames[1])), scene.frame_start)
    scene.frame_set(landing.start)
    for note in carried.motion.notes:
        operator.report({"WARNING"}, note)
    return summary(carried)


def place_motion(armature: bpy.types.Object, landing: Landing, carried: Carried) -> Layers:
    """Key a carried motion on an avatar's armature.

    Args:
        armature: Of the avatar.
        landing: Where and how.
        carried: The motion.
    """
    if carried.motion.joints is not None:
        return add_face(armature, carried.motion, start=landing.start, fps=landing.fps, keys=carried.keys)
    take_off_action(armature)
    held = carried.planted.motion if carried.planted is not None else None
    if landing.feet == LAYER:
        motion = carried.motion
    else:
        motion, held = carried.result, None
    return add_motion(armature, motion, held, start=landing.start, fps=landing.fps, keys=carried.keys)


def _own_body(context: bpy.types.Context) -> Path | None:
    """The user's SMPL-X file, where one is set up and its licence accepted."""
    (status,) = (one for one in model_status(context).assets if one.name == _SMPLX)
    if status.state != "ready" or status.licences_missing:
        return None
    return files(_SMPLX, models_root(context))[asset(_SMPLX).main.name]


def summary(carried: Carried) -> str:
    """One sentence about a carried motion."""
    motion = carried.motion
    words = [f"{motion.name}: {motion.count} frames"]
    if carried.bones is not None:
        words.append(f"bones: {carried.bones.label}")
    if carried.planted is not None and carried.planted.contacts:
        planted = carried.planted
        words.append(f"feet slid {100 * planted.before:.1f} cm, now {100 * planted.after:.1f} cm")
    if carried.keys is not None:
        keys = carried.keys
        words.append(f"{keys.share:.0%} of the keys, joints at most {1000 * keys.farthest:.1f} mm off")
    return ", ".join(words)


def _avatar(context: bpy.types.Context, name: str) -> bpy.types.Object:
    armature = context.scene.objects.get(name)
    if armature is None:
        raise AvatarError(f"The avatar {name!r} is gone. Select an avatar and try again.")
    return armature


def _ready(operator: type, context: bpy.types.Context) -> bool:
    return avatar_takes_keys(operator, context) and idle(operator)


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


CLASSES = (LHM_OT_import_motion, LHM_OT_retarget, LHM_OT_push_down_motion, LHM_FH_motion)
