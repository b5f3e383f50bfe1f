"""Operators and panels of the control rig, mirrored poses, auto-keying, pose assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.shapely import with_shape
from blender.test_control_rig import angle, distance, ik, matrices, on_frame, quat, random_params, swaying
from blender.test_panels import drawn
from blender.test_user_errors import refused
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, BodyParams, joint_index
from lhm_avatars.engine.avatar.rotations import rotvec_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.operators.avatars import NO_AVATAR
from lhm_avatars.operators.control_rig import EMPTY_RANGE, NO_LIMB
from lhm_avatars.operators.export_motion import played
from lhm_avatars.operators.pose_tools import NO_NAME
from lhm_avatars.operators.shape import EDIT_MODE
from lhm_avatars.panels import control_rig as panel
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.avatar_objects import add_avatar
from lhm_avatars.rigging.control_match import match_controls
from lhm_avatars.rigging.control_names import CONTROL_BONES, LIMBS
from lhm_avatars.rigging.control_rig import HAS_CONTROLS, NO_CONTROLS, add_controls
from lhm_avatars.rigging.controlled import has_controls, joints_at_rest
from lhm_avatars.rigging.poses import get_pose, set_pose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")
OPERATORS = ("add_controls", "remove_controls", "snap_ik_to_fk", "snap_fk_to_ik")
NEED_CONTROLS = OPERATORS[1:]
ALL = tuple(LIMBS)


@pytest.fixture
def plain(make_avatar: Callable[..., Avatar]) -> bpy.types.Object:
    """An avatar without controls, active."""
    return add_avatar(bpy.context, with_shape(make_avatar(count=50)), name="Ada", pose="rest").armature


@pytest.fixture
def rig(plain: bpy.types.Object) -> bpy.types.Object:
    bpy.ops.lhm.add_controls()
    return plain


@pytest.fixture
def auto_keying(empty_scene: None) -> Iterator[bpy.types.ToolSettings]:
    tools, edit = bpy.context.scene.tool_settings, bpy.context.preferences.edit
    names = ("use_auto_keyframe_insert_needed", "use_keyframe_insert_available")  # not the same everywhere
    before = [getattr(edit, name) for name in names]
    for name in names:
        setattr(edit, name, False)
    tools.use_keyframe_insert_auto = True
    yield tools
    tools.use_keyframe_insert_auto = False
    for name, value in zip(names, before, strict=True):
        setattr(edit, name, value)


def curves(armature: bpy.types.Object) -> dict[tuple[str, int], bpy.types.FCurve]:
    """Of the Action that it plays."""
    bag = armature.animation_data.action.layers[0].strips[0].channelbags[0]
    return {(curve.data_path, curve.array_index): curve for curve in bag.fcurves}


def by_hand(pose: np.ndarray) -> np.ndarray:
    """The mirror image of a pose, spelt out: names swapped, (x, -y, -z)."""
    image = np.empty_like(pose)
    for row, name in enumerate(JOINT_NAMES):
        other = name
        if name.startswith("left_"):
            other = "right_" + name[5:]
        elif name.startswith("right_"):
            other = "left_" + name[6:]
        image[joint_index(other)] = pose[row] * (1, -1, -1)
    return image


# Add and remove.


@pytest.mark.parametrize("mode", ["OBJECT", "POSE"])
def test_add_and_remove_leave_bones_objects_and_mode_as_they_were(plain: bpy.types.Object, mode: str) -> None:
    set_pose(plain, random_params(0))
    before, names = matrices(plain), [bone.name for bone in plain.data.bones]
    groups = [group.name for group in plain.data.collections]
    objects, meshes = set(bpy.data.objects.keys()), set(bpy.data.meshes.keys())
    bpy.ops.object.mode_set(mode=mode)
    assert bpy.ops.lhm.add_controls() == {"FINISHED"}
    assert has_controls(plain)
    assert set(CONTROL_BONES) <= set(plain.data.bones.keys())
    assert bpy.ops.lhm.remove_controls() == {"FINISHED"}
    assert plain.mode == mode
    assert [bone.name for bone in plain.data.bones] == names
    assert [group.name for group in plain.data.collections] == groups
    assert set(bpy.data.objects.keys()) == objects
    assert set(bpy.data.meshes.keys()) == meshes
    assert not list(plain.animation_data.drivers)
    assert not any(len(bone.constraints) for bone in plain.pose.bones)
    np.testing.assert_array_equal(matrices(plain), before)


def test_constraints_of_the_user_stay(plain: bpy.types.Object) -> None:
    own = plain.pose.bones["head"].constraints.new("LIMIT_ROTATION")
    bpy.ops.lhm.add_controls()
    bpy.ops.lhm.remove_controls()
    assert [c.name for c in plain.pose.bones["head"].constraints] == [own.name]


def test_removing_can_key_what_controls_did(rig: bpy.types.Object) -> None:
    add_action(rig, swaying(8), start=1)
    match_controls(bpy.context, rig, ALL, frames=range(1, 9), switch=True)
    rig.pose.bones["chest_control"].rotation_quaternion = quat(np.array([0.4, 0, 0]))
    wanted = [on_frame(rig, frame) for frame in range(1, 9)]
    bpy.ops.lhm.remove_controls(over_range=True, first=1, last=8)
    for frame, before in enumerate(wanted, 1):
        found = on_frame(rig, frame)
        assert distance(found, before) < 1e-5
        assert angle(found, before) < 0.02


def test_two_avatars_that_share_their_armature_are_parted(plain: bpy.types.Object) -> None:
    other = bpy.data.objects.new("Other", plain.data)
    bpy.context.scene.collection.objects.link(other)
    bpy.ops.lhm.add_controls()
    assert not has_controls(other)
    assert has_controls(plain)


def test_a_saved_file_works_without_scripts(rig: bpy.types.Object, tmp_path: Path) -> None:
    ik(rig, "left_arm", 1.0)
    rig.pose.bones["left_hand_ik"].location = (-0.2, -0.2, 0.25)
    wanted = matrices(rig)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "rig.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "rig.blend"), use_scripts=False)
    np.testing.assert_allclose(matrices(bpy.data.objects["Ada"]), wanted, atol=1e-6)


# Match.


def test_the_buttons_match_and_switch(rig: bpy.types.Object) -> None:
    set_pose(rig, random_params(3))
    before = matrices(rig)
    bpy.ops.lhm.snap_ik_to_fk(limbs={"left_arm", "right_leg"})
    values = [rig.pose.bones[LIMBS[name].end]["ik"] for name in ("left_arm", "right_leg", "right_arm")]
    assert values == [1.0, 1.0, 0.0]
    assert distance(matrices(rig), before) < 1e-3
    set_pose(rig, BodyParams.zero(0, 0))
    held = matrices(rig)
    bpy.ops.lhm.snap_fk_to_ik()
    assert rig.pose.bones["left_hand_ik"]["ik"] == 0.0
    assert distance(matrices(rig), held) < 1e-3
    assert angle(matrices(rig), held) < 0.1


def test_matching_without_switching_keeps_who_holds(rig: bpy.types.Object) -> None:
    bpy.ops.lhm.snap_ik_to_fk(switch=False)
    assert rig.pose.bones["left_hand_ik"]["ik"] == 0.0


def test_a_keyed_switch_is_keyed_on_the_range_only(rig: bpy.types.Object) -> None:
    hand = rig.pose.bones["left_hand_ik"]
    hand.keyframe_insert('["ik"]', frame=1)
    hand.keyframe_insert('["ik"]', frame=20)
    bpy.ops.lhm.snap_ik_to_fk(limbs={"left_arm"}, over_range=True, first=5, last=7)
    keys = curves(rig)['pose.bones["left_hand_ik"]["ik"]', 0].keyframe_points
    assert [(key.co.x, key.co.y) for key in keys] == [(1, 0), (5, 1), (6, 1), (7, 1), (20, 0)]


# What does not work.


@pytest.mark.parametrize("name", [*OPERATORS, "mirror_pose", "create_pose_asset"])
def test_no_avatar(name: str) -> None:
    with refused(NO_AVATAR):
        getattr(bpy.ops.lhm, name)()


def test_refusals(plain: bpy.types.Object) -> None:
    for name in NEED_CONTROLS:
        with refused(NO_CONTROLS):
            getattr(bpy.ops.lhm, name)()
    bpy.ops.object.mode_set(mode="EDIT")
    for name in OPERATORS:
        with refused(EDIT_MODE):
            getattr(bpy.ops.lhm, name)()
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.lhm.add_controls()
    with refused(HAS_CONTROLS):
        bpy.ops.lhm.add_controls()
    for name in ("snap_ik_to_fk", "snap_fk_to_ik"):
        with refused(NO_LIMB):
            getattr(bpy.ops.lhm, name)(limbs=set())
        with refused(EMPTY_RANGE):
            getattr(bpy.ops.lhm, name)(over_range=True, first=9, last=5)
    with refused(EMPTY_RANGE):
        bpy.ops.lhm.remove_controls(over_range=True, first=9, last=5)
    assert has_controls(plain)
    with refused(NO_NAME):
        bpy.ops.lhm.create_pose_asset(name=" ")


def test_lost_bones_are_named(rig: bpy.types.Object) -> None:
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones.remove(rig.data.edit_bones["left_elbow_pole"])
    bpy.ops.object.mode_set(mode="OBJECT")
    with refused("lost the control 'left_elbow_pole'. Remove the controls and add them again"):
        bpy.ops.lhm.snap_ik_to_fk()
    assert drawn(panel.LHM_PT_controls).pressed[-1] == "lhm.remove_controls"
    bpy.ops.lhm.remove_controls()
    bpy.ops.lhm.add_controls()
    assert has_controls(rig)
    bpy.ops.lhm.remove_controls()
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones.remove(rig.data.edit_bones["jaw"])
    bpy.ops.object.mode_set(mode="OBJECT")
    with refused("has lost the bone 'jaw'"):
        bpy.ops.lhm.add_controls()


def test_a_linked_avatar_is_refused(plain: bpy.types.Object, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["Ada"]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    with refused("linked from another file. Change its controls there"):
        bpy.ops.lhm.add_controls()


# Mirror.


@pytest.mark.parametrize("seed", range(3))
def test_mirrored_poses_are_the_mirror_image(plain: bpy.types.Object, seed: int) -> None:
    params = random_params(seed)
    set_pose(plain, params)
    before = matrices(plain)
    bpy.ops.lhm.mirror_pose()
    np.testing.assert_allclose(get_pose(plain).pose(), by_hand(params.pose()), atol=2e-6)
    image = before[[joint_index(_other(name)) for name in JOINT_NAMES]]
    image *= np.outer((-1, 1, 1, 1), (-1, 1, 1, 1))  # mirrored on both sides it is a rotation again
    np.testing.assert_allclose(matrices(plain), image, atol=3e-6)
    bpy.ops.lhm.mirror_pose()
    np.testing.assert_allclose(matrices(plain), before, atol=3e-6)


def _other(name: str) -> str:
    swaps = {"left": "right", "right": "left"}
    side, _, rest = name.partition("_")
    return f"{swaps[side]}_{rest}" if side in swaps else name


def test_one_side_can_be_copied_to_the_other(plain: bpy.types.Object) -> None:
    params = random_params(1)
    for way, stays in (("LEFT", "left"), ("RIGHT", "right")):
        set_pose(plain, params)
        bpy.ops.lhm.mirror_pose(way=way)
        found, image = get_pose(plain).pose(), by_hand(params.pose())
        for row, name in enumerate(JOINT_NAMES):
            is_copied = name.startswith(("left_", "right_")) and not name.startswith(stays)
            np.testing.assert_allclose(found[row], (image if is_copied else params.pose())[row], atol=2e-6)


@pytest.mark.parametrize("way", ["operator", "paste"])
def test_controls_are_mirrored_too(rig: bpy.types.Object, way: str) -> None:
    """By us, and by Blender's own Paste Pose Flipped, which goes by names and rest axes."""
    set_pose(rig, random_params(4, 0.3))
    match_controls(bpy.context, rig, ALL, switch=True)
    rig.pose.bones["chest_control"].rotation_quaternion = quat(np.array([0.1, 0.4, 0.2]))
    rig.pose.bones["left_hand_ik"].location.z += 0.1
    rig.pose.bones["left_hand_ik"]["index"] = 0.6
    rig.pose.bones["head_control"]["eyes_side"] = 0.5
    before = matrices(rig)
    image = before[[joint_index(_other(name)) for name in JOINT_NAMES]]
    image *= np.outer((-1, 1, 1, 1), (-1, 1, 1, 1))
    if way == "operator":
        bpy.ops.lhm.mirror_pose()
        np.testing.assert_allclose(matrices(rig), image, atol=2e-4)
        return
    rows = paste_flipped(rig)
    # Blender pastes custom properties unflipped or not at all: fingers and eyes are ours to mirror.
    kept = [row for row, name in enumerate(JOINT_NAMES) if "index" not in name and "eye" not in name]
    assert rows
    np.testing.assert_allclose(matrices(rig)[kept], image[kept], atol=2e-4)


