"""Rigs whose controls hang on bones that constraints move: which they are, and how to turn their controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from mathutils import Matrix, Vector

from ..engine.avatar.axes import BLENDER_FROM_BODY
from ..engine.avatar.body import JOINT_NAMES, JOINT_PARENTS, joint_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import bpy

    from ..engine.avatar.arrays import Float

FK_SWITCH = "IK_FK"
"""Property of the bones of Rigify's limbs: at 1 they listen to their FK controls."""

_TRUNK = 3  # joints of the spine above the pelvis
_LEGS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "foot"))


def is_constrained(armature: bpy.types.Object, names: Iterable[str]) -> bool:
    """Whether more than keys moves some of these bones, or what they hang on.

    Args:
        armature: Any.
        names: Of its bones.
    """
    bones = armature.data.bones
    hung = set(names)
    hung |= {parent.name for name in names for parent in bones[name].parent_recursive}
    return any(
        not bones[name].use_inherit_rotation or any(map(_acts, armature.pose.bones[name].constraints))
        for name in hung
    )


def listen_to_controls(armature: bpy.types.Object) -> dict[str, float]:
    """Let the limbs of a Rigify rig follow their FK controls.

    Returns:
        What they listened to before, by bone; see `listen_as_before`.
    """
    before = {bone.name: bone[FK_SWITCH] for bone in armature.pose.bones if FK_SWITCH in bone}
    listen_as_before(armature, dict.fromkeys(before, 1.0))
    return before


def listen_as_before(armature: bpy.types.Object, switches: Mapping[str, float]) -> None:
    """Set the switches between FK and IK.

    Args:
        armature: The rig.
        switches: By bone.
    """
    for name, value in switches.items():
        armature.pose.bones[name][FK_SWITCH] = value
    armature.update_tag()  # custom properties set by scripts tell nobody


class Posed(NamedTuple):
    """Values that pose the controls.

    Args:
        quats: Of each control, in its own axes, w first. [D, 4]
        location: Of the hips' control. [3]
    """

    quats: Float
    location: Float


class Controls:
    """The controls of such a rig, turned one level after the other; Blender tells where that brings the next.

    While it is in use the rig plays no Action; `close` puts everything back.

    Args:
        context: Has the view layer.
        armature: The rig.
        bones: Bone of each of our joints.
        order: The bones, as the turns will come. [D]
    """

    def __init__(
        self,
        context: bpy.types.Context,
        armature: bpy.types.Object,
        bones: Mapping[str, str],
        order: Iterable[str],
    ) -> None:
        self._context, self._armature, self._hips = context, armature, bones["pelvis"]
        self._order = tuple(order)
        level = {bone: _level(joint_index(joint)) for joint, bone in bones.items()}
        self._levels = [
            [row for row, name in enumerate(self._order) if level[name] == now]
            for now in sorted(set(level.values()))
        ]
        self._before = {
            name: (armature.pose.bones[name].rotation_mode, armature.pose.bones[name].matrix_basis.copy())
            for name in self._order
        }
        animation = armature.animation_data
        self._played = (animation.action, animation.action_slot) if animation else (None, None)
        if animation:
            animation.action = None
        for name in self._order:
            armature.pose.bones[name].rotation_mode = "QUATERNION"

    def posed(self, turns: Float, place: Float) -> Posed:
        """Turn all controls as they shall be in one pose.

        Args:
            turns: Where the axes of each control shall point, the world in body axes. [D, 3, 3]
            place: Where the head of the hips' control shall be, likewise, metres. [3]
        """
        armature = self._armature
        # The axes were measured in the world; the rig may be turned, and as large as it likes.
        inside = armature.matrix_world.inverted()
        turned = np.array(inside.to_3x3().normalized()) @ BLENDER_FROM_BODY @ np.asarray(turns)
        head = inside @ Vector((BLENDER_FROM_BODY @ place).tolist())
        for level in self._levels:
            for row in level:
                bone = armature.pose.bones[self._order[row]]
                wanted = Matrix(turned[row].tolist()).to_4x4()
                is_hips = bone.name == self._hips
                wanted.translation = head if is_hips else bone.matrix.translation
                local = armature.convert_space(
                    pose_bone=bone, matrix=wanted, from_space="POSE", to_space="LOCAL"
                )
                bone.rotation_quaternion = local.to_quaternion()
                if is_hips:
                    bone.location = local.translation
            self._context.view_layer.update()
        bones = [armature.pose.bones[name] for name in self._order]
        return Posed(
            np.array([bone.rotation_quaternion for bone in bones]),
            np.array(armature.pose.bones[self._hips].location),
        )

    def close(self) -> None:
        """Put pose and Action back."""
        for name, (mode, basis) in self._before.items():
            bone = self._armature.pose.bones[name]
            bone.rotation_mode, bone.matrix_basis = mode, basis
        if self._played[0] is not None:
            self._armature.animation_data.action, self._armature.animation_data.action_slot = self._played
        self._context.view_layer.update()


def _acts(constraint: bpy.types.Constraint) -> bool:
    return not constraint.mute and constraint.influence > 0


def _level(joint: int) -> int:
    """When a joint is turned: after those it hangs on, and the legs after the trunk.

    A spine's controls may move its lower end, too, as Rigify's do, and the legs with it.
    """
    level = _TRUNK if JOINT_NAMES[joint].startswith(_LEGS) else 0
    while JOINT_PARENTS[joint] >= 0:
        joint, level = JOINT_PARENTS[joint], level + 1
    return level
