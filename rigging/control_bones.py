"""Where control bones are at rest; they follow the joints, so another body shape moves them too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mathutils import Matrix

from ..engine.avatar.axes import BLENDER_FROM_BODY
from ..engine.avatar.body import joint_index
from ..engine.motion.two_bone import RestLimb, rest_limb
from .armature import ROOT
from .control_names import CHEST, HEAD, HIPS, LIMBS, Limb

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

_CONTROL_LENGTH, _HELPER_LENGTH = 0.1, 0.05  # metres


@dataclass(frozen=True)
class ControlBone:
    """A bone of the control rig at rest.

    Args:
        name: Of the bone.
        parent: Of the bone.
        head: Metres, body axes. [3]
        turn: Its axes; the bone points along the second. [3, 3]
        length: Metres.
        is_control: For the hand; otherwise part of the mechanism.
    """

    name: str
    parent: str
    head: Float
    turn: Float
    length: float
    is_control: bool


def limb_at_rest(limb: Limb, joints: Float) -> RestLimb:
    """Lengths and frames of a limb.

    Args:
        limb: Which.
        joints: Rest joints, metres, body axes. [55, 3]
    """
    return rest_limb(*(joints[joint_index(name)] for name in limb.joints), np.array(limb.bends))


def control_bones(joints: Float) -> list[ControlBone]:
    """All of them, parents first.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
    """
    joints = np.asarray(joints, np.float64)
    upright = np.eye(3)

    def control(name: str, parent: str, joint: str, shift: Float | float = 0.0) -> ControlBone:
        return ControlBone(name, parent, joints[joint_index(joint)] + shift, upright, _CONTROL_LENGTH, True)

    bones = [
        control(HIPS, ROOT, "pelvis"),
        control(CHEST, "pelvis", "spine3"),
        control(HEAD, "spine3", "head"),
    ]
    for limb in LIMBS.values():
        bones.append(control(limb.end, ROOT, limb.joints[2]))
        away = np.multiply(limb.bends, limb.pole_distance)
        bones.append(control(limb.pole, ROOT, limb.joints[1], away))
        bones += _mechanism(limb, joints)
    return bones


def _mechanism(limb: Limb, joints: Float) -> list[ControlBone]:
    """The limb as a straight one, which drivers bend, and on its bones what the joints copy.

    It points forward, wherever the limb is at rest: near its own -Y, Blender keeps axes to three digits only.
    """
    rest, line = limb_at_rest(limb, joints), BLENDER_FROM_BODY
    root = joints[joint_index(limb.joints[0])]
    middle = root + rest.upper * line[:, 1]
    upper, lower = limb.bones
    rows = [
        (limb.aim, limb.parent, root, line, _CONTROL_LENGTH),
        (upper, limb.aim, root, line, rest.upper),
        (lower, upper, middle, line, rest.lower),
    ]
    parts = (
        (upper, root, rest.upper_frame, rest.upper_axes),
        (lower, middle, rest.lower_frame, rest.lower_axes),
    )
    for (bone, head, frame, axes), twist, turn in zip(parts, limb.twists, limb.turns, strict=True):
        # On this straight limb the joint would be turned so.
        turned = line @ frame.T
        rows.append((twist, bone, head, turned @ axes, _HELPER_LENGTH))
        rows.append((turn, twist, head, turned, _HELPER_LENGTH))
    return [ControlBone(*row, is_control=False) for row in rows]


def write_bones(bones: bpy.types.ArmatureEditBones, joints: Float) -> None:
    """Make the control bones, or move those that are there to new joints. Edit Mode only.

    Args:
        bones: Of an armature that does not mirror edits.
        joints: Rest joints, metres, body axes. [55, 3]
    """
    for made in control_bones(joints):
        bone = bones.get(made.name) or bones.new(made.name)
        bone.use_connect = False
        bone.head, bone.tail = (0, 0, 0), (0, made.length, 0)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = made.turn, made.head
        bone.matrix = Matrix(matrix.tolist())
        bone.length = made.length
        bone.parent = bones[made.parent]
        bone.use_deform, bone.inherit_scale = False, "NONE"
