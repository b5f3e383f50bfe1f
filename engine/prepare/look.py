"""One person in one part of a photo, believed only if a second look agrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.axes import OPENCV_FROM_BODY
from .boxes import Box, limited, mask_box, resized
from .landmarks import MIRRORED, landmark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .models import Models, Pose

SEARCH_SIDE = 1280
SURE = 0.5
VISIBLE = 0.5
_SAME = 0.5
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


def look(models: Models, rgb: NDArray[np.uint8], window: Box) -> Person | None:
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
    sure = (first.visibility[trunk] > VISIBLE) & (second.visibility[trunk] > VISIBLE)
    if sure.sum() < 2:
        return False
    apart = np.linalg.norm(first.points[trunk] - second.points[trunk], axis=1)[sure].mean()
    size = max(second.box.width, second.box.height)
    return bool(apart < _AGREE * size) and _overlap(first, second) > _SAME


def _overlap(a: Person, b: Person) -> float:
    """Intersection over union of two silhouettes."""
    one, two = a.mask > SURE, b.mask > SURE
    return float((one & two).sum() / max(1, (one | two).sum()))


def _look_once(models: Models, rgb: NDArray[np.uint8], window: Box) -> Person | None:
    view = limited(rgb[window.slices], SEARCH_SIDE)
    pose = models.pose(view)
    if pose is None or not _plausible(models, view, pose):
        return None
    mask = np.zeros(rgb.shape[:2], np.float32)
    mask[window.slices] = resized(pose.mask, window.width, window.height)
    likely = mask > SURE
    box = mask_box(likely)
    if box is None:
        return None
    points = pose.points * (window.width / view.shape[1]) + (window.left, window.top)
    return Person(mask, box, int(likely.sum()), points, pose.visibility, pose.world @ OPENCV_FROM_BODY)


def _plausible(models: Models, view: NDArray[np.uint8], pose: Pose) -> bool:
    """Whether the landmarks, their silhouette and a second model agree that somebody is there."""
    height, width = view.shape[:2]
    inside = ((pose.points >= 0) & (pose.points < (width, height))).all(axis=1)
    seen = inside & (pose.visibility > VISIBLE)
    likely = pose.mask > SURE
    if seen.sum() < 5 or not likely.any():
        return False
    columns, rows = pose.points[seen].astype(int).T
    hit = float(likely[rows, columns].mean())
    if hit < 0.5:
        return False
    return (seen.sum() >= 20 and hit > 0.8) or float(models.people_mask(view)[likely].mean()) > 0.3
