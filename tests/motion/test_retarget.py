"""A motion that another rig has recorded comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES, bundled_body, joint_index
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.retarget.calibrate import REST
from lhm_avatars.engine.motion.retarget.detect import candidates, detect
from lhm_avatars.engine.motion.retarget.retarget import Retargeting, retarget
from lhm_avatars.engine.motion.retarget.rigs import rigs
from lhm_avatars.engine.motion.retarget.root import Placing

from .rigged import lively, recorded, rest_joints, world

AS_RECORDED = Placing(travel=True, floor=False, heading=False, origin=False)
ALL = {name: name for name in JOINT_NAMES}


def _error(result, truth) -> float:
    """Largest distance between joints, metres."""
    joints = rest_joints()
    _, places = world(result.motion.pose.astype(np.float64), result.motion.transl.astype(np.float64), joints)
    _, wanted = world(*truth, joints)
    return float(np.linalg.norm(places - wanted, axis=-1).max())


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"unit": 100.0, "seed": 1},
        {"unit": 1 / 0.056444, "seed": 2, "mirrored_axes": True},
        {"rest": "line", "seed": 3},
        {"twist_bones": True, "seed": 4},
    ],
    ids=["rolls", "centimetres", "mirrored", "nonsense rest", "twist bones"],
)
def test_our_own_motion_comes_back(how):
    truth = lively(60)
    take = recorded(*truth, rest_joints(), **how)
    result = retarget(take, ALL, rest_joints(), Retargeting(placing=AS_RECORDED))
    assert _error(result, truth) < 1e-3
    assert (result.calibration.frame == REST) == (how.get("rest") != "line")
    assert result.scale == pytest.approx(1 / how.get("unit", 1.0), rel=1e-6)


def test_missing_joints_lie_between_or_follow():
    pose, transl = lively(40)
    for still in ("spine2", "left_collar", "jaw", "left_eye", "right_eye"):
        pose[:, joint_index(still)] = 0
    pose[:, 25:] = 0
    # The chest's turn against the first spine joint, half of it in each: what slerp must give back.
    pose[:, joint_index("spine2")] = pose[:, joint_index("spine3")]
    drop = ("spine2", "left_collar", "jaw", "left_eye", "right_eye", *JOINT_NAMES[25:])
    take = recorded(pose, transl, rest_joints(), drop=drop)
    bones = {name: name for name in JOINT_NAMES if name not in drop}
    result = retarget(take, bones, rest_joints(), Retargeting(placing=AS_RECORDED))
    assert _error(result, (pose, transl)) < 1e-3


def test_limbs_of_another_build_point_the_same_way():
    actor = bundled_body().joints(np.array([1.5, -1.0, 1.0, 0.5, 0, 0, 0, 0, 0, 0])).astype(np.float64)
    truth = lively(40)
    take = recorded(*truth, actor, unit=100.0)
    joints = rest_joints()
    result = retarget(take, ALL, joints, Retargeting(placing=AS_RECORDED))
    _, ours = world(result.motion.pose.astype(np.float64), result.motion.transl.astype(np.float64), joints)
    _, theirs = world(*truth, actor)
    for upper, lower in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
        for side in ("left", "right"):
            a, b = (joint_index(f"{side}_{name}") for name in (upper, lower))
            mine, other = ours[:, b] - ours[:, a], theirs[:, b] - theirs[:, a]
            cross = np.linalg.norm(np.cross(mine, other), axis=-1)
            angle = np.degrees(np.arctan2(cross, (mine * other).sum(axis=-1)))
            assert angle.max() < 0.1, (side, upper)
    turns, _ = world(result.motion.pose[:1].astype(np.float64), result.motion.transl[:1], joints)
    assert turns[0, joint_index("head"), 1, 1] > np.cos(np.radians(3))  # the T-pose: it looks ahead


def test_left_stays_left_and_the_way_goes_forward():
    truth = lively(40)
    turned = truth[0].copy(), truth[1].copy()
    take = recorded(*turned, rest_joints(), unit=39.37)
    result = retarget(take, ALL, rest_joints())
    _, places = world(
        result.motion.pose.astype(np.float64), result.motion.transl.astype(np.float64), rest_joints()
    )
    assert (places[0, joint_index("left_wrist")] - places[0, joint_index("right_wrist")])[0] > 0.5
    assert np.allclose(places[0, 0, [0, 2]], 0, atol=1e-6)
    feet = [joint_index(f"{side}_{name}") for side in ("left", "right") for name in ("ankle", "foot")]
    lowest = (places[:, feet, 1] - rest_joints()[feet, 1]).min(axis=1)
    assert np.percentile(lowest, 1.0) == pytest.approx(0, abs=1e-4)


def test_on_the_spot():
    take = recorded(*lively(30), rest_joints())
    motion = retarget(take, ALL, rest_joints(), Retargeting(placing=Placing(travel=False))).motion
    places = motion.transl + rest_joints()[0]
    assert np.ptp(places[:, [0, 2]], axis=0).max() < 1e-6
    assert np.ptp(places[:, 1]) > 0.01


@pytest.mark.parametrize("rig", rigs(), ids=lambda rig: rig.name)
def test_each_known_rig_is_recognised(rig):
    bones = [*rig.bones.values(), "Camera", "IK_Target_L", "prop_sword"]
    found = detect(bones)
    assert found.bones == {joint: rig.bones[joint] for joint in JOINT_NAMES if joint in rig.bones}


def test_people_read_what_they_call_a_rig():
    labels = {rig.name: rig.label for rig in rigs()}
    assert len(set(labels.values())) == len(labels)
    assert not set(labels.values()) & set(labels)
    expected = {"mixamo": "Mixamo", "meshcapade_smplx": "Meshcapade (SMPL-X)", "rigify_def": "Rigify"}
    assert expected.items() <= labels.items()
    mixamo = [bone for rig in rigs() if rig.name == "mixamo" for bone in rig.bones.values()]
    assert detect(mixamo).label == "Mixamo"


def test_prefixes_namespaces_and_case_do_not_matter():
    rig = next(rig for rig in rigs() if rig.name == "mixamo")
    plain = [bone.split(":")[-1] for bone in rig.bones.values()]
    for write in ("mixamorig1:{}", "mixamorig_{}", "Hero:mixamorig:{}", "{}"):
        names = [write.format(name) for name in plain]
        found = detect(names)
        assert found.bones["left_elbow"] == write.format("LeftForeArm"), write
        assert len(found.bones) == len(plain)


@pytest.mark.parametrize(
    "names",
    [
        "Hip Abdomen Chest Neck Head L_Thigh L_Shin L_Foot R_Thigh R_Shin R_Foot "
        "L_UpperArm L_Forearm L_Hand R_UpperArm R_Forearm R_Hand L_Collar R_Collar",
        "hips spine chest neck head leg.upper.L leg.lower.L foot.L leg.upper.R leg.lower.R foot.R "
        "arm.upper.L arm.lower.L hand.L arm.upper.R arm.lower.R hand.R shoulder.L shoulder.R",
        "Root_Hips Spine Head LeftLeg LeftKnee LeftAnkle RightLeg RightKnee RightAnkle "
        "LeftShoulder LeftElbow LeftWrist RightShoulder RightElbow RightWrist",
    ],
    ids=["poser", "dotted", "joints"],
)
def test_unknown_rigs_are_read_word_by_word(names):
    bones = detect(names.split()).bones
    parts = {name: bones[name].lower() for name in bones}
    for side in ("left", "right"):
        letter = side[0]
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
            bone = parts[f"{side}_{joint}"]
            assert side in bone or letter in bone.replace("_", ".").split("."), (joint, bone)
    assert len(set(bones.values())) == len(bones)
    assert parts["pelvis"].endswith(("hip", "hips"))


def test_no_person_is_no_guess():
    with pytest.raises(AvatarError, match=r"were not recognised: none was found for pelvis, left_hip"):
        detect(["Bone", "Bone.001", "Bone.002"])
    assert candidates(["Bone"])[0].missing


def test_a_wrong_bone_is_named():
    take = recorded(*lively(10), rest_joints())
    with pytest.raises(AvatarError, match=r"no bone 'Arm' for left_elbow"):
        retarget(take, ALL | {"left_elbow": "Arm"}, rest_joints())
