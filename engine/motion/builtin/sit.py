"""Sitting down on a chair, and getting up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from .curves import keyed, tilted
from .lower_body import place, transposed
from .pieces import assembled, frames_in
from .resting import hands_on_thighs
from .standing import PELVIS_LEAN, Acting, acted, checked, standing_feet

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion

_SECONDS = 8.0
_MIDDLE = 3.6  # when the person sits still
_SHIN_FORWARD = np.radians(5.0)
# Seconds and shares: 0 stands, 1 sits. The hips go back before they go down, and up before they come forward.
_DOWN = [(0.75, 0.0), (2.05, 1.0), (5.35, 1.0), (6.55, 0.0)]
_BACK = [(0.50, 0.0), (1.85, 1.0), (5.40, 1.0), (6.75, 0.0)]
_HANDS = [(0.80, 0.0), (2.05, 1.0), (5.35, 1.0), (6.70, 0.0)]
# Seconds and degrees: the trunk leans over the feet on the way down, and before it rises.
_PELVIS = [(0.45, 0.0), (1.35, 20.0), (2.35, -9.0), (4.75, -9.0), (5.45, 19.0), (6.65, 0.0)]
_CHEST = [(0.40, 0.0), (1.40, 36.0), (2.45, 1.0), (4.70, 1.0), (5.50, 36.0), (6.80, 0.0)]
_HEAD = [(0.40, 0.0), (1.30, 14.0), (2.40, 1.0), (4.75, 1.0), (5.40, 10.0), (6.60, 0.0)]
_LOOK = [(2.3, 0.0), (3.0, 12.0), (3.7, 10.0), (4.3, 0.0)]
_FORWARD = [(0.50, 0.0), (1.30, 16.0), (2.0, 0.0), (5.3, 0.0), (5.9, 12.0), (6.8, 0.0)]
_SOFT = 0.16


def sit(joints: Float, fps: float = 24.0) -> Motion:
    """Sit down, stay for a while, and get up; begins and ends standing still.

    The seat is as high as the person's lower legs are long: the thighs are level.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` leaves nothing to show.
    """
    joints = checked(joints)
    pose, transl = acted(joints, fps, _acting(joints, np.arange(frames_in(_SECONDS, fps)) / fps))
    seconds = np.arange(len(transl)) / fps
    sits = round(_MIDDLE * fps)
    resting = hands_on_thighs(joints, {name: turns[sits] for name, turns in pose.items()}, transl[sits])
    share = keyed(seconds, _HANDS, 0.13)[:, None]
    for name, goal in resting.items():
        way = rotvec_from_matrix(transposed(pose[name]) @ goal)
        pose[name] = pose[name] @ matrix_from_rotvec(share * way)
    return assembled(pose, transl, fps, "Sit")


def _acting(joints: Float, seconds: Float) -> Acting:
    lean, chest, head, look, forward = (
        keyed(seconds, keys, _SOFT) for keys in (_PELVIS, _CHEST, _HEAD, _LOOK, _FORWARD)
    )
    still = np.zeros(len(seconds))
    shares = [still, keyed(seconds, _DOWN, _SOFT), keyed(seconds, _BACK, _SOFT)]
    way = np.stack(shares, axis=1) * _to_seat(joints)
    # That was the way of the hips; the pelvis, which tilts about them, has another one.
    middle = 0.5 * (place(joints, "left_hip") + place(joints, "right_hip")) - place(joints, "pelvis")
    upright, tilt = tilted(*np.array([[PELVIS_LEAN], [0.0], [0.0]])), tilted(lean + PELVIS_LEAN, still, still)
    arms = {"forward": forward, "elbow": 0.6 * forward}
    return Acting(
        count=len(seconds),
        way=way + (upright - tilt) @ middle,
        pelvis=(lean, 0.0, 0.0),
        chest=(chest, 0.3 * look, 0.0),
        head=(head, look, 0.0),
        arms={"left": arms, "right": arms},
    )


def _to_seat(joints: Float) -> Float:
    """The way of the hips from standing to sitting with level thighs, metres. [3]"""
    hip, knee, ankle = (place(joints, f"left_{name}") for name in ("hip", "knee", "ankle"))
    pose, transl = acted(joints, 1.0, Acting(count=1))
    root = place(joints, "pelvis")
    standing = root + transl[0] + pose["pelvis"][0] @ (hip - root)
    foot = standing_feet(joints, 1)["left"].ankle[0]
    shin, thigh = np.linalg.norm(ankle - knee), np.linalg.norm(knee - hip)
    height = foot[1] + shin * np.cos(_SHIN_FORWARD)
    return np.array([0.0, height, foot[2] + shin * np.sin(_SHIN_FORWARD) - thigh]) - standing * [0, 1, 1]
