from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_PARENTS, bundled_body
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.motion.readers import Recording, read_motion
from motion.writers.scalar import about
from motion.writers.smpl import (
    CAMERA_FROM_WORLD,
    Z_UP_FROM_WORLD,
    Person,
    lhm_frame,
    rodrigues,
    smplx_names,
    write_amass,
    write_lhm,
    write_npz,
)

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 9


@pytest.fixture(scope="module")
def person() -> Person:
    rng = np.random.default_rng(5)
    pose = np.cumsum(rng.normal(0, 0.03, (FRAMES, 55, 3)), axis=0)
    pose[:, 0] += [0.1, 2.0, 0.1]
    pelvis = np.array([0.3, 0.9, -2.0]) + np.cumsum(rng.normal(0, 0.05, (FRAMES, 3)), axis=0)
    return Person(pose, pelvis, bundled_body().joints(np.zeros(0)).astype(float), JOINT_PARENTS)


def without_face(person: Person) -> Person:
    pose = person.pose.copy()
    pose[:, 22:25] = 0
    return replace(person, pose=pose)


def check(recording: object, person: Person, frames: range = range(FRAMES)) -> None:
    """Every joint is where it was, within a hundredth of the millimetre that is asked for."""
    assert isinstance(recording, Recording)
    motion = recording.motion
    posed = forward_kinematics(recording.rest, motion.pose, motion.transl)
    for frame in frames:
        got = posed_joints(recording.rest, posed[frame])
        np.testing.assert_allclose(got, person.joints(frame), atol=1e-5)


def test_one_motion_from_three_files_is_one_motion(tmp_path: Path, person: Person):
    plain = without_face(person)
    camera = read_motion(write_lhm(tmp_path / "lhm", plain))
    z_up = read_motion(write_amass(tmp_path / "amass", plain))
    y_up = read_motion(write_npz(tmp_path / "npz", plain, np.eye(3)))
    for recording in (camera, z_up, y_up):
        check(recording, plain)
    assert [r.up for r in (camera, z_up, y_up)] == ["-y", "z", "y"]
    assert [r.motion.source for r in (camera, z_up, y_up)] == ["LHM", "AMASS", "SMPL-X"]
    assert (camera.motion.fps, z_up.motion.fps) == (30, 60)
    assert "30 was taken" in " ".join(camera.motion.notes)
    assert not z_up.rest_known


def test_lengths_are_those_of_the_rest_joints(tmp_path: Path, person: Person):
    recording = read_motion(write_lhm(tmp_path / "lhm", person))
    hip, knee, ankle = (person.rest[k] for k in (1, 4, 7))
    one = np.linalg.norm(hip - knee) + np.linalg.norm(knee - ankle)
    hip, knee, ankle = (person.rest[k] for k in (2, 5, 8))
    other = np.linalg.norm(hip - knee) + np.linalg.norm(knee - ankle)
    assert recording.leg_length == pytest.approx((one + other) / 2)
    assert recording.pelvis_height == pytest.approx(person.rest[0, 1] - person.rest[[7, 8], 1].mean())


def test_reads_jaw_and_eyes_of_165_numbers(tmp_path: Path, person: Person):
    check(read_motion(write_amass(tmp_path / "a.bvh", person, hands_only=False)), person)


@pytest.mark.parametrize("key", ["mocap_framerate", "mocap_frame_rate", "fps", "frame_rate"])
def test_knows_the_names_of_the_frame_rate(tmp_path: Path, person: Person, key: str):
    path = write_npz(tmp_path / "x", person, np.eye(3), **{key: np.array(29.97)})
    assert read_motion(path).motion.fps == pytest.approx(29.97)
    assert read_motion(path, fps=24).motion.fps == 24


def test_reads_stage_two_of_amass(tmp_path: Path, person: Person):
    values = person.in_frame(Z_UP_FROM_WORLD)
    hands = np.concatenate([values["lhand"], values["rhand"]], axis=1)
    np.savez(
        tmp_path / "stageii.npz", root_orient=values["root"], pose_body=values["body"].reshape(FRAMES, -1),
        pose_hand=hands.reshape(FRAMES, -1), pose_jaw=values["jaw"],
        pose_eye=np.concatenate([values["leye"], values["reye"]], axis=1), trans=values["transl"],
        betas=np.zeros(16), surface_model_type="smplx", mocap_frame_rate=120.0,
    )  # fmt: skip
    recording = read_motion(tmp_path / "stageii.npz")
    check(recording, person)
    assert (recording.motion.source, recording.motion.fps, recording.up) == ("AMASS", 120, "z")


