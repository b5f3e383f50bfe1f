"""The people on disk: pictures of a person whose shape, poses and cameras are known.

``tools/make_people.py`` writes the folder; here it is read and checked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.body import JOINT_COUNT, BodyParams
from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

VERSION = 1
TUNING, REPORTED, ALL = "tuning", "reported", "all"
SPLITS = (TUNING, REPORTED, ALL)
VIEW, POSE, PHOTO = "view", "pose", "photo"
PHOTO_FILE, BACK_FILE = "photo.jpg", "back.jpg"
MAKE = "python tools/make_people.py --out"


@dataclass(frozen=True)
class Shot:
    """One picture of a person, and all that is true about it. World is body axes, metres.

    Args:
        path: The picture.
        kind: ``VIEW`` (the photo's pose), ``POSE`` (another pose) or ``PHOTO`` (with a background).
        azimuth: Degrees, -180..180; 0 is the photo's side, positive when the camera is on the person's left.
        params: Shape, pose and place.
        viewmat: OpenCV camera from world. [4, 4]
        K: Intrinsics, pixels, pixel centres at +0.5. [3, 3]
        width: Pixels.
        height: Pixels.
    """

    path: Path
    kind: str
    azimuth: float
    params: BodyParams
    viewmat: NDArray[np.float64]
    K: NDArray[np.float64]
    width: int
    height: int


@dataclass(frozen=True)
class Photo:
    """A picture that an engine may be given.

    Args:
        shot: The picture with its background.
        frame: Index of the view with the same pose and camera direction, if there is one.
    """

    shot: Shot
    frame: int | None


@dataclass(frozen=True)
class Person:
    """One person of the yardstick.

    Args:
        name: Of the folder.
        split: ``TUNING`` or ``REPORTED``.
        tags: What is special about them.
        description: One line.
        betas: Shape of the built-in body. [B]
        frames: Views around and further poses, with alpha.
        photos: What engines are given.
    """

    name: str
    split: str
    tags: tuple[str, ...]
    description: str
    betas: NDArray[np.float32]
    frames: tuple[Shot, ...]
    photos: tuple[Photo, ...]

    def photo(self, file: str = PHOTO_FILE) -> Photo:
        """A photo by its file name.

        Raises:
            AvatarError: If the person has none of that name.
        """
        for photo in self.photos:
            if photo.shot.path.name == file:
                return photo
        raise AvatarError(f"{self.name} has no {file}. Make the people again: {MAKE} FOLDER.")


def read_people(folder: Path, split: str = ALL, only: Collection[str] = ()) -> tuple[Person, ...]:
    """Read the people of a folder; pictures are not opened yet.

    Args:
        folder: Holds ``people.json``.
        split: ``TUNING``, ``REPORTED`` or ``ALL``.
        only: Names to keep; all of them by default.

    Raises:
        AvatarError: If there are no people, the folder is broken, or nobody is left.
        ValueError: If there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be {', '.join(SPLITS)}, got {split!r}")
    folder = Path(folder)
    if not (folder / "people.json").is_file():
        raise AvatarError(f"There are no people in {folder}. Make them: {MAKE} {folder}.")
    index = _json(folder / "people.json")
    if index.get("version") != VERSION:
        raise AvatarError(
            f"{folder} holds people of version {index.get('version')}, and this reads version {VERSION}. "
            f"Make them again: {MAKE} {folder}."
        )
    names = index.get("people", [])
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise AvatarError(
            f"There is nobody named {', '.join(unknown)} in {folder}. There are {', '.join(names)}."
        )
    people = [_person(folder / name) for name in names if not only or name in only]
    kept = tuple(person for person in people if split in (ALL, person.split))
    if not kept:
        raise AvatarError(f"Nobody in {folder} belongs to the {split} half. Ask for another split.")
    return kept


def digest(folder: Path) -> str:
    """What tells two sets of people apart, as the maker wrote it; empty if it wrote none."""
    return str(_json(Path(folder) / "people.json").get("digest", ""))


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AvatarError(f"{path} is missing. Make the people again: {MAKE} {path.parents[1]}.") from error
    except ValueError as error:
        raise AvatarError(f"{path} is damaged ({error}). Make the people again.") from error
    if not isinstance(values, dict):
        raise AvatarError(f"{path} is damaged (no object). Make the people again.")
    return values


def _person(folder: Path) -> Person:
    path = folder / "person.json"
    values = _json(path)
    try:
        betas = np.asarray(values["betas"], np.float32)
        expression = np.asarray(values["expression"], np.float32)
        person = Person(
            name=values["name"],
            split=values["split"],
            tags=tuple(values["tags"]),
            description=values["description"],
            betas=betas,
            frames=tuple(_shot(folder, frame, betas, expression) for frame in values["frames"]),
            photos=tuple(
                Photo(_shot(folder, photo, betas, expression), photo["frame"]) for photo in values["photos"]
            ),
        )
        _check(person)
    except KeyError as error:
        raise AvatarError(f"{path} lacks {error}. Make the people again.") from error
    except (TypeError, ValueError) as error:
        raise AvatarError(f"{path} is damaged ({error}). Make the people again.") from error
    return person


def _shot(
    folder: Path, values: dict[str, Any], betas: NDArray[np.float32], expression: NDArray[np.float32]
) -> Shot:
    pose = np.asarray(values["pose"], np.float64).reshape(JOINT_COUNT, 3)
    azimuth = float(values.get("azimuth", 0.0))
    return Shot(
        path=folder / values["file"],
        kind=values.get("kind", PHOTO),
        azimuth=(azimuth + 180.0) % 360.0 - 180.0 if azimuth % 360.0 != 180.0 else 180.0,
        params=BodyParams.from_pose(pose, betas=betas, expression=expression, transl=values["transl"]),
        viewmat=np.asarray(values["viewmat"], np.float64).reshape(4, 4),
        K=np.asarray(values["K"], np.float64).reshape(3, 3),
        width=int(values["width"]),
        height=int(values["height"]),
    )


def _check(person: Person) -> None:
    """What the types do not say."""
    if person.split not in (TUNING, REPORTED):
        raise ValueError(f"split must be {TUNING} or {REPORTED}, got {person.split!r}")
    for shot in (*person.frames, *(photo.shot for photo in person.photos)):
        if shot.kind not in (VIEW, POSE, PHOTO):
            raise ValueError(f"kind must be {VIEW}, {POSE} or {PHOTO}, got {shot.kind!r}")
        if not shot.path.is_file():
            raise ValueError(f"{shot.path.name} is missing")
    for photo in person.photos:
        if photo.frame is not None and not 0 <= photo.frame < len(person.frames):
            raise ValueError(f"frame must be 0 to {len(person.frames) - 1}, got {photo.frame}")


def read_rgba(shot: Shot) -> NDArray[np.float32]:
    """A view or pose: display-space colour and straight alpha, 0..1. [H, W, 4]

    Raises:
        AvatarError: If the picture has no alpha or another size than its camera says.
    """
    return _pixels(shot, "RGBA")


def read_rgb(shot: Shot) -> NDArray[np.float32]:
    """A photo, display-space, 0..1. [H, W, 3]

    Raises:
        AvatarError: If the picture has another size than its camera says.
    """
    return _pixels(shot, "RGB")


def _pixels(shot: Shot, mode: str) -> NDArray[np.float32]:
    from PIL import Image

    try:
        with Image.open(shot.path) as image:
            size, found = image.size, image.mode
            array = np.asarray(image.convert(mode), np.float32) / np.float32(255)
    except OSError as error:
        raise AvatarError(f"{shot.path} cannot be read ({error}). Make the people again.") from error
    if size != (shot.width, shot.height):
        raise AvatarError(
            f"{shot.path} has {size[0]} × {size[1]} pixels, and its camera {shot.width} × {shot.height}. "
            "Make the people again."
        )
    if mode == "RGBA" and found != "RGBA":
        raise AvatarError(f"{shot.path} has no alpha. Make the people again.")
    return array
