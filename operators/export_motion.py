"""The avatar's motion as a file for other programs."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import EnumProperty, IntProperty
from bpy_extras.io_utils import ExportHelper

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.errors import AvatarError
from ..engine.motion.motion import Motion
from ..engine.motion.retarget.calibrate import REST
from ..engine.motion.retarget.retarget import Retargeting, retarget
from ..engine.motion.retarget.root import Placing
from ..engine.motion.writers.bvh import write_bvh
from ..engine.motion.writers.smplx_files import write_amass, write_lhm
from ..rigging.shape_store import has_shape, present_betas
from ..rigging.takes import take_of
from .avatars import NO_AVATAR, active_armature, rest_joints

BVH, AMASS, LHM = "BVH", "AMASS", "LHM"
_FORMATS = (
    (BVH, "BVH", "A skeleton and its motion, centimetres, y up; for nearly every program"),
    (AMASS, "AMASS / SMPL-X (.npz)", "Body parameters per frame, z up"),
    (LHM, "LHM Folder", "A JSON file per frame, as LHM's own program reads them"),
)
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
        if active_armature(context) is None:
            cls.poll_message_set(NO_AVATAR)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Sample and write."""
        armature, scene = active_armature(context), context.scene
        path = Path(bpy.path.abspath(self.filepath))
        path = path.with_suffix(_ENDINGS[self.form])
        frames = range(self.first or scene.frame_start, (self.last or scene.frame_end) + 1)
        try:
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
    return retarget(take, bones, rest_joints(armature), choices).motion


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


def _size(armature: bpy.types.Object) -> float:
    return float(np.mean(armature.matrix_world.to_scale()))


def _menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(LHM_OT_export_motion.bl_idname, text="Motion of Avatar (.bvh, .npz, LHM)")


def attach(undo: ExitStack) -> None:
    """Put the exporter into File > Export."""
    bpy.types.TOPBAR_MT_file_export.append(_menu)
    undo.callback(bpy.types.TOPBAR_MT_file_export.remove, _menu)


CLASSES = (LHM_OT_export_motion,)
