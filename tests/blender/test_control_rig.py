"""The control rig: exact while it does nothing, true to closed forms else, matched without a jump."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.shapely import with_shape
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, MIRRORED_JOINTS, BodyParams, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec, quat_from_rotvec, rotvec_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.avatar_objects import add_avatar
from lhm_avatars.rigging.control_match import match_bones, match_controls
from lhm_avatars.rigging.control_names import CONTROL_BONES, HEAD, LIMBS, Limb
from lhm_avatars.rigging.control_rig import add_controls, remove_controls
from lhm_avatars.rigging.controlled import joints_at_rest
from lhm_avatars.rigging.motion_layers import add_motion
from lhm_avatars.rigging.poses import set_pose
from lhm_avatars.rigging.reshape import set_shape
from mathutils import Vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")
SEEDS = range(4)
ALL = tuple(LIMBS)


@pytest.fixture
def plain(make_avatar: Callable[..., Avatar]) -> bpy.types.Object:
    """An avatar without controls, which can be reshaped."""
    made = add_avatar(bpy.context, with_shape(make_avatar(count=50)), name="Ada", pose="rest")
    return made.armature


@pytest.fixture
def rig(plain: bpy.types.Object) -> bpy.types.Object:
    add_controls(bpy.context, plain)
    return plain


def random_params(seed: int, spread: float = 0.5) -> BodyParams:
    rng = np.random.default_rng(seed)
    return BodyParams.from_pose(rng.normal(0, spread, (JOINT_COUNT, 3)), transl=rng.normal(0, 0.3, 3))


def swaying(count: int) -> Motion:
    """All joints and the pelvis go to and fro, each in its own way."""
    rng = np.random.default_rng(5)
    time = np.linspace(0, 2 * np.pi, count, endpoint=False)[:, None, None]
    pose = rng.normal(0, 0.35, (1, JOINT_COUNT, 3)) * np.sin(time + rng.uniform(0, 6, (1, JOINT_COUNT, 3)))
    return Motion(pose=pose, transl=0.1 * pose[:, 0], fps=24.0, name="Sway")


def matrices(armature: bpy.types.Object) -> np.ndarray:
    """Of the joints as evaluated, armature space. [55, 4, 4]"""
    armature.update_tag(refresh={"OBJECT", "DATA"})
    bpy.context.view_layer.update()
    shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([shown.pose.bones[name].matrix for name in JOINT_NAMES], np.float64)


def on_frame(armature: bpy.types.Object, frame: int) -> np.ndarray:
    bpy.context.scene.frame_set(frame)
    return matrices(armature)


def place(found: np.ndarray, joint: str) -> np.ndarray:
    return found[joint_index(joint), :3, 3]


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Largest between rotations, degrees. [..., 4, 4] each"""
    turn = np.swapaxes(a[..., :3, :3], -1, -2) @ b[..., :3, :3]
    # By the sine, which keeps its precision near zero; scaled by sqrt 2 of the Frobenius norm.
    return float(
        np.degrees(2 * np.arcsin(np.linalg.norm(turn - np.eye(3), axis=(-1, -2)) / np.sqrt(8)).max())
    )


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a[..., :3, 3] - b[..., :3, 3], axis=-1).max())


def quat(rotvec: np.ndarray) -> list[float]:
    return quat_from_rotvec(rotvec).tolist()


def ik(armature: bpy.types.Object, limb: str, value: float) -> None:
    armature.pose.bones[LIMBS[limb].end]["ik"] = value


# While the controls do nothing.


@pytest.mark.parametrize("seed", SEEDS)
def test_without_ik_the_bones_are_exactly_as_before(plain: bpy.types.Object, seed: int) -> None:
    plain.pose.bones["root"].rotation_quaternion = (0.9, 0.1, 0.4, 0.1)
    set_pose(plain, random_params(seed))
    before = matrices(plain)
    add_controls(bpy.context, plain)
    np.testing.assert_array_equal(matrices(plain), before)


