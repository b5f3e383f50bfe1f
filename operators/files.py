"""Avatar files (.lhma): into the scene, and out of it."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..engine.avatar.avatar import Avatar
from ..engine.avatar.body import BodyParams
from ..engine.avatar.errors import AvatarError
from ..engine.avatar.shape import ShapeSpace
from ..engine.formats.avatar_file import SUFFIX, load_avatar, save_avatar
from ..properties import POSE_ITEMS
from ..rigging.face_mesh import has_face, read_face
from ..rigging.pointcloud import read_attribute, read_binding, read_gaussians
from ..rigging.poses import get_pose, photo_pose
from ..rigging.shape_store import PHOTO_BETAS, has_shape, photo_betas, present_betas, read_shape
from .avatars import NO_AVATAR, active_armature, cloud_of, metadata_of, rest_joints
from .reconstruction import Made, place

log = logging.getLogger(__name__)

FACE_LEFT_OUT = "The file holds no face that can be moved: this avatar has lost a part of its own"
SHAPE_LEFT_OUT = "The file holds no body shape that can be changed: this avatar has lost a part of its own"


class LHM_OT_import_avatar(ImportHelper, bpy.types.Operator):
    """Put an avatar from a file into the scene, standing at the 3D cursor"""

    bl_idname = "lhm.import_avatar"
    bl_label = "Import Avatar"
    bl_options = {"REGISTER", "UNDO"}
    filename_ext = SUFFIX

    if TYPE_CHECKING:
        filter_glob: str
        pose: str
    else:
        filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})
        pose: EnumProperty(name="Pose", description="How the avatar stands at first", items=POSE_ITEMS)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read it and place it."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            place(context, Made(load_avatar(path)), name=path.stem, pose=self.pose)
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LHM_OT_export_avatar(ExportHelper, bpy.types.Operator):
    """Write the active avatar to a file that LHM Avatars can read in any other scene"""

    bl_idname = "lhm.export_avatar"
    bl_label = "Export Avatar"
    bl_options = {"REGISTER"}
    filename_ext = SUFFIX

    if TYPE_CHECKING:
        filter_glob: str
    else:
        filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A whole avatar is active."""
        armature = active_armature(context)
        if armature is None or cloud_of(armature) is None:
            cls.poll_message_set(NO_AVATAR)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it."""
        path, armature = Path(bpy.path.abspath(self.filepath)), active_armature(context)
        avatar = avatar_of(armature)
        try:
            save_avatar(path, avatar)
        except OSError as error:
            self.report({"ERROR"}, f"{path} cannot be written ({error.strerror}). Choose another folder.")
            return {"CANCELLED"}
        if has_shape(armature) and avatar.shape is None:
            self.report({"WARNING"}, SHAPE_LEFT_OUT)
        if has_face(cloud_of(armature)) and avatar.face is None:
            self.report({"WARNING"}, FACE_LEFT_OUT)
        return {"FINISHED"}


def avatar_of(armature: bpy.types.Object) -> Avatar:
    """The avatar in the scene as a value: as it was made, whatever pose it has now.

    Its floor is at height zero, which for a file just reconstructed it need not be.

    Args:
        armature: Of an avatar that still has its Gaussians.
    """
    owner = cloud_of(armature)
    cloud = owner.data  # type: ignore[union-attr]
    now, photo, space = get_pose(armature), photo_pose(armature), _shape_of(armature)
    return Avatar(
        gaussians=read_gaussians(cloud),
        binding=read_binding(cloud),
        params=BodyParams.from_pose(
            photo.pose(), betas=now.betas, expression=now.expression, transl=photo.transl
        ),
        joints=rest_joints(armature),
        seen=read_attribute(cloud, "seen").astype(np.uint8),
        metadata=metadata_of(armature) | ({} if space is None else _photo_betas(armature)),
        shape=space,
        face=read_face(owner),
    )


def _shape_of(armature: bpy.types.Object) -> ShapeSpace | None:
    """The shape space; None where there is none or a part of it is lost. An avatar is whole without it."""
    try:
        if has_shape(armature):
            photo_betas(armature)  # a part like the others
        return read_shape(armature, cloud_of(armature).data)
    except AvatarError:
        log.warning(SHAPE_LEFT_OUT, exc_info=True)
        return None


def _photo_betas(armature: bpy.types.Object) -> dict[str, list[float]]:
    """The photo's betas for the metadata, where the body has others by now."""
    photo = photo_betas(armature)
    return {} if np.array_equal(photo, present_betas(armature)) else {PHOTO_BETAS: photo.tolist()}


def _import_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(LHM_OT_import_avatar.bl_idname, text=f"LHM Avatar ({SUFFIX})")


def _export_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(LHM_OT_export_avatar.bl_idname, text=f"LHM Avatar ({SUFFIX})")


def attach(undo: ExitStack) -> None:
    """Add the entries to File > Import and File > Export."""
    for menu, entry in (
        (bpy.types.TOPBAR_MT_file_import, _import_menu),
        (bpy.types.TOPBAR_MT_file_export, _export_menu),
    ):
        menu.append(entry)
        undo.callback(menu.remove, entry)


CLASSES = (LHM_OT_import_avatar, LHM_OT_export_avatar)