def paste_flipped(armature: bpy.types.Object) -> bool:
    """Copy and paste the pose of all bones that can be selected, as an animator does."""
    bpy.ops.object.mode_set(mode="POSE")
    armature.data.collections["Mechanism"].is_visible = True
    for bone in armature.data.bones:
        bone.hide_select = False
    bpy.ops.pose.select_all(action="SELECT")
    bpy.ops.pose.copy()
    done = bpy.ops.pose.paste(flipped=True) == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")
    return done


@pytest.mark.parametrize("seed", range(3))
def test_blenders_own_flipped_paste_mirrors_our_bones(plain: bpy.types.Object, seed: int) -> None:
    params = random_params(seed)
    set_pose(plain, params)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.select_all(action="SELECT")
    bpy.ops.pose.copy()
    assert bpy.ops.pose.paste(flipped=True) == {"FINISHED"}
    np.testing.assert_allclose(get_pose(plain).pose(), by_hand(params.pose()), atol=1e-5)
    np.testing.assert_allclose(get_pose(plain).transl, params.transl * (-1, 1, 1), atol=1e-6)


# Poses, with auto-keying and controls.


def test_poses_are_keyed_with_auto_keying(plain: bpy.types.Object, auto_keying: object) -> None:
    add_action(plain, swaying(8), start=1)
    bpy.context.scene.frame_set(4)
    action = plain.animation_data.action
    others = on_frame(plain, 2)
    bpy.context.scene.frame_set(4)
    bpy.ops.lhm.pose_avatar(pose="a")
    assert plain.animation_data.action == action  # not taken off
    wanted = matrices(plain)
    pose = np.array([rotvec_from_matrix(plain.pose.bones["left_shoulder"].matrix_basis.to_3x3())])
    np.testing.assert_allclose(pose, [(0, 0, -np.pi / 4)], atol=1e-6)
    np.testing.assert_allclose(on_frame(plain, 2), others, atol=1e-6)
    np.testing.assert_allclose(on_frame(plain, 4), wanted, atol=1e-6)
    assert len(curves(plain)['pose.bones["jaw"].rotation_quaternion', 0].keyframe_points) == 8


