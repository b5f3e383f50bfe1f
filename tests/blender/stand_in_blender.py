"""Blender as a Python module in the place of the program: the few arguments that farms use.

``-c lhm_avatars …`` runs a command with the extension; ``-b FILE …`` renders without it. As in Blender,
arguments are worked through in their order.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
NAME = "lhm_avatars"


def main(arguments: list[str]) -> int:
    """Do what the arguments say.

    Raises:
        ValueError: If one is not known here.
    """
    if arguments[0] in ("-c", "--command"):
        return command(arguments[1], arguments[2:])
    rest = iter(arguments)
    scene = bpy.context.scene
    for argument in rest:
        if argument in ("-b", "-y"):
            continue
        if argument == "--render-output":
            scene.render.filepath = next(rest)
        elif argument == "--render-format":
            image_format(scene, next(rest))
        elif argument == "--render-frame":
            for frame in frames(next(rest)):
                scene.frame_start = scene.frame_end = frame
                bpy.ops.render.render(animation=True)
        elif argument == "-a":
            bpy.ops.render.render(animation=True)
        elif not argument.startswith("-"):
            bpy.ops.wm.open_mainfile(filepath=argument)
            scene = bpy.context.scene
        else:
            raise ValueError(f"{argument} is not known to this stand-in")
    if any(name.partition(".")[0] == NAME for name in sys.modules):
        raise ValueError("a render must not load the extension")
    return 0


def image_format(scene: bpy.types.Scene, name: str) -> None:
    """Frames of one layer in a format."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # Blender 5.0
        settings.media_type = "IMAGE"
    settings.file_format = name


def frames(text: str) -> list[int]:
    """Blender's own writing, such as ``1,3..5``."""
    ranges = (part.split("..") for part in text.split(","))
    return [frame for ends in ranges for frame in range(int(ends[0]), int(ends[-1]) + 1)]


def command(name: str, arguments: list[str]) -> int:
    """A command of the extension, enabled for it."""
    spec = importlib.util.spec_from_file_location(
        NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    bpy.context.preferences.addons.new().module = NAME
    package.register()
    commands = importlib.import_module(f"{NAME}.commands")
    if name != commands.COMMAND:
        raise ValueError(f"there is no command {name}")
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
