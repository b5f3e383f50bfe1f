"""What the user is told: warnings, and everything that was found, guessed and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hand_points import SIDES

if TYPE_CHECKING:
    from .boxes import Box
    from .decode import Photo
    from .framing import Crop
    from .keypoints import Keypoints
    from .mask import Matte

LOW_PERSON = 256


def warnings_about(people: int, box: Box, cut: tuple[str, ...], half: bool, ratio: float) -> list[str]:
    """Sentences about what makes the avatar worse."""
    sentences = []
    if people > 1:
        sentences.append(f"{people} people were found; the largest was taken.")
    if box.height < LOW_PERSON:
        sentences.append(f"The person is only {box.height} pixels tall, so the avatar will be coarse.")
    if cut:
        sentences.append(f"The person is cut off at the {_listed(cut)} of the photo; the rest is invented.")
    if half:
        shown = f"About {ratio:.0%} of the body is" if ratio < 1 else "The legs are not"
        sentences.append(f"{shown} in the photo; the rest is invented.")
    return sentences


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def report_of(
    photo: Photo,
    matte: Matte,
    people: int,
    box: Box,
    crop: Crop,
    cut: tuple[str, ...],
    ratio: float,
    half: bool,
    fov: float,
    keypoints: Keypoints,
) -> dict[str, Any]:
    """Plain values for the report file and the panel."""
    sentences = [
        f"Read {photo.name}, {photo.original_size[0]} × {photo.original_size[1]} pixels.",
        *photo.notes,
        f"Found {people} {'person' if people == 1 else 'people'}; cut out by {matte.source}.",
        f"The crop is {crop.box.width} × {crop.box.height} pixels of the photo, scaled by {crop.scale:.2f}.",
        f"The angle of view is {fov:.0f}°, " + ("from the EXIF data." if photo.focal35 else "a guess."),
        "A face was found."
        if keypoints.face is not None
        else "No face was found; the head is aligned less well.",
    ]
    return {
        "photo_sha256": photo.sha256,
        "photo_size": list(photo.original_size),
        "working_size": [photo.width, photo.height],
        "people": people,
        "mask_source": matte.source,
        "mask_doubt": round(matte.doubt, 3),
        "mask_area": round(float((matte.alpha > 0.5).mean()), 4),
        "person_height": box.height,
        "crop": [crop.box.left, crop.box.top, crop.box.right, crop.box.bottom],
        "crop_scale": round(crop.scale, 4),
        "cut": list(cut),
        "visible_ratio": round(ratio, 3),
        "half_body": half,
        "vertical_fov": round(fov, 2),
        "fov_source": "EXIF" if photo.focal35 else "guess",
        "face_found": keypoints.face is not None,
        "hands_found": [side for side, hand in zip(SIDES, keypoints.hands, strict=True) if hand is not None],
        "sentences": sentences,
    }