@pytest.mark.parametrize("ending", ["remove", "undo by hand"])
def test_used_controls_leave_no_trace(rig: bpy.types.Object, ending: str) -> None:
    set_pose(rig, random_params(2))
    before = matrices(rig)
    match_controls(bpy.context, rig, ALL, switch=True)
    rig.pose.bones["chest_control"].rotation_quaternion = quat(np.array([0.3, 0.2, 0.1]))
    rig.pose.bones[HEAD]["jaw_open"] = 1.0
    rig.pose.bones["left_hand_ik"]["fist"] = 0.7
    used = matrices(rig)
    assert angle(used, before) > 10
    if ending == "remove":  # the bones take over what is seen
        remove_controls(bpy.context, rig)
        assert distance(matrices(rig), used) < 1e-5
        assert angle(matrices(rig), used) < 0.02
        return
    rig.pose.bones["chest_control"].rotation_quaternion = (1, 0, 0, 0)
    rig.pose.bones[HEAD]["jaw_open"] = 0.0
    rig.pose.bones["left_hand_ik"]["fist"] = 0.0
    for limb in ALL:
        ik(rig, limb, 0.0)
    np.testing.assert_array_equal(matrices(rig), before)


def test_drivers_need_no_leave_to_run_scripts(rig: bpy.types.Object) -> None:
    drivers = [curve.driver for curve in rig.animation_data.drivers]
    assert len(drivers) > 50
    assert all(driver.is_valid for driver in drivers)
    assert [d.expression for d in drivers if not d.is_simple_expression] == []


def test_controls_do_not_deform_and_are_sorted(rig: bpy.types.Object) -> None:
    groups = rig.data.collections
    assert {bone.name for name in ("Controls", "Mechanism") for bone in groups[name].bones} == set(
        CONTROL_BONES
    )
    assert groups["Controls"].is_visible
    assert not groups["Mechanism"].is_visible
    for name in CONTROL_BONES:
        assert not rig.data.bones[name].use_deform
    for bone in groups["Controls"].bones:
        shown = rig.pose.bones[bone.name]
        assert shown.custom_shape is not None
        assert shown.color.palette != "DEFAULT"


def test_motions_play_as_before(rig: bpy.types.Object) -> None:
    joints = joints_at_rest(rig)
    motion = swaying(24)
    add_action(rig, motion, start=1)
    for row in (0, 7, 20):
        posed = forward_kinematics(joints, motion.pose[row].astype(float), motion.transl[row].astype(float))
        found = on_frame(rig, 1 + row)
        np.testing.assert_allclose(found[:, :3, :3], posed[:, :3, :3], atol=3e-6)
        np.testing.assert_allclose(found[:, :3, 3], posed_joints(joints, posed), atol=3e-6)


# Controls on top of the bones.


