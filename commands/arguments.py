"""What may stand behind ``blender -c lhm_avatars``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.request import BINDINGS, DROP, ENGINE_NAMES, KEEP, LIFT
from ..engine.weights.catalogue import LICENCES
from ..operators.models import shown
from ..properties import QUALITY_COUNTS
from ..rendering.preview_engine import ENGINE_ID
from . import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PICTURE_ENGINES = {"preview": ENGINE_ID, "cycles": "CYCLES"}


def parser(
    program: str, verbs: Mapping[str, Callable[[argparse.Namespace], None]]
) -> argparse.ArgumentParser:
    """The arguments of all commands.

    Args:
        program: Shown in the help.
        verbs: What each command does.
    """
    root = argparse.ArgumentParser(prog=program, description="Avatars from photos.")
    add = root.add_subparsers(required=True, metavar="COMMAND")
    making = add.add_parser("reconstruct", help="turn a photo into a .blend with an avatar")
    making.add_argument("photo", type=Path, metavar="PHOTO")
    making.add_argument(
        "--photo", type=Path, action="append", default=[], dest="photos", metavar="PHOTO",
        help="lift: another photo of the same person, from the back or a side; may be given several times",
    )  # fmt: skip
    making.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.blend")
    making.add_argument("--avatar", type=Path, metavar="FILE.lhma", help="also write the avatar alone")
    making.add_argument("--pose", choices=("photo", "rest"), default="photo")
    _add_photo_settings(making)
    _add_settings(making)
    making.set_defaults(command=verbs["reconstruct"])
    many = add.add_parser("batch", help="turn a folder of photos into a library of avatars")
    many.add_argument("folder", type=Path, metavar="FOLDER")
    many.add_argument("-o", "--output", type=Path, required=True, metavar="LIBRARY", help="a folder")
    many.add_argument("--recursive", action="store_true", help="look into folders in the folder, too")
    many.add_argument(
        "--keep-going", action=argparse.BooleanOptionalAction, default=True,
        help="go on with the next photo when one fails (default)",
    )  # fmt: skip
    _add_settings(many)
    many.set_defaults(command=verbs["batch"], mask=None, head_box=None)
    placing = add.add_parser("place", help="put an avatar file into a .blend")
    placing.add_argument("file", type=Path, metavar="FILE.lhma")
    placing.add_argument("--into", type=Path, metavar="SET.blend", help="default: a new scene")
    placing.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.blend")
    placing.add_argument("--name", help="of the avatar (default: the file's)")
    placing.add_argument(
        "--location", type=values.point, metavar="X,Y,Z", default=(0.0, 0.0, 0.0), help="metres"
    )
    placing.add_argument("--pose", choices=("photo", "rest"), default="photo")
    placing.set_defaults(command=verbs["place"])
    looking = add.add_parser("check", help="say what an engine would see of a photo")
    looking.add_argument("photo", type=Path, metavar="PHOTO")
    _add_photo_settings(looking)
    _add_settings(looking)
    looking.set_defaults(command=verbs["check"])
    reporting = add.add_parser("setup", help="report on engines, models and this computer")
    reporting.set_defaults(command=verbs["setup"])
    installing = add.add_parser("install", help="install the built-in engine, or with --build one for LHM")
    installing.add_argument("--build", metavar="NAME", help="of torch, such as cpu or cu130")
    installing.add_argument("--wheels", type=Path, metavar="FOLDER", help="install from it, without network")
    installing.set_defaults(command=verbs["install"])
    fetching = add.add_parser("download", help="download a model and all that it needs")
    fetching.add_argument("model", choices=tuple(item.name for item in shown()), metavar="MODEL")
    fetching.add_argument(
        "--accept-licences", type=values.licences, default=(), metavar="A,B",
        help=f"you have read them and agree; each by its name: {', '.join(LICENCES)}",
    )  # fmt: skip
    fetching.set_defaults(command=verbs["download"])
    moving = add.add_parser(
        "animate", help="let an avatar play a BVH, AMASS, SMPL-X, LHM, glTF or CSV motion"
    )
    moving.add_argument("file", type=Path, metavar="FILE.blend")
    moving.add_argument("motion", type=Path, metavar="MOTION", help="a file, or a folder of LHM frames")
    moving.add_argument("-o", "--output", type=Path, required=True, metavar="SHOT.blend")
    moving.add_argument("--avatar", metavar="NAME", help="of its armature, if there are several")
    moving.add_argument("--up", choices=("auto", "y", "z", "-y"), default="auto", help="axis of the file")
    moving.add_argument("--fps", type=values.rate, help="of the file, if it does not say")
    moving.add_argument("--person", type=int, default=0, help="of several in the file, from 1")
    moving.add_argument(
        "--feet", choices=("layer", "keys", "off"), default="layer", help="hold standing feet"
    )
    moving.add_argument("--stop-drift", action="store_true", help="the body slides: estimated from a video")
    moving.add_argument(
        "--simplify", type=values.angle, metavar="DEGREES", help="fewer keys; no joint is turned further off"
    )
    moving.add_argument("--no-face", action="store_true", help="leave the face out")
    moving.add_argument("--turn-head", action="store_true", help="with what a recorded face's head did")
    moving.add_argument("--in-place", action="store_true", help="stay on the spot")
    moving.add_argument("--as-recorded", action="store_true", help="keep place and heading of the file")
    moving.set_defaults(command=verbs["animate"])
    giving = add.add_parser("export-motion", help="write what an avatar does as BVH, AMASS or LHM frames")
    giving.add_argument("file", type=Path, metavar="FILE.blend")
    giving.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    giving.add_argument("--format", choices=("bvh", "amass", "lhm"), default="bvh")
    giving.add_argument("--avatar", metavar="NAME", help="of its armature, if there are several")
    giving.add_argument("--frames", type=values.frames, metavar="A-B", help="default: the scene's")
    giving.set_defaults(command=verbs["export_motion"])
    drawing = add.add_parser("render", help="render a .blend with avatars to PNG files")
    drawing.add_argument("file", type=Path, metavar="FILE.blend")
    drawing.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    drawing.add_argument(
        "--frames", type=values.frames, metavar="A-B", help="default: the file's current frame"
    )
    drawing.add_argument("--size", type=values.size, metavar="WxH")
    drawing.add_argument("--engine", choices=tuple(PICTURE_ENGINES), help="default: the file's own")
    drawing.set_defaults(command=verbs["render"])
    return root


def _add_photo_settings(parser: argparse.ArgumentParser) -> None:
    """What is said of one photo."""
    parser.add_argument("--mask", type=Path, metavar="IMAGE", help="white where the person is")
    parser.add_argument("--head-box", type=values.box, metavar="L,T,R,B", help="LHM: pixels of the photo")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """What decides an avatar, besides the photo."""
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
        "--loose",
        type=values.strength,
        metavar="0..1",
        help="how freely skirts hang (default: found in the photo)",
    )
    parser.add_argument("--influences", type=int, default=4, choices=(4, 8), help="bones per splat")
    parser.add_argument("--binding", choices=BINDINGS, help="of splats to bones (default: the engine's own)")
    parser.add_argument(
        "--preparation", choices=("best", "official"), default="best", help="LHM: of the photo"
    )
    parser.add_argument(
        "--shape", type=values.shape, default="fit", metavar="fit|zero|B,B,…", help="LHM: of the body"
    )
    parser.add_argument("--model-folder", type=Path, metavar="FOLDER", help="lhm-own: the model")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), help="LHM (default: preferences)")
    parser.add_argument("--keep-face", action="store_true", help="LHM: do not enlarge a small face")
