"""Find the people in a photo: the model finds one, so it looks again in the photo without that one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .boxes import Box, clipped, limited, mask_box, resized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .models import Models, Pose

MAX_PEOPLE = 6
_SEARCH_SIDE = 1280
_LANDSCAPE = 1.5  # Beyond this shape a person becomes too small in the model's square input.
_VISIBLE = 0.5
_SURE = 0.5
_SAME = 0.5  # Share of a silhouette that belongs to someone already found.


@dataclass(frozen=True)
class Person:
    """One person, roughly.

    Args:
        mask: How likely each pixel of the photo is this person, 0..1. [H, W]
        box: Around the pixels that are likely.
        area: Number of likely pixels.
        points: Landmarks, pixels of the photo. [33, 2]
        visibility: 0..1. [33]
    """

    mask: NDArray[np.float32]
    box: Box
    area: int
    points: NDArray[np.float64]
    visibility: NDArray[np.float64]


def find_people(models: Models, rgb: NDArray[np.uint8]) -> list[Person]:
    """Everyone the models see, the largest first.

    Args:
        models: mediapipe.
        rgb: The photo. [H, W, 3]
    """
    height, width = rgb.shape[:2]
    size = (width, height)
    people: list[Person] = []
    rest = rgb
    for window in _windows(size):
        while len(people) < MAX_PEOPLE and (person := _look(models, rest, window, people)):
            people.append(person)
            rest = without(rest, person.mask > 0.2)
    for face in models.faces(limited(rgb, _SEARCH_SIDE)) * (max(size) / min(max(size), _SEARCH_SIDE)):
        x, y = int(face[[0, 2]].mean()), int(face[[1, 3]].mean())
        if len(people) >= MAX_PEOPLE or not (0 <= x < width and 0 <= y < height):
            continue
        if any(person.mask[y, x] > _SURE for person in people):
            continue
        if person := _look(models, rest, _body_window(face, size), people):
            people.append(person)
            rest = without(rest, person.mask > 0.2)
    return sorted(people, key=lambda person: -person.area)


def without(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The photo with the masked part filled by the blurred surroundings.

    A flat fill would keep the outline, in which the model sees the person again.

    Args:
        rgb: [H, W, 3]
        mask: [H, W]
    """
    height, width = mask.shape
    small = limited(rgb, 160)
    keep = 1.0 - resized(mask.astype(np.float32), small.shape[1], small.shape[0])
    keep = cv2.erode(np.where(keep > 0.99, 1.0, 0.0).astype(np.float32), np.ones((3, 3), np.uint8))
    if keep.sum() == 0:
        return np.full_like(rgb, 128)
    filled = small * keep[..., None]
    weight = keep.copy()
    color = np.broadcast_to(filled.sum((0, 1)) / keep.sum(), small.shape).astype(np.float32)
    for sigma in (24.0, 12.0, 6.0):
        blurred = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
        share = np.clip(blurred * 8, 0, 1)
        color = color * (1 - share) + share * cv2.GaussianBlur(filled, (0, 0), sigma) / np.maximum(
            blurred, 1e-3
        )
    grown = cv2.dilate(
        mask.astype(np.float32), np.ones((5, 5), np.uint8), iterations=max(1, max(mask.shape) // 300)
    )
    soft = cv2.GaussianBlur(grown, (0, 0), max(1.0, max(mask.shape) / 300))[..., None]
    return (rgb * (1 - soft) + resized(color, width, height) * soft).astype(np.uint8)


def _windows(size: tuple[int, int]) -> Iterator[Box]:
    """The whole photo; then, if it is wide or tall, overlapping squares."""
    width, height = size
    yield Box(0, 0, width, height)
    side = min(size)
    length = max(size)
    if length < _LANDSCAPE * side:
        return
    count = int(np.ceil((length - side) / (side * 0.5))) + 1
    for start in np.linspace(0, length - side, count).astype(int):
        first = int(start)
        yield Box(first, 0, first + side, height) if width > height else Box(0, first, width, first + side)


def _body_window(face: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """Where the body under a face box (left, top, right, bottom) should be."""
    left, top, right, bottom = face
    unit = max(right - left, bottom - top)
    middle = (left + right) / 2
    return clipped((middle - 3.5 * unit, top - 1.5 * unit, middle + 3.5 * unit, top + 8.5 * unit), size)


def _look(models: Models, rgb: NDArray[np.uint8], window: Box, known: list[Person]) -> Person | None:
    """One person in a window of the photo who is not yet known."""
    view = limited(rgb[window.slices], _SEARCH_SIDE)
    pose = models.pose(view)
    if pose is None or not _plausible(models, view, pose):
        return None
    scale = window.width / view.shape[1]
    mask = np.zeros(rgb.shape[:2], np.float32)
    mask[window.slices] = resized(pose.mask, window.width, window.height)
    likely = mask > _SURE
    box = mask_box(likely)
    if box is None or any((likely & (p.mask > _SURE)).sum() > _SAME * likely.sum() for p in known):
        return None
    return Person(
        mask, box, int(likely.sum()), pose.points * scale + (window.left, window.top), pose.visibility
    )


def _plausible(models: Models, view: NDArray[np.uint8], pose: Pose) -> bool:
    """Whether the landmarks, their silhouette and a second model agree that somebody is there."""
    height, width = view.shape[:2]
    inside = ((pose.points >= 0) & (pose.points < (width, height))).all(axis=1)
    seen = inside & (pose.visibility > _VISIBLE)
    likely = pose.mask > _SURE
    if seen.sum() < 5 or not likely.any():
        return False
    columns, rows = pose.points[seen].astype(int).T
    if likely[rows, columns].mean() < 0.5:
        return False
    return float(models.people_mask(view)[likely].mean()) > 0.3
