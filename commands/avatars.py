"""``reconstruct``, ``check`` and ``render``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy

from ..engine.avatar.errors import AvatarError
from ..operators.photo_check import start_check
from ..operators.preview import add_camera, set_up_preview
from ..operators.reconstruction import reconstruct_photo
from ..preferences import engines
from ..rigging.avatar_objects import AVATAR_KEY
from .arguments import PICTURE_ENGINES
from .shared import blender, done, make_folder, open_blend, progress_lines, say, settings_of

if TYPE_CHECKING:
    import argparse


def reconstruct(options: argparse.Namespace) -> None:
    """Photo to .blend.

    Raises:
        AvatarError: If it cannot be done.
    """
    output = options.output.absolute()
    make_folder(output.parent)
    bpy.ops.wm.read_homefile(use_empty=True)
    result = reconstruct_photo(
        bpy.context,
        options.photo.absolute(),
        replace(settings_of(options), photos=tuple(photo.absolute() for photo in options.photos)),
        location=(0.0, 0.0, 0.0),
        pose=options.pose,
        keep=options.avatar.absolute() if options.avatar else None,
        on_progress=progress_lines(),
    )
    set_up_preview(bpy.context.scene)
    add_camera(bpy.context, result.objects.armature)
    blender(lambda: bpy.ops.wm.save_as_mainfile(filepath=str(output)), f"{output} could not be saved")
    for warning in result.made.warnings:
        say(f"note: {warning}")
    say(f"saved {output}")


def render(options: argparse.Namespace) -> None:
    """.blend to pictures.

    Raises:
        AvatarError: If it cannot be done.
    """
    file, folder = options.file.absolute(), options.output.absolute()
    open_blend(file)
    make_folder(folder)
    scene = bpy.context.scene
    if options.engine:
        scene.render.engine = PICTURE_ENGINES[options.engine]
    if options.size:
        scene.render.resolution_x, scene.render.resolution_y = options.size.width, options.size.height
        scene.render.resolution_percentage = 100
    _require_camera(bpy.context)
    _picture_settings(scene.render.image_settings)
    first, last = options.frames or (scene.frame_current, scene.frame_current)
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        scene.render.filepath = str(folder / f"frame_{frame:04d}.png")
        blender(lambda: bpy.ops.render.render(write_still=True), f"frame {frame} could not be rendered")
        say(f"wrote {scene.render.filepath}")


def check(options: argparse.Namespace) -> None:
    """Look whether a photo will do.

    Raises:
        AvatarError: If it will not.
    """
    photo, wanted = options.photo.absolute(), settings_of(options)
    answer = done(start_check(photo, wanted, engines()))
    for warning in answer.report.get("warnings", ()):
        say(f"warning: {warning}")
    for note in answer.report.get("sentences", ()):
        say(f"note: {note}")
    say("looked at the photo")


def _require_camera(context: bpy.types.Context) -> None:
    """Look at the first avatar where the file has no camera."""
    if context.scene.camera is not None:
        return
    armatures = [found for found in context.scene.objects if found.get(AVATAR_KEY) == "armature"]
    if not armatures:
        raise AvatarError("The scene has neither a camera nor an avatar. Give a file with an avatar.")
    add_camera(context, armatures[0])


def _picture_settings(image: bpy.types.ImageFormatSettings) -> None:
    if hasattr(image, "media_type"):  # Blender 5.0 and later
        image.media_type = "IMAGE"
    image.file_format, image.color_mode = "PNG", "RGBA"