def test_auto_keying_makes_an_action_and_mirrors_into_it(
    plain: bpy.types.Object, auto_keying: bpy.types.ToolSettings
) -> None:
    bpy.context.scene.frame_set(3)
    bpy.ops.lhm.pose_avatar(pose="photo")
    bpy.context.scene.frame_set(9)
    bpy.ops.lhm.mirror_pose()
    keyed = curves(plain)
    assert len(keyed) == 4 * JOINT_COUNT + 3
    assert {tuple(key.co.x for key in curve.keyframe_points) for curve in keyed.values()} == {(3.0, 9.0)}
    bpy.context.scene.frame_set(12)
    auto_keying.auto_keying_mode = "REPLACE_KEYS"  # the user wants no new keys
    bpy.ops.lhm.pose_avatar(pose="rest")
    auto_keying.auto_keying_mode = "ADD_REPLACE_KEYS"
    assert {len(curve.keyframe_points) for curve in curves(plain).values()} == {2}
    bpy.context.preferences.edit.use_auto_keyframe_insert_needed = True  # nor keys that change nothing
    bpy.context.scene.frame_set(9)
    bpy.ops.lhm.mirror_pose()
    bpy.ops.lhm.mirror_pose()
    bpy.context.scene.frame_set(20)
    bpy.ops.lhm.mirror_pose(way="LEFT")
    assert len(curves(plain)['pose.bones["left_elbow"].rotation_quaternion', 0].keyframe_points) == 2


