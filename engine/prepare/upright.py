"""Photos that came in upside down: the person in them shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .landmarks import landmark

if TYPE_CHECKING:
    from .decode import Photo
    from .look import Person
    from .mask import Matte

TURNED = (
    "The person stands on their head in this photo, so it was taken for upside down and turned. For a "
    "handstand, choose a photo of the person on their feet."
)
_UPSIDE_DOWN = np.radians(135.0)  # of the trunk in the image, from upright; less is somebody who lies
_SHOULDERS = [landmark("left_shoulder"), landmark("right_shoulder")]
_HIPS = [landmark("left_hip"), landmark("right_hip")]


def is_upside_down(person: Person) -> bool:
    """Whether a person's shoulders are seen below their hips, or below where those must be."""
    height, width = person.mask.shape
    shoulders = person.points[_SHOULDERS]
    if not ((shoulders >= 0) & (shoulders < (width, height))).all():
        return False
    x, y = shoulders.mean(axis=0) - person.points[_HIPS].mean(axis=0)
    return bool(abs(np.arctan2(x, -y)) > _UPSIDE_DOWN)


def half_turned(photo: Photo, given: Matte | None) -> tuple[Photo, Matte | None]:
    """A photo and the matte that came with it, turned by half a circle.

    The turned photo is not read again with more pixels: the file would come in upside down.
    """
    turned = replace(
        photo,
        rgb=np.ascontiguousarray(photo.rgb[::-1, ::-1]),
        alpha=None if photo.alpha is None else np.ascontiguousarray(photo.alpha[::-1, ::-1]),
        path=None,
    )
    if given is None:
        return turned, None
    return turned, replace(given, alpha=np.ascontiguousarray(given.alpha[::-1, ::-1]))