@pytest.mark.parametrize(
    ("control", "joints"),
    [("hips_control", ("pelvis",)), ("chest_control", ("spine1", "spine2", "spine3")),
     ("head_control", ("neck", "head"))],
)  # fmt: skip
@pytest.mark.parametrize("seed", SEEDS)
def test_joints_share_the_turn_of_a_control(
    rig: bpy.types.Object, control: str, joints: tuple[str, ...], seed: int
) -> None:
    """Each turns by an equal part of the angle about the same axis, in front of its own turn."""
    params = random_params(seed)
    set_pose(rig, params)
    rng = np.random.default_rng(seed)
    turn = rng.normal(0, 0.6, 3)
    rig.pose.bones[control].rotation_quaternion = quat(turn)
    pose, moved = params.pose().astype(float), params.transl.astype(float)
    for joint in joints:
        row = joint_index(joint)
        pose[row] = rotvec_from_matrix(matrix_from_rotvec(turn / len(joints)) @ matrix_from_rotvec(pose[row]))
    if control == "hips_control":
        shift = rng.normal(0, 0.2, 3)
        rig.pose.bones[control].location = shift
        moved = moved + shift
    rest = joints_at_rest(rig)
    expected = forward_kinematics(rest, pose, moved)
    found = matrices(rig)
    np.testing.assert_allclose(found[:, :3, :3], expected[:, :3, :3], atol=1e-5)
    np.testing.assert_allclose(found[:, :3, 3], posed_joints(rest, expected), atol=1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_curled_fingers_come_to_the_palm(rig: bpy.types.Object, side: str) -> None:
    bones, rest = rig.pose.bones, matrices(rig)
    for finger in ("index", "middle", "ring", "pinky"):
        bones[f"{side}_hand_ik"][finger] = 0.5
        found = matrices(rig)
        joints = [joint_index(f"{side}_{finger}{k}") for k in (1, 2, 3)]
        # Half of 80, 95 and 60 degrees about the body's forward axis, all in one plane; the palm looks down.
        sign = -1 if side == "left" else 1
        for joint, degrees in zip(joints, np.cumsum((40, 47.5, 30)), strict=True):
            expected = matrix_from_rotvec(np.radians((0, 0, sign * degrees)))
            np.testing.assert_allclose(found[joint, :3, :3], expected, atol=1e-5)
        assert place(found, f"{side}_{finger}3")[1] < place(rest, f"{side}_{finger}3")[1] - 0.03
        others = np.delete(np.arange(JOINT_COUNT), joints)
        np.testing.assert_array_equal(found[others], rest[others])
        bones[f"{side}_hand_ik"][finger] = 0.0
    bones[f"{side}_hand_ik"]["thumb"] = 1.0
    thumb = place(matrices(rig), f"{side}_thumb3") - place(rest, f"{side}_thumb3")
    assert thumb[1] < -0.005  # below the palm
    assert thumb[2] < 0  # towards the little finger


def test_a_fist_is_all_fingers_and_mirrors(rig: bpy.types.Object) -> None:
    for side in ("left", "right"):
        rig.pose.bones[f"{side}_hand_ik"]["fist"] = 0.8
        rig.pose.bones[f"{side}_hand_ik"]["index"] = 0.9  # together no more than all
    found = matrices(rig)
    image = found[list(MIRRORED_JOINTS)] * np.outer((-1, 1, 1, 1), (-1, 1, 1, 1))
    np.testing.assert_allclose(found, image, atol=1e-5)
    index = found[joint_index("left_index1"), :3, :3]
    np.testing.assert_allclose(index, matrix_from_rotvec(np.radians((0, 0, -80.0))), atol=1e-5)
    for finger in ("thumb", "middle", "ring", "pinky"):
        assert angle(found[joint_index(f"left_{finger}3")], np.eye(4)) > 60


def test_jaw_and_eyes_move_within_their_limits(rig: bpy.types.Object) -> None:
    head = rig.pose.bones[HEAD]
    head["jaw_open"], head["eyes_side"], head["eyes_up"] = 1.0, 1.0, 0.5
    found = matrices(rig)
    jaw = found[joint_index("jaw"), :3, :3]
    np.testing.assert_allclose(jaw, matrix_from_rotvec(np.array([0.35, 0, 0])), atol=1e-6)
    assert (jaw @ (0, 0, 1))[1] < 0  # the chin goes down
    yaw, pitch = np.radians(25), np.radians(10)
    looks = (np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch))
    for eye in ("left_eye", "right_eye"):
        np.testing.assert_allclose(found[joint_index(eye), :3, 2], looks, atol=1e-6)
    head["jaw_open"], head["eyes_side"], head["eyes_up"] = 5.0, -5.0, -5.0  # by script, past the sliders
    found = matrices(rig)
    np.testing.assert_allclose(found[joint_index("jaw"), :3, :3], jaw, atol=1e-6)
    pitch = np.radians(20)
    looks = (-np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch))
    np.testing.assert_allclose(found[joint_index("left_eye"), :3, 2], looks, atol=1e-6)


# IK.


