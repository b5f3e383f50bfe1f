"""Motion files and other armatures onto the avatar, through the operators."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_NAMES, joint_index
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.readers import read_motion
from lhm_avatars.engine.motion.writers.bvh import write_bvh
from lhm_avatars.engine.motion.writers.smplx_files import write_amass, write_lhm
from lhm_avatars.operators.avatars import rest_joints
from lhm_avatars.operators.bone_maps import bone_table
from lhm_avatars.properties import job_state
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.motion_layers import FEET_TRACK
from motion.rigged import lively, world
from motion.rigged import rest_joints as other_joints

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 20
AS_RECORDED = {"heading": False, "feet": "OFF"}


@pytest.fixture
def armature(engine: Path, empty_scene: None) -> bpy.types.Object:
    """An avatar in the scene, active."""
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    bpy.context.scene.render.fps = 24
    return bpy.context.view_layer.objects.active


def _places(armature: bpy.types.Object, frame: int) -> np.ndarray:
    bpy.context.scene.frame_set(frame)
    bones = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return np.array([bones[name].head for name in JOINT_NAMES])


def _leg(joints: np.ndarray) -> float:
    hip, knee, ankle = (joints[joint_index(f"left_{name}")] for name in ("hip", "knee", "ankle"))
    return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def _motion() -> Motion:
    pose, transl = lively(FRAMES)
    return Motion(pose, transl, 24.0, "lively")


def test_the_same_motion_from_a_camera_and_z_up_is_the_same_in_the_scene(
    armature: bpy.types.Object, tmp_path: Path
) -> None:
    write_amass(tmp_path / "m.npz", _motion(), other_joints(), np.zeros(10))
    write_lhm(tmp_path / "lhm", _motion(), other_joints())
    found = []
    for path in (tmp_path / "m.npz", tmp_path / "lhm"):
        bpy.ops.lhm.import_motion(filepath=str(path), fps=24.0, feet="OFF")
        found.append([_places(armature, 1 + frame) for frame in range(FRAMES)])
        assert bpy.context.scene.frame_end == FRAMES
    assert np.abs(np.array(found[0]) - found[1]).max() < 1e-3


def test_a_bvh_of_the_same_person_is_played_as_it_was(armature: bpy.types.Object, tmp_path: Path) -> None:
    joints, motion = rest_joints(armature).astype(np.float64), _motion()
    write_bvh(tmp_path / "m.bvh", motion, joints)
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "m.bvh"), feet="OFF", heading=False)
    _, wanted = world(motion.pose.astype(np.float64), motion.transl.astype(np.float64), joints)
    lift = _places(armature, 1)[0, 1] - wanted[0, 0, 1]  # onto the floor
    for frame in range(FRAMES):
        assert np.abs(_places(armature, 1 + frame) - wanted[frame] - [0, lift, 0]).max() < 1e-3


def test_a_walk_keeps_its_steps_and_its_feet(armature: bpy.types.Object, tmp_path: Path) -> None:
    joints = other_joints()
    motion = walk(joints, fps=120.0, cycles=2, travel=True)
    write_bvh(tmp_path / "walk.bvh", motion, joints)
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "walk.bvh"))
    scene, tracks = bpy.context.scene, armature.animation_data.nla_tracks
    assert scene.frame_end - scene.frame_start + 1 == pytest.approx(motion.duration * 24, abs=1.01)
    assert FEET_TRACK in tracks
    # Steps are as much longer as the legs are.
    first, last = _places(armature, 1), _places(armature, scene.frame_end)
    ratio = _leg(rest_joints(armature)) / _leg(joints)
    way = np.ptp(motion.transl[:, 2]) * ratio
    assert abs((last - first)[0, 2] - way) < 0.05


def test_export_puts_endings_behind_names_with_dots(armature: bpy.types.Object, tmp_path: Path) -> None:
    for given, form, made in (
        ("take.01", "BVH", "take.01.bvh"), ("take.01", "LHM", "take.01"), ("walk.BVH", "AMASS", "walk.npz"),
    ):  # fmt: skip
        bpy.ops.lhm.export_motion(filepath=str(tmp_path / given), form=form, first=1, last=2)
        assert (tmp_path / made).exists()
    with pytest.raises(RuntimeError, match=r"No file was chosen\. Give it a name"):
        bpy.ops.lhm.export_motion(filepath="", first=1, last=2)


def test_export_gives_back_what_was_imported(armature: bpy.types.Object, tmp_path: Path) -> None:
    joints = rest_joints(armature).astype(np.float64)
    source = _motion()
    write_amass(tmp_path / "in.npz", source, joints, np.zeros(10))
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "in.npz"), feet="OFF")
    shown = np.array([_places(armature, 1 + f) for f in range(FRAMES)])
    for form, name in (("BVH", "out.bvh"), ("AMASS", "out.npz"), ("LHM", "out")):
        bpy.ops.lhm.export_motion(filepath=str(tmp_path / name), form=form, first=1, last=FRAMES)
        again = read_motion(tmp_path / name, fps=24.0)
        motion = getattr(again, "motion", None)
        if motion is None:  # a BVH: the joints themselves, centimetres
            rows = [again.names.index(joint) for joint in JOINT_NAMES]
            places = again.positions[:, rows] / 100
        else:
            assert np.abs(motion.pose[:, 1:] - source.pose[:, 1:]).max() < 1e-4
            rest = again.rest
            places = motion.transl + rest[0]
            shown_pelvis = shown[:, 0] - shown[0, 0]
            assert np.abs((places - places[0]) - shown_pelvis).max() < 1e-3
            continue
        assert np.abs(places - shown).max() < 1e-3


def _turned(armature: bpy.types.Object, frame: int) -> np.ndarray:
    """Turns of the bones in the armature, as evaluated. [55, 3, 3]"""
    bpy.context.scene.frame_set(frame)
    bones = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return np.array([bones[name].matrix_basis.to_3x3() for name in JOINT_NAMES])


@pytest.mark.parametrize("feet", ["OFF", "LAYER"])
def test_simplified_keys_keep_every_frame_near(armature: bpy.types.Object, tmp_path: Path, feet: str) -> None:
    joints = rest_joints(armature).astype(np.float64)
    motion = walk(joints, fps=24.0, cycles=2, travel=True)
    motion = replace(motion, transl=motion.transl * np.array([1, 1, 0.88], np.float32))
    write_bvh(tmp_path / "walk.bvh", motion, joints)
    shown = {}
    for keys in ("EVERY", "SIMPLIFIED"):
        for track in armature.animation_data.nla_tracks if armature.animation_data else ():
            track.mute = True
        bpy.ops.lhm.import_motion(
            filepath=str(tmp_path / "walk.bvh"), feet=feet, keys=keys, degrees=0.5, millimetres=2.0
        )
        frames = range(1, motion.count + 1)
        shown[keys] = [(_turned(armature, f), _places(armature, f)) for f in frames]
    outcome = job_state(bpy.context).outcome
    share, off = re.search(r"(\d+)% of the keys, joints at most ([\d.]+) mm off", outcome).groups()
    assert int(share) < 60
    layers = 2 if feet == "LAYER" else 1
    farthest = 0.0
    for (was, was_at), (now, now_at) in zip(shown["EVERY"], shown["SIMPLIFIED"], strict=True):
        cosine = (np.einsum("jab,jab->j", was, now) - 1) / 2
        assert np.degrees(np.arccos(np.minimum(cosine, 1))).max() <= layers * 0.5 + 0.03
        farthest = max(farthest, float(np.linalg.norm(was_at - now_at, axis=1).max()))
    assert farthest * 1000 == pytest.approx(float(off), abs=0.3)
    # All four components of a bone have their keys on the same frames.
    curves = {}
    for action in bpy.data.actions:
        if action.name.startswith("walk.001"):
            for curve in action.layers[0].strips[0].channelbags[0].fcurves:
                times = tuple(key.co.x for key in curve.keyframe_points)
                curves.setdefault(curve.data_path, set()).add(times)
    assert len(curves) == len(JOINT_NAMES) + 1
    assert all(len(times) == 1 for times in curves.values())


def test_another_armature(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    other = create_armature(bpy.context, "Other", other_joints(), scene.collection)
    other.location = (2, 3, 0)
    motion = _motion()
    add_action(other, motion, start=1, fps=24.0)
    before = len(bpy.data.actions)
    for chosen in (armature, other):
        chosen.select_set(True)
    bpy.context.view_layer.objects.active = armature
    assert bpy.ops.lhm.retarget(source="Other", feet="KEYS") == {"FINISHED"}
    assert len(bpy.data.actions) == before + 1
    turns, _ = world(motion.pose.astype(np.float64), motion.transl.astype(np.float64), other_joints())
    elbow = joint_index("left_elbow")
    places = _places(armature, 1 + 9)
    ours = places[joint_index("left_wrist")] - places[elbow]
    theirs = turns[9, elbow] @ (other_joints()[joint_index("left_wrist")] - other_joints()[elbow])
    cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
    # The start's heading is turned forward; the first pose faces forward already.
    assert np.degrees(np.arccos(min(cosine, 1))) < 0.1
    assert bone_table(bpy.context).source == "Other"
    assert bone_table(bpy.context).rig == "Meshcapade (SMPL-X)"
    assert "bones: Meshcapade (SMPL-X)" in job_state(bpy.context).outcome


def test_a_table_of_bones_is_used_and_kept(
    armature: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LHM_AVATARS_PRESETS_ROOT", str(tmp_path / "presets"))
    motion, joints = _motion(), other_joints()
    write_bvh(tmp_path / "m.bvh", motion, joints)
    text = (tmp_path / "m.bvh").read_text()
    for index, name in sorted(enumerate(JOINT_NAMES), key=lambda pair: -len(pair[1])):
        text = re.sub(rf"\b{name}\b", f"B{index}", text)
    (tmp_path / "odd.bvh").write_text(text)
    with pytest.raises(RuntimeError, match="were not recognised"):
        bpy.ops.lhm.import_motion(filepath=str(tmp_path / "odd.bvh"), feet="OFF")
    assert armature.animation_data is None or armature.animation_data.action is None
    table = bone_table(bpy.context)
    assert {f"B{index}" for index in range(len(JOINT_NAMES))} <= {bone.name for bone in table.bones}
    for index, pair in enumerate(table.pairs):
        assert pair.bone == ""
        pair.bone = f"B{index}"
    table.use = True
    bpy.ops.lhm.save_bones(name="Odd: Rig")
    assert json.loads((tmp_path / "presets" / "Odd Rig.bones.json").read_text())["pelvis"] == "B0"
    table.pairs.clear()
    bpy.ops.lhm.load_bones(name="Odd Rig")
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "odd.bvh"), feet="OFF")
    assert armature.animation_data.action.name.startswith("odd")
    assert "bones: Own Table" in job_state(bpy.context).outcome
    assert table.use


def test_what_cannot_be_done_is_said_and_leaves_nothing(armature: bpy.types.Object, tmp_path: Path) -> None:
    (tmp_path / "broken.bvh").write_bytes(b"\x00\x01\x02 no motion")
    before = len(bpy.data.actions)
    load, save = bpy.ops.lhm.import_motion, bpy.ops.lhm.export_motion
    for sentence, press in (
        ("No file was chosen", lambda: load()),
        ("no motion file", lambda: load(filepath=str(tmp_path / "broken.bvh"))),
        ("cannot be read", lambda: load(filepath=str(tmp_path / "none.bvh"))),
        (
            "There is no frame",
            lambda: save(filepath=str(tmp_path / "x.bvh"), first=9, last=8),
        ),
        (
            "cannot be written",
            lambda: save(filepath=str(tmp_path / "no" / "x.bvh"), last=2),
        ),
        ("Give the table a name", lambda: bpy.ops.lhm.save_bones(name="..")),
        ("Select the armature that moves", lambda: bpy.ops.lhm.read_bones()),
    ):
        with pytest.raises(RuntimeError, match=sentence):
            press()
    with pytest.raises(RuntimeError, match="poll"):  # there is no other armature
        bpy.ops.lhm.retarget()
    assert len(bpy.data.actions) == before


def test_the_avatars_motion_goes_onto_another_armature(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    with pytest.raises(RuntimeError, match="Select the armature that gets the motion"):
        bpy.ops.lhm.bake_to_rig()
    other = create_armature(bpy.context, "Other", other_joints(), scene.collection)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.lhm.add_motion(motion="walk")
    with pytest.raises(RuntimeError, match="There is no frame"):
        bpy.ops.lhm.bake_to_rig(target="Other", first=9, last=8)
    assert bpy.ops.lhm.bake_to_rig(target="Other", first=1, last=20) == {"FINISHED"}
    elbow, wrist = joint_index("left_elbow"), joint_index("left_wrist")
    ours, theirs = (_places(one, 12) for one in (armature, other))
    directions = [places[wrist] - places[elbow] for places in (ours, theirs)]
    cosine = directions[0] @ directions[1] / np.prod([np.linalg.norm(way) for way in directions])
    assert np.degrees(np.arccos(min(cosine, 1))) < 0.1
    assert other.animation_data.action.frame_range[1] == 20


def test_push_down(armature: bpy.types.Object) -> None:
    assert not bpy.ops.lhm.push_down_motion.poll()
    bpy.ops.lhm.add_motion()
    bpy.ops.lhm.push_down_motion()
    assert armature.animation_data.action is None
    assert len(armature.animation_data.nla_tracks) == 1
