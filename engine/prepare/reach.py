"""How far from the skeleton a person can extend: clothes, hair and a hat, but no bag, ball or plinth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .boxes import resized
from .landmarks import landmark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .keypoints import Keypoints

# Two landmarks and how far clothing may stand off the line between them, metres.
_BONES: tuple[tuple[str, str, float], ...] = (
    ("left_shoulder", "right_shoulder", 0.22),
    ("left_shoulder", "left_hip", 0.26), ("right_shoulder", "right_hip", 0.26),
    ("left_hip", "right_hip", 0.28),
    ("left_shoulder", "left_elbow", 0.17), ("right_shoulder", "right_elbow", 0.17),
    ("left_elbow", "left_wrist", 0.15), ("right_elbow", "right_wrist", 0.15),
    ("left_wrist", "left_index", 0.09), ("right_wrist", "right_index", 0.09),
    ("left_wrist", "left_pinky", 0.09), ("right_wrist", "right_pinky", 0.09),
    ("left_wrist", "left_thumb", 0.09), ("right_wrist", "right_thumb", 0.09),
    ("left_hip", "left_knee", 0.25), ("right_hip", "right_knee", 0.25),
    ("left_knee", "left_ankle", 0.19), ("right_knee", "right_ankle", 0.19),
    ("left_ankle", "left_foot_index", 0.13), ("right_ankle", "right_foot_index", 0.13),
    ("left_heel", "left_foot_index", 0.13), ("right_heel", "right_foot_index", 0.13),
)  # fmt: skip
_HEAD_REACH = 0.30  # A brim, or hair that stands off, measured from between the ears.
_NECK_REACH = 0.24  # Long hair.
_HAND_RADIUS = 0.16
_FINGER_WIDTH = 0.005  # A third of a finger's: the landmarks are a few millimetres off.
_SEEN = 0.5
_FAR = 1e3


def pixels_per_metre(keypoints: Keypoints) -> float:
    """Size of the person: extent of the landmarks that are seen, in the picture over that in metres."""
    weight = (keypoints.visibility * keypoints.inside)[:, None] + 1e-6
    world = keypoints.world[:, :2] * (1, -1)

    def about_middle(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return points - (points * weight).sum(axis=0) / weight.sum()

    image, metres = about_middle(keypoints.points), about_middle(world)
    return float(np.sqrt((image**2 * weight).sum() / max((metres**2 * weight).sum(), 1e-9)))


def reach(keypoints: Keypoints) -> NDArray[np.float32]:
    """How far each pixel is from the skeleton, as a share of what clothing may stand off.

    Args:
        keypoints: In pixels of the picture.

    Returns:
        0 on the bones, 1 where clothing ends, more outside. [H, W]
    """
    unit = pixels_per_metre(keypoints)
    scale = min(1.0, 400 / max(keypoints.width, keypoints.height))
    size = (max(1, round(keypoints.width * scale)), max(1, round(keypoints.height * scale)))
    nearest = np.full((size[1], size[0]), _FAR, np.float32)
    points = keypoints.points * (size[0] / keypoints.width, size[1] / keypoints.height)
    ears = (points[landmark("left_ear")] + points[landmark("right_ear")]) / 2
    neck = (points[landmark("left_shoulder")] + points[landmark("right_shoulder")]) / 2
    lines = [(points[landmark(a)], points[landmark(b)], far) for a, b, far in _BONES]
    lines += [(ears, ears, _HEAD_REACH), (ears, neck, _NECK_REACH)]
    grid = np.stack(np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5), axis=-1)
    for start, end, far in lines:
        distance = _distance(grid, start, end) / (far * unit * scale)
        np.minimum(nearest, distance, out=nearest)
    return resized(nearest, keypoints.width, keypoints.height)


def head(keypoints: Keypoints) -> NDArray[np.bool_]:
    """Where the head with hair and hat is. [H, W]"""
    found = np.zeros((keypoints.height, keypoints.width), np.uint8)
    ears = keypoints.points[[landmark("left_ear"), landmark("right_ear")]].mean(axis=0)
    _disc(found, ears, _HEAD_REACH * pixels_per_metre(keypoints))
    return found > 0


def hands(keypoints: Keypoints) -> NDArray[np.bool_]:
    """Where hands that are seen, and what they hold, are. [H, W]"""
    radius = _HAND_RADIUS * pixels_per_metre(keypoints)
    found = np.zeros((keypoints.height, keypoints.width), np.uint8)
    for side in ("left", "right"):
        wrist = keypoints.points[landmark(f"{side}_wrist")]
        ends = [landmark(f"{side}_index"), landmark(f"{side}_pinky")]
        if keypoints.visibility[[landmark(f"{side}_wrist"), *ends]].min() < _SEEN:
            continue
        knuckles = keypoints.points[ends].mean(axis=0)
        _disc(found, wrist + 1.5 * (knuckles - wrist), radius)  # About the middle of the fingers.
    return found > 0


def fingers(keypoints: Keypoints) -> NDArray[np.bool_]:
    """Lines along the bones of hands whose landmarks are trusted. [H, W]"""
    found = np.zeros((keypoints.height, keypoints.width), np.uint8)
    width = max(1, round(_FINGER_WIDTH * pixels_per_metre(keypoints)))
    for hand in keypoints.hands:
        if hand is None or hand.confidence < _SEEN:
            continue
        joints = np.round(np.clip(hand.points[:, :2], -1e4, 1e4)).astype(np.int32)
        for finger in range(5):
            line = joints[[0, *range(1 + 4 * finger, 5 + 4 * finger)]]
            cv2.polylines(found, [line[:, None]], False, (1.0,), width)
    return found > 0


def _disc(found: NDArray[np.uint8], center: NDArray[np.float64], radius: float) -> None:
    x, y = np.clip(center, -1e4, 1e4)
    cv2.circle(found, (round(float(x)), round(float(y))), max(1, round(radius)), (1.0,), -1)


def _distance(
    grid: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Pixels from a line segment. [H, W]"""
    along = end - start
    share = np.clip(((grid - start) @ along) / max(float(along @ along), 1e-9), 0, 1)
    return np.linalg.norm(grid - start - share[..., None] * along, axis=-1).astype(np.float32)