@pytest.mark.parametrize("limb", LIMBS.values(), ids=ALL)
@pytest.mark.parametrize("seed", SEEDS)
def test_limbs_reach_their_controls_in_the_plane_of_the_pole(
    rig: bpy.types.Object, limb: Limb, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    joints, bones = joints_at_rest(rig), rig.pose.bones
    root, middle, end = (joints[joint_index(name)] for name in limb.joints)
    upper, lower = np.linalg.norm(middle - root), np.linalg.norm(end - middle)
    goal = root + (end - root) / np.linalg.norm(end - root) * (upper + lower) * rng.uniform(0.3, 0.9)
    goal += rng.normal(0, 0.1, 3)
    pole = middle + np.array(limb.bends) * 0.6 + rng.normal(0, 0.2, 3)
    rest_pole = np.array(rig.data.bones[limb.pole].head_local)
    bones[limb.end].location, bones[limb.pole].location = goal - end, pole - rest_pole
    turn = rng.normal(0, 1, 3)
    bones[limb.end].rotation_quaternion = quat(turn)
    ik(rig, limb.name, 1.0)
    found = matrices(rig)
    a, b, c = (place(found, name) for name in limb.joints)
    np.testing.assert_allclose(c, goal, atol=5e-6)
    np.testing.assert_allclose(
        found[joint_index(limb.joints[2]), :3, :3], matrix_from_rotvec(turn), atol=5e-6
    )
    # Lengths are kept; the middle is on the pole's side, and as far from the pole's plane as at rest.
    np.testing.assert_allclose([np.linalg.norm(b - a), np.linalg.norm(c - b)], [upper, lower], atol=2e-6)
    hinge, hinge_at_rest = np.cross(goal - a, pole - a), np.cross(end - root, limb.bends)
    aside = (middle - root) @ hinge_at_rest / np.linalg.norm(hinge_at_rest)
    assert (b - a) @ hinge / np.linalg.norm(hinge) == pytest.approx(aside, abs=5e-6)
    across = np.cross(hinge, goal - a)
    assert (b - a) @ across > 0
    assert (pole - a) @ across > 0


@pytest.mark.parametrize("limb", LIMBS.values(), ids=ALL)
def test_beyond_reach_a_limb_is_straight_towards_its_control(rig: bpy.types.Object, limb: Limb) -> None:
    joints = joints_at_rest(rig)
    root, _, end = (joints[joint_index(name)] for name in limb.joints)
    rig.pose.bones[limb.end].location = end - root
    ik(rig, limb.name, 1.0)
    a, b, c = (place(matrices(rig), name) for name in limb.joints)
    way = (end - root) / np.linalg.norm(end - root)
    np.testing.assert_allclose((c - a) / np.linalg.norm(c - a), way, atol=5e-6)
    length = np.linalg.norm(b - a) + np.linalg.norm(c - b)
    assert 0.99 * length < np.linalg.norm(c - a) <= length
    assert (b - a - way * ((b - a) @ way)) @ np.array(limb.bends) == pytest.approx(0, abs=1e-5)


def test_ik_holds_in_a_scaled_turned_object_with_a_moved_root(rig: bpy.types.Object) -> None:
    rig.scale, rig.rotation_euler = (1.7, 1.7, 1.7), (1.2, 0.3, 2.0)
    rig.pose.bones["root"].location = (0.3, 0.2, 0.1)
    rig.pose.bones["root"].rotation_quaternion = quat(np.array([0.2, 1.0, 0.1]))
    hand = rig.pose.bones["left_hand_ik"]
    hand.location = (-0.2, -0.2, 0.25)
    before = matrices(rig)
    ik(rig, "left_arm", 1.0)
    found = matrices(rig)
    np.testing.assert_allclose(place(found, "left_wrist"), hand.head, atol=5e-6)
    assert np.linalg.norm(place(found, "left_wrist") - place(before, "left_wrist")) > 0.1


def test_feet_stay_when_the_hips_sink(rig: bpy.types.Object) -> None:
    before = matrices(rig)
    for limb in ("left_leg", "right_leg"):
        ik(rig, limb, 1.0)
    rig.pose.bones["hips_control"].location = (0.02, -0.15, 0.05)
    found = matrices(rig)
    moved = place(found, "pelvis") - place(before, "pelvis")
    np.testing.assert_allclose(moved, (0.02, -0.15, 0.05), atol=1e-6)
    for joint in ("left_ankle", "right_ankle"):
        np.testing.assert_allclose(found[joint_index(joint)], before[joint_index(joint)], atol=5e-6)
    assert place(found, "left_knee")[2] > place(before, "left_knee")[2] + 0.05


# Matching.


@pytest.mark.parametrize("seed", range(8))
def test_controls_take_over_any_pose_without_a_jump(rig: bpy.types.Object, seed: int) -> None:
    rig.pose.bones["root"].location = (0.3, 0.2, 0.1)
    rig.pose.bones["root"].rotation_quaternion = quat(np.array([0.2, 1.0, 0.1]))
    set_pose(rig, random_params(seed))
    before = matrices(rig)
    match_controls(bpy.context, rig, ALL, switch=True)
    after = matrices(rig)
    assert all(rig.pose.bones[limb.end]["ik"] == 1.0 for limb in LIMBS.values())
    assert distance(after, before) < 5e-4
    assert angle(after, before) < 0.08
    set_pose(rig, BodyParams.from_pose(np.zeros((JOINT_COUNT, 3)), transl=random_params(seed).transl))
    elbow = joint_index("left_elbow")
    assert angle(matrices(rig)[elbow], before[elbow]) > 1  # the controls hold it, within a moved trunk


@pytest.mark.parametrize("seed", range(8))
def test_bones_take_over_what_controls_hold(rig: bpy.types.Object, seed: int) -> None:
    rng = np.random.default_rng(seed)
    set_pose(rig, random_params(seed, 0.2))
    for limb in LIMBS.values():
        for name in (limb.end, limb.pole):
            rig.pose.bones[name].location = rng.normal(0, 0.15, 3)
        rig.pose.bones[limb.end].rotation_quaternion = quat(rng.normal(0, 0.5, 3))
        ik(rig, limb.name, rng.choice([0.4, 1.0]))
    before = matrices(rig)
    match_bones(bpy.context, rig, ALL, switch=True)
    after = matrices(rig)
    assert all(rig.pose.bones[limb.end]["ik"] == 0.0 for limb in LIMBS.values())
    assert distance(after, before) < 1e-5
    assert angle(after, before) < 0.02


def test_matching_leaves_other_limbs_alone(rig: bpy.types.Object) -> None:
    set_pose(rig, random_params(1))
    before = np.array(rig.pose.bones["right_hand_ik"].location)
    match_controls(bpy.context, rig, ("left_arm",), switch=True)
    np.testing.assert_array_equal(np.array(rig.pose.bones["right_hand_ik"].location), before)
    assert rig.pose.bones["right_hand_ik"]["ik"] == 0.0


def test_the_straight_arms_of_the_rest_pose_bend_backwards_at_the_elbow(rig: bpy.types.Object) -> None:
    match_controls(bpy.context, rig, ALL, switch=True)
    rest = matrices(rig)
    for side in ("left", "right"):
        rig.pose.bones[f"{side}_hand_ik"].location.x = -0.15 if side == "left" else 0.15
        rig.pose.bones[f"{side}_foot_ik"].location.y = 0.2
    found = matrices(rig)
    for side in ("left", "right"):
        assert place(found, f"{side}_elbow")[2] < place(rest, f"{side}_elbow")[2] - 0.05
        assert place(found, f"{side}_knee")[2] > place(rest, f"{side}_knee")[2] + 0.05


def test_a_range_of_frames_goes_to_the_controls_and_back(rig: bpy.types.Object) -> None:
    motion = swaying(24)
    add_action(rig, motion, start=1)
    frames = range(1, 13)
    before = [on_frame(rig, frame) for frame in frames]
    bpy.context.scene.frame_set(5)
    match_controls(bpy.context, rig, ALL, frames=frames, switch=True)
    assert bpy.context.scene.frame_current == 5
    legs = [curve for curve in rig.animation_data.action.layers[0].strips[0].channelbags[0].fcurves
            if curve.data_path.startswith('pose.bones["left_foot_ik"]')]  # fmt: skip
    assert sorted((curve.data_path.rsplit(".", 1)[-1], curve.array_index) for curve in legs) == [
        *(("location", k) for k in range(3)), *(("rotation_quaternion", k) for k in range(4)),
    ]  # fmt: skip
    assert all(len(curve.keyframe_points) == 12 for curve in legs)
    for frame, wanted in zip(frames, before, strict=True):
        found = on_frame(rig, frame)
        assert distance(found, wanted) < 5e-4
        assert angle(found, wanted) < 0.08
    # Another pose of the legs, by hand, and back to the bones.
    for curve in legs:
        if curve.data_path.endswith("location") and curve.array_index == 1:
            for key in curve.keyframe_points:
                key.co.y += 0.1
            curve.update()
    lifted = [on_frame(rig, frame) for frame in frames]
    assert distance(np.array(lifted), np.array(before)) > 0.05
    match_bones(bpy.context, rig, ALL, frames=frames, switch=True)
    for frame, wanted in zip(frames, lifted, strict=True):
        found = on_frame(rig, frame)
        assert distance(found, wanted) < 1e-5
        assert angle(found, wanted) < 0.02


# Another body.


def reshaped(armature: bpy.types.Object) -> np.ndarray:
    """Rest joints before a change of shape. [55, 3]"""
    before = joints_at_rest(armature)
    set_shape(bpy.context, armature, [2.0, -1.0, 1.5])
    assert np.abs(joints_at_rest(armature) - before).max() > 0.05
    return before


def test_controls_follow_the_new_rest(rig: bpy.types.Object) -> None:
    rig.data.use_mirror_x = True
    match_controls(bpy.context, rig, ALL, switch=True)
    reshaped(rig)
    assert rig.data.use_mirror_x
    joints, found = joints_at_rest(rig), matrices(rig)
    for limb in LIMBS.values():
        end = joints[joint_index(limb.joints[2])]
        np.testing.assert_allclose(np.array(rig.data.bones[limb.end].head_local), end, atol=1e-6)
        np.testing.assert_allclose(place(found, limb.joints[2]), end, atol=1e-4)
        root = joints[joint_index(limb.joints[0])]
        rig.pose.bones[limb.end].location += Vector(0.2 * (root - end) + (0, 0, 0.1))
    found = matrices(rig)
    for limb in LIMBS.values():
        goal = np.array(rig.pose.bones[limb.end].head)
        np.testing.assert_allclose(place(found, limb.joints[2]), goal, atol=2e-5)


@pytest.mark.parametrize("controls", [False, True])
def test_actions_stay_valid_when_the_body_changes(plain: bpy.types.Object, controls: bool) -> None:
    motion = swaying(24)
    if controls:
        add_controls(bpy.context, plain)
    add_action(plain, motion, start=1)
    reshaped(plain)
    check_frames(plain, motion)


@pytest.mark.parametrize("controls", [False, True])
def test_layers_stay_valid_when_the_body_changes(plain: bpy.types.Object, controls: bool) -> None:
    motion = swaying(24)
    lifted = replace(motion, transl=motion.transl + np.float32([0, 0.1, 0]))
    if controls:
        add_controls(bpy.context, plain)
    add_motion(plain, motion, lifted, start=1, fps=24)
    reshaped(plain)
    check_frames(plain, lifted)


def check_frames(armature: bpy.types.Object, motion: Motion) -> None:
    joints = joints_at_rest(armature)
    for row in (0, 5, 17):
        posed = forward_kinematics(joints, motion.pose[row].astype(float), motion.transl[row].astype(float))
        found = on_frame(armature, 1 + row)
        np.testing.assert_allclose(found[:, :3, :3], posed[:, :3, :3], atol=5e-6)
        np.testing.assert_allclose(found[:, :3, 3], posed_joints(joints, posed), atol=5e-6)


def test_keyed_controls_hold_a_changed_body_where_they_are(rig: bpy.types.Object) -> None:
    add_action(rig, swaying(12), start=1)
    match_controls(bpy.context, rig, ALL, frames=range(1, 13), switch=True)
    reshaped(rig)
    joints, reached = joints_at_rest(rig), 0
    for frame in (1, 6, 11):
        found = on_frame(rig, frame)
        for limb in LIMBS.values():
            rows = [joint_index(joint) for joint in limb.joints]
            lengths = np.linalg.norm(joints[rows[1:]] - joints[rows[:-1]], axis=1)
            goal = np.array(rig.pose.bones[limb.end].head)
            if np.linalg.norm(goal - found[rows[0], :3, 3]) < 0.99 * lengths.sum():
                np.testing.assert_allclose(found[rows[2], :3, 3], goal, atol=1e-4)
                reached += 1
    assert reached > 3
