"""One person from recipe to folder."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...engine.avatar.skinning import forward_kinematics
from ..example.person import EXPRESSION
from . import film, stage
from .camera import View, frame_person
from .dressed import dress, photo_pose
from .poses import MOVES, turned
from .things import HANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...engine.avatar.arrays import Float
    from .parts import Part
    from .recipe import Recipe

RECORD = "person.json"


@dataclass(frozen=True)
class Shoot:
    """What is taken of each person.

    Args:
        size: Of views and poses, pixels.
        photo: Height of the photos, pixels.
        samples: Per pixel.
        views: Azimuths, degrees.
        poses: How many further poses.
        quality: Of the JPEGs.
        only_photo: Nothing but the photo from the front.
    """

    size: int = 768
    photo: int = 1024
    samples: int = 4
    views: tuple[int, ...] = tuple(range(0, 360, 30))
    poses: int = len(MOVES)
    quality: int = 92
    only_photo: bool = False

    def key(self) -> list[Any]:
        """What a finished folder depends on besides its recipe."""
        return [self.size, self.photo, self.samples, list(self.views), self.poses, self.quality]


def is_done(recipe: Recipe, folder: Path, shoot: Shoot) -> bool:
    """Whether a folder holds the same person, taken the same way."""
    file = folder / RECORD
    if not file.is_file():
        return False
    made = json.loads(file.read_text(encoding="utf-8"))
    return made.get("digest") == recipe.digest() and made.get("shoot") == shoot.key()


class _Body:
    """The parts in Blender, with the points of their last pose."""

    def __init__(self, joints: Float, parts: list[Part]) -> None:
        self.joints, self.parts = joints, parts
        self.objects = [film.put(part) for part in parts]
        self.points = np.zeros((0, 3))

    def take_pose(self, pose: Float, transl: Float) -> None:
        transforms = forward_kinematics(self.joints, pose, transl)
        moved = [part.posed(transforms) for part in self.parts]
        for made, points in zip(self.objects, moved, strict=True):
            film.move(made, points)
        self.points = np.concatenate(
            [p if part.strand == 0 else p[::7] for p, part in zip(moved, self.parts, strict=True)]
        )


def take_person(recipe: Recipe, folder: Path, shoot: Shoot, say: Callable[[str], None]) -> None:
    """Build a person, take all pictures, write the record last."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    started = time.perf_counter()
    person, parts = dress(recipe)
    body = _Body(person.joints, parts)
    pose, transl = (np.asarray(v, np.float32).astype(np.float64) for v in photo_pose(recipe))
    body.take_pose(pose, transl)
    floor = float(body.points[:, 1].min())
    film.prepare(shoot.samples, recipe.seed)
    stage.light_up(recipe, floor)
    say(f"{recipe.name} dressed in {time.perf_counter() - started:.1f} s")
    frames: list[dict[str, Any]] = []
    photos: list[dict[str, Any]] = []

    def picture(name: str, view: View, azimuth: float, kind: str, around: Float | None) -> dict[str, Any]:
        begun = time.perf_counter()
        film.take(view, folder / name, around=around)
        say(f"{recipe.name} {name} {time.perf_counter() - begun:.1f} s")
        return {
            "file": name, "kind": kind, "azimuth": azimuth,
            "pose": _rounded(pose), "transl": _rounded(transl),
            "viewmat": _rounded(view.viewmat), "K": _rounded(view.matrix()),
            "width": view.width, "height": view.height,
        }  # fmt: skip

    for k, (file, azimuth) in enumerate((("photo", 0.0), ("back", 180.0))):
        view = frame_person(body.points, azimuth, recipe.fov, floor + recipe.camera, shoot.size)
        portrait = view.resized(round(0.75 * shoot.photo), shoot.photo)
        stage.show_background(recipe, floor, azimuth)
        record = picture(f"{file}.png", portrait, azimuth, "photo", None)
        stage.clear_background()
        film.develop(folder / f"{file}.png", folder / f"{file}.jpg", recipe.seed + k, shoot.quality)
        (folder / f"{file}.png").unlink()
        frame = shoot.views.index(round(azimuth)) if round(azimuth) in shoot.views else None
        del record["kind"]
        photos.append({**record, "file": f"{file}.jpg", "frame": frame, "fov_exif": False})
        if shoot.only_photo:
            return
    for azimuth in shoot.views:
        view = frame_person(body.points, azimuth, recipe.fov, floor + recipe.camera, shoot.size)
        frames.append(picture(f"view_{azimuth:03d}.png", view, float(azimuth), "view", body.points))
    for k, (stance, azimuth) in enumerate(MOVES[: shoot.poses]):
        pose, transl = (
            np.asarray(v, np.float32).astype(np.float64) for v in turned(stance, person.joints, 0.0)
        )
        body.take_pose(pose, transl)
        low = float(body.points[:, 1].min())
        view = frame_person(body.points, azimuth, recipe.fov, low + recipe.camera, shoot.size)
        frames.append(picture(f"pose_{k}.png", view, azimuth, "pose", body.points))
    _write(recipe, folder, shoot, frames, photos)


def _rounded(values: Float) -> list[Any]:
    return np.asarray(values, np.float64).round(7).tolist()


def _write(recipe: Recipe, folder: Path, shoot: Shoot, frames: list[Any], photos: list[Any]) -> None:
    record = {
        "name": recipe.name, "seed": recipe.seed, "split": recipe.split, "tags": recipe.tags,
        "description": recipe.description, "betas": [*recipe.betas, *[0.0] * (10 - len(recipe.betas))],
        "expression": EXPRESSION.tolist(), "frames": frames, "photos": photos,
        "held": {"what": recipe.held, "hand": HANDS[recipe.held]} if recipe.held else None,
        "digest": recipe.digest(), "shoot": shoot.key(),
    }  # fmt: skip
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
