"""The commands ``blender -c lhm_avatars reconstruct`` and ``… render``, for scripts and render farms."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .engine.avatar.errors import AvatarError
from .engine.protocol import EngineBug
from .operators.preview import add_camera, set_up_preview
from .operators.reconstruction import Settings, reconstruct_photo
from .properties import DEFAULT_COUNT
from .rendering.preview_engine import ENGINE_ID
from .rigging.avatar_objects import AVATAR_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack

    from .engine.protocol import Progress

COMMAND = "lhm_avatars"
DONE, FAILED, WRONG_USE = 0, 1, 2
_ENGINES = {"preview": ENGINE_ID, "cycles": "CYCLES"}
CLASSES = ()


@dataclass(frozen=True)
class Size:
    """Of a picture, pixels."""

    width: int
    height: int


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: What stands behind ``blender -c lhm_avatars``.

    Returns:
        The exit code: 0 done, 1 failed, with one line that says why, 2 wrong use.
    """
    try:
        options = _parser().parse_args(list(arguments))
    except SystemExit as stop:  # argparse has said what is wrong, or shown the help
        return WRONG_USE if stop.code else DONE
    try:
        options.command(options)
    except AvatarError as error:
        _say(f"{COMMAND}: {error}")
        return FAILED
    except EngineBug as error:
        _say(f"{COMMAND}: the engine made a mistake, please report it: {error}")
        return FAILED
    return DONE


def reconstruct(options: argparse.Namespace) -> None:
    """Photo to .blend.

    Raises:
        AvatarError: If it cannot be done.
    """
    output = options.output.absolute()
    _make_folder(output.parent)
    bpy.ops.wm.read_homefile(use_empty=True)
    mask = options.mask.absolute() if options.mask else None
    result = reconstruct_photo(
        bpy.context,
        options.photo.absolute(),
        Settings(mask, options.seed, options.count, options.influences),
        location=(0.0, 0.0, 0.0),
        pose=options.pose,
        keep=options.avatar.absolute() if options.avatar else None,
        on_progress=_progress_lines(),
    )
    set_up_preview(bpy.context.scene)
    add_camera(bpy.context, result.objects.armature)
    _blender(lambda: bpy.ops.wm.save_as_mainfile(filepath=str(output)), f"{output} could not be saved")
    for warning in result.made.warnings:
        _say(f"note: {warning}")
    _say(f"saved {output}")


def render(options: argparse.Namespace) -> None:
    """.blend to pictures.

    Raises:
        AvatarError: If it cannot be done.
    """
    file, folder = options.file.absolute(), options.output.absolute()
    if not file.is_file():
        raise AvatarError(f"There is no file {file}. Give the .blend that holds the avatar.")
    _make_folder(folder)
    _blender(lambda: bpy.ops.wm.open_mainfile(filepath=str(file)), f"{file} could not be opened")
    scene = bpy.context.scene
    if options.engine:
        scene.render.engine = _ENGINES[options.engine]
    if options.size:
        scene.render.resolution_x, scene.render.resolution_y = options.size.width, options.size.height
        scene.render.resolution_percentage = 100
    _require_camera(bpy.context)
    _picture_settings(scene.render.image_settings)
    first, last = options.frames or (scene.frame_current, scene.frame_current)
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        scene.render.filepath = str(folder / f"frame_{frame:04d}.png")
        _blender(lambda: bpy.ops.render.render(write_still=True), f"frame {frame} could not be rendered")
        _say(f"wrote {scene.render.filepath}")


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


def _blender(action: Callable[[], object], what: str) -> None:
    """Do what Blender reports as a RuntimeError, and give its reason in one line."""
    try:
        action()
    except RuntimeError as error:
        reason = " ".join(str(error).removeprefix("Error: ").split())
        raise AvatarError(f"{what}: {reason}") from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AvatarError(
            f"The folder {folder} cannot be made ({error.strerror}). Choose another one."
        ) from error


def _progress_lines() -> Callable[[Progress], None]:
    """A listener that writes one line for each stage."""
    told = ""

    def show(progress: Progress) -> None:
        nonlocal told
        if progress.message != told:
            told = progress.message
            _say(f"{progress.fraction:4.0%}  {told}")

    return show


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"blender -c {COMMAND}", description="Avatars from photos.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    making = verbs.add_parser("reconstruct", help="turn a photo into a .blend with an avatar")
    making.add_argument("photo", type=Path, metavar="PHOTO")
    making.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.blend")
    making.add_argument("--mask", type=Path, metavar="IMAGE", help="white where the person is")
    making.add_argument("--avatar", type=Path, metavar="FILE.lhma", help="also write the avatar alone")
    making.add_argument("--seed", type=int, default=0)
    making.add_argument("--count", type=int, default=DEFAULT_COUNT, help="splats (default: %(default)s)")
    making.add_argument("--influences", type=int, default=4, choices=(4, 8), help="bones per splat")
    making.add_argument("--pose", choices=("photo", "rest"), default="photo")
    making.set_defaults(command=reconstruct)
    drawing = verbs.add_parser("render", help="render a .blend with avatars to PNG files")
    drawing.add_argument("file", type=Path, metavar="FILE.blend")
    drawing.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    drawing.add_argument("--frames", type=_frames, metavar="A-B", help="default: the file's current frame")
    drawing.add_argument("--size", type=_size, metavar="WxH")
    drawing.add_argument("--engine", choices=tuple(_ENGINES), help="default: the file's own")
    drawing.set_defaults(command=render)
    return parser


def _frames(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if last < first:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of frames such as 1-24")
    return first, last


def _size(text: str) -> Size:
    found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 512x768")
    return Size(int(found[1]), int(found[2]))


def _say(text: str) -> None:
    """One line on the terminal; on stderr, apart from what Blender prints."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def attach(undo: ExitStack) -> None:
    """Let Blender know the command."""
    handle = bpy.utils.register_cli_command(COMMAND, run)
    undo.callback(bpy.utils.unregister_cli_command, handle)
