"""The avatar's motion for other programs, as a file, and for other armatures of the scene."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.errors import AvatarError
from ..engine.motion.face.on_motion import expressed
from ..engine.motion.motion import Motion
from ..engine.motion.retarget.calibrate import REST
from ..engine.motion.retarget.retarget import Retargeting, retarget
from ..engine.motion.retarget.root import Placing
from ..engine.motion.writers.bvh import write_bvh
from ..engine.motion.writers.smplx_files import write_amass, write_lhm
from ..engine.protocol import Cancelled, Progress
from ..rigging.other_rigs import RigBaker
from ..rigging.shape_store import has_shape, present_betas
from ..rigging.takes import take_of
from .asked_job import AskedJob
from .avatars import active_armature, avatar_is_active, rest_joints
from .bone_maps import chosen_bones, note_source
from .jobs import Job, idle

BVH, AMASS, LHM = "BVH", "AMASS", "LHM"
_FORMATS = (
    (BVH, "BVH", "A skeleton and its motion, centimetres, y up; for nearly every program"),
    (AMASS, "AMASS / SMPL-X (.npz)", "Body and face per frame, z up"),
    (LHM, "LHM Folder", "A JSON file per frame, as LHM's own program reads them"),
)
NO_TARGET = "Select the armature that gets the motion, then the avatar's armature last (Shift-click)"
_ENDINGS = {BVH: ".bvh", AMASS: ".npz", LHM: ""}


class LHM_OT_export_motion(ExportHelper, bpy.types.Operator):
    """Write what the avatar does as BVH, AMASS archive or LHM frames"""

    bl_idname = "lhm.export_motion"
    bl_label = "Export Motion"
    bl_options = {"REGISTER"}
    filename_ext = ".bvh"
    check_extension = None

    if TYPE_CHECKING:
        form: str
        first: int
        last: int
    else:
        form: EnumProperty(name="Format", description="Of the file", items=_FORMATS)
        first: IntProperty(name="First Frame", description="0 takes the scene's", default=0)
        last: IntProperty(name="Last Frame", description="0 takes the scene's", default=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return avatar_is_active(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Sample and write."""
        armature, scene = active_armature(context), context.scene
        frames = range(self.first or scene.frame_start, (self.last or scene.frame_end) + 1)
        path = Path()
        try:
            path = _path(self.filepath, self.form)
            motion = played(context, armature, frames)
            write(path, self.form, motion, armature)
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except OSError as error:
            self.report({"ERROR"}, f"{path} cannot be written ({error.strerror}). Choose another folder.")
            return {"CANCELLED"}
        self.report({"INFO"}, f"{motion.count} frames written to {path}")
        return {"FINISHED"}


