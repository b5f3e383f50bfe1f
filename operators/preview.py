"""Set up a picture of an avatar: camera, background, render engine, colours as in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Vector

from ..engine.avatar.errors import AvatarError
from ..rendering.preview_engine import ENGINE_ID
from ..rigging.pointcloud import read_gaussians
from .avatars import NO_AVATAR, active_armature, cloud_of

if TYPE_CHECKING:
    from ..engine.avatar.arrays import Float

CAMERA, BACKGROUND = "Avatar Camera", "Avatar Background"
_GREY = (0.36, 0.38, 0.41)  # scene-linear; a plain wall that sets off dark and light clothes alike
_LENS = 60.0  # millimetres: as for a portrait, faces keep their shape
_MARGIN = 1.12  # air around the person
_STRAYS = 0.002  # share of Gaussians on either side that do not count for the frame
_LOOK_DOWN = 0.08  # slope: the camera stands a little above the person's middle


@dataclass(frozen=True)
class Extent:
    """Where a person is and how large, in Blender's world.

    Args:
        center: Metres. [3]
        height: Metres.
        radius: Of the upright cylinder around the person, metres.
    """

    center: Vector
    height: float
    radius: float


class LHM_OT_set_up_preview(bpy.types.Operator):
    """Render with LHM Preview, colours as in the photo; adds a camera on the avatar if the scene has none"""

    bl_idname = "lhm.set_up_preview"
    bl_label = "Set Up Preview Render"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An avatar is active."""
        armature = active_armature(context)
        if armature is None or cloud_of(armature) is None:
            cls.poll_message_set(NO_AVATAR)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set it up."""
        try:
            if context.scene.camera is None:
                add_camera(context, active_armature(context))
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        set_up_preview(context.scene)
        return {"FINISHED"}


class LHM_OT_show_colors(bpy.types.Operator):
    """Show avatars in the viewport with their own colors: Solid mode, unlit"""

    bl_idname = "lhm.show_colors"
    bl_label = "Show Avatar Colors"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change how Solid mode draws."""
        for shading in viewports(context):
            shading.type, shading.light, shading.color_type = "SOLID", "FLAT", "VERTEX"
        return {"FINISHED"}


def viewports(context: bpy.types.Context) -> list[bpy.types.View3DShading]:
    """How the 3D Viewports on the screen draw; none in background."""
    areas = context.screen.areas if context.screen is not None else ()
    return [area.spaces.active.shading for area in areas if area.type == "VIEW_3D"]


def reveal_colors(context: bpy.types.Context) -> None:
    """Have Solid mode show the colours of attributes, not of materials: avatars have the former."""
    for shading in viewports(context):
        if shading.color_type == "MATERIAL":
            shading.color_type = "VERTEX"


def set_up_preview(scene: bpy.types.Scene) -> None:
    """Render a scene with LHM Preview, show colours as they are, and have a background if there is none."""
    scene.render.engine = ENGINE_ID
    if scene.world is None:
        scene.world = bpy.data.worlds.new(BACKGROUND)
        scene.world.color = _GREY
    scene.view_settings.view_transform = "Standard"  # AgX and Filmic would change the photo's colours


def add_camera(
    context: bpy.types.Context, armature: bpy.types.Object, azimuth: float = 30.0
) -> bpy.types.Object:
    """Add a camera that sees the whole person, and make it the scene's.

    Args:
        context: Has the scene.
        armature: Of the avatar.
        azimuth: Degrees to the person's left from straight in front.
    """
    extent = extent_of(context, armature)
    camera = bpy.data.objects.new(CAMERA, bpy.data.cameras.new(CAMERA))
    camera.data.lens = _LENS
    context.scene.collection.objects.link(camera)
    context.scene.camera = camera
    aim(context.scene, camera, extent, azimuth)
    return camera


def aim(scene: bpy.types.Scene, camera: bpy.types.Object, extent: Extent, azimuth: float) -> None:
    """Move a camera so that it sees the whole person from one side.

    Args:
        scene: Has the picture's proportions.
        camera: A perspective one.
        extent: Of the person.
        azimuth: Degrees to the person's left (+X) from straight in front (-Y).
    """
    render = scene.render
    width, height = render.resolution_x * render.pixel_aspect_x, render.resolution_y * render.pixel_aspect_y
    half = camera.data.sensor_width / (2 * camera.data.lens)
    tan_x, tan_y = half * min(1, width / height), half * min(1, height / width)
    distance = extent.radius + _MARGIN * max(extent.height / 2 / tan_y, extent.radius / tan_x)
    angle = radians(azimuth)
    direction = Vector((sin(angle), -cos(angle), _LOOK_DOWN))
    camera.location = extent.center + distance * direction.normalized()
    camera.rotation_euler = (extent.center - camera.location).to_track_quat("-Z", "Y").to_euler()


def extent_of(context: bpy.types.Context, armature: bpy.types.Object) -> Extent:
    """Measure an avatar as it stands now.

    Raises:
        AvatarError: If it has no Gaussians.
    """
    points = world_points(context, armature)
    if not len(points):
        raise AvatarError(
            f"{armature.name!r} has no splats left to look at. Undo that, or import the avatar again."
        )
    low, high = np.quantile(points, (_STRAYS, 1 - _STRAYS), axis=0)
    center = (low + high) / 2
    around = np.linalg.norm(points[:, :2] - center[:2], axis=1)
    return Extent(Vector(center), float(high[2] - low[2]), float(np.quantile(around, 1 - _STRAYS)))


def world_points(context: bpy.types.Context, armature: bpy.types.Object) -> Float:
    """Centres of an avatar's posed Gaussians, Blender's world, metres. [N, 3]

    Display modifiers are left out: they turn points into faces.
    """
    cloud = cloud_of(armature)
    display = [
        modifier for modifier in cloud.modifiers if modifier.name == "LHM Display" and modifier.show_viewport
    ]
    for modifier in display:
        modifier.show_viewport = False
    try:
        evaluated = cloud.evaluated_get(context.evaluated_depsgraph_get())
        means = read_gaussians(evaluated.data).means
        matrix = np.array(evaluated.matrix_world)
    finally:
        for modifier in display:
            modifier.show_viewport = True
    return means @ matrix[:3, :3].T + matrix[:3, 3]


CLASSES = (LHM_OT_set_up_preview, LHM_OT_show_colors)
