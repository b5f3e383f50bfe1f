"""Rigs whose controls hang on bones that constraints move: Rigify as it is generated, and one made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import addon_utils
import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.axes import BLENDER_FROM_BODY
from lhm_avatars.engine.avatar.body import JOINT_NAMES, bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.motion.builtin.catalogue import BUILT_IN
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.retarget.detect import detect
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.constrained_rigs import is_constrained
from lhm_avatars.rigging.other_rigs import RigBaker, bake_onto

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("empty_scene")
FRAMES = 6
LIMBS = (
    ("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("index1", "index2"),
    ("pinky2", "pinky3"),
)  # fmt: skip


@pytest.fixture
def rigify() -> Iterator[bpy.types.Object]:
    """A human rig as Rigify generates it."""
    if addon_utils.enable("rigify", default_set=True) is None:
        pytest.skip("this Blender comes without Rigify")
    bpy.ops.object.armature_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    yield bpy.context.object
    addon_utils.disable("rigify", default_set=True)


def _motion(name: str) -> tuple[Motion, np.ndarray]:
    joints = bundled_body().joints(np.zeros(10)).astype(np.float64)
    motion = BUILT_IN[name].maker(joints, 24.0)
    chosen = np.linspace(0, motion.count - 1, FRAMES).astype(int)
    return Motion(motion.pose[chosen], motion.transl[chosen], 24.0, name), joints


def _directions(motion: Motion, joints: np.ndarray, frame: int) -> dict[tuple[str, str], np.ndarray]:
    """Of the limbs, Blender's axes, by numpy."""
    moved = forward_kinematics(joints, motion.pose[frame].astype(np.float64), motion.transl[frame])
    places = posed_joints(joints, moved) @ BLENDER_FROM_BODY.T
    pairs = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in LIMBS]
    return {(a, b): places[joint_index(b)] - places[joint_index(a)] for a, b in pairs}


def _worst_angle(
    armature: bpy.types.Object, bones: dict[str, str], motion: Motion, joints: np.ndarray
) -> float:
    """Largest angle between limbs of the rig as Blender evaluates it and those of the motion, degrees."""
    worst = 0.0
    for frame in range(motion.count):
        bpy.context.scene.frame_set(1 + frame)
        for (a, b), wanted in _directions(motion, joints, frame).items():
            heads = [
                np.array(armature.matrix_world @ armature.pose.bones[bones[name]].head) for name in (a, b)
            ]
            found = heads[1] - heads[0]
            sine = np.linalg.norm(np.cross(found, wanted)) / np.linalg.norm(found) / np.linalg.norm(wanted)
            assert found @ wanted > 0
            worst = max(worst, float(np.degrees(np.arcsin(sine))))
    return worst


@pytest.mark.parametrize("name", ["walk", "sit"])
def test_rigify_does_what_the_avatar_does(rigify: bpy.types.Object, name: str) -> None:
    motion, joints = _motion(name)
    rigify.rotation_euler[2], rigify.location = 0.8, (2.0, 1.0, 0.0)
    bpy.context.view_layer.update()
    deform = detect(tuple(bone.name for bone in rigify.data.bones))
    assert deform.rig == "rigify_def"
    action = bake_onto(bpy.context, rigify, motion, joints, None, start=1, fps=24.0)
    assert rigify.animation_data.action == action
    # The deform bones follow the FK controls through Rigify's own constraints.
    assert _worst_angle(rigify, deform.bones, motion, joints) < 0.1


def _hung(joints: np.ndarray) -> bpy.types.Object:
    """Our skeleton, whose left arm hangs on a bone that takes half of the chest's turn, and whose neck keeps
    its direction."""
    armature = create_armature(bpy.context, "Hung", joints, bpy.context.scene.collection)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    helper = bones.new("helper")
    helper.head, helper.tail = bones["left_shoulder"].head, bones["left_shoulder"].tail
    helper.parent, bones["left_shoulder"].parent = bones["root"], helper
    bones["neck"].use_inherit_rotation = False
    bpy.ops.object.mode_set(mode="OBJECT")
    copy = armature.pose.bones["helper"].constraints.new("COPY_ROTATION")
    copy.target, copy.subtarget, copy.influence = armature, "spine3", 0.5
    return armature


def test_controls_under_a_constraint() -> None:
    motion, joints = _motion("range_of_motion")
    armature = _hung(joints)
    names = {name: name for name in JOINT_NAMES}
    assert is_constrained(armature, names)
    armature.pose.bones["helper"].constraints[0].mute = True
    armature.data.bones["neck"].use_inherit_rotation = True
    assert not is_constrained(armature, names)
    armature.pose.bones["helper"].constraints[0].mute = False
    armature.pose.bones["left_elbow"]["IK_FK"] = 0.0
    bake_onto(bpy.context, armature, motion, joints, names, start=1, fps=24.0)
    assert armature.pose.bones["left_elbow"]["IK_FK"] == 1.0  # the keys are of no use with IK
    assert _worst_angle(armature, names, motion, joints) < 0.1


def test_a_bake_that_is_given_up_leaves_the_rig_alone() -> None:
    motion, joints = _motion("walk")
    armature = _hung(joints)
    bone = armature.pose.bones["left_elbow"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.1, 0.2, 0.3)
    bone["IK_FK"] = 0.25  # as Rigify's limbs have it
    action = bpy.data.actions.new("Mine")
    armature.animation_data_create().action = action
    bpy.context.view_layer.update()
    before = np.array(bone.matrix)
    baker = RigBaker(bpy.context, armature, motion, joints, {name: name for name in JOINT_NAMES})
    assert not baker.step(seconds=0)
    assert 0 < baker.fraction < 1
    assert bone["IK_FK"] == 1.0
    baker.close()
    assert bone["IK_FK"] == 0.25
    assert (bone.rotation_mode, armature.animation_data.action) == ("XYZ", action)
    assert np.abs(np.array(bone.matrix) - before).max() < 1e-6
    assert list(bpy.data.actions) == [action]