class LHM_OT_bake_to_rig(AskedJob, bpy.types.Operator):
    """Let another armature do what the avatar does, but for its face: Rigify, Mixamo, Unreal or any other"""

    bl_idname = "lhm.bake_to_rig"
    bl_label = "Bake to Armature"
    bl_options = {"REGISTER", "UNDO"}
    title = "Bake to Armature"

    if TYPE_CHECKING:
        target: str
        first: int
        last: int
    else:
        target: StringProperty(
            name="Armature", description="Gets the motion; by default the other one selected"
        )
        first: IntProperty(name="First Frame", description="0 takes the scene's", default=0)
        last: IntProperty(name="Last Frame", description="0 takes the scene's", default=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active, and nothing else goes on."""
        return avatar_is_active(cls, context) and idle(cls)

    def start(self, context: bpy.types.Context) -> Job:
        """Sample the avatar; a rig with constraints is then posed frame by frame."""
        armature, scene = active_armature(context), context.scene
        others = [o for o in context.selected_objects if o.type == "ARMATURE" and o != armature]
        target = bpy.data.objects.get(self.target) if self.target else (others[0] if others else None)
        if target is None or target.type != "ARMATURE" or target == armature:
            raise AvatarError(f"{NO_TARGET}.")
        if target.library is not None:
            raise AvatarError(
                f"{target.name!r} is linked from another file. Override it "
                "(Object > Library Override > Make), then try again."
            )
        frames = range(self.first or scene.frame_start, (self.last or scene.frame_end) + 1)
        names = [bone.name for bone in target.data.bones]
        motion = played(context, armature, frames)
        bones = chosen_bones(context).fitting(names)
        note_source(context, target.name, names)
        baker = RigBaker(context, target, motion, rest_joints(armature), bones)
        return _BakeJob(baker, target.name, motion.count, frames[0])

    def use(self, context: bpy.types.Context, outcome: "_BakeJob") -> str:
        """Key the other armature."""
        render = context.scene.render
        outcome.baker.keyed(start=outcome.start, fps=render.fps / render.fps_base)
        return f"{outcome.count} frames keyed on {outcome.name}"


class _BakeJob:
    """Poses the rig in Blender's main thread, some frames at each look."""

    def __init__(self, baker: RigBaker, name: str, count: int, start: int) -> None:
        self.baker, self.name, self.count, self.start = baker, name, count, start
        self._cancelled = False

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(0, "", self.baker.fraction, "Posing the armature")

    def poll(self) -> bool:
        """Go on a little."""
        return self._cancelled or self.baker.step()

    def result(self) -> "_BakeJob":
        """Itself: it is the baker that makes the keys."""
        if self._cancelled:
            raise Cancelled("Bake to Armature")
        return self

    def cancel(self) -> None:
        """Stop posing."""
        self._cancelled = True

    def close(self) -> None:
        """Leave the armature as it was, if it has no keys yet."""
        self.baker.close()


def played(context: bpy.types.Context, armature: bpy.types.Object, frames: range) -> Motion:
    """What an avatar's armature does, with layers, constraints and the object's own way through the scene.

    Args:
        context: Has the scene.
        armature: Of the avatar.
        frames: Of the scene.

    Raises:
        AvatarError: If there is no frame.
    """
    placing = Placing(travel=True, floor=False, heading=False, origin=False)
    take = take_of(context, armature, frames)
    bones = {name: name for name in JOINT_NAMES}
    # The armature's rest pose is the body's own, so it is the calibration, and nothing is guessed.
    choices = Retargeting(scale=1.0 / _size(armature), frame=REST, placing=placing)
    motion = retarget(take, bones, rest_joints(armature), choices).motion
    return expressed(motion, take.curves)


def write(path: Path, form: str, motion: Motion, armature: bpy.types.Object) -> None:
    """Write a motion of an avatar.

    Args:
        path: Of the file, or of the folder for LHM.
        form: :data:`BVH`, :data:`AMASS` or :data:`LHM`.
        motion: Of this avatar.
        armature: Gives joints and betas.

    Raises:
        AvatarError: If an LHM folder holds frames already.
        OSError: If it cannot be written.
    """
    joints = rest_joints(armature)
    if form == BVH:
        write_bvh(path, motion, joints)
    elif form == AMASS:
        betas = present_betas(armature) if has_shape(armature) else np.zeros(10)
        write_amass(path, motion, joints, betas)
    else:
        write_lhm(path, motion, joints)


def _path(filepath: str, form: str) -> Path:
    """Where to write: the format's ending in place of another one's, else behind the name.

    Raises:
        AvatarError: If no name was given.
    """
    path = Path(bpy.path.abspath(filepath))
    if not path.name:
        raise AvatarError("No file was chosen. Give it a name and a folder.")
    stem = path.stem if path.suffix.lower() in _ENDINGS.values() else path.name  # the .01 of take.01 stays
    return path.with_name(stem + _ENDINGS[form])


def _size(armature: bpy.types.Object) -> float:
    return float(np.mean(armature.matrix_world.to_scale()))


def _menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(LHM_OT_export_motion.bl_idname, text="Motion of Avatar (.bvh, .npz, LHM)")


def attach(undo: ExitStack) -> None:
    """Put the exporter into File > Export."""
    bpy.types.TOPBAR_MT_file_export.append(_menu)
    undo.callback(bpy.types.TOPBAR_MT_file_export.remove, _menu)


CLASSES = (LHM_OT_export_motion, LHM_OT_bake_to_rig)
