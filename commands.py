"""The commands ``blender -c lhm_avatars reconstruct``, ``… render`` and so on, for scripts and farms."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from .engine import environment, torch_builds
from .engine.avatar.errors import AvatarError
from .engine.protocol import EngineBug
from .engine.request import BINDINGS, DROP, ENGINE_NAMES, KEEP, LIFT
from .engine.weights.catalogue import LICENCES
from .engine.weights.licences import accept
from .operators.engine_job import wait
from .operators.install import InstallJob, install_arguments
from .operators.looks import look_at_hardware
from .operators.models import shown, start_download
from .operators.photo_check import start_check
from .operators.preview import add_camera, set_up_preview
from .operators.reconstruction import Settings, reconstruct_photo
from .operators.setup_report import setup_report
from .preferences import engine_root, engines, models_root, preferences
from .properties import BETAS, QUALITY_COUNTS, job_state
from .rendering.preview_engine import ENGINE_ID
from .rigging.avatar_objects import AVATAR_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack

    from .engine.protocol import Progress
    from .operators.jobs import Job

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
    result = reconstruct_photo(
        bpy.context,
        options.photo.absolute(),
        replace(_settings(options), photos=tuple(photo.absolute() for photo in options.photos)),
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


def animate(options: argparse.Namespace) -> None:
    """Put a motion on an avatar of a .blend.

    Raises:
        AvatarError: If it cannot be done.
    """
    output, motion = options.output.absolute(), options.motion.absolute()
    _make_folder(output.parent)
    _open_avatar(options)
    _blender(
        lambda: _operators().import_motion(
            filepath=str(motion),
            up=options.up,
            fps=options.fps or 0.0,
            person=options.person,
            feet=options.feet.upper(),
            travel=not options.in_place,
            heading=not options.as_recorded,
        ),
        f"{motion.name} could not be used",
    )
    _say(job_state(bpy.context).outcome)
    _blender(lambda: bpy.ops.wm.save_as_mainfile(filepath=str(output)), f"{output} could not be saved")
    _say(f"saved {output}")


def export_motion(options: argparse.Namespace) -> None:
    """Write what an avatar of a .blend does as a motion file.

    Raises:
        AvatarError: If it cannot be done.
    """
    output = options.output.absolute()
    _make_folder(output.parent)
    _open_avatar(options)
    first, last = options.frames or (0, 0)
    _blender(
        lambda: _operators().export_motion(
            filepath=str(output), form=options.format.upper(), first=first, last=last
        ),
        f"{output} could not be written",
    )
    _say(f"wrote {output}")


def _operators() -> Any:
    return bpy.ops.lhm  # type: ignore[attr-defined] - Blender makes it when we register


def _open_avatar(options: argparse.Namespace) -> None:
    """Open the file and make its avatar active."""
    file = options.file.absolute()
    if not file.is_file():
        raise AvatarError(f"There is no file {file}. Give the .blend that holds the avatar.")
    _blender(lambda: bpy.ops.wm.open_mainfile(filepath=str(file)), f"{file} could not be opened")
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


def setup(_options: argparse.Namespace) -> None:
    """Report on engines, models and this computer."""
    look_at_hardware(models_root())
    sys.stdout.write(f"{setup_report(bpy.context)}\n")


def install(options: argparse.Namespace) -> None:
    """Install the built-in engine, or one for LHM.

    Raises:
        AvatarError: If it cannot be done.
    """
    wanted = torch_builds.requirements_of(options.build) if options.build else environment.BASE
    arguments = install_arguments(bpy.context) | {"requirements": wanted}
    if options.wheels:
        arguments["wheel_dir"] = options.wheels.absolute()
    _done(InstallJob(engine_root(), arguments))
    _say("the engine is installed")


def download(options: argparse.Namespace) -> None:
    """Download a model and all that it needs.

    Raises:
        AvatarError: If a licence is not accepted, or it cannot be done.
    """
    for licence in options.accept_licences:
        accept(licence, models_root())
        _say(f"accepted: {LICENCES[licence].title}, {LICENCES[licence].terms}, {LICENCES[licence].url}")
    _done(start_download(bpy.context, options.model))
    _say(f"{options.model} is downloaded")


def check(options: argparse.Namespace) -> None:
    """Look whether a photo will do.

    Raises:
        AvatarError: If it will not.
    """
    photo, wanted = options.photo.absolute(), _settings(options)
    answer = _done(start_check(photo, wanted, engines()))
    for warning in answer.report.get("warnings", ()):
        _say(f"warning: {warning}")
    for note in answer.report.get("sentences", ()):
        _say(f"note: {note}")
    _say("looked at the photo")


def _done(job: Job) -> Any:
    with closing(job):
        return wait(job, _progress_lines())


def _settings(options: argparse.Namespace) -> Settings:
    folder = options.model_folder
    return Settings(
        mask=options.mask.absolute() if options.mask else None,
        seed=options.seed,
        count=options.count or QUALITY_COUNTS[options.quality],
        influences=options.influences,
        engine=options.engine,
        held=options.held,
        loose=options.loose,
        binding=options.binding,
        preparation=options.preparation,
        shape=options.shape,
        models=None if options.engine == LIFT else models_root(),
        model_folder=folder.absolute() if folder else None,
        device=options.device or preferences().device,
        head_box=options.head_box,
        enlarge=not options.keep_face,
    )


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
    making.add_argument(
        "--photo", type=Path, action="append", default=[], dest="photos", metavar="PHOTO",
        help="lift: another photo of the same person, from the back or a side; may be given several times",
    )  # fmt: skip
    making.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.blend")
    making.add_argument("--avatar", type=Path, metavar="FILE.lhma", help="also write the avatar alone")
    making.add_argument("--pose", choices=("photo", "rest"), default="photo")
    _add_settings(making)
    making.set_defaults(command=reconstruct)
    looking = verbs.add_parser("check", help="say what an engine would see of a photo")
    looking.add_argument("photo", type=Path, metavar="PHOTO")
    _add_settings(looking)
    looking.set_defaults(command=check)
    reporting = verbs.add_parser("setup", help="report on engines, models and this computer")
    reporting.set_defaults(command=setup)
    installing = verbs.add_parser("install", help="install the built-in engine, or with --build one for LHM")
    installing.add_argument("--build", metavar="NAME", help="of torch, such as cpu or cu130")
    installing.add_argument("--wheels", type=Path, metavar="FOLDER", help="install from it, without network")
    installing.set_defaults(command=install)
    fetching = verbs.add_parser("download", help="download a model and all that it needs")
    fetching.add_argument("model", choices=tuple(item.name for item in shown()), metavar="MODEL")
    fetching.add_argument(
        "--accept-licences", type=_licences, default=(), metavar="A,B",
        help=f"you have read them and agree; each by its name: {', '.join(LICENCES)}",
    )  # fmt: skip
    fetching.set_defaults(command=download)
    moving = verbs.add_parser("animate", help="let an avatar play a BVH, AMASS, SMPL-X, LHM or glTF motion")
    moving.add_argument("file", type=Path, metavar="FILE.blend")
    moving.add_argument("motion", type=Path, metavar="MOTION", help="a file, or a folder of LHM frames")
    moving.add_argument("-o", "--output", type=Path, required=True, metavar="SHOT.blend")
    moving.add_argument("--avatar", metavar="NAME", help="of its armature, if there are several")
    moving.add_argument("--up", choices=("auto", "y", "z", "-y"), default="auto", help="axis of the file")
    moving.add_argument("--fps", type=_rate, help="of the file, if it does not say")
    moving.add_argument("--person", type=int, default=0, help="of several in the file, from 1")
    moving.add_argument(
        "--feet", choices=("layer", "keys", "off"), default="layer", help="hold standing feet"
    )
    moving.add_argument("--in-place", action="store_true", help="stay on the spot")
    moving.add_argument("--as-recorded", action="store_true", help="keep place and heading of the file")
    moving.set_defaults(command=animate)
    giving = verbs.add_parser("export-motion", help="write what an avatar does as BVH, AMASS or LHM frames")
    giving.add_argument("file", type=Path, metavar="FILE.blend")
    giving.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    giving.add_argument("--format", choices=("bvh", "amass", "lhm"), default="bvh")
    giving.add_argument("--avatar", metavar="NAME", help="of its armature, if there are several")
    giving.add_argument("--frames", type=_frames, metavar="A-B", help="default: the scene's")
    giving.set_defaults(command=export_motion)
    drawing = verbs.add_parser("render", help="render a .blend with avatars to PNG files")
    drawing.add_argument("file", type=Path, metavar="FILE.blend")
    drawing.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    drawing.add_argument("--frames", type=_frames, metavar="A-B", help="default: the file's current frame")
    drawing.add_argument("--size", type=_size, metavar="WxH")
    drawing.add_argument("--engine", choices=tuple(_ENGINES), help="default: the file's own")
    drawing.set_defaults(command=render)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """What decides an avatar, besides the photo."""
    parser.add_argument("--mask", type=Path, metavar="IMAGE", help="white where the person is")
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=LIFT, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    splats = parser.add_mutually_exclusive_group()
    levels = ", ".join(f"{name} {count}" for name, count in QUALITY_COUNTS.items())
    splats.add_argument(
        "--quality", choices=tuple(QUALITY_COUNTS), default="standard", help=f"lift: splats: {levels}"
    )
    splats.add_argument("--count", type=int, help="lift: splats, in place of a quality")
    parser.add_argument("--held", choices=(KEEP, DROP), default=KEEP, help="lift: a thing in the hand")
    parser.add_argument(
        "--loose", type=_strength, metavar="0..1", help="how freely skirts hang (default: found in the photo)"
    )
    parser.add_argument("--influences", type=int, default=4, choices=(4, 8), help="bones per splat")
    parser.add_argument("--binding", choices=BINDINGS, help="of splats to bones (default: the engine's own)")
    parser.add_argument(
        "--preparation", choices=("best", "official"), default="best", help="LHM: of the photo"
    )
    parser.add_argument(
        "--shape", type=_shape, default="fit", metavar="fit|zero|B,B,…", help="LHM: of the body"
    )
    parser.add_argument("--model-folder", type=Path, metavar="FOLDER", help="lhm-own: the model")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), help="LHM (default: preferences)")
    parser.add_argument("--head-box", type=_box, metavar="L,T,R,B", help="LHM: pixels of the photo")
    parser.add_argument("--keep-face", action="store_true", help="LHM: do not enlarge a small face")


def _licences(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if name not in LICENCES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(LICENCES)}")
    return names


def _shape(text: str) -> str | tuple[float, ...]:
    if text in ("fit", "zero"):
        return text
    try:
        betas = tuple(float(part) for part in text.split(","))
    except ValueError:
        betas = ()
    if not 1 <= len(betas) <= BETAS or not all(map(isfinite, betas)):
        raise argparse.ArgumentTypeError(f"{text!r} is neither fit nor zero nor up to {BETAS} numbers")
    return betas + (0.0,) * (BETAS - len(betas))


def _strength(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no strength from 0 to 1")
    return value


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (value > 0 and isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is no frame rate such as 30")
    return value


def _box(text: str) -> tuple[int, ...]:
    found = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)", text)
    box = tuple(map(int, found.groups())) if found else (0, 0, 0, 0)
    if not (box[0] < box[2] and box[1] < box[3]):
        raise argparse.ArgumentTypeError(f"{text!r} is no box such as 100,40,220,180")
    return box


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
