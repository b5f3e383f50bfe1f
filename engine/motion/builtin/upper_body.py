"""The upper half of any motion: a trunk that turns as a whole, arms by angles, relaxed hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from .lower_body import about, transposed

if TYPE_CHECKING:
    from ...avatar.arrays import Float

COLLAR_DOWN = 7.0
# A relaxed hand, radians: curl of the first phalanx, then the share of each phalanx.
_CURL = {"index": 0.34, "middle": 0.40, "ring": 0.46, "pinky": 0.50}
_CLOSE = {"index": 0.12, "middle": 0.02, "ring": -0.08, "pinky": -0.18}  # fingers are spread at rest
_PHALANX = (1.0, 1.2, 0.7)
_THUMB_IN = (0.30, 0.15, 0.20)


def trunk(pelvis: Float, chest: Float, head: Float) -> dict[str, Float]:
    """Local rotations of spine, neck and head; a turn is shared evenly.

    Args:
        pelvis: World from rest. [F, 3, 3]
        chest: World from rest. [F, 3, 3]
        head: World from rest. [F, 3, 3]
    """
    return {
        **_share(pelvis, chest, ("spine1", "spine2", "spine3")),
        **_share(chest, head, ("neck", "head")),
    }


def _share(start: Float, end: Float, joints: tuple[str, ...]) -> dict[str, Float]:
    """Split the turn between two frames evenly over a chain of joints."""
    turn = rotvec_from_matrix(transposed(start) @ end)
    return dict.fromkeys(joints, matrix_from_rotvec(turn / len(joints)))


def arm(
    side: str,
    frames: int,
    *,
    collar_up: Float | float = -COLLAR_DOWN,
    collar_forward: Float | float = 0.0,
    down: Float | float = 74.0,
    forward: Float | float = 0.0,
    across: Float | float = 0.0,
    twist: Float | float = 12.0,
    elbow: Float | float = 20.0,
    forearm: Float | float = 0.0,
    wrist: Float | float = 2.0,
    wrist_curl: Float | float = 0.0,
) -> dict[str, Float]:
    """Local rotations of collar, shoulder, elbow and wrist from angles in degrees, [F] or one for all.

    Args:
        side: "left" or "right".
        frames: F.
        collar_up: Of the collar against rest.
        collar_forward: Likewise.
        down: Of the upper arm from stretched out sideways; 90 hangs.
        forward: Swing of the arm about the axis through both shoulders.
        across: Turn of the arm to the front, about the axis of a body that stands.
        twist: Of the upper arm about itself; thumbs inwards.
        elbow: Bend.
        forearm: Twist about itself; thumbs inwards.
        wrist: Bend towards the thumb.
        wrist_curl: Bend towards the palm.

    Returns:
        By joint. [F, 3, 3] each
    """

    def turn(axis: str, degrees: Float | float) -> Float:
        return about(axis, np.radians(np.broadcast_to(degrees, (frames,))))

    local = {
        "collar": turn("y", -np.asarray(collar_forward)) @ turn("z", collar_up),
        # Raising the collar alone leaves the arm's own direction.
        "shoulder": turn("y", -np.asarray(across))
        @ turn("x", -np.asarray(forward))
        @ turn("z", -np.asarray(collar_up) - down)
        @ turn("x", twist),
        "elbow": turn("y", -np.asarray(elbow)) @ turn("x", forearm),
        "wrist": turn("y", -np.asarray(wrist)) @ turn("z", -np.asarray(wrist_curl)),
    }
    return {f"{side}_{name}": sided(side, rotation) for name, rotation in local.items()}


def hand(side: str, frames: int, curl: Float | float = 1.0) -> dict[str, Float]:
    """Local rotations of the fingers.

    Args:
        side: "left" or "right".
        frames: F.
        curl: 1 hangs relaxed, 0 is stretched, [F] or one for all.

    Returns:
        By joint. [F, 3, 3] each
    """
    curl = np.broadcast_to(curl, (frames,))
    local = {}
    for finger, bend in _CURL.items():
        for k, share in enumerate(_PHALANX, start=1):
            local[f"{finger}{k}"] = about("z", -curl * bend * share)
        local[f"{finger}1"] = about("y", _CLOSE[finger]) @ local[f"{finger}1"]
    for k, bend in enumerate(_THUMB_IN, start=1):
        local[f"thumb{k}"] = about("y", curl * bend) @ about("x", curl * bend)
    return {f"{side}_{name}": sided(side, rotation) for name, rotation in local.items()}


def sided(side: str, left: Float) -> Float:
    """A rotation of the left side, or as a mirror shows it. [F, 3, 3]"""
    mirror = np.diag([-1.0 if side == "right" else 1.0, 1.0, 1.0])
    return mirror @ left @ mirror
