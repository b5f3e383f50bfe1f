"""Find the people in a photo: the model finds one, so it looks again in the photo without that one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..avatar.axes import OPENCV_FROM_BODY
from .boxes import Box, clipped, limited, mask_box, resized
from .keypoints import Keypoints
from .landmarks import MIRRORED, landmark
from .reach import reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .models import Models, Pose

MAX_PEOPLE = 6
_SEARCH_SIDE = 1280
_LANDSCAPE, _PANORAMA = 1.5, 2.5  # Beyond such shapes people become small in the model's square input.
_VISIBLE = 0.5
_SURE = 0.5
_SAME = 0.5  # Share of a silhouette or of its landmarks.
_LEFT_OVER = 0.2
_LEAST_AREA = 0.05  # Of the largest person's; who is smaller does not matter.
_AGREE = 0.1
_MARGINS = (0.25, 0.08)  # About the person; the second leaves out more of a neighbour.
_TRUNK = ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip")


@dataclass(frozen=True)
class Person:
    """One person, roughly.

    Args:
        mask: How likely each pixel of the photo is this person, 0..1. [H, W]
        box: Around the pixels that are likely.
        area: Number of likely pixels.
        points: Landmarks, pixels of the photo. [33, 2]
        visibility: 0..1. [33]
        world: Metres, body axes. [33, 3]
    """

    mask: NDArray[np.float32]
    box: Box
    area: int
    points: NDArray[np.float64]
    visibility: NDArray[np.float64]
    world: NDArray[np.float64]


def find_people(models: Models, rgb: NDArray[np.uint8]) -> list[Person]:
    """Everyone the models see, the largest first.

    Args:
        models: mediapipe.
        rgb: The photo. [H, W, 3]
    """
    size = (rgb.shape[1], rgb.shape[0])
    search = _Search(models, rgb)
    for window in _windows(size):
        search.look(window, again=True)
    for face in _faces(models, rgb):
        search.look_below(face)
    if not search.people:
        for window in _tiles(size):  # Someone far away, too small in the model's square input.
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
            person = _look(self.models, self._rest, window)
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
        person = _look(self.models, self._photo, _body_window(face, size))
        if person is not None and _has_face(person, face):
            self._add(person)

    def _add(self, person: Person) -> None:
        self.people.append(person)
        self._rest = without(self._rest, person.mask > _LEFT_OVER)


def _faces(models: Models, rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Boxes of faces, pixels of the photo. [N, 4]"""
    view = limited(rgb, _SEARCH_SIDE)
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
    box = mask_box(mask > _SURE)
    return None if box is None else replace(person, mask=mask, box=box, area=int((mask > _SURE).sum()))


def _is_ghost(person: Person, known: list[Person]) -> bool:
    """Whether this is what was left over of somebody already found."""
    likely = person.mask > _SURE
    height, width = likely.shape
    inside = ((person.points >= 0) & (person.points < (width, height))).all(axis=1)
    columns, rows = person.points[inside & (person.visibility > _VISIBLE)].astype(int).T
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


def _windows(size: tuple[int, int]) -> Iterator[Box]:
    """The whole photo; if it is wide or tall, overlapping squares too; if it is very, those only."""
    width, height = size
    side, length = min(size), max(size)
    if length < _PANORAMA * side:
        yield Box(0, 0, width, height)
    if length > _LANDSCAPE * side:
        yield from _squares(size, side)


