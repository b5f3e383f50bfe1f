"""The 21 landmarks of each hand, looked for where the pose has the wrists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.axes import OPENCV_FROM_BODY
from .boxes import clipped, limited, resized
from .landmarks import landmark
from .reach import pixels_per_metre

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .boxes import Box
    from .keypoints import Keypoints
    from .models import FoundHand, Models

HAND_LANDMARK_NAMES: tuple[str, ...] = (
    "wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip", "index_mcp", "index_pip", "index_dip",
    "index_tip", "middle_mcp", "middle_pip", "middle_dip", "middle_tip", "ring_mcp", "ring_pip", "ring_dip",
    "ring_tip", "pinky_mcp", "pinky_pip", "pinky_dip", "pinky_tip",
)  # fmt: skip
"""mediapipe's landmarks of a hand, in its order."""

SIDES = ("left", "right")

_REACHES = (
    0.17,
    0.23,
)  # metres about the middle of the hand; each is a look of its own, and mirrored another
_VIEW_SIDES = (224, 384)  # Pixels; small hands are made larger, large ones smaller.
_SEEN = 0.3  # Visibility of the wrist below which no hand is looked for.
_AT_WRIST = 0.1  # metres: how far the two models may disagree about the wrist
_KNUCKLES = (5, 9, 13, 17)
_SPREAD = 0.15  # Disagreement of the looks, as a share of the palm's length, at which half the trust is gone.


@dataclass(frozen=True)
class HandPoints:
    """Where one hand's joints and finger tips are.

    Args:
        points: x and y in pixels, centres at +0.5; depth against the wrist in the same scale, smaller is
            nearer. The depth is a guess of the model's, right in order rather than in size. [21, 3]
        world: Metres about the middle of the hand; x to the right in the picture, y up, z to the camera, as
            in ``Keypoints.world``. [21, 3]
        confidence: 0..1: how sure the model is of its side, how well several looks agree, and whether the
            pose has its wrist there.
    """

    points: NDArray[np.float64]
    world: NDArray[np.float64]
    confidence: float


def find_hands(
    models: Models, rgb: NDArray[np.uint8], keypoints: Keypoints
) -> tuple[HandPoints | None, HandPoints | None]:
    """The person's left and right hand.

    Args:
        models: mediapipe.
        rgb: The picture in whose pixels the landmarks are. [H, W, 3]
        keypoints: The pose.

    Returns:
        Left and right of the person; None for a hand that is not seen, or of which the two models disagree.
    """
    unit = pixels_per_metre(keypoints)
    left, right = (_find(models, rgb, keypoints, side, unit) for side in SIDES)
    return left, right


def _find(
    models: Models, rgb: NDArray[np.uint8], keypoints: Keypoints, side: str, unit: float
) -> HandPoints | None:
    index = landmark(f"{side}_wrist")
    if keypoints.visibility[index] < _SEEN or not keypoints.inside[index]:
        return None
    wrist = keypoints.points[index]
    other = keypoints.points[landmark(f"{'right' if side == 'left' else 'left'}_wrist")]
    looks = [
        hand
        for hand in _looks(models, rgb, _middle(keypoints, side), unit)
        if hand.side == side and _at(hand, wrist, other, _AT_WRIST * unit)
    ]
    if not looks:
        return None
    points = np.median([hand.points for hand in looks], axis=0)
    palm = max(float(np.linalg.norm(points[list(_KNUCKLES), :2].mean(axis=0) - points[0, :2])), 1e-6)
    spread = float(np.mean([np.linalg.norm((hand.points - points)[:, :2], axis=1) for hand in looks])) / palm
    # Hands that only one look in four sees are hands in doubt.
    share = len(looks) / (2 * len(_REACHES))
    apart = float(np.linalg.norm(points[0, :2] - wrist)) / (_AT_WRIST * unit)
    confidence = np.mean([hand.score for hand in looks]) * share * np.exp2(-spread / _SPREAD - apart**2)
    world = np.median([hand.world for hand in looks], axis=0) @ OPENCV_FROM_BODY
    return HandPoints(points, world, float(confidence))


def _middle(keypoints: Keypoints, side: str) -> NDArray[np.float64]:
    """About the middle of the hand, pixels. [2]"""
    wrist = keypoints.points[landmark(f"{side}_wrist")]
    ends = keypoints.points[[landmark(f"{side}_index"), landmark(f"{side}_pinky")]]
    return wrist + 0.9 * (ends.mean(axis=0) - wrist)


def _looks(
    models: Models, rgb: NDArray[np.uint8], middle: NDArray[np.float64], unit: float
) -> Iterator[FoundHand]:
    """Every hand found in squares about a point and in their mirror images, in pixels of the picture."""
    height, width = rgb.shape[:2]
    for reach in _REACHES:
        radius = max(8.0, reach * unit)
        window = clipped((*(middle - radius), *(middle + radius)), (width, height))
        view = _sized(rgb[window.slices])
        for mirrored in (False, True):
            for hand in models.hands(view[:, ::-1] if mirrored else view):
                yield _placed(_unmirrored(hand, view.shape[1]) if mirrored else hand, window, view.shape[1])


def _sized(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop at a size that the model likes."""
    least, most = _VIEW_SIDES
    scale = least / max(crop.shape[:2])
    if scale <= 1:
        return limited(crop, most)
    return resized(crop, max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))


def _unmirrored(hand: FoundHand, width: int) -> FoundHand:
    """The same hand from a look at the mirror image: the side changes its name, x its direction."""
    side = SIDES[1 - SIDES.index(hand.side)]
    flip = np.array([-1.0, 1.0, 1.0])
    return type(hand)(side, hand.score, hand.points * flip + (width, 0, 0), hand.world * flip)


def _placed(hand: FoundHand, window: Box, width: int) -> FoundHand:
    """From pixels of a view of a window to pixels of the picture."""
    points = hand.points * (window.width / width) + (window.left, window.top, 0)
    return type(hand)(hand.side, hand.score, points, hand.world)


def _at(hand: FoundHand, wrist: NDArray[np.float64], other: NDArray[np.float64], far: float) -> bool:
    """Whether a hand hangs on this wrist, and not on the other one."""
    apart = float(np.linalg.norm(hand.points[0, :2] - wrist))
    return apart < far and apart <= float(np.linalg.norm(hand.points[0, :2] - other))
