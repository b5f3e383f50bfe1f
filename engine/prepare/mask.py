"""Which pixels are the person: the file's alpha, the user's mask, or models and GrabCut, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..avatar.errors import AvatarError
from .boxes import clipped, mask_box, resized
from .decode import decode_photo
from .grabcut import cut, cut_rectangle, soft, tidy
from .outline import doubt_about, refine_outline
from .reach import fingers, hands, head, reach

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .boxes import Box
    from .decode import Photo
    from .keypoints import Estimate
    from .models import Models

SOURCE_ALPHA = "the photo's alpha channel"
SOURCE_USER = "your mask"
SOURCE_MODELS = "mediapipe and GrabCut"
SOURCE_RECTANGLE = "GrabCut in a rectangle"

_MASK_AREA = (0.005, 0.95)
_SURE, _LIKELY, _POSSIBLE, _HELD = 0.92, 0.5, 0.25, 0.75
_FARTHEST = 1.5
_BONE = 0.1
_BAND = 0.012  # Share of the person's height about the likely part in which the outline may lie.
_TRUSTED_COVER = 0.5
_SOFT = 0.2  # Pixels between black and white per pixel of outline from which on a mask counts as soft.
_BLUR = 0.6  # Pixels; a corner or a line one pixel wide stays above one half.


@dataclass(frozen=True)
class Matte:
    """Which pixels are the person.

    Args:
        alpha: 0..1, soft at the edges. [H, W]
        source: Where it comes from, in words.
        warnings: Plain sentences.
        doubt: How little it is to be trusted, 0..1; 0 for one that was given.
    """

    alpha: NDArray[np.float32]
    source: str
    warnings: tuple[str, ...] = ()
    doubt: float = 0.0


def given_matte(photo: Photo, mask_path: Path | None) -> tuple[Matte | None, tuple[str, ...]]:
    """The matte that came with the photo or from the user, if any, and sentences about those not used.

    Raises:
        AvatarError: If the user's mask cannot be read, or masks nothing or everything.
    """
    if mask_path is not None:
        return _user_matte(photo, mask_path), ()
    if photo.alpha is None:
        return None, ()
    area = float((photo.alpha > 0.5).mean())
    if _MASK_AREA[0] < area < _MASK_AREA[1]:
        return Matte(softened(photo.alpha), SOURCE_ALPHA), ()
    return None, (
        f"The photo's alpha channel is no mask (it covers {area:.1%} of the picture) and was not used.",
    )


def _user_matte(photo: Photo, path: Path) -> Matte:
    """A painted image: white is the person. Its alpha is taken instead if that is a mask."""
    picture = decode_photo(path, min_side=1)
    alpha = picture.rgb.astype(np.float32).mean(axis=2) / 255
    if picture.alpha is not None and _MASK_AREA[0] < float((picture.alpha > 0.5).mean()) < _MASK_AREA[1]:
        alpha = picture.alpha
    warnings = ()
    if picture.original_size != photo.original_size:
        mine, theirs = (f"{w} × {h}" for w, h in (picture.original_size, photo.original_size))
        warnings = (f"The mask has {mine} pixels, the photo {theirs}; the mask was stretched to fit.",)
    alpha = resized(alpha, photo.width, photo.height)
    area = float((alpha > 0.5).mean())
    if not 0 < area < 1:
        everything = "everything" if area == 1 else "nothing"
        raise AvatarError(
            f"The mask {path.name} marks {everything} as the person. Paint the person white, the rest black."
        )
    return Matte(softened(alpha), SOURCE_USER, warnings)


def softened(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """A hard mask with its edge blurred over a pixel; one that is soft already as it is. [H, W]"""
    front = (alpha > 0.5).astype(np.uint8)
    edge = int((cv2.dilate(front, np.ones((3, 3), np.uint8)) != front).sum())
    between = int(((alpha > 0.1) & (alpha < 0.9)).sum())
    if between > _SOFT * edge:
        return alpha
    return np.asarray(cv2.GaussianBlur(alpha, (3, 3), _BLUR), np.float32)


def found_matte(
    models: Models,
    rgb: NDArray[np.uint8],
    box: Box,
    person: Estimate,
    others: NDArray[np.float32],
) -> Matte:
    """Cut one person out of a photo.

    Args:
        models: mediapipe.
        rgb: The photo. [H, W, 3]
        box: Around the person.
        person: Landmarks and rough silhouette.
        others: How likely each pixel is somebody else, 0..1; zero if the person is alone. [H, W]
    """
    height, width = rgb.shape[:2]
    area = box.grown(0.12, (width, height))
    view = np.ascontiguousarray(rgb[area.slices])
    alpha = np.zeros((height, width), np.float32)
    if _cover(person) < _TRUSTED_COVER:
        warning = (
            "The person's outline could only be guessed from a rectangle. Paint a mask for a better one."
        )
        front = tidy(cut_rectangle(view, _inside(_landmark_box(person, box, (width, height)), area)))
        alpha[area.slices] = soft(view, front)
        return Matte(alpha, SOURCE_RECTANGLE, (warning,), 1.0)
    everyone = models.people_mask(view)
    near_hands = hands(person.keypoints)[area.slices]
    trimap = person_trimap(
        person.mask[area.slices],
        everyone,
        others[area.slices],
        reach(person.keypoints)[area.slices],
        head(person.keypoints)[area.slices],
        near_hands,
    )
    sure = cv2.dilate((trimap == cv2.GC_FGD).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    rough = cut(view, trimap)
    front = tidy(rough, anchor=sure, gaps=near_hands)
    likely = person.mask[area.slices]
    outline = refine_outline(
        view, front, likely, cut=rough, fingers=fingers(person.keypoints)[area.slices] & (likely > _POSSIBLE)
    )
    alpha[area.slices] = outline.alpha
    doubt, reasons = doubt_about(outline)
    return Matte(alpha, SOURCE_MODELS, reasons, doubt)


def person_trimap(
    person: NDArray[np.float32],
    everyone: NDArray[np.float32],
    others: NDArray[np.float32],
    far: NDArray[np.float32],
    near_head: NDArray[np.bool_],
    near_hands: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """What GrabCut may change, from what each model says of each pixel.

    The pose model knows the person but cuts hoods and hats short; the other one keeps those, and also what
    the person holds and who stands beside. So it counts only near the skeleton, and where the first one is
    in doubt.

    Args:
        person: How likely it is the person, 0..1. [H, W]
        everyone: How likely it is any person or something held, 0..1. [H, W]
        others: How likely it is somebody else, 0..1. [H, W]
        far: Distance from the skeleton; clothing ends at 1. [H, W]
        near_head: Where hair and hats are. [H, W]
        near_hands: Where something held may be; it looks half like the person. [H, W]

    Returns:
        OpenCV's values. [H, W]
    """
    near = far < 1
    theirs = (others > 0.5) & (others > person)
    held = near_hands & (person < _HELD)
    likely = (person > _LIKELY) & (far < _FARTHEST) & ((everyone > 0.1) | (person > _SURE))
    likely |= (everyone > 0.8) & (person > 0.15) & near
    likely &= ~theirs & ~held
    box = mask_box(likely)
    reach_pixels = max(2, round(_BAND * box.height)) if box else 2
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach_pixels + 1, 2 * reach_pixels + 1))
    band = cv2.dilate(likely.astype(np.uint8), kernel) > 0
    trimap = np.full(person.shape, cv2.GC_BGD, np.uint8)
    trimap[(band | (person > _POSSIBLE)) & (far < _FARTHEST) & ~held] = cv2.GC_PR_BGD
    trimap[likely] = cv2.GC_PR_FGD
    # The pose model's outline is smooth and a little wide, so its border is left to the picture's edges.
    # Hair and hats often have the background's colour: more of them is taken for sure.
    sure = (likely & (person > _SURE)).astype(np.uint8)
    thin = np.ones((2 * (reach_pixels // 2) + 1,) * 2, np.uint8)
    core = (cv2.erode(sure, kernel) > 0) | ((cv2.erode(sure, thin) > 0) & near_head)
    trimap[(core | (far < _BONE)) & likely & near & ~near_hands] = cv2.GC_FGD
    trimap[theirs] = cv2.GC_BGD
    return trimap


def without_others(matte: Matte, person: NDArray[np.float32], others: NDArray[np.float32]) -> Matte:
    """Take other people out of an alpha channel that shows several.

    Args:
        matte: Of everyone.
        person: How likely each pixel is the person, 0..1. [H, W]
        others: How likely it is somebody else. [H, W]
    """
    front = matte.alpha > 0.5
    count, found = cv2.connectedComponents(front.astype(np.uint8), connectivity=4)
    labels = np.asarray(found, np.int32)
    mine = np.bincount(labels.ravel(), weights=(person > 0.5).ravel(), minlength=count)
    foreign = np.bincount(labels.ravel(), weights=(others > 0.5).ravel(), minlength=count)
    theirs = (mine < foreign)[labels] & front
    theirs |= (others > 0.5) & (others > person)
    grown = cv2.dilate(theirs.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    keep = tidy(front & ~theirs)
    edge = cv2.dilate(keep.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    alpha = np.where(keep | (edge & ~grown), matte.alpha, 0.0).astype(np.float32)
    return Matte(alpha, matte.source, matte.warnings, matte.doubt)


def cut_borders(alpha: NDArray[np.float32]) -> tuple[str, ...]:
    """Borders of the photo that cut the person: any of left, right, top, bottom.

    A border counts if the person touches it over 1 % of their height or more.

    Args:
        alpha: [H, W]
    """
    front = alpha > 0.5
    box = mask_box(front)
    if box is None:
        return ()
    least = max(3, round(0.01 * box.height))
    edges = {"left": front[:, 0], "right": front[:, -1], "top": front[0], "bottom": front[-1]}
    return tuple(name for name, line in edges.items() if int(line.sum()) >= least)


def _cover(person: Estimate) -> float:
    """Share of the visible landmarks that lie in the model's silhouette."""
    keypoints = person.keypoints
    seen = keypoints.inside & (keypoints.visibility > 0.5)
    if not seen.any():
        return 0.0
    columns, rows = keypoints.points[seen].astype(int).T
    return float((person.mask[rows, columns] > 0.5).mean())


def _landmark_box(person: Estimate, fallback: Box, size: tuple[int, int]) -> Box:
    """The box of the visible landmarks, with room for hair, feet and clothes."""
    keypoints = person.keypoints
    points = keypoints.points[keypoints.inside & (keypoints.visibility > 0.5)]
    if len(points) < 2:
        return fallback
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    room = 0.12 * (bottom - top)
    return clipped((left - room, top - room, right + room, bottom + room), size)


def _inside(box: Box, area: Box) -> Box:
    """A box of the photo in the pixels of an area of it."""
    return clipped(
        (box.left - area.left, box.top - area.top, box.right - area.left, box.bottom - area.top),
        (area.width, area.height),
    )
