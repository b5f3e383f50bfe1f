"""Faces that come with motions: keys on the sliders, layers above the body, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender import fake_models
from lhm_avatars.engine.avatar import body as body_module
from lhm_avatars.engine.avatar.body import JOINT_NAMES, bundled_body
from lhm_avatars.engine.motion.motion import Motion
from lhm_avatars.engine.motion.readers import read_motion
from lhm_avatars.engine.motion.writers.smplx_files import write_amass, write_lhm
from lhm_avatars.engine.weights.records import Record, StoredFile, write_record
from lhm_avatars.operators import looks
from lhm_avatars.properties import job_state
from lhm_avatars.rigging.actions import add_action
from lhm_avatars.rigging.armature import create_armature
from lhm_avatars.rigging.face_curves import face_shapes
from lhm_avatars.rigging.motion_layers import FACE_TRACK, HEAD_TRACK
from lhm_avatars.rigging.takes import take_of
from motion.rigged import lively
from motion.rigged import rest_joints as other_joints
from motion.test_readers_live_link import ARKIT_NAMES, code, table, values

if TYPE_CHECKING:
    from collections.abc import Callable

FRAMES = 12
BODY_FILE = Path(body_module.__file__).parents[2] / "assets" / "body.npz"
SHAPES = ("mouthSmileLeft", "cheekPuff", "eyeBlinkRight", "Exp000", "Exp001")


def with_sliders(armature: bpy.types.Object, names: tuple[str, ...] = SHAPES) -> bpy.types.Object:
    """A face's sliders, as an avatar has them."""
    bone = armature.pose.bones["head"]
    for name in names:
        bone[name] = 0.0
        lowest = -5.0 if name.startswith("Exp") else 0.0
        bone.id_properties_ui(name).update(min=lowest, max=max(1.0, -lowest), default=0.0)
    bone["lhm_note"] = "no shape"
    return armature


@pytest.fixture
def armature(engine: Path, empty_scene: None) -> bpy.types.Object:
    """An avatar in the scene, active, whose face has sliders."""
    bpy.ops.lhm.reconstruct(photo=str(engine / "good.jpg"))
    bpy.context.scene.render.fps = 24
    return with_sliders(bpy.context.view_layer.objects.active)


def shown(armature: bpy.types.Object, name: str, frame: float) -> float:
    bpy.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return float(evaluated.pose.bones["head"][name])


def turned(armature: bpy.types.Object, bone: str, frame: float) -> np.ndarray:
    bpy.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(evaluated.pose.bones[bone].matrix_basis.to_quaternion())


def speaking(names: tuple[str, ...] = SHAPES, seed: int = 1) -> Motion:
    pose, transl = lively(FRAMES)
    weights = np.random.default_rng(seed).uniform(0, 1, (FRAMES, len(names)))
    return Motion(pose, transl, 24.0, "speaking", weights, expression_names=names)


def test_keys_are_the_curve_at_frames_and_between(empty_scene: None):
    armature = with_sliders(create_armature(bpy.context, "Ada", other_joints(), bpy.context.scene.collection))
    assert face_shapes(armature) == SHAPES
    motion = speaking((*SHAPES, "tongueOut"))
    action = add_action(armature, motion, start=3, fps=24.0)
    for column, name in enumerate(SHAPES):
        curve = motion.expression[:, column].astype(np.float64)
        for frame in range(FRAMES):
            assert abs(shown(armature, name, 3 + frame) - curve[frame]) < 1e-4
            if frame + 1 < FRAMES:
                assert abs(shown(armature, name, 3.5 + frame) - curve[frame : frame + 2].mean()) < 1e-4
    assert "tongueOut" not in armature.pose.bones["head"]
    assert action.frame_range[1] == 3 + FRAMES - 1


def test_keys_between_frames_where_rates_differ(empty_scene: None):
    armature = with_sliders(create_armature(bpy.context, "Ada", other_joints(), bpy.context.scene.collection))
    motion = speaking()
    add_action(armature, motion, start=1, fps=36.0)
    curve = motion.expression[:, 1].astype(np.float64)
    for frame in np.arange(1, 1 + 1.5 * (FRAMES - 1), 0.5):
        wanted = np.interp((frame - 1) / 1.5, np.arange(FRAMES), curve)
        assert abs(shown(armature, "cheekPuff", frame) - wanted) < 1e-4


