"""``animate`` and ``export-motion``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..engine.avatar.errors import AvatarError
from ..properties import job_state
from ..rigging.avatar_objects import AVATAR_KEY
from .shared import blender, make_folder, open_blend, say

if TYPE_CHECKING:
    import argparse


def animate(options: argparse.Namespace) -> None:
    """Put a motion on an avatar of a .blend.

    Raises:
        AvatarError: If it cannot be done.
    """
    output, motion = options.output.absolute(), options.motion.absolute()
    make_folder(output.parent)
    _open_avatar(options)
    blender(
        lambda: _operators().import_motion(
            filepath=str(motion),
            up=options.up,
            fps=options.fps or 0.0,
            person=options.person,
            feet=options.feet.upper(),
            sliding=options.stop_drift,
            **_keys(options.simplify),
            face=not options.no_face,
            head=options.turn_head,
            travel=not options.in_place,
            heading=not options.as_recorded,
        ),
        f"{motion.name} could not be used",
    )
    say(job_state(bpy.context).outcome)
    blender(lambda: bpy.ops.wm.save_as_mainfile(filepath=str(output)), f"{output} could not be saved")
    say(f"saved {output}")


def export_motion(options: argparse.Namespace) -> None:
    """Write what an avatar of a .blend does as a motion file.

    Raises:
        AvatarError: If it cannot be done.
    """
    output = options.output.absolute()
    make_folder(output.parent)
    _open_avatar(options)
    first, last = options.frames or (0, 0)
    blender(
        lambda: _operators().export_motion(
            filepath=str(output), form=options.format.upper(), first=first, last=last
        ),
        f"{output} could not be written",
    )
    say(f"wrote {output}")


def _keys(degrees: float | None) -> dict[str, Any]:
    """Of the importer: a way of as many times four millimetres looks as far off as a turn of some degrees."""
    if degrees is None:
        return {}
    return {"keys": "SIMPLIFIED", "degrees": degrees, "millimetres": 4 * degrees}


def _operators() -> Any:
    return bpy.ops.lhm  # type: ignore[attr-defined] - Blender makes it when we register


def _open_avatar(options: argparse.Namespace) -> None:
    """Open the file and make its avatar active."""
    file = options.file.absolute()
    open_blend(file)
    found = {o.name: o for o in bpy.context.scene.objects if o.get(AVATAR_KEY) == "armature"}
    if options.avatar and options.avatar not in found:
        raise AvatarError(
            f"There is no avatar {options.avatar!r} in {file.name}, but {', '.join(found) or 'none'}."
        )
    if not options.avatar and len(found) != 1:
        raise AvatarError(
            f"{file.name} holds {len(found)} avatars{': ' if found else ''}{', '.join(found)}. "
            "Name the one to move with --avatar."
        )
    bpy.context.view_layer.objects.active = found[options.avatar or next(iter(found))]
