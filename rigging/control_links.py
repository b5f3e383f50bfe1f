"""How controls move the bones: constraints, whose influence is exactly zero while a control does nothing.

All drivers are arithmetic on bones and their properties, so they work without leave to run scripts. The
joints' own channels stay free: Actions play as before, below the controls.
"""

from __future__ import annotations

from math import radians
from typing import TYPE_CHECKING

from mathutils import Quaternion

from ..engine.avatar.body import JOINT_NAMES
from .control_names import (
    CHEST,
    EYE_SIDE_LIMIT,
    EYE_UP_LIMIT,
    EYES_SIDE,
    EYES_UP,
    FINGERS,
    FIST,
    HEAD,
    HIPS,
    IK,
    JAW_LIMIT,
    JAW_OPEN,
    LAYERED,
    LIMBS,
    LOWER_LENGTH,
    SIDES,
    UPPER_LENGTH,
    Limb,
    hand,
)
from .drivers import Distance, LocalPart, Scale, Value, drive

if TYPE_CHECKING:
    import bpy

PREFIX = "LHM "
"""Of the names of our constraints."""

_CURL_DEGREES = (80.0, 95.0, 60.0)  # of the three joints of a finger at 1
_THUMB_DEGREES = (25.0, 40.0, 55.0)
_THUMB_AXIS = (0.35, 0.72, -0.6)  # of the left one: across the palm and under it
_TURNED = "(abs(x) + abs(y) + abs(z)) > 0"
_REACH = "max(d / max(abs(s), 0.000000001), 0.000000001)"


def link(armature: bpy.types.Object) -> None:
    """Add constraints and drivers to an armature that has the control bones and their sliders."""
    for limb in LIMBS.values():
        _link_limb(armature, limb)
    for control, joints in LAYERED.items():
        for joint in joints:
            _turn_along(armature, joint, control, 1 / len(joints))
    _move_along(armature, "pelvis", HIPS)
    for side in SIDES:
        _link_fingers(armature, side)
    _link_face(armature)


def unlink(armature: bpy.types.Object) -> None:
    """Remove what `link` added to the joints; constraints that the user added stay."""
    drivers = armature.animation_data.drivers if armature.animation_data else ()
    for bone in (armature.pose.bones[name] for name in JOINT_NAMES if name in armature.pose.bones):
        for constraint in [c for c in bone.constraints if c.name.startswith(PREFIX)]:
            path = constraint.path_from_id()
            for curve in [c for c in drivers if c.data_path.startswith(f"{path}.")]:
                drivers.remove(curve)
            bone.constraints.remove(constraint)


def _link_limb(armature: bpy.types.Object, limb: Limb) -> None:
    bones = armature.pose.bones
    aim, (upper, lower) = bones[limb.aim], limb.bones
    track = aim.constraints.new("DAMPED_TRACK")
    track.target, track.subtarget, track.track_axis = armature, limb.end, "TRACK_Y"
    turn = aim.constraints.new("LOCKED_TRACK")
    turn.target, turn.subtarget = armature, limb.pole
    turn.lock_axis, turn.track_axis = "LOCK_Y", "TRACK_Z"
    # Half angles by the law of cosines: the quaternions of both bones about their first axis.
    known = {
        "a": Value(limb.end, UPPER_LENGTH),
        "b": Value(limb.end, LOWER_LENGTH),
        "d": Distance(limb.aim, limb.end),
        "s": Scale(),
    }
    lift = f"clamp((a * a + pow({_REACH}, 2) - b * b) / (2 * a * {_REACH}), -1, 1)"
    fold = f"clamp((pow({_REACH}, 2) - a * a - b * b) / (2 * a * b), -1, 1)"
    for bone, cosine, sign in ((upper, lift, ""), (lower, fold, "-")):
        for index, expression in ((0, f"sqrt((1 + {cosine}) / 2)"), (1, f"{sign}sqrt((1 - {cosine}) / 2)")):
            drive(armature, bones[bone], "rotation_quaternion", expression, known, index=index)
    for joint, source in zip(limb.joints, (*limb.turns, limb.end), strict=True):
        copy = _constraint(bones[joint], "COPY_ROTATION", "IK")
        copy.target, copy.subtarget = armature, source
        copy.target_space = copy.owner_space = "POSE"
        drive(armature, copy, "influence", "ik", {"ik": Value(limb.end, IK)})


