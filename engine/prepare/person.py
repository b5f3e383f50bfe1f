"""Prepare a photo: decode, find the person, cut them out, find their landmarks, crop."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.errors import AvatarError
from .boxes import mask_box, resized
from .decode import Photo, decode_photo
from .framing import Crop, crop_around, cropped, field_of_view, is_half_body, visible_ratio
from .keypoints import Estimate, Keypoints, estimate
from .mask import SOURCE_ALPHA, Matte, cut_borders, found_matte, given_matte, without_others
from .models import Models
from .people import find_people, without
from .report import report_of, warnings_about
from .second_look import easier
from .upright import TURNED, half_turned, is_upside_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .look import Person

log = logging.getLogger(__name__)

MIN_PERSON = 64
_NO_PERSON = (
    "No person was found in this photo. Choose one that shows a whole person, or the upper body, clearly."
)


@dataclass(frozen=True)
class PreparedPhoto:
    """One person, ready to be reconstructed. All pixels are the crop's unless said otherwise.

    Args:
        photo: The whole picture at its working size.
        rgb: The crop, 0..1, background still in it. [h, w, 3]
        alpha: The person, 0..1. [h, w]
        matte: Of the whole working photo.
        keypoints: Landmarks.
        crop: Where the crop lies.
        focal: Pixels.
        center: Principal point; the middle of the photo, so it may lie outside the crop. [2]
        cut: Borders of the photo that cut the person: any of left, right, top, bottom.
        visible_ratio: Share of the standing person's height that the photo shows, 0..1.
        half_body: Whether the legs are, for the most part, not in the photo.
        focal_known: Whether the camera wrote its focal length; otherwise ``focal`` is that of a usual lens.
        warnings: Sentences for the user.
        report: What was found, guessed and done, as plain values.
    """

    photo: Photo
    rgb: NDArray[np.float32]
    alpha: NDArray[np.float32]
    matte: Matte
    keypoints: Keypoints
    crop: Crop
    focal: float
    center: tuple[float, float]
    cut: tuple[str, ...]
    visible_ratio: float
    half_body: bool
    focal_known: bool = False
    warnings: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)


def prepare(
    photo_path: Path,
    mask_path: Path | None = None,
    progress: Callable[[float, str], None] = lambda fraction, message: None,
) -> PreparedPhoto:
    """Everything between an image file and the reconstruction.

    Args:
        photo_path: Any image file.
        mask_path: An image in which the person is white; it wins over everything else.
        progress: Told the fraction done, 0..1, and what comes next; it may raise to cancel.

    Raises:
        AvatarError: If a file cannot be used, or no person is found.
    """
    progress(0.0, "Reading the photo")
    photo = decode_photo(Path(photo_path))
    given, notes = given_matte(photo, Path(mask_path) if mask_path else None)
    seen_rgb = photo.rgb if given is None else _on_gray(photo.rgb, given.alpha)
    with Models() as models:
        progress(0.15, "Looking for people")
        sight = _sight(models, seen_rgb)
        if is_upside_down(sight.people[0]):
            photo, given = half_turned(photo, given)
            sight = _sight(models, np.ascontiguousarray(seen_rgb[::-1, ::-1]))
            notes = (*notes, TURNED)
        seen_rgb, people = sight.rgb, sight.people
        notes = (*notes, *sight.notes)
        person, others = people[0], _together(people[1:], seen_rgb.shape[:2])
        progress(0.45, "Finding the joints")
        rest = without(seen_rgb, (others > 0.5) & (others > person.mask)) if len(people) > 1 else seen_rgb
        found = estimate(models, rest, person.box, person.mask)
        if found is None:
            raise AvatarError(_NO_PERSON)
        progress(0.65, "Cutting the person out")
        matte = _matte(models, seen_rgb, given, person, found, others)
    progress(0.95, "Cropping")
    return _assemble(photo, matte, found.keypoints, len(people), notes)


@dataclass(frozen=True)
class _Sight:
    """People, the picture in which they were found, and what to say about that."""

    people: list[Person]
    rgb: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def _sight(models: Models, rgb: NDArray[np.uint8]) -> _Sight:
    """Everyone in a picture, or in an easier copy of it if nobody is seen in the picture itself.

    Raises:
        AvatarError: If there is nobody.
    """
    people = find_people(models, rgb)
    if people:
        return _Sight(people, rgb)
    for copy, note in easier(rgb):
        people = find_people(models, copy)
        if people:
            return _Sight(people, copy, (note,))
    raise AvatarError(_NO_PERSON)


def _matte(
    models: Models,
    rgb: NDArray[np.uint8],
    given: Matte | None,
    person: Person,
    found: Estimate,
    others: NDArray[np.float32],
) -> Matte:
    if given is None:
        return found_matte(models, rgb, person.box, found, others)
    # The user's mask is taken at its word; a file's alpha often shows a whole group.
    several = given.source == SOURCE_ALPHA and bool(others.any())
    return without_others(given, found.mask, others) if several else given


def _on_gray(rgb: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What a given matte shows, on gray, so that nobody outside of it is found."""
    share = alpha[..., None]
    return (rgb * share + 128 * (1 - share)).astype(np.uint8)


def _together(people: list[Person], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """How likely each pixel is any of these people. [H, W]"""
    mask = np.zeros(shape, np.float32)
    for person in people:
        np.maximum(mask, person.mask, out=mask)
    return mask


def _assemble(
    photo: Photo, matte: Matte, keypoints: Keypoints, people: int, notes: tuple[str, ...]
) -> PreparedPhoto:
    box = mask_box(matte.alpha > 0.5)
    if box is None:
        raise AvatarError("The person could not be cut out of this photo. Paint a mask and choose it, too.")
    if box.height < MIN_PERSON:
        raise AvatarError(
            f"The person in this photo is only {box.height} pixels tall. Choose one that shows them at least "
            f"{MIN_PERSON} pixels tall, and better 1000."
        )
    crop = crop_around(box, photo)
    width, height = (max(1, round(side * crop.scale)) for side in (crop.box.width, crop.box.height))
    cut = cut_borders(matte.alpha)
    ratio = visible_ratio(keypoints) if cut else 1.0
    half = is_half_body(keypoints, ratio)
    fov, focal = field_of_view(photo)
    warnings = (*notes, *matte.warnings, *warnings_about(people, box, cut, half, ratio))
    for sentence in warnings:
        log.info("%s", sentence)
    middle = crop.to_crop(np.array([photo.width / 2, photo.height / 2]))
    return PreparedPhoto(
        photo=photo,
        rgb=resized(photo.rgb[crop.box.slices].astype(np.float32) / 255, width, height),
        alpha=np.clip(resized(np.ascontiguousarray(matte.alpha[crop.box.slices]), width, height), 0, 1),
        matte=matte,
        keypoints=cropped(keypoints, crop, width, height),
        crop=crop,
        focal=focal * crop.scale,
        center=(float(middle[0]), float(middle[1])),
        cut=cut,
        visible_ratio=ratio,
        half_body=half,
        focal_known=photo.focal35 is not None,
        warnings=warnings,
        report=report_of(photo, matte, people, box, crop, cut, ratio, half, fov, keypoints),
    )
