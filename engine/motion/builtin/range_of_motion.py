"""Every joint through its range, one after the other: shows how an avatar deforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from .curves import keyed
from .exercises import (
    CARRIED,
    FOOT_UP,
    HEEL_SOFT,
    HEEL_UP,
    LIFTED,
    channels,
    duration,
    leg_angles,
    legs_start,
)
from .feet import ball_pivot
from .lower_body import SIDES, Foot, about, leg, place, transposed
from .pieces import assembled, frames_in
from .standing import Acting, acted, checked, standing_feet
from .upper_body import hand, sided

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float
    from ..motion import Motion

# A fist, degrees by phalanx, and what a relaxed hand has of it.
_FIST = (78.0, 92.0, 58.0)
_FINGERS = {"index": -1.0, "middle": -0.25, "ring": 0.4, "pinky": 1.2}  # and their share of the spread
_THUMB = (0.45, 0.8, 1.0)  # share of each phalanx
_FIST_THUMB = 30.0  # degrees
# Standing on one leg: the pelvis goes over the other foot; arms go out. Shares and degrees.
_ROLL_OFF, _FOOT_UP = np.radians(32.0), 0.10
_OVER_FOOT, _SINK, _HIP_UP, _ARMS_OUT = 0.86, 0.028, 2.0, -16.0


def range_of_motion(joints: Float, fps: float = 24.0) -> Motion:
    """Move every joint, within what people can; begins and ends standing still.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` leaves nothing to show.
    """
    joints, count = checked(joints), frames_in(duration(), fps)
    seconds = np.arange(count) / fps
    angles = channels(seconds)
    pose, transl = acted(joints, fps, _acting(joints, seconds, angles))
    for side in SIDES:
        _lift(pose, side, seconds - legs_start(side))
    pose |= _hands(angles, count)
    gaze = _about_yx(angles["eye.y"], angles["eye.x"])
    pose |= {"left_eye": gaze, "right_eye": gaze, "jaw": _about_yx(angles["jaw.y"], angles["jaw.x"])}
    return assembled(pose, transl, fps, "Range of Motion")


def _acting(joints: Float, seconds: Float, angles: Mapping[str, Float]) -> Acting:
    count, length = len(seconds), leg(joints, "left").length
    still = np.zeros(count)
    feet, rise = _feet(joints, seconds, np.radians(angles["heels"]))
    way = length * np.stack([angles[f"way.{axis}"] for axis in "xyz"], axis=1)
    way[:, 1] += rise
    arms = {name.removeprefix("arm."): angle for name, angle in angles.items() if name.startswith("arm.")}
    carried = {side: keyed(seconds - legs_start(side), CARRIED, 0.13) for side in SIDES}
    one_leg, weight = carried["right"] + carried["left"], carried["right"] - carried["left"]  # + to the left
    way[:, 0] += _OVER_FOOT * feet["left"].ankle[:, 0] * weight
    way[:, 1] -= _SINK * length * one_leg
    arms["down"] = arms["down"] + _ARMS_OUT * one_leg

    def tilt(part: str, lean: float) -> tuple[Float, Float, Float]:
        x, y, z = (angles.get(f"{part}.{axis}", still) for axis in "xyz")
        return x, y, z + lean * weight

    return Acting(
        count=count,
        way=way,
        pelvis=tilt("pelvis", _HIP_UP),
        chest=tilt("chest", -1.0),
        head=tilt("head", 0.0),
        arms={"left": arms, "right": arms},
        feet=feet,
    )


def _feet(joints: Float, seconds: Float, heels: Float) -> tuple[dict[str, Foot], Float]:
    """Feet that rise on their balls together and come off the ground one by one.

    Returns:
        By side, and how far rising on the balls lifts the ankles. [F]
    """
    length, rises = leg(joints, "left").length, []
    feet = {}
    for side, foot in standing_feet(joints, len(heels)).items():
        since = seconds - legs_start(side)
        rolled, up = _ROLL_OFF * keyed(since, HEEL_UP, HEEL_SOFT), keyed(since, FOOT_UP, 0.1)
        forward = ball_pivot(place(joints, f"{side}_foot") - place(joints, f"{side}_ankle"))
        rotation = foot.rotation @ about("x", heels + rolled)
        ankle = foot.ankle + foot.rotation @ forward - rotation @ forward
        rises.append((forward - about("x", heels) @ forward)[:, 1])
        ankle[:, 1] += _FOOT_UP * length * up
        feet[side] = Foot(ankle, rotation, -heels - rolled * (1 - up))
    return feet, np.mean(rises, axis=0)


def _lift(pose: dict[str, Float], side: str, seconds: Float) -> None:
    """Let a leg leave the ground for its own exercises. In place."""
    share, angles = keyed(seconds, LIFTED, 0.1)[:, None], leg_angles(seconds)
    goals = {
        "hip": about("z", angles["outwards"])
        @ about("x", -angles["forward"])
        @ about("y", angles["toes_out"]),
        "knee": about("x", angles["knee"]),
        "ankle": about("x", angles["toes_down"]),
    }
    for joint, goal in goals.items():
        name = f"{side}_{joint}"
        way = rotvec_from_matrix(transposed(pose[name]) @ sided(side, goal))
        pose[name] = pose[name] @ matrix_from_rotvec(share * way)


def _hands(angles: Mapping[str, Float], count: int) -> dict[str, Float]:
    """Both hands alike."""
    left = hand("left", count)
    for finger, spread in _FINGERS.items():
        close = angles["fist"] + angles[finger]
        for k, full in enumerate(_FIST, start=1):
            name = f"left_{finger}{k}"
            relaxed = -np.degrees(rotvec_from_matrix(left[name])[:, 2])
            more = np.where(close > 0, close * (full - relaxed), close * relaxed)
            if k == 1:  # only the first phalanx can be bent back
                more = more - angles["back"]
            left[name] = left[name] @ about("z", -np.radians(more))
        left[f"left_{finger}1"] = about("y", np.radians(spread * angles["spread"])) @ left[f"left_{finger}1"]
    thumb = angles["thumb"] + _FIST_THUMB * np.maximum(angles["fist"], 0.0)
    for k, share in enumerate(_THUMB, start=1):
        left[f"left_thumb{k}"] = left[f"left_thumb{k}"] @ about("y", np.radians(share * thumb))
    return {name.replace("left", side): sided(side, turn) for side in SIDES for name, turn in left.items()}


def _about_yx(y: Float, x: Float) -> Float:
    return about("y", np.radians(y)) @ about("x", np.radians(x))