def test_without_auto_keying_nothing_is_keyed(plain: bpy.types.Object) -> None:
    bpy.ops.lhm.pose_avatar(pose="a")
    bpy.ops.lhm.mirror_pose()
    assert plain.animation_data is None or plain.animation_data.action is None


@pytest.mark.parametrize("pose", ["photo", "rest", "a"])
def test_poses_are_the_same_with_controls(rig: bpy.types.Object, pose: str) -> None:
    bpy.ops.lhm.pose_avatar(pose=pose)
    wanted = matrices(rig)
    set_pose(rig, random_params(5))
    match_controls(bpy.context, rig, ALL, switch=True)
    rig.pose.bones["hips_control"].location = (0.1, 0.2, 0.3)
    rig.pose.bones["left_hand_ik"]["fist"] = 1.0
    bpy.ops.lhm.pose_avatar(pose=pose)
    assert rig.pose.bones["left_hand_ik"]["ik"] == 1.0  # still held by its control
    assert distance(matrices(rig), wanted) < 5e-4
    assert angle(matrices(rig), wanted) < 0.08


def test_exported_motions_have_what_controls_do(rig: bpy.types.Object) -> None:
    add_action(rig, swaying(6), start=1)
    rig.pose.bones["chest_control"].rotation_quaternion = quat(np.array([0.3, 0.2, 0.1]))
    rig.pose.bones["left_hand_ik"].location = (-0.2, -0.2, 0.25)
    ik(rig, "left_arm", 1.0)
    motion = played(bpy.context, rig, range(1, 4))
    joints = joints_at_rest(rig)
    for row in range(3):
        posed = forward_kinematics(joints, motion.pose[row].astype(float), motion.transl[row].astype(float))
        np.testing.assert_allclose(posed_joints(joints, posed), on_frame(rig, 1 + row)[:, :3, 3], atol=1e-4)