def test_an_archive_comes_in_and_goes_out_with_its_face(armature: bpy.types.Object, tmp_path: Path):
    motion = speaking()
    write_amass(tmp_path / "in.npz", motion, other_joints(), np.zeros(10))
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "in.npz"), feet="OFF")
    for column, name in enumerate(SHAPES):
        assert abs(shown(armature, name, 5) - motion.expression[4, column]) < 1e-4
    bpy.ops.lhm.export_motion(filepath=str(tmp_path / "out.npz"), form="AMASS", first=1, last=FRAMES)
    bpy.ops.lhm.export_motion(filepath=str(tmp_path / "out"), form="LHM", first=1, last=FRAMES)
    again = read_motion(tmp_path / "out.npz").motion
    assert set(again.expression_names) == set(SHAPES)
    for column, name in enumerate(SHAPES):
        found = again.expression[:, again.expression_names.index(name)]
        np.testing.assert_allclose(found, motion.expression[:, column], atol=1e-6)
    frames = read_motion(tmp_path / "out", fps=24.0).motion
    assert frames.expression_names == ("Exp000", "Exp001")
    np.testing.assert_allclose(frames.expression, motion.expression[:, 3:], atol=1e-6)


def test_a_face_is_left_out_on_request(armature: bpy.types.Object, tmp_path: Path):
    write_lhm(tmp_path / "in", speaking(("Exp000",)), other_joints())
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "in"), fps=24.0, feet="OFF", face=False)
    assert shown(armature, "Exp000", 5) == 0
    paths = {curve.data_path for curve in _curves(armature)}
    assert not any("Exp000" in path for path in paths)


def _curves(armature: bpy.types.Object) -> list[bpy.types.FCurve]:
    animation = armature.animation_data
    return list(animation.action.layers[0].strips[0].channelbag(animation.action_slot).fcurves)


def test_a_recorded_face_lies_above_the_body(armature: bpy.types.Object, tmp_path: Path):
    scene = bpy.context.scene
    scene.render.fps = 60
    body, turns = speaking(()), {}
    write_amass(tmp_path / "body.npz", body, other_joints(), np.zeros(10))
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "body.npz"), feet="OFF")
    for name in JOINT_NAMES:
        turns[name] = turned(armature, name, 7)
    rows = values(40)
    (tmp_path / "talk.csv").write_text(table(rows), encoding="utf-8")
    before = set(bpy.data.actions)
    assert bpy.ops.lhm.import_motion(filepath=str(tmp_path / "talk.csv"), set_range=False) == {"FINISHED"}
    (action,) = set(bpy.data.actions) - before
    assert action.name == "talk"
    tracks = armature.animation_data.nla_tracks
    assert [track.name for track in tracks][-1] == FACE_TRACK
    assert len(tracks) == 2
    for name in JOINT_NAMES:  # the body goes on
        if name not in ("jaw", "left_eye", "right_eye"):
            np.testing.assert_allclose(turned(armature, name, 7), turns[name], atol=1e-5)
    column = ARKIT_NAMES.index("cheekPuff")
    for frame in (0, 6, 6.5, 39):
        wanted = np.interp(frame, np.arange(40), rows[:, column])
        assert abs(shown(armature, "cheekPuff", 1 + frame) - wanted) < 1e-4
    jaw = turned(armature, "jaw", 7)
    opened, left, right = (rows[6, ARKIT_NAMES.index(name)] for name in ("jawOpen", "jawLeft", "jawRight"))
    half = np.radians([20 * opened, 6 * (left - right), 0]) / 2
    size = np.linalg.norm(half)
    np.testing.assert_allclose(jaw, [np.cos(size), *(half / size * np.sin(size))], atol=1e-5)
    assert shown(armature, "cheekPuff", 60) == 0  # after the take, the face is the body's again
    tracks[-1].mute = True
    np.testing.assert_allclose(turned(armature, "jaw", 7), turns["jaw"], atol=1e-5)


