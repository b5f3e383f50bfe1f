"""Jaw and eyes as sliders: what ARKit counts to the face, and joints do here.

Without controls a slider is the turn of its joints themselves. With controls, the control rig's own sliders
open the jaw and turn the eyes; the jaw goes sideways by its joint.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.rotations import quat_from_rotvec, rotvec_from_quat
from .control_names import FACE, JAW_OPEN, Slider
from .controlled import has_controls
from .keys import ROTATION, Track, put

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

JAW, EYES = ("jaw",), ("left_eye", "right_eye")
OPEN_LIMIT, SIDE_LIMIT = radians(20), radians(6)
"""How far the jaw turns at 1."""

_EYES_UP_LIMIT, _EYES_SIDE_LIMIT = radians(20), radians(25)
_NEUTRAL = np.array([[1.0, 0.0, 0.0, 0.0]])


@dataclass(frozen=True)
class JointSlider:
    """A turn of joints as one number.

    Args:
        name: Of the property.
        label: For people.
        help: What it does; no period.
        joints: That turn.
        axis: About which, of the body.
        limit: Radians at 1.
        lowest: -1 or 0; the highest is 1.
        control: The slider of the control rig that does the same, if there is one.
    """

    name: str
    label: str
    help: str
    joints: tuple[str, ...]
    axis: int
    limit: float
    lowest: float = -1.0
    control: Slider | None = None


_CONTROLS = {slider.key: slider for slider in FACE}
JOINT_SLIDERS = (
    JointSlider(
        "lhm_jaw_open", "Jaw Open", "jawOpen: Opens the mouth; turns the bone 'jaw'",
        JAW, 0, OPEN_LIMIT, 0.0, _CONTROLS[JAW_OPEN],
    ),
    JointSlider(
        "lhm_jaw_side", "Jaw Sideways",
        "jawLeft: Moves the jaw to the person's left; below 0, jawRight; turns the bone 'jaw'",
        JAW, 1, SIDE_LIMIT,
    ),
    JointSlider(
        "lhm_eyes_side", "Eyes Left",
        "Turns both eyes to the person's left; below 0, right",
        EYES, 1, _EYES_SIDE_LIMIT, -1.0, _CONTROLS["eyes_side"],
    ),
    JointSlider(
        "lhm_eyes_up", "Eyes Up", "Turns both eyes up; below 0, down",
        EYES, 0, -_EYES_UP_LIMIT, -1.0, _CONTROLS["eyes_up"],
    ),
)  # fmt: skip


def slider_value(armature: bpy.types.Object, slider: JointSlider) -> float:
    """What a slider shows: the mean of its joints; 0 where one is lost.

    Args:
        armature: Any.
        slider: Which.
    """
    if armature.pose is None or any(name not in armature.pose.bones for name in slider.joints):
        return 0.0
    return float(np.mean([_turn(armature, name)[slider.axis] for name in slider.joints]) / slider.limit)


def move_slider(
    context: bpy.types.Context, armature: bpy.types.Object, slider: JointSlider, value: float
) -> None:
    """Turn the joints of a slider about its axis; their other turns stay.

    Args:
        context: Has the tool settings; with auto-keying on, the joints are keyed.
        armature: With the joints.
        slider: Which.
        value: -1 to 1.
    """
    tracks = []
    for name in slider.joints:
        turn = _turn(armature, name)
        turn[slider.axis] = value * slider.limit
        tracks.append(Track(name, ROTATION, quat_from_rotvec(turn)[None]))
    put(context, armature, tracks)


def jaw_tracks(armature: bpy.types.Object, opened: float) -> list[Track]:
    """The jaw open by a number from 0 to 1, straight."""
    turn, tracks = np.array([opened * OPEN_LIMIT, 0.0, 0.0]), []
    if has_controls(armature):
        control, turn = _CONTROLS[JAW_OPEN], np.zeros(3)
        tracks.append(Track(control.bone, control.path, np.full((1, 1), opened)))
    return [Track(JAW[0], ROTATION, quat_from_rotvec(turn)[None]), *tracks]


def neutral_joints(armature: bpy.types.Object) -> list[Track]:
    """Jaw and eyes as at rest."""
    tracks = [Track(name, ROTATION, _NEUTRAL) for name in (*JAW, *EYES)]
    if has_controls(armature):
        tracks += [Track(slider.bone, slider.path, np.zeros((1, 1))) for slider in FACE]
    return tracks


def _turn(armature: bpy.types.Object, name: str) -> Float:
    """Of a joint as it is set, axis-angle. [3]"""
    return rotvec_from_quat(np.array(armature.pose.bones[name].matrix_basis.to_quaternion()))
