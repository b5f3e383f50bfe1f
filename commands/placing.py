"""``place``: an avatar file into a .blend, such as the set of a shot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..engine.avatar.errors import AvatarError
from ..engine.formats.avatar_file import load_avatar
from ..operators.preview import add_camera
from ..operators.reconstruction import Made
from ..operators.reconstruction import place as place_made
from ..rendering.preview_engine import ENGINE_ID
from .shared import blender, make_folder, open_blend, say

if TYPE_CHECKING:
    import argparse


def place(options: argparse.Namespace) -> None:
    """Avatar file to .blend.

    Raises:
        AvatarError: If it cannot be done.
    """
    file, output = options.file.absolute(), options.output.absolute()
    avatar = load_avatar(file)
    make_folder(output.parent)
    if options.into:
        open_blend(options.into.absolute())
    else:
        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.context.scene.render.engine = "CYCLES"
        bpy.context.scene.view_settings.view_transform = "Standard"  # the photo's colours as they are
    name = options.name or file.stem
    if name in bpy.data.objects:  # Blender would give another name, which later commands would not find
        raise AvatarError(f"There is an object {name!r} already. Choose another name with --name.")
    placed = place_made(bpy.context, Made(avatar), name=name, location=options.location, pose=options.pose)
    called = placed.objects.armature.name
    if called != name:
        raise AvatarError(f"Blender cuts the name {name!r} to {called!r}. Choose a shorter one with --name.")
    scene = bpy.context.scene
    if scene.camera is None:
        add_camera(bpy.context, placed.objects.armature)
    if scene.render.engine == ENGINE_ID:
        say("note: LHM Preview renders this file, so whoever renders it needs the extension")
    # Paths in the set are relative to where it lies; they stay right in another folder.
    blender(
        lambda: bpy.ops.wm.save_as_mainfile(filepath=str(output), relative_remap=True),
        f"{output} could not be saved",
    )
    say(f"saved {output}")
