"""CSV of Live Link Face, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.face.face_take import FaceTake
from lhm_avatars.engine.motion.face.names import ARKIT_NAMES
from lhm_avatars.engine.motion.onto import FaceWishes, Wishes, onto
from lhm_avatars.engine.motion.readers import live_link, read_motion
from motion.rigged import rest_joints
from motion.writers.scalar import about

if TYPE_CHECKING:
    from pathlib import Path

ANGLES = tuple(
    f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll")
)
SHAPES = tuple(name[0].upper() + name[1:] for name in ARKIT_NAMES)
HEADER = ",".join(("Timecode", "BlendShapeCount", *SHAPES, *ANGLES))
FRAMES = 90


def values(frames: int = FRAMES) -> np.ndarray:
    """Of the columns, each a wave of its own. [F, 61]"""
    time, column = np.arange(frames)[:, None] / 60, np.arange(61)
    waves = 0.5 + 0.4 * np.sin(2 * np.pi * time + column)
    return np.where(column < 52, waves, 0.3 * (waves - 0.5)).round(6)


def code(frame: float, rate: float = 60.0, start: float = 36000.0) -> str:
    seconds, count = divmod(frame + start * rate, rate)
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}:{second:02d}:{count:06.3f}"


def table(rows: np.ndarray, codes: list[str] | None = None, header: str = HEADER) -> str:
    codes = codes or [code(frame) for frame in range(len(rows))]
    lines = [f"{text},61,{','.join(map(repr, row.tolist()))}" for text, row in zip(codes, rows, strict=True)]
    return "\n".join([header, *lines, ""])


def read(tmp_path: Path, content: str | bytes, **options: object) -> FaceTake:
    path = tmp_path / "talk.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    take = read_motion(path, **options)
    assert isinstance(take, FaceTake)
    return take


def test_a_recording_is_read_as_it_is(tmp_path: Path):
    rows = values()
    for content in (table(rows), "\ufeff" + table(rows).replace("\n", "\r\n"), table(rows).replace(",", ";")):
        take = read(tmp_path, content)
        assert (take.name, take.source, take.fps, take.count) == ("talk", "Live Link Face", 60.0, FRAMES)
        assert tuple(take.curves) == SHAPES
        np.testing.assert_array_equal(np.stack(list(take.curves.values()), axis=1), rows[:, :52])
        assert take.notes == ()


def test_it_becomes_a_motion_of_the_face_only(tmp_path: Path):
    rows = values()
    take = read(tmp_path, table(rows))
    motion = onto(take, rest_joints()).result
    assert motion.joints == ("jaw", "left_eye", "right_eye")
    assert set(motion.expression_names) == set(ARKIT_NAMES) - {"jawOpen", "jawLeft", "jawRight"}
    column = ARKIT_NAMES.index("cheekPuff")
    got = motion.expression[:, motion.expression_names.index("cheekPuff")]
    np.testing.assert_allclose(got, rows[:, column], atol=1e-6)
    half = onto(take, rest_joints(), Wishes(fps=30.0)).result
    assert (half.count, half.joints) == (FRAMES // 2, motion.joints)
    np.testing.assert_allclose(half.expression, motion.expression[::2], atol=1e-6)
    with pytest.raises(AvatarError, match=r"moves nothing that .* no face shapes: reconstruct it again"):
        onto(
            FaceTake({"cheekPuff": rows[:, 0]}, 60.0, "x", "y"),
            rest_joints(),
            Wishes(face=FaceWishes(shapes=())),
        )
    with pytest.raises(AvatarError, match=r"face can show\. Choose another file"):
        onto(
            FaceTake({"cheekPuff": rows[:, 0]}, 60.0, "x", "y"),
            rest_joints(),
            Wishes(face=FaceWishes(shapes=("tongueOut",))),
        )
    with pytest.raises(AvatarError, match="holds a face and nothing else"):
        onto(take, rest_joints(), Wishes(face=FaceWishes(wanted=False)))


def test_dropped_frames_are_where_the_clock_says(tmp_path: Path):
    time = np.arange(FRAMES)
    rows = np.zeros((FRAMES, 61))
    rows[:, 5] = time / FRAMES  # a straight line survives gaps
    kept = np.r_[0:20, 25:60, 61:FRAMES]
    take = read(tmp_path, table(rows[kept], [code(frame) for frame in kept]))
    assert take.count == FRAMES
    np.testing.assert_allclose(take.curves[SHAPES[5]], time / FRAMES, atol=1e-6)


def test_subframes_and_midnight(tmp_path: Path):
    rows = np.zeros((FRAMES, 61))
    at = np.arange(FRAMES) + 0.25 * (np.arange(FRAMES) % 2)
    rows[:, 7] = at / 100
    take = read(tmp_path, table(rows, [code(frame, start=86399.0) for frame in at]))
    assert take.count == FRAMES
    np.testing.assert_allclose(take.curves[SHAPES[7]], np.arange(FRAMES) / 100, atol=1e-6)


def test_a_rate_given_that_codes_do_not_count_to_takes_the_rows_one_after_the_other(tmp_path: Path):
    rows = values(240)
    for fps in (30.0, 120.0, 59.94, 61.0):
        take = read(tmp_path, table(rows), fps=fps)
        one_by_one = fps in (30.0, 120.0)
        assert (take.fps, take.notes) == (fps, ())
        assert (take.count == 240) or not one_by_one
        if one_by_one:
            np.testing.assert_allclose(take.curves["CheekPuff"], rows[:, ARKIT_NAMES.index("cheekPuff")])
    missed = [frame for frame in range(240) if frame not in (50, 130)]
    take = read(tmp_path, table(rows[missed], [code(frame) for frame in missed]), fps=60.0)
    assert (take.fps, take.count) == (60.0, 240)  # gaps are filled where the codes do count so


@pytest.mark.parametrize(("rate", "fps"), [(24.0, 24.0), (25.0, 25.0), (30.0, 30.0), (60.0, 60.0)])
def test_the_rate_is_seen_in_the_codes(tmp_path: Path, rate: float, fps: float):
    codes = [code(frame, rate) for frame in range(4 * 60)]
    assert read(tmp_path, table(values(240), codes)).fps == fps


def test_frames_without_a_face_are_filled(tmp_path: Path):
    rows = np.zeros((9, 61))
    rows[:, 3] = np.arange(9) / 10
    lines = table(rows).split("\n")
    lines[4] = lines[4].split(",")[0] + ",0" + "," * 61
    lines[5] = lines[5].split(",")[0] + ",0"
    take = read(tmp_path, "\n".join(lines))
    np.testing.assert_allclose(take.curves[SHAPES[3]], np.arange(9) / 10, atol=1e-12)
    assert take.notes == ("In 2 frames no face was seen; they were filled in between.",)


def test_odd_clocks_are_told(tmp_path: Path):
    rows = values(4)
    for codes, note in (
        (["a", "b", "c", "d"], "could not be read; 60 frames a second were taken"),
        ([code(0), code(9), code(60 * 3600), code(60 * 3601)], "jump"),
        ([code(0)] * 4, "jump"),
    ):
        take = read(tmp_path, table(rows, codes))
        assert take.count == 4
        assert note in take.notes[0]


@pytest.mark.parametrize("unit", [1.0, 180 / np.pi])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_head_turns_where_the_eyes_say(tmp_path: Path, unit: float, sign: int):
    rows = np.zeros((3, 61))
    shape = {name: k for k, name in enumerate((*ARKIT_NAMES, *ANGLES))}
    yaw, pitch, roll = 0.1, 0.2, 0.05  # to the right, down, to the right shoulder
    rows[2, [shape["HeadYaw"], shape["HeadPitch"], shape["HeadRoll"]]] = (
        unit * sign * yaw, unit * sign * pitch, unit * sign * roll,
    )  # fmt: skip
    rows[1, shape["eyeLookInLeft"]] = rows[1, shape["eyeLookDownLeft"]] = 1  # right and down
    rows[1, shape["LeftEyeYaw"]] = rows[1, shape["LeftEyePitch"]] = unit * sign * 0.2
    if unit > 1:
        rows[0, shape["HeadYaw"]] = rows[1, shape["HeadYaw"]] = 0
        rows[2, [shape["HeadYaw"], shape["HeadPitch"], shape["HeadRoll"]]] *= 3
        yaw, pitch, roll = 3 * yaw, 3 * pitch, 3 * roll
    head = read(tmp_path, table(rows)).head
    assert head is not None
    degrees = 180 / np.pi
    wanted = about("y", -yaw * degrees) @ about("x", pitch * degrees) @ about("z", -roll * degrees)
    angle = np.linalg.norm(head[2])
    np.testing.assert_allclose(1 + 2 * np.cos(angle), np.trace(wanted), atol=1e-6)
    axis = np.array([wanted[2, 1] - wanted[1, 2], wanted[0, 2] - wanted[2, 0], wanted[1, 0] - wanted[0, 1]])
    np.testing.assert_allclose(head[2] / angle, axis / np.linalg.norm(axis), atol=1e-6)
    np.testing.assert_allclose(head[:2], 0, atol=1e-12)


GOOD = table(values(4))
LINES = GOOD.split("\n")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("Timecode,BlendShapeCount\n", "has 0 columns with a face's weights"),
        ("Timecode,JawOpen,EyeBlinkLeft\n1,2,3\n", "has 2 columns with a face's weights"),
        (HEADER + "\n", "has no frame with a face"),
        (HEADER + "\n00:00:00:00,0" + "," * 61 + "\n", "has no frame with a face"),
        (HEADER.replace("JawOpen", "JawLeft") + "\n", "has the column 'JawLeft' twice"),
        ("\n".join([*LINES[:2], LINES[2].rsplit(",", 1)[0]]), "talk.csv, line 3 has 62 columns, the first"),
        ("\n".join([*LINES[:2], LINES[2] + ",1"]), "talk.csv, line 3 has 64 columns"),
        ("\n".join([*LINES[:3], LINES[3].replace(",61,", ",61,oops", 1)]), "line 4: BrowDownLeft is 'oops"),
        ("\n".join([LINES[0], code(0) + ",61" + ",nan" * 61]), "line 2: BrowDownLeft is no usable number"),
        ("\n".join([LINES[0], code(0) + ",61" + ",0" * 60 + ",inf"]), "RightEyeRoll is no usable number"),
        ("\n".join([LINES[0], code(0) + ",61" + ",0" * 60 + ",1e30"]), "is no usable number"),
        ("\n".join([LINES[0], code(0) + ",61" + ",0" * 60 + ", "]), "RightEyeRoll is '', which is no number"),
        (LINES[0].encode() + b"\n\xff\xfe\x00", "holds bytes that are no text"),
        ("", "is empty"),
        ("Frame,Value\n1,2\n", "no motion file that can be read here"),
        (b"Timecode\x00\x01\x02", "no motion file that can be read here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, content: str | bytes, sentence: str):
    with pytest.raises(AvatarError, match=sentence) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith("talk.csv")
    assert str(caught.value).endswith(".")


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live_link, "_MOST_BYTES", 100)
    with pytest.raises(AvatarError, match="far too large for a face"):
        read(tmp_path, GOOD)