@pytest.mark.parametrize("name", [*OPERATORS, "mirror_pose", "create_pose_asset"])
def test_each_is_one_step_back(lhm: object, name: str) -> None:
    assert getattr(bpy.types, f"LHM_OT_{name}").bl_options == {"REGISTER", "UNDO"}


# Pose assets.


@pytest.mark.parametrize("controls", [False, True])
def test_a_pose_asset_brings_the_pose_back(plain: bpy.types.Object, controls: bool) -> None:
    if controls:
        add_controls(bpy.context, plain)
    set_pose(plain, random_params(6))
    if controls:
        match_controls(bpy.context, plain, ALL, switch=True)
        plain.pose.bones["chest_control"].rotation_quaternion = quat(np.array([0.2, 0.3, 0.1]))
        plain.pose.bones["head_control"]["jaw_open"] = 1.0
    wanted = matrices(plain)
    assert bpy.ops.lhm.create_pose_asset(name="Bow") == {"FINISHED"}
    action = bpy.data.actions["Bow"]
    assert action.asset_data is not None
    assert action.use_fake_user
    assert [slot.target_id_type for slot in action.slots] == ["OBJECT"]
    assert plain.animation_data is None or plain.animation_data.action is None
    for held in (1.0, 0.0) if controls else (0.0,):
        bpy.ops.lhm.pose_avatar(pose="rest")
        if controls:
            for limb in ALL:
                ik(plain, limb, held)
        assert angle(matrices(plain), wanted) > 20
        plain.pose.apply_pose_from_action(action, evaluation_time=1)
        assert distance(matrices(plain), wanted) < 5e-4
        assert angle(matrices(plain), wanted) < 0.08


def test_a_pose_asset_of_controls_serves_an_avatar_without(
    rig: bpy.types.Object, make_avatar: Callable[..., Avatar]
) -> None:
    rig.pose.bones["left_hand_ik"].location = (-0.2, -0.2, 0.25)
    ik(rig, "left_arm", 1.0)
    rig.pose.bones["left_hand_ik"]["fist"] = 1.0
    wanted = matrices(rig)
    bpy.ops.lhm.create_pose_asset(name="Fist")
    other = add_avatar(bpy.context, with_shape(make_avatar(count=50)), name="Bob", pose="rest").armature
    other.pose.apply_pose_from_action(bpy.data.actions["Fist"], evaluation_time=1)
    np.testing.assert_allclose(matrices(other), wanted, atol=1e-5)


# Panels.


def test_the_panel_offers_controls_then_shows_them(plain: bpy.types.Object) -> None:
    assert drawn(panel.LHM_PT_controls).pressed == [
        "lhm.mirror_pose", "lhm.create_pose_asset", "lhm.add_controls",
    ]  # fmt: skip
    assert not panel.LHM_PT_fingers.poll(bpy.context)
    bpy.ops.lhm.add_controls()
    layout = drawn(panel.LHM_PT_controls)
    assert layout.properties == ['["ik"]'] * 4
    assert layout.pressed.count("lhm.snap_ik_to_fk") == layout.pressed.count("lhm.snap_fk_to_ik") == 4
    assert [b.values["limbs"] for b in layout.buttons if b.operator == "lhm.snap_ik_to_fk"] == [
        {name} for name in LIMBS
    ]
    assert len(drawn(panel.LHM_PT_fingers).properties) == 12
    bpy.context.view_layer.objects.active = None
    assert not panel.LHM_PT_fingers.poll(bpy.context)