def test_reads_matrices(tmp_path: Path, person: Person):
    values = person.in_frame(np.eye(3))
    matrices = np.array([[rodrigues(turn) for turn in row] for row in values["body"]])
    root = np.array([rodrigues(turn) for turn in values["root"]])[:, None]
    np.savez(tmp_path / "m.npz", global_orient=root, body_pose=matrices, transl=values["transl"][None])
    recording = read_motion(tmp_path / "m.npz")
    np.testing.assert_allclose(recording.motion.pose[:, :22], person.pose[:, :22], atol=1e-6)
    np.testing.assert_allclose(recording.motion.pose[:, 25:40].reshape(FRAMES, 45),
                               np.tile(bundled_body().hands_mean[0], (FRAMES, 1)))  # fmt: skip
    assert "holds no fingers" in " ".join(recording.motion.notes)


def test_leaves_smpls_hand_joints_out(tmp_path: Path, person: Person):
    poses = np.concatenate([person.pose[:, :22].reshape(FRAMES, -1), np.ones((FRAMES, 6))], axis=1)
    np.savez(tmp_path / "s.npz", poses=poses)
    recording = read_motion(tmp_path / "s.npz")
    np.testing.assert_allclose(recording.motion.pose[:, 1:22], person.pose[:, 1:22], atol=1e-6)
    assert recording.motion.source == "SMPL"
    assert "stays in place" in " ".join(recording.motion.notes)


def test_adds_the_mean_hand_where_the_file_counts_from_it(tmp_path: Path, person: Person):
    path = write_npz(tmp_path / "x", person, np.eye(3), flat_hand_mean=False)
    added = read_motion(path).motion.pose[:, 25:] - person.pose[:, 25:]
    np.testing.assert_allclose(
        added, np.tile(bundled_body().hands_mean.reshape(30, 3), (FRAMES, 1, 1)), atol=1e-6
    )


def test_an_smplx_body_gives_the_rest_of_the_files_shape(tmp_path: Path, person: Person):
    body = replace(bundled_body(), info={})  # as if it were not ours
    betas = np.linspace(-1, 1, 16)
    rest = body.joints(betas[:10]).astype(float)
    tall = replace(person, rest=rest)
    recording = read_motion(write_npz(tmp_path / "x", tall, CAMERA_FROM_WORLD, betas=betas), body=body)
    check(recording, tall)
    assert recording.rest_known
    np.testing.assert_allclose(recording.rest, rest)


def test_expressions_come_along(tmp_path: Path, person: Person):
    face = np.random.default_rng(0).normal(size=(FRAMES, 7))
    motion = read_motion(write_npz(tmp_path / "x", person, np.eye(3), expression=face)).motion
    np.testing.assert_allclose(motion.expression, face, rtol=1e-6)


def test_fills_missing_frames_on_the_shortest_way(tmp_path: Path):
    rest = bundled_body().joints(np.zeros(0)).astype(float)
    pose, pelvis = np.zeros((FRAMES, 55, 3)), np.zeros((FRAMES, 3))
    pose[:, 18] = np.outer(np.arange(FRAMES), [0, 0, 0.2])  # steady, so what is missing is known
    pose[:, 0, 1] = 3.0 + 0.05 * np.arange(FRAMES)  # past half a turn
    pelvis[:, 0] = 0.1 * np.arange(FRAMES)
    person = Person(pose, pelvis, rest, JOINT_PARENTS)
    recording = read_motion(write_lhm(tmp_path / "gaps", person, skip=(1, 4, 5, 6)))
    assert recording.motion.count == FRAMES
    assert "4 of 9 frames are missing" in " ".join(recording.motion.notes)
    check(recording, person)