def _tiles(size: tuple[int, int]) -> Iterator[Box]:
    """Overlapping squares of half the photo's shorter side."""
    yield from _squares(size, max(1, min(size) // 2))


def _squares(size: tuple[int, int], side: int) -> Iterator[Box]:
    """Squares that cover the photo, each overlapping the next by half or more."""
    starts = [np.linspace(0, n - side, int(np.ceil((n - side) / (side * 0.5))) + 1).astype(int) for n in size]
    for top in starts[1].tolist():
        for left in starts[0].tolist():
            yield Box(left, top, left + side, top + side)


def _body_window(face: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """Where the body under a face box (left, top, right, bottom) should be."""
    left, top, right, bottom = face
    unit = max(right - left, bottom - top)
    middle = (left + right) / 2
    return clipped((middle - 3.5 * unit, top - 1.5 * unit, middle + 3.5 * unit, top + 8.5 * unit), size)


def _look(models: Models, rgb: NDArray[np.uint8], window: Box) -> Person | None:
    """The most prominent person in a window of the photo, if a closer look at the mirror image agrees.

    What only looks like a person for once (a lamp, what is left of somebody taken out) does not come back in
    another crop.
    """
    first = _look_once(models, rgb, window)
    if first is None:
        return None
    for margin in _MARGINS:
        closer = _look_at_mirror(models, rgb, first.box.grown(margin, (rgb.shape[1], rgb.shape[0])))
        if closer is not None and _agree(first, closer):
            return closer
    return None


def _look_at_mirror(models: Models, rgb: NDArray[np.uint8], window: Box) -> Person | None:
    """The person whom the mirror image of a window shows, in pixels of the photo."""
    width = rgb.shape[1]
    mirrored = np.ascontiguousarray(rgb[:, ::-1])
    found = _look_once(
        models, mirrored, Box(width - window.right, window.top, width - window.left, window.bottom)
    )
    if found is None:
        return None
    return Person(
        np.ascontiguousarray(found.mask[:, ::-1]),
        Box(width - found.box.right, found.box.top, width - found.box.left, found.box.bottom),
        found.area,
        found.points[MIRRORED] * (-1, 1) + (width, 0),
        found.visibility[MIRRORED],
        found.world[MIRRORED] * (-1, 1, 1),
    )


def _agree(first: Person, second: Person) -> bool:
    """Whether two looks show the same silhouette and the same trunk."""
    trunk = [landmark(name) for name in _TRUNK]
    sure = (first.visibility[trunk] > _VISIBLE) & (second.visibility[trunk] > _VISIBLE)
    if sure.sum() < 2:
        return False
    apart = np.linalg.norm(first.points[trunk] - second.points[trunk], axis=1)[sure].mean()
    size = max(second.box.width, second.box.height)
    return bool(apart < _AGREE * size) and _overlap(first, second) > _SAME


def _overlap(a: Person, b: Person) -> float:
    """Intersection over union of two silhouettes."""
    one, two = a.mask > _SURE, b.mask > _SURE
    return float((one & two).sum() / max(1, (one | two).sum()))


def _look_once(models: Models, rgb: NDArray[np.uint8], window: Box) -> Person | None:
    view = limited(rgb[window.slices], _SEARCH_SIDE)
    pose = models.pose(view)
    if pose is None or not _plausible(models, view, pose):
        return None
    mask = np.zeros(rgb.shape[:2], np.float32)
    mask[window.slices] = resized(pose.mask, window.width, window.height)
    likely = mask > _SURE
    box = mask_box(likely)
    if box is None:
        return None
    points = pose.points * (window.width / view.shape[1]) + (window.left, window.top)
    return Person(mask, box, int(likely.sum()), points, pose.visibility, pose.world @ OPENCV_FROM_BODY)


def _plausible(models: Models, view: NDArray[np.uint8], pose: Pose) -> bool:
    """Whether the landmarks, their silhouette and a second model agree that somebody is there."""
    height, width = view.shape[:2]
    inside = ((pose.points >= 0) & (pose.points < (width, height))).all(axis=1)
    seen = inside & (pose.visibility > _VISIBLE)
    likely = pose.mask > _SURE
    if seen.sum() < 5 or not likely.any():
        return False
    columns, rows = pose.points[seen].astype(int).T
    hit = float(likely[rows, columns].mean())
    if hit < 0.5:
        return False
    return (seen.sum() >= 20 and hit > 0.8) or float(models.people_mask(view)[likely].mean()) > 0.3
