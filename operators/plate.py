"""Put the avatar into a photo or clip: background, camera, shadow on the ground, light."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..engine.avatar.errors import AvatarError
from ..properties import settings
from ..rendering.plate.plate import Choices, put_in_plate
from ..rigging.avatar_objects import AVATAR_KEY
from .avatars import active_armature, avatar_is_active

FROM_PHOTO, KEEP = "PHOTO", "KEEP"


class LHM_OT_put_in_plate(bpy.types.Operator):
    """Put the avatar into a photo or clip: plate behind it, the photo's camera, shadow on the ground"""

    bl_idname = "lhm.put_in_plate"
    bl_label = "Put in Plate"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        filepath: str
        filter_image: bool
        filter_movie: bool
        filter_folder: bool
        camera: str
        ground: bool
        light: str
        hold_out: bool
        composite: bool
    else:
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
        filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
        filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
        filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
        camera: EnumProperty(
            name="Camera",
            description="What renders are seen by",
            items=(
                (FROM_PHOTO, "From Photo", "A camera where the avatar's photo was taken from"),
                (KEEP, "Keep", "The scene's camera, as it stands"),
            ),
        )
        ground: BoolProperty(
            name="Ground Shadow",
            description="A ground at the avatar's feet that shows nothing but its shadow, in Cycles and in "
            "LHM Preview",
            default=True,
        )
        light: EnumProperty(
            name="Light",
            description="What the shadow comes from, and what lights the avatar once it is lit",
            items=(
                (
                    "PLATE",
                    "Sun and Sky",
                    "A sun from where the light of the photo came, a sky in its mean color",
                ),
                (KEEP, "Keep", "The scene's lights and world"),
            ),
        )
        hold_out: BoolProperty(
            name="Selected Hide Avatar",
            description="Selected meshes stand for things in the plate: they hide the avatar, and the "
            "plate is seen in their place",
        )
        composite: BoolProperty(
            name="Composite",
            description="Lay renders over the plate, in the scene's compositor",
            default=True,
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        return avatar_is_active(cls, context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the plate; the photo last used is offered."""
        photo = settings(context).photo
        if not self.filepath and photo and Path(bpy.path.abspath(photo)).is_file():
            self.filepath = bpy.path.abspath(photo)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set it up, and say what is not as one might expect."""
        photo = self.filepath or settings(context).photo
        try:
            said = put_in_plate(context, active_armature(context), _path(photo), self._choices(context))
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for sentence in said:
            self.report({"WARNING"}, sentence)
        self.report({"INFO"}, f"The avatar is in {Path(photo).name}")
        return {"FINISHED"}

    def _choices(self, context: bpy.types.Context) -> Choices:
        selected = [
            other for other in context.selected_objects if other.type == "MESH" and AVATAR_KEY not in other
        ]
        return Choices(
            from_photo=self.camera == FROM_PHOTO,
            ground=self.ground,
            light=self.light != KEEP,
            composite=self.composite,
            hold_out=selected if self.hold_out else (),
        )


def _path(text: str) -> Path:
    if not text:
        raise AvatarError("No photo or clip was chosen. Choose one.")
    return Path(bpy.path.abspath(text))


CLASSES = (LHM_OT_put_in_plate,)