def test_takes_the_face_from_the_folder_beside(tmp_path: Path, person: Person):
    plain = without_face(person)
    folder = write_lhm(tmp_path / "lhm", plain)
    (folder / "flame_params").mkdir()
    for frame in range(FRAMES):
        face = {"expcode": [frame] * 50, "posecode": [9, 9, 9, 0.1, 0, 0], "eyecode": [0, 0.2, 0, 0, 0.3, 0]}
        (folder / "flame_params" / f"{frame + 1:05d}.json").write_text(json.dumps(face))
    for path in (folder, folder / "smplx_params"):
        motion = read_motion(path).motion
        np.testing.assert_allclose(motion.pose[0, 22:25], [[0.1, 0, 0], [0, 0.2, 0], [0, 0.3, 0]])
        np.testing.assert_allclose(motion.expression, np.repeat(np.arange(FRAMES)[:, None], 50, axis=1))


def test_reads_lhms_frames_from_one_list(tmp_path: Path, person: Person):
    frames = [lhm_frame(person, frame) for frame in range(FRAMES)]
    for index, tree in enumerate((frames, {"frames": frames})):
        path = tmp_path / f"{index}.txt"
        path.write_text(json.dumps(tree))
        check(read_motion(path), person)


def test_reads_a_folder_with_two_people(tmp_path: Path, person: Person):
    values = smplx_names(person.in_frame(CAMERA_FROM_WORLD))
    (tmp_path / "smplx").mkdir()
    for frame in range(FRAMES):
        for who in (0, 1) if frame < 3 else (1,):
            one = {name: rows[frame : frame + 1] * (1 if who else 0.5) for name, rows in values.items()}
            np.savez(tmp_path / "smplx" / f"{frame:05d}_{who}.npz", **one)
    recording = read_motion(tmp_path)
    check(recording, person)
    assert recording.up == "-y"
    assert "2 persons (0: 0, 1: 1); 1 was taken" in " ".join(recording.motion.notes)
    assert read_motion(tmp_path, person=0).motion.count == 3
    with pytest.raises(AvatarError, match=r"holds 2 persons\. Choose one of 0 to 1"):
        read_motion(tmp_path, person=2)


def test_reads_easymocap_which_turns_about_the_origin(tmp_path: Path, person: Person):
    values = person.in_frame(Z_UP_FROM_WORLD)
    for frame in range(FRAMES):
        turn = rodrigues(values["root"][frame])
        place = values["transl"][frame] + person.rest[0] - turn @ person.rest[0]
        body = np.concatenate([np.zeros(3), values["body"][frame].ravel(), np.zeros(6)])
        entry = {"id": 4, "Rh": [values["root"][frame].tolist()], "Th": [place.tolist()],
                 "poses": [body.tolist()], "shapes": [[0.0] * 10]}  # fmt: skip
        (tmp_path / f"{frame:06d}.json").write_text(json.dumps([entry]))
    recording = read_motion(tmp_path)
    assert (recording.motion.source, recording.up) == ("EasyMocap", "z")
    posed = forward_kinematics(recording.rest, recording.motion.pose, recording.motion.transl)
    for frame in range(FRAMES):
        got = posed_joints(recording.rest, posed[frame])[:22]
        np.testing.assert_allclose(got, person.joints(frame)[:22], atol=1e-5)


def test_up_can_be_said_and_is_doubted_when_unclear(tmp_path: Path, person: Person):
    lying = replace(person, pose=person.pose * 0)
    lying.pose[:, 0] = [0, 0, np.pi / 2]  # on the side: the head points along x
    path = write_npz(tmp_path / "x", lying, np.eye(3))
    recording = read_motion(path)
    assert (recording.up, "does not tell which way is up" in " ".join(recording.motion.notes)) == ("y", True)
    check(recording, lying)
    turned = read_motion(path, up="z")
    at = person.pelvis @ about("x", -90).T
    np.testing.assert_allclose(turned.motion.transl + turned.rest[0], at, atol=1e-5)
    with pytest.raises(ValueError, match="up must be one of auto, y, z, -y, got 'x'"):
        read_motion(path, up="x")


def save(path: Path, **members: object) -> Path:
    np.savez(path, **members)
    return path