def _turn_along(armature: bpy.types.Object, joint: str, control: str, share: float) -> None:
    """Let a joint take its share of a control's turn, in the frame of the control."""
    copy = _constraint(armature.pose.bones[joint], "COPY_ROTATION", "Turn")
    copy.target, copy.subtarget = armature, control
    copy.target_space = copy.owner_space = "LOCAL"
    copy.mix_mode = "BEFORE"
    parts = {axis.lower(): LocalPart(control, f"ROT_{axis}") for axis in "XYZ"}
    drive(armature, copy, "influence", f"{share:.9f} * ({_TURNED})", parts)


def _move_along(armature: bpy.types.Object, joint: str, control: str) -> None:
    copy = _constraint(armature.pose.bones[joint], "COPY_LOCATION", "Move")
    copy.target, copy.subtarget = armature, control
    copy.target_space = copy.owner_space = "LOCAL"
    copy.use_offset = True
    parts = {axis.lower(): LocalPart(control, f"LOC_{axis}") for axis in "XYZ"}
    drive(armature, copy, "influence", f"1 * ({_TURNED})", parts)


def _link_fingers(armature: bpy.types.Object, side: str) -> None:
    """Joints turn by a share of their full curl: the share is the influence of a constant turn."""
    sign = 1.0 if side == "left" else -1.0
    for finger in FINGERS:
        for number in (1, 2, 3):
            if finger == "thumb":
                x, y, z = Quaternion(_THUMB_AXIS, radians(_THUMB_DEGREES[number - 1])).to_euler()
                turn = (x, sign * y, sign * z)
            else:
                turn = (0.0, 0.0, -sign * radians(_CURL_DEGREES[number - 1]))
            constant = _constant_turn(armature, f"{side}_{finger}{number}", turn, "Curl")
            values = {"finger": Value(hand(side), finger), "fist": Value(hand(side), FIST)}
            drive(armature, constant, "influence", "clamp(finger + fist, 0, 1)", values)


def _link_face(armature: bpy.types.Object) -> None:
    jaw = _constant_turn(armature, "jaw", (JAW_LIMIT, 0.0, 0.0), "Jaw")
    drive(armature, jaw, "influence", "clamp(open, 0, 1)", {"open": Value(HEAD, JAW_OPEN)})
    look = {"side": Value(HEAD, EYES_SIDE), "up": Value(HEAD, EYES_UP)}
    for side in SIDES:
        eye = _constant_turn(armature, f"{side}_eye", (0.0, 0.0, 0.0), "Eye")
        drive(armature, eye, "influence", "1 * ((abs(side) + abs(up)) > 0)", look)
        for axis, factor, name in (("x", -EYE_UP_LIMIT, "up"), ("y", EYE_SIDE_LIMIT, "side")):
            expression = f"{factor:.9f} * clamp({name}, -1, 1)"
            drive(armature, eye, f"to_min_{axis}_rot", expression, {name: look[name]})


def _constant_turn(
    armature: bpy.types.Object, joint: str, turn: tuple[float, float, float], name: str
) -> bpy.types.TransformConstraint:
    """A turn that does not depend on its target: of a range of no width, Blender takes the lower end."""
    constant = _constraint(armature.pose.bones[joint], "TRANSFORM", name)
    constant.target, constant.subtarget = armature, HEAD if joint.endswith(("jaw", "eye")) else CHEST
    constant.target_space = constant.owner_space = "LOCAL"
    constant.map_from, constant.map_to, constant.mix_mode_rot = "LOCATION", "ROTATION", "AFTER"
    for axis, angle in zip("xyz", turn, strict=True):
        setattr(constant, f"to_min_{axis}_rot", angle)
        setattr(constant, f"to_max_{axis}_rot", angle)
    return constant


def _constraint(bone: bpy.types.PoseBone, kind: str, name: str) -> bpy.types.Constraint:
    made = bone.constraints.new(kind)
    made.name = f"{PREFIX}{name}"
    return made