def test_the_head_turns_along_on_request_and_a_later_face_takes_over(
    armature: bpy.types.Object, tmp_path: Path
):
    bpy.context.scene.render.fps = 60
    write_amass(tmp_path / "body.npz", speaking(()), other_joints(), np.zeros(10))
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "body.npz"), feet="OFF")
    body = turned(armature, "head", 9)
    rows = np.zeros((20, 61))
    rows[:, ARKIT_NAMES.index("cheekPuff")] = 0.5
    rows[:, 53] = 0.02 * np.arange(20)  # HeadPitch: down
    (tmp_path / "nod.csv").write_text(table(rows), encoding="utf-8")
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "nod.csv"), head=True)
    tracks = armature.animation_data.nla_tracks
    assert [track.name for track in tracks][1:] == [FACE_TRACK, HEAD_TRACK]
    half = 0.02 * 8 / 2
    w, x, y, z = body
    c, s = np.cos(half), np.sin(half)
    wanted = np.array([w * c - x * s, x * c + w * s, y * c + z * s, z * c - y * s])  # body times nod
    np.testing.assert_allclose(turned(armature, "head", 9), wanted, atol=1e-4)
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "nod.csv"))
    assert [track.mute for track in tracks] == [False, True, True, False]
    np.testing.assert_allclose(turned(armature, "head", 9), body, atol=1e-5)


def test_simplified_keys_hold_the_face_too(armature: bpy.types.Object, tmp_path: Path):
    bpy.context.scene.render.fps = 60
    rows = np.zeros((40, 61))
    rows[:, ARKIT_NAMES.index("cheekPuff")] = np.linspace(0, 1, 40)
    (tmp_path / "puff.csv").write_text(table(rows), encoding="utf-8")
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "puff.csv"), keys="SIMPLIFIED")
    action = bpy.data.actions["puff"]
    bag = action.layers[0].strips[0].channelbag(action.slots[0])
    (curve,) = (c for c in bag.fcurves if "cheekPuff" in c.data_path)
    assert len(curve.keyframe_points) == 2
    assert abs(shown(armature, "cheekPuff", 20.5) - 0.5) < 1e-4


def test_the_report_tells_an_avatar_without_a_face(armature: bpy.types.Object, tmp_path: Path):
    (tmp_path / "talk.csv").write_text(table(values(10)), encoding="utf-8")
    sentence = "this avatar has no face shapes: reconstruct it again"
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "talk.csv"))
    assert sentence not in job_state(bpy.context).outcome
    for name in SHAPES:
        del armature.pose.bones["head"][name]
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "talk.csv"))
    assert sentence in job_state(bpy.context).outcome
    assert np.abs(turned(armature, "jaw", 3)[1:]).max() > 0.01  # jaw and eyes go all the same


def test_undo_is_one_step(armature: bpy.types.Object, tmp_path: Path):
    (tmp_path / "talk.csv").write_text(table(values(10)), encoding="utf-8")
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.lhm.import_motion("EXEC_DEFAULT", True, filepath=str(tmp_path / "talk.csv"))
    assert "talk" in bpy.data.actions
    bpy.ops.ed.undo()
    assert "talk" not in bpy.data.actions
    armature = next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")
    assert armature.animation_data is None or not len(armature.animation_data.nla_tracks)


def test_shape_keys_of_another_character_come_along(
    armature: bpy.types.Object, make_face_mesh: Callable[[bpy.types.Object], bpy.types.Object]
):
    other = create_armature(bpy.context, "Other", other_joints(), bpy.context.scene.collection)
    pose, transl = lively(FRAMES)
    pose[:, 22:25] = 0
    add_action(other, Motion(pose, transl, 24.0, "lively"), start=1, fps=24.0)
    make_face_mesh(other)
    wave = np.linspace(0, 1, FRAMES)
    take = take_of(bpy.context, other, range(1, FRAMES + 1))
    assert set(take.curves) == {"mouthSmile_L", "jawOpen"}
    np.testing.assert_allclose(take.curves["mouthSmile_L"], wave, atol=1e-6)
    bpy.context.view_layer.objects.active = armature
    assert bpy.ops.lhm.retarget(source="Other", feet="KEYS") == {"FINISHED"}
    for frame in range(FRAMES):
        assert abs(shown(armature, "mouthSmileLeft", 1 + frame) - wave[frame]) < 1e-4
    jaw = turned(armature, "jaw", FRAMES)
    np.testing.assert_allclose(jaw, [np.cos(np.radians(10)), np.sin(np.radians(10)), 0, 0], atol=1e-4)
    assert not turned(armature, "left_eye", FRAMES)[1:].round(6).any()