GOOD = {"poses": np.zeros((4, 165)), "trans": np.zeros((4, 3)), "fps": 30.0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"poses": np.zeros((4, 100))},
            r"poses has 100 numbers a frame, which fits no known skeleton \(63, 69, ",
        ),
        ({"poses": np.zeros((0, 165))}, "has no frames"),
        ({"poses": np.full((4, 165), np.nan)}, r"frame 1: a rotation is no usable number \(4 frames"),
        (
            {"trans": np.array([[0, 0, 0], [0, np.inf, 0], [0, 0, 0], [0, 0, 0]])},
            "frame 2: a place is no usable number",
        ),
        ({"trans": np.zeros((3, 3))}, "has 3 frames, the poses have 4"),
        ({"expression": np.full((4, 2), np.nan)}, "frame 1: a face is no usable number"),
        ({"betas": np.full(10, np.nan)}, "body shape is no number"),
        ({"betas": np.array(["a"])}, "betas is no table of numbers"),
        ({"fps": 0.0}, "states 0 frames per second"),
        ({"fps": np.nan}, "states nan frames per second"),
        ({"fps": "fast"}, "frame rate 'fast' is no number"),
        ({"poses": np.array(["a", "b"])}, "poses is no table of numbers"),
    ],
)
def test_says_what_is_wrong_with_arrays(tmp_path: Path, changes: dict[str, object], message: str):
    path = save(tmp_path / "bad.npz", **(GOOD | changes))
    with pytest.raises(AvatarError, match=message):
        read_motion(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"betas": np.zeros(10)}, "holds no motion of a person"),
        ({"global_orient": np.zeros((4, 3))}, "has no body_pose"),
        (
            {"global_orient": np.zeros((4, 3, 3)), "body_pose": np.zeros((4, 63))},
            "matrices that are no rotations",
        ),
    ],
)
def test_says_what_arrays_lack(tmp_path: Path, members: dict[str, object], message: str):
    with pytest.raises(AvatarError, match=message):
        read_motion(save(tmp_path / "bad.npz", **members))


def test_says_what_is_wrong_with_a_folder(tmp_path: Path, person: Person):
    with pytest.raises(AvatarError, match=r"holds no frames\. Choose a folder with numbered files"):
        read_motion(tmp_path)
    folder = write_lhm(tmp_path / "lhm", person)
    third = folder / "smplx_params" / "00003.json"
    good = third.read_text()
    third.write_text(good[:300])
    with pytest.raises(AvatarError, match=r"00003\.json is damaged"):
        read_motion(folder)
    third.write_text(good.replace('"trans": [', '"trans": [NaN, '))
    with pytest.raises(AvatarError, match="trans has 3 to 4 numbers a frame"):
        read_motion(folder)
    third.write_text(re.sub(r'"root_pose": \[[^,]*', '"root_pose": [NaN', good))
    with pytest.raises(AvatarError, match="frame 3: a rotation is no usable number"):
        read_motion(folder)
    third.write_text(good)
    third.rename(third.with_name("90000.json"))
    with pytest.raises(AvatarError, match="89991 of 90000 frames are missing"):
        read_motion(folder)
    third.with_name("90000.json").rename(third.with_name("frame_00002.json"))
    with pytest.raises(AvatarError, match="frame 2 is there twice"):
        read_motion(folder)
    (folder / "flame_params").mkdir()
    for content, message in (("[]", "is no face"), ('{"expcode": "smile"}', "holds no numbers")):
        (folder / "flame_params" / "00001.json").write_text(content)
        with pytest.raises(AvatarError, match=rf"flame_params/00001\.json {message}"):
            read_motion(folder)


def test_a_folder_of_other_json_is_no_motion(tmp_path: Path):
    (tmp_path / "1.json").write_text('{"name": "camera"}')
    with pytest.raises(AvatarError, match=r"1\.json and the other files hold no poses"):
        read_motion(tmp_path)


def test_reading_a_folder_can_be_watched(tmp_path: Path, person: Person):
    seen: list[float] = []
    read_motion(write_lhm(tmp_path / "lhm", person), progress=seen.append)
    assert seen
    assert all(0 <= fraction <= 1 for fraction in seen)
