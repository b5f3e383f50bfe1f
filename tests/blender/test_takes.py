"""Armatures of the scene, sampled and carried over to ours."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.axes import BLENDER_FROM_BODY
from lhm_avatars.engine.avatar.body import JOINT_NAMES, JOINT_PARENTS
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.retarget.detect import detect
from lhm_avatars.engine.motion.retarget.retarget import Retargeting, retarget
from lhm_avatars.engine.motion.retarget.rigs import rigs
from lhm_avatars.engine.motion.retarget.root import Placing
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.other_rigs import bake_onto, writable
from lhm_avatars.rigging.takes import take_of
from mathutils import Matrix
from motion.rigged import lively, rest_joints, world

pytestmark = pytest.mark.usefixtures("empty_scene")
AS_RECORDED = Placing(travel=True, floor=False, heading=False, origin=False)
FRAMES = 12


def _truth() -> Motion:
    pose, transl = lively(FRAMES)
    return Motion(pose.astype(np.float32), transl.astype(np.float32), 24.0, "lively")


def _ours() -> bpy.types.Object:
    return create_armature(bpy.context, "Ada", rest_joints(), bpy.context.scene.collection)


def _mixamo(joints: np.ndarray, pose: np.ndarray, transl: np.ndarray) -> bpy.types.Object:
    """Somebody else's armature: Mixamo's names, bones that point to children with rolls, centimetres."""
    rig = next(rig for rig in rigs() if rig.name == "mixamo")
    data = bpy.data.armatures.new("Mixamo")
    armature = bpy.data.objects.new("Mixamo", data)
    bpy.context.scene.collection.objects.link(armature)
    armature.scale = (0.01, 0.01, 0.01)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    rng = np.random.default_rng(8)
    names = [name for name in JOINT_NAMES if name in rig.bones]
    world = 100.0 * joints @ BLENDER_FROM_BODY.T
    for name in names:
        index = JOINT_NAMES.index(name)
        bone = data.edit_bones.new(rig.bones[name])
        children = [c for c, p in enumerate(JOINT_PARENTS) if p == index]
        bone.head = world[index]
        tail = world[children[0]] if children else world[index] + (0, 0, 5.0)
        bone.tail = tail
        bone.roll = rng.uniform(-3, 3)
        parent = JOINT_PARENTS[index]
        while parent >= 0 and JOINT_NAMES[parent] not in rig.bones:
            parent = JOINT_PARENTS[parent]
        if parent >= 0:
            bone.parent = data.edit_bones[rig.bones[JOINT_NAMES[parent]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    change = np.eye(4)
    change[:3, :3] = BLENDER_FROM_BODY
    for frame in range(len(pose)):
        moved = forward_kinematics(joints, pose[frame], transl[frame])
        moved[:, :3, 3] *= 100.0
        for name in names:
            bone = armature.pose.bones[rig.bones[name]]
            turned = change @ moved[JOINT_NAMES.index(name)] @ change.T
            bone.matrix = Matrix(turned) @ bone.bone.matrix_local
            bpy.context.view_layer.update()
            bone.keyframe_insert("rotation_quaternion", frame=frame + 1)
            bone.keyframe_insert("location", frame=frame + 1)
    return armature


def test_our_own_armature_gives_back_its_motion():
    truth = _truth()
    armature = _ours()
    armature.location, armature.rotation_euler[2] = (3, -2, 1), 0.7
    add_action(armature, truth, fps=24.0)
    take = take_of(bpy.context, armature, range(1, FRAMES + 1))
    bones = detect(take.names)
    assert len(bones.bones) == len(JOINT_NAMES)
    motion = retarget(take, bones.bones, rest_joints(), Retargeting(placing=AS_RECORDED)).motion
    assert np.abs(motion.pose[:, 1:] - truth.pose[:, 1:]).max() < 1e-4
    assert take.fps == 24.0


def test_a_mixamo_armature_in_centimetres():
    pose, transl = lively(FRAMES)
    for name in ("jaw", "left_eye", "right_eye"):
        pose[:, JOINT_NAMES.index(name)] = 0
    armature = _mixamo(rest_joints(), pose, transl)
    take = take_of(bpy.context, armature, range(1, FRAMES + 1))
    bones = detect(take.names)
    assert bones.rig == "mixamo"
    motion = retarget(take, bones.bones, rest_joints(), Retargeting(placing=AS_RECORDED)).motion
    assert np.abs(motion.pose - pose).max() < 2e-3
    assert np.abs(motion.transl - transl).max() < 1e-3


@pytest.mark.parametrize("turned", [False, True])
def test_an_avatars_motion_on_a_mixamo_armature(turned: bool):
    truth, joints = _truth(), rest_joints()
    armature = _mixamo(joints, np.zeros((1, 55, 3)), np.zeros((1, 3)))
    if turned:
        armature.rotation_euler[2] = 0.9
        bpy.context.view_layer.update()
    kept = armature.animation_data.action
    bake_onto(bpy.context, armature, truth, joints, None, start=3, fps=24.0)
    assert armature.animation_data.action != kept
    assert kept.use_fake_user
    rig = next(rig for rig in rigs() if rig.name == "mixamo")
    _, wanted = world(truth.pose.astype(np.float64), truth.transl.astype(np.float64), joints)
    for frame in (0, 5, FRAMES - 1):
        bpy.context.scene.frame_set(3 + frame)
        for name, bone in rig.bones.items():
            place = armature.matrix_world @ armature.pose.bones[bone].head
            want = wanted[frame, JOINT_NAMES.index(name)] @ BLENDER_FROM_BODY.T
            assert np.abs(np.array(place) - want).max() < 1e-4, (frame, name)


def test_of_rigify_the_controls_take_the_keys():
    names = tuple(
        bone for rig in rigs() if rig.name in ("rigify_def", "rigify_fk") for bone in rig.bones.values()
    )
    bones = writable(names)
    fk = next(rig for rig in rigs() if rig.name == "rigify_fk")
    assert bones["left_elbow"] == fk.bones["left_elbow"]


def test_the_scene_stays_at_its_frame():
    armature = _ours()
    bpy.context.scene.frame_set(7)
    take_of(bpy.context, armature, range(3))
    assert bpy.context.scene.frame_current == 7


def test_nothing_to_sample():
    armature = _ours()
    with pytest.raises(AvatarError, match="no frame between first and last"):
        take_of(bpy.context, armature, range(0))
    armature.scale = (0, 0, 0)
    bpy.context.view_layer.update()
    with pytest.raises(AvatarError, match="scaled to nothing"):
        take_of(bpy.context, armature, range(2))
    empty = bpy.data.objects.new("Empty", bpy.data.armatures.new("Empty"))
    with pytest.raises(AvatarError, match="has no bones"):
        take_of(bpy.context, empty, range(2))
