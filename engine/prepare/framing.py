"""Where the person is in the frame: crop, angle of view, how much of the body is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .landmarks import landmark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Box
    from .decode import Photo
    from .keypoints import Keypoints

PERSON_HEIGHT = 1024
"""The crop is made so that the person has at most this many pixels in height."""

CROP_MARGIN = 0.1
DEFAULT_FOV = 40.0
"""Vertical angle of view, degrees, of a photo whose camera did not write its focal length: a 50 mm lens held
upright. Phones see about 65, portrait lenses 25."""

HALF_BODY_RATIO = 0.8
_FILM_DIAGONAL = math.hypot(36.0, 24.0)
_NOSE_DEPTH = 0.12  # The top of the head is this share of the body's height above the nose.


@dataclass(frozen=True)
class Crop:
    """Where the crop lies in the working photo.

    Args:
        box: In the working photo, pixels.
        scale: Crop pixels per pixel of the working photo.
    """

    box: Box
    scale: float

    def to_photo(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels of the crop to pixels of the working photo. [..., 2]"""
        return points / self.scale + (self.box.left, self.box.top)

    def to_crop(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels of the working photo to pixels of the crop. [..., 2]"""
        return (points - (self.box.left, self.box.top)) * self.scale


def visible_ratio(keypoints: Keypoints) -> float:
    """Share of the line from the top of the head to the heels that lies in the picture, 0..1.

    Points outside the picture are the model's guesses, so for half bodies this is a rough figure.
    """
    nose = keypoints.points[landmark("nose")]
    heels = keypoints.points[[landmark("left_heel"), landmark("right_heel")]].mean(axis=0)
    top = nose - (heels - nose) * (_NOSE_DEPTH / (1 - _NOSE_DEPTH))
    line = top + (heels - top) * ((np.arange(200) + 0.5) / 200)[:, None]
    inside = (line >= 0) & (line < (keypoints.width, keypoints.height))
    # A pose that leans out of the picture sideways is still cut; hair above the border is not worth a word.
    return float(inside.all(axis=1).mean())


def is_half_body(keypoints: Keypoints, ratio: float) -> bool:
    """Whether the legs are, for the most part, not in the picture."""
    knees = [landmark("left_knee"), landmark("right_knee")]
    seen = keypoints.inside[knees] & (keypoints.visibility[knees] > 0.3)
    return ratio < HALF_BODY_RATIO or not bool(seen.any())


def field_of_view(photo: Photo) -> tuple[float, float]:
    """Vertical angle of view in degrees, and the focal length in pixels of the working photo.

    The focal length "as on 35 mm film" compares diagonals, so it holds for any shape of picture, as long as
    nobody cropped it. Without one, ``DEFAULT_FOV``.
    """
    if photo.focal35 is not None:
        focal = photo.focal35 / _FILM_DIAGONAL * math.hypot(photo.width, photo.height)
        return math.degrees(2 * math.atan(photo.height / 2 / focal)), focal
    return DEFAULT_FOV, photo.height / 2 / math.tan(math.radians(DEFAULT_FOV) / 2)


def crop_around(box: Box, photo: Photo) -> Crop:
    """The person with a margin, at most 1024 pixels tall; never made larger than in the photo."""
    return Crop(box.grown(CROP_MARGIN, (photo.width, photo.height)), min(1.0, PERSON_HEIGHT / box.height))


def cropped(keypoints: Keypoints, crop: Crop, width: int, height: int) -> Keypoints:
    """The same landmarks in pixels of the crop."""
    face, hands = keypoints.face, keypoints.hands

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([crop.to_crop(points[:, :2]), points[:, 2:] * crop.scale], axis=1)

    left, right = (hand and replace(hand, points=moved(hand.points)) for hand in hands)
    return replace(
        keypoints,
        points=crop.to_crop(keypoints.points),
        spread=keypoints.spread * crop.scale,
        face=face and replace(face, points=moved(face.points)),
        width=width,
        height=height,
        hands=(left, right),
    )
