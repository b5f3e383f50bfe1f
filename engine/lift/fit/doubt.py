"""Where the fit is in doubt, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .face import face_trust
from .ground import standing
from .tilt import camera_pitch, lies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..observation import Observation

_PARTS: dict[str, tuple[int, ...]] = {
    "head": (0, 2, 5, 7, 8),
    "trunk": (11, 12, 23, 24),
    "left arm": (11, 13, 15),
    "right arm": (12, 14, 16),
    "left leg": (23, 25, 27, 31),
    "right leg": (24, 26, 28, 32),
}
"""Parts of the body and mediapipe's landmarks that tell how they lie."""

FROM_BEHIND = "The person is seen from behind; the face is invented."
FROM_THE_SIDE = "The person is seen from the side; the far arm and leg are guesses."

_FAR = 0.025  # of the person's height: a landmark missed by this is as good as not seen
_NO_HAND = 0.7
_HIDDEN, _POOR = 0.75, 0.45
_SIDE = 0.5  # width of shoulders and hips in the image against their width in space
_NEAR = 1.3  # times the person's own height: nearer cameras bend proportions
_STEEP = np.radians(20.0)  # of the camera's pitch
_STANDS = 0.5
_SIDES = ("left", "right")


def doubts(
    seen: Observation, ids: NDArray[np.int64], missed: Float, hands: Iterable[str]
) -> dict[str, float]:
    """How unsure each part's pose is, 0 (sure) to 1 (guessed).

    Args:
        seen: The photo.
        ids: mediapipe landmarks that the fit used. [M]
        missed: How far the body's are from them, as a part of the person's height. [M]
        hands: Sides whose hand was found and fits.
    """
    error = np.zeros(len(seen.confidence))
    error[ids] = missed
    sure = seen.confidence * np.exp(-((error / _FAR) ** 2))
    result = {part: float(1.0 - sure[list(marks)].mean()) for part, marks in _PARTS.items()}
    result["head"] *= 1.0 - 0.7 * face_trust(seen)
    found = set(hands)
    for side in _SIDES:
        points = seen.hands[_SIDES.index(side)]
        result[f"{side} hand"] = 1.0 - points.confidence if side in found and points else _NO_HAND
    return result


def reasons(seen: Observation, doubt: dict[str, float], distance: float, height: float) -> tuple[str, ...]:
    """Sentences for the artist: what makes this photo's pose unsure.

    Args:
        seen: The photo.
        doubt: As :func:`doubts` tells it.
        distance: From the camera to the person, metres.
        height: Of the person, metres.
    """
    found = []
    hidden = [part for part in _PARTS if part not in ("head", "trunk") and doubt[part] > _HIDDEN]
    if hidden and not seen.cut:
        found.append(f"The {_listed(hidden)} can hardly be seen; the pose there is a guess.")
    width, turned = _turned(seen)
    if turned:
        found.append(FROM_BEHIND)
    elif width < _SIDE:
        found.append(FROM_THE_SIDE)
    legs = seen.confidence[[25, 26, 27, 28]].min() > 0
    if lies(seen):
        found.append(
            "The person lies in the photo. If only the photo is turned, turn it upright and try again."
        )
    elif legs and standing(seen) < 0.3:
        found.append("The person does not stand upright; check the legs, their depth is unsure.")
    pitch = camera_pitch(seen) * standing(seen)
    if abs(pitch) > _STEEP:
        way, away = ("down", "lower") if pitch < 0 else ("up", "higher")
        found.append(
            f"The camera looks steeply {way} at the person; a photo from {away}, at chest height, is better."
        )
    if distance < _NEAR * height:
        level = standing(seen) > _STANDS and abs(pitch) < _STEEP
        found.append(
            "The camera was very near, or the head is large as a child's is; the avatar may lean forward. "
            "Step back for a better shape."
            if level
            else "The camera was very near, which bends proportions; step back for a better shape."
        )
    if doubt["trunk"] > _POOR:
        found.append("The trunk was found poorly; a photo with the whole body in plain view works better.")
    return tuple(found)


def _turned(seen: Observation) -> tuple[float, bool]:
    """Width of the trunk in the image against its width in space, and whether it shows its back."""
    across = (seen.world[11] - seen.world[12]) + (seen.world[23] - seen.world[24])
    up = seen.world[[11, 12]].mean(axis=0) - seen.world[[23, 24]].mean(axis=0)
    width = float(np.hypot(across[0], across[1]) / (np.linalg.norm(across) + 1e-9))
    front = np.cross(across, up)[2]  # also of somebody who lies
    return width, bool(front < 0 and width >= _SIDE and face_trust(seen) == 0)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
