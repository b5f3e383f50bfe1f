"""The armature: 55 bones with SMPL-X names, and a root.

Every bone points along +Y of the armature with roll 0, so its rest rotation is the identity and a pose bone's
quaternion *is* the joint's local rotation, without conversion. The armature's data stay in body axes; the
object carries the quarter turn to Blender's. What the artist sees are sticks drawn towards the child joint.
"""

from __future__ import annotations

from math import radians
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.body import JOINT_NAMES, JOINT_PARENTS
from .bone_shapes import is_stick, ring, stick, stick_transform
from .contexts import mode_of

if TYPE_CHECKING:
    from ..engine.avatar.arrays import Float

ROOT = "root"
PELVIS = JOINT_NAMES[0]
BONE_COLLECTIONS = ("Body", "Hands", "Face", "Root")
_FACE = ("jaw", "left_eye", "right_eye")
_SHORTEST_BONE, _LEAF_BONE, _ROOT_BONE = 0.02, 0.024, 0.2
_CHILD_SHARE = 0.6  # of the distance to the nearest child, so that bones do not overlap


def create_armature(
    context: bpy.types.Context, name: str, joints: Float, collection: bpy.types.Collection
) -> bpy.types.Object:
    """Make the armature object.

    Args:
        context: Its view layer shows the collection. Leaves the armature active in Object Mode.
        name: Of the object and its data.
        joints: Rest joints, metres, body axes; the root stands at the origin. [55, 3]
        collection: Gets the object.
    """
    joints = np.asarray(joints, np.float64)
    armature = _new_object(name, collection)
    with mode_of(context, armature, "EDIT"):
        _add_bones(armature.data, joints)
    _sort_bones(armature.data)
    _prepare_pose(armature)
    _dress_bones(armature)
    aim_bones(armature, joints)
    return armature


def _new_object(name: str, collection: bpy.types.Collection) -> bpy.types.Object:
    """An empty armature. Euler angles: turning its Z turns the person on the spot."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    collection.objects.link(armature)
    armature.rotation_euler = (radians(90), 0, 0)
    armature.show_in_front = True
    armature.data.relation_line_position = "HEAD"  # else lines lead to the tails, which are not drawn
    return armature


def _add_bones(data: bpy.types.Armature, joints: Float) -> None:
    """Heads at the joints, tails straight up. Edit Mode only."""
    root = data.edit_bones.new(ROOT)
    root.head, root.tail, root.roll = (0, 0, 0), (0, _ROOT_BONE, 0), 0
    root.use_deform = False
    for name, parent, head, length in zip(
        JOINT_NAMES, JOINT_PARENTS, joints, _bone_lengths(joints), strict=True
    ):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail, bone.roll = head, head + np.array([0, length, 0]), 0
        bone.parent = root if parent < 0 else data.edit_bones[JOINT_NAMES[parent]]
        bone.use_connect = False
        bone.inherit_scale = "NONE"  # the body model has no scale; a scaled root would shear its children


def _bone_lengths(joints: Float) -> list[float]:
    lengths = []
    for joint in range(len(joints)):
        children = [child for child, parent in enumerate(JOINT_PARENTS) if parent == joint]
        near = min((float(np.linalg.norm(joints[child] - joints[joint])) for child in children), default=0)
        lengths.append(max(_SHORTEST_BONE, _CHILD_SHARE * near) if children else _LEAF_BONE)
    return lengths


def _sort_bones(data: bpy.types.Armature) -> None:
    """Bone collections, so that fingers and face can be hidden while posing the body."""
    groups = {name: data.collections.new(name) for name in BONE_COLLECTIONS}
    for bone in data.bones:
        groups[_collection_of(bone.name)].assign(bone)


def _collection_of(bone: str) -> str:
    if bone == ROOT:
        return "Root"
    if bone in _FACE:
        return "Face"
    is_finger = bone[-1].isdigit() and not bone.startswith("spine")
    return "Hands" if is_finger else "Body"


def _prepare_pose(armature: bpy.types.Object) -> None:
    """Quaternions everywhere; only root and pelvis may move, a joint that slides would tear the body."""
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.lock_location = [bone.name not in (ROOT, PELVIS)] * 3


def _dress_bones(armature: bpy.types.Object) -> None:
    """Draw each bone as a stick and the root as a ring on the floor."""
    for bone in armature.pose.bones:
        bone.custom_shape, bone.use_custom_shape_bone_size = stick(), False
    armature.pose.bones[ROOT].custom_shape = ring()


def aim_bones(armature: bpy.types.Object, joints: Float) -> None:
    """Let each stick reach towards its bone's child; shapes that the user chose stay as they are.

    Args:
        armature: One of ours.
        joints: Rest joints, metres. [55, 3]
    """
    for name in JOINT_NAMES:
        bone = armature.pose.bones[name]
        if not is_stick(bone.custom_shape):
            continue
        rotation, length = stick_transform(name, joints)
        bone.custom_shape_rotation_euler = rotation
        bone.custom_shape_scale_xyz = (length, length, length)
