"""Find the people in a photo: the model finds one, so it looks again in the photo without that one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .boxes import limited, mask_box, resized
from .keypoints import Keypoints
from .landmarks import landmark
from .look import SEARCH_SIDE, SURE, VISIBLE, Person, look
from .reach import reach
from .windows import body_window, tiles, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Box
    from .models import Models

MAX_PEOPLE = 6
_SAME = 0.5  # Share of a silhouette or of its landmarks.
_LEFT_OVER = 0.2
_LEAST_AREA = 0.05  # Of somebody already found; who is smaller does not matter.


def find_people(models: Models, rgb: NDArray[np.uint8]) -> list[Person]:
    """Everyone the models see, the largest first.

    Args:
        models: mediapipe.
        rgb: The photo. [H, W, 3]
    """
    size = (rgb.shape[1], rgb.shape[0])
    search = _Search(models, rgb)
    for window in windows(size):
        search.look(window, again=True)
    for face in _faces(models, rgb):
        search.look_below(face)
    if not search.people:
        for window in tiles(size):  # Someone far away, too small in the model's square input.
            search.look(window)
    people = [person for person in _separated(search.people) if person is not None]
    return sorted(people, key=lambda person: -person.area)


class _Search:
    """The people found so far, and the photo without them."""

    def __init__(self, models: Models, rgb: NDArray[np.uint8]) -> None:
        self.models = models
        self.people: list[Person] = []
        self._photo = self._rest = rgb

    def look(self, window: Box, *, again: bool = False) -> None:
        """Look for one more person in a window, or again and again until nobody is found."""
        while len(self.people) < MAX_PEOPLE:
            person = look(self.models, self._rest, window)
            if person is None or _is_ghost(person, self.people):
                return
            self._add(person)
            if not again:
                return

    def look_below(self, face: NDArray[np.float64]) -> None:
        """Look for the owner of a face (left, top, right, bottom), even inside somebody's silhouette.

        Of two people close together the model often gives one silhouette.
        """
        known = any(_has_face(person, face) for person in self.people)
        if known or len(self.people) >= MAX_PEOPLE:
            return
        size = (self._photo.shape[1], self._photo.shape[0])
        person = look(self.models, self._photo, body_window(face, size))
        if person is not None and _has_face(person, face):
            self._add(person)

    def _add(self, person: Person) -> None:
        self.people.append(person)
        self._rest = without(self._rest, person.mask > _LEFT_OVER)


def _faces(models: Models, rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Boxes of faces, pixels of the photo. [N, 4]"""
    view = limited(rgb, SEARCH_SIDE)
    return models.faces(view) * (rgb.shape[1] / view.shape[1])


def _has_face(person: Person, face: NDArray[np.float64]) -> bool:
    """Whether a person's nose lies in a face box, give or take."""
    room = 0.25 * (face[2:] - face[:2])
    nose = person.points[landmark("nose")]
    return bool(((nose > face[:2] - room) & (nose < face[2:] + room)).all())


def _separated(people: list[Person]) -> list[Person | None]:
    """Give what two silhouettes share to whoever's skeleton is nearer; None for who has nothing left."""
    shared = np.zeros(people[0].mask.shape, np.int32) if people else np.zeros((0, 0), np.int32)
    for person in people:
        shared += person.mask > _LEFT_OVER
    if not (shared > 1).any():
        return list(people)
    distances = [_distance(person) for person in people]
    nearest = np.argmin(distances, axis=0)
    return [_keeping(person, (shared < 2) | (nearest == i)) for i, person in enumerate(people)]


def _distance(person: Person) -> NDArray[np.float32]:
    """Distance from the skeleton; far for who has no claim to a pixel. [H, W]"""
    height, width = person.mask.shape
    spread = np.zeros(len(person.points))
    keypoints = Keypoints(person.points, person.visibility, person.world, spread, None, width, height)
    return np.where(person.mask > _LEFT_OVER, reach(keypoints), np.inf).astype(np.float32)


def _keeping(person: Person, keep: NDArray[np.bool_]) -> Person | None:
    mask = np.where(keep, person.mask, 0).astype(np.float32)
    box = mask_box(mask > SURE)
    return None if box is None else replace(person, mask=mask, box=box, area=int((mask > SURE).sum()))


def _is_ghost(person: Person, known: list[Person]) -> bool:
    """Whether this is what was left over of somebody already found."""
    likely = person.mask > SURE
    height, width = likely.shape
    inside = ((person.points >= 0) & (person.points < (width, height))).all(axis=1)
    columns, rows = person.points[inside & (person.visibility > VISIBLE)].astype(int).T
    for other in known:
        theirs = other.mask > _LEFT_OVER
        if (likely & theirs).sum() > _SAME * likely.sum() or theirs[rows, columns].mean() > _SAME:
            return True
        if person.area < _LEAST_AREA * other.area:
            return True
    return False


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
