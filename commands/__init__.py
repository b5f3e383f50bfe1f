"""The commands ``blender -c lhm_avatars reconstruct``, ``… render`` and so on, for scripts and farms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..engine.avatar.errors import AvatarError
from ..engine.protocol import EngineBug
from . import avatars, batch, engines, motions, placing
from .arguments import parser
from .shared import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

COMMAND = "lhm_avatars"
DONE, FAILED, WRONG_USE = 0, 1, 2
CLASSES = ()
_VERBS = {
    "reconstruct": avatars.reconstruct,
    "batch": batch.batch,
    "place": placing.place,
    "check": avatars.check,
    "render": avatars.render,
    "animate": motions.animate,
    "export_motion": motions.export_motion,
    "setup": engines.setup,
    "install": engines.install,
    "download": engines.download,
}


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: What stands behind ``blender -c lhm_avatars``.

    Returns:
        The exit code: 0 done, 1 failed, with one line that says why, 2 wrong use.
    """
    try:
        options = parser(f"blender -c {COMMAND}", _VERBS).parse_args(list(arguments))
    except SystemExit as stop:  # argparse has said what is wrong, or shown the help
        return WRONG_USE if stop.code else DONE
    try:
        options.command(options)
    except AvatarError as error:
        say(f"{COMMAND}: {error}")
        return FAILED
    except EngineBug as error:
        say(f"{COMMAND}: the engine made a mistake, please report it: {error}")
        return FAILED
    return DONE


def attach(undo: ExitStack) -> None:
    """Let Blender know the command."""
    handle = bpy.utils.register_cli_command(COMMAND, run)
    undo.callback(bpy.utils.unregister_cli_command, handle)