@pytest.fixture
def make_face_mesh() -> Callable[[bpy.types.Object], bpy.types.Object]:
    """A mesh with face shapes below an armature; the shapes rise along a straight line."""

    def make(armature: bpy.types.Object) -> bpy.types.Object:
        mesh = bpy.data.meshes.new("Face")
        mesh.vertices.add(3)
        made = bpy.data.objects.new("Face", mesh)
        bpy.context.scene.collection.objects.link(made)
        made.parent = armature
        made.shape_key_add(name="Basis")
        for name in ("mouthSmile_L", "jawOpen", "Horns", "cheekPuff"):
            key = made.shape_key_add(name=name)
            key.value = 0.0  # a new one is at 1 from Blender 5 on
            if name != "cheekPuff":
                for frame, value in ((1, 0.0), (FRAMES, 1.0)):
                    key.value = value
                    key.keyframe_insert("value", frame=frame)
        action = mesh.shape_keys.animation_data.action
        for curve in action.layers[0].strips[0].channelbag(action.slots[0]).fcurves:
            for point in curve.keyframe_points:
                point.interpolation = "LINEAR"
        return made

    return make


def test_the_users_own_smplx_body_tells_what_coefficients_mean(
    armature: bpy.types.Object, models: Path, tmp_path: Path
):
    body = bundled_body()
    members = {name: value for name, value in np.load(BODY_FILE).items() if name[:4] not in ("face", "stan")}
    dirs = np.zeros((body.vertex_count, 3, 20))
    dirs[body.face_vertices, :, 10] = 0.5 * body.face_dirs[..., body.face_names.index("cheekPuff")]
    write_lhm(tmp_path / "in", speaking(("Exp002", "Exp000")), other_joints())
    for name in ("Exp000", "Exp001"):
        del armature.pose.bones["head"][name]
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "in"), fps=24.0, feet="OFF")
    assert shown(armature, "cheekPuff", 5) == 0  # nobody knows what they mean
    fake_models.bring(models, "smplx")
    np.savez(models / "smplx" / "SMPLX_NEUTRAL.npz", **(members | {"shapedirs": dirs}))
    size = (models / "smplx" / "SMPLX_NEUTRAL.npz").stat().st_size
    stored = StoredFile("SMPLX_NEUTRAL.npz", size, "ab" * 32, "structure")
    write_record("smplx", models, Record("file", {"SMPLX_NEUTRAL.npz": stored}))
    looks.refresh()
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "in"), fps=24.0, feet="OFF")
    assert shown(armature, "cheekPuff", 5) == 0  # its licence is not accepted
    fake_models.agree(models, "smplx")
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "in"), fps=24.0, feet="OFF")
    wanted = 0.5 * speaking(("Exp002", "Exp000")).expression[4, 1]
    assert abs(shown(armature, "cheekPuff", 5) - wanted) < 0.02 * wanted + 1e-3
    assert abs(shown(armature, "mouthSmileLeft", 5)) < 0.02


def test_a_damaged_csv_leaves_nothing(armature: bpy.types.Object, tmp_path: Path):
    (tmp_path / "bad.csv").write_text("Timecode,BlendShapeCount\n" + code(0) + ",61\n", encoding="utf-8")
    before = len(bpy.data.actions)
    with pytest.raises(RuntimeError, match="0 columns with a face's weights"):
        bpy.ops.lhm.import_motion(filepath=str(tmp_path / "bad.csv"))
    assert len(bpy.data.actions) == before
