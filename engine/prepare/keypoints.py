"""Landmarks of one person: 33 points of the body in pixels and metres, the face and the hands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.axes import OPENCV_FROM_BODY
from .boxes import Box, limited, resized
from .face_points import find_face
from .hand_points import find_hands
from .landmarks import MIRRORED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .face_points import FacePoints
    from .hand_points import HandPoints
    from .models import Models, Pose

_MARGINS = (0.08, 0.2, 0.35)
_VIEW_SIDE = 1024
_SAME_PERSON = 0.5


@dataclass(frozen=True)
class Keypoints:
    """Where a person's body is.

    Args:
        points: Pixels, centres at +0.5; guesses where the visibility is low or outside the picture. [33, 2]
        visibility: 0..1. [33]
        world: Metres about the middle of the hips, in the axes of the body frame before a level camera: x to
            the right in the picture (the left of a person who faces it), y up, z to the camera. [33, 3]
        spread: Median distance between the estimates that were combined, pixels. [33]
        face: The face, if one was found.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        hands: The left and the right hand of the person, each None if it was not found.
    """

    points: NDArray[np.float64]
    visibility: NDArray[np.float64]
    world: NDArray[np.float64]
    spread: NDArray[np.float64]
    face: FacePoints | None
    width: int
    height: int
    hands: tuple[HandPoints | None, HandPoints | None] = (None, None)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Whether each landmark lies in the picture. [33]"""
        return np.all((self.points >= 0) & (self.points < (self.width, self.height)), axis=1)


@dataclass(frozen=True)
class Estimate:
    """Landmarks, and the silhouette that came with them, averaged over several looks.

    Args:
        keypoints: In pixels of the photo.
        mask: How likely each pixel of the photo is this person, 0..1. [H, W]
    """

    keypoints: Keypoints
    mask: NDArray[np.float32]


def estimate(
    models: Models, rgb: NDArray[np.uint8], box: Box, expected: NDArray[np.float32]
) -> Estimate | None:
    """Landmarks of the person in a box, from several crops of it and their mirror images.

    One look is off by a few per cent of the person's height, and differently so for each crop: the median of
    six is steadier.

    Args:
        models: mediapipe.
        rgb: The photo, other people taken out. [H, W, 3]
        box: Around the person.
        expected: The person's rough mask, so that nobody else is taken. [H, W]

    Returns:
        None if no look found the person.
    """
    height, width = rgb.shape[:2]
    poses = []
    for margin in _MARGINS:
        window = box.grown(margin, (width, height))
        view = limited(rgb[window.slices], _VIEW_SIDE)
        for mirrored in (False, True):
            pose = models.pose(np.ascontiguousarray(view[:, ::-1]) if mirrored else view)
            if pose is None:
                continue
            pose = _placed(_unmirrored(pose, view.shape[1]) if mirrored else pose, window, (width, height))
            if _overlap(pose.mask, expected) > _SAME_PERSON:
                poses.append(pose)
    if not poses:
        return None
    points = np.median([pose.points for pose in poses], axis=0)
    spread = np.median([np.linalg.norm(pose.points - points, axis=1) for pose in poses], axis=0)
    keypoints = Keypoints(
        points=points,
        visibility=np.median([pose.visibility for pose in poses], axis=0),
        world=np.median([pose.world for pose in poses], axis=0) @ OPENCV_FROM_BODY,
        spread=spread,
        face=find_face(models, rgb, points),
        width=width,
        height=height,
    )
    keypoints = replace(keypoints, hands=find_hands(models, rgb, keypoints))
    return Estimate(keypoints, np.mean([pose.mask for pose in poses], axis=0))


def _unmirrored(pose: Pose, width: int) -> Pose:
    """The same person from a look at the mirror image: left and right change names, x its direction."""
    points = pose.points[MIRRORED] * (-1.0, 1.0) + (width, 0.0)
    world = pose.world[MIRRORED] * (-1.0, 1.0, 1.0)
    return type(pose)(points, pose.visibility[MIRRORED], world, pose.mask[:, ::-1])


def _placed(pose: Pose, window: Box, size: tuple[int, int]) -> Pose:
    """From pixels of a view of a window to pixels of the photo."""
    scale = window.width / pose.mask.shape[1]
    mask = np.zeros((size[1], size[0]), np.float32)
    mask[window.slices] = resized(np.ascontiguousarray(pose.mask), window.width, window.height)
    return type(pose)(pose.points * scale + (window.left, window.top), pose.visibility, pose.world, mask)


def _overlap(mask: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Intersection over union of two silhouettes."""
    a, b = mask > 0.5, expected > 0.5
    return float((a & b).sum() / max(1, (a | b).sum()))
