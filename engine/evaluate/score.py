"""Score one avatar on one person: every view and pose, every drive, every baseline."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..avatar.errors import AvatarError
from .baselines import baseline_colors
from .drive import DRIVES, PHOTO_POSE, TRUE_BODY, draw, draw_shot, driven, posed
from .joints import joint_errors
from .metrics import silhouette_iou
from .people import PHOTO_FILE, read_rgb
from .photo_camera import photo_camera
from .pictures import Pictures, jpeg
from .protocol import OFFICIAL, compare, read_truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ..avatar.avatar import Avatar
    from ..avatar.gaussians import Gaussians
    from .drive import Drawn
    from .people import Person, Photo, Shot
    from .photo_camera import PhotoCamera
    from .protocol import Lpips, Protocol, Truth

AVATAR = "avatar"
IOU = "silhouette IoU"


@dataclass(frozen=True)
class ScoreSettings:
    """What to measure.

    Args:
        drive: The headline: it gets baselines, FLIP and LPIPS.
        others: Whether the other drives are measured too.
        baselines: Whether the baselines are.
        protocol: How pictures are compared.
        with_flip: FLIP takes most of the time.
        lpips: The protocol's network, if the user has it.
        with_pictures: Whether to keep pictures for the report.
    """

    drive: str = TRUE_BODY
    others: bool = True
    baselines: bool = True
    protocol: Protocol = OFFICIAL
    with_flip: bool = True
    lpips: Lpips | None = None
    with_pictures: bool = False


@dataclass(frozen=True)
class ShotScore:
    """One picture of one method.

    Args:
        drive: One of ``DRIVES``, or ``PHOTO_POSE``.
        method: ``AVATAR`` or one of ``BASELINES``.
        file: Of the true picture.
        kind: View or pose.
        azimuth: Degrees.
        values: By the name of the measure.
    """

    drive: str
    method: str
    file: str
    kind: str
    azimuth: float
    values: dict[str, float]


@dataclass(frozen=True)
class PersonScore:
    """Everything measured on one person; JSON values but for the pictures.

    Args:
        name: Of the person.
        split: Tuning or reported.
        tags: Of the person.
        shots: One for each drive, method and picture.
        joints: Errors of the body joints, ``mean``, ``sized`` and ``worst`` in millimetres, ``image`` as a
            share of the picture's height; empty if the avatar does not tell its camera.
        notes: Why something was not measured.
        costs: What making the avatar cost; filled in by the caller.
        warnings: Of the engine.
        pictures: For the report.
    """

    name: str
    split: str
    tags: tuple[str, ...]
    shots: tuple[ShotScore, ...]
    joints: dict[str, float]
    notes: tuple[str, ...] = ()
    costs: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    pictures: Pictures | None = None

    def as_json(self) -> dict[str, Any]:
        """Without the pictures."""
        return {name: value for name, value in asdict(self).items() if name != "pictures"}


def person_score(values: Mapping[str, Any]) -> PersonScore:
    """What ``as_json`` wrote."""
    known: dict[str, Any] = dict(values)
    known["shots"] = tuple(ShotScore(**shot) for shot in values["shots"])
    for name in ("tags", "notes", "warnings"):
        known[name] = tuple(values[name])
    return PersonScore(**known)


def score_person(avatar: Avatar, person: Person, settings: ScoreSettings | None = None) -> PersonScore:
    """Measure an avatar that an engine made from ``photo.jpg``.

    Args:
        avatar: As the engine made it.
        person: The truth.
        settings: What to measure.

    Raises:
        AvatarError: If a picture is broken, or the avatar cannot be driven as the headline asks.
    """
    settings = settings or ScoreSettings()
    photo, notes = person.photo(PHOTO_FILE), []
    truths = [read_truth(shot, settings.protocol) for shot in person.frames]
    pictures = Pictures.of(read_rgb(photo.shot)) if settings.with_pictures else None
    colors: dict[str, Any] = {AVATAR: avatar.gaussians.colors()}
    shots: list[ShotScore] = []
    joints: dict[str, float] = {}
    try:
        camera = photo_camera(avatar.metadata)
    except AvatarError as problem:
        notes.append(str(problem))
    else:
        joints = _summed(joint_errors(avatar, camera, photo.shot))
        if settings.baselines:
            colors |= baseline_colors(avatar, read_rgb(photo.shot), camera)
        if photo.frame is None:
            notes.append(f"No view has the camera of {PHOTO_FILE}, so the own pose is not compared in it.")
        shots += _own_view(avatar, person, photo, camera, truths, settings, pictures)
    shots += _drive(avatar, person, settings.drive, colors, truths, settings, pictures)
    others = [drive for drive in DRIVES if settings.others and drive != settings.drive]
    if TRUE_BODY in others and avatar.shape is None:
        others.remove(TRUE_BODY)
        notes.append("This avatar keeps no shape, so it cannot take the true body.")
    for drive in others:
        shots += _drive(avatar, person, drive, colors, truths, settings, pictures)
    return PersonScore(
        person.name, person.split, person.tags, tuple(shots), joints, tuple(notes),
        warnings=tuple(avatar.metadata.get("warnings", ())), pictures=pictures,
    )  # fmt: skip


def _drive(
    avatar: Avatar,
    person: Person,
    drive: str,
    colors: dict[str, NDArray[np.float32]],
    truths: list[Truth],
    settings: ScoreSettings,
    pictures: Pictures | None,
) -> Iterator[ShotScore]:
    headline = drive == settings.drive
    shaped = driven(avatar, person.betas, drive)
    methods = colors if headline else {AVATAR: colors[AVATAR]}
    for shot, truth, gaussians in _posed(shaped, person, truths):
        drawn = {name: draw_shot(gaussians, color, shot) for name, color in methods.items()}
        if headline and pictures is not None:
            pictures.add(shot, truth, {name: image.color for name, image in drawn.items()})
        for name, image in drawn.items():
            yield _shot_score(shot, truth, image, drive, name, settings)


def _posed(avatar: Avatar, person: Person, truths: list[Truth]) -> Iterator[tuple[Shot, Truth, Gaussians]]:
    """Each true picture with the avatar in its pose; the views share one."""
    key, gaussians = None, None
    for shot, truth in zip(person.frames, truths, strict=True):
        wanted = (shot.params.pose().tobytes(), shot.params.transl.tobytes())
        if gaussians is None or wanted != key:
            key, gaussians = wanted, posed(avatar, shot)
        yield shot, truth, gaussians


def _own_view(
    avatar: Avatar,
    person: Person,
    photo: Photo,
    camera: PhotoCamera,
    truths: list[Truth],
    settings: ScoreSettings,
    pictures: Pictures | None,
) -> Iterator[ShotScore]:
    """The avatar as its engine posed it, against the true picture with the photo's camera."""
    if photo.frame is None:
        return
    shot, truth = person.frames[photo.frame], truths[photo.frame]
    K = camera.within(photo.shot, shot)
    gaussians = avatar.posed(avatar.params)
    drawn = draw(gaussians, avatar.gaussians.colors(), camera.viewmat, K, shot.width, shot.height)
    if pictures is not None:
        pictures.own = jpeg(drawn.color)
    yield _shot_score(shot, truth, drawn, PHOTO_POSE, AVATAR, settings)


def _shot_score(
    shot: Shot, truth: Truth, drawn: Drawn, drive: str, method: str, settings: ScoreSettings
) -> ShotScore:
    headline = drive == settings.drive
    values = compare(
        truth, drawn.color, settings.protocol,
        with_flip=settings.with_flip and headline, lpips=settings.lpips if headline else None,
    )  # fmt: skip
    values[IOU] = silhouette_iou(truth.alpha, drawn.alpha)
    return ShotScore(drive, method, shot.path.name, shot.kind, shot.azimuth, values)


def _summed(errors: Any) -> dict[str, float]:
    return {
        "mean": float(errors.space.mean()),
        "sized": float(errors.sized.mean()),
        "worst": float(errors.space.max()),
        "image": float(errors.image.mean()),
    }
