from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.readers.bvh import read_bvh
from lhm_avatars.engine.motion.readers.options import Options
from motion.writers.bvh import Joint, hierarchy, motion
from motion.writers.scalar import chain, euler

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.motion.take import Take

PERSON = [
    Joint("Hips", -1, (0, 0, 0), "zxy", moves=True),
    Joint("Spine", 0, (0, 20, 0), "yxz"),
    Joint("Head", 1, (0, 40, 1), "zyx"),
    Joint("LeftArm", 1, (20, 30, 0), "xzy"),
    Joint("LeftHand", 3, (55, 0, 0), "xyz"),
    Joint("LeftLeg", 0, (10, -5, 0), "zyz"),
    Joint("LeftFoot", 5, (0, -85, 0), "zx", moves=True),
]


def read(tmp_path: Path, text: str | bytes, **options: object) -> Take:
    path = tmp_path / "take.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_bvh(path, Options(bundled_body(), **options))


def numbers(joints: list[Joint], frames: int, seed: int = 0) -> np.ndarray:
    columns = sum(3 * joint.moves + len(joint.order) for joint in joints)
    return np.random.default_rng(seed).uniform(-20, 20, (frames, columns)).round(4)


def expected(joints: list[Joint], row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each joint's world rotation and position in one frame."""
    at, local, places = 0, {}, []
    for index, joint in enumerate(joints):
        places.append(row[at : at + 3] if joint.moves else joint.offset)
        at += 3 * joint.moves
        local[index] = euler(joint.order, row[at : at + len(joint.order)])
        at += len(joint.order)
    return chain([joint.parent for joint in joints], local, places)


def test_puts_joints_where_their_angles_say(tmp_path: Path):
    rows = numbers(PERSON, 7)
    rows[:, 1] += 95
    take = read(tmp_path, hierarchy(PERSON) + motion(rows))
    order = [take.names.index(joint.name) for joint in PERSON]
    for frame, row in enumerate(rows):
        rotations, positions = expected(PERSON, row)
        np.testing.assert_allclose(take.rotations[frame, order], rotations, atol=1e-12)
        np.testing.assert_allclose(take.positions[frame, order], positions, atol=1e-9)
    assert (take.fps, take.source, take.name, take.up, take.unit_m) == (30, "BVH", "take", "y", 0.01)
    end = take.names.index("Head end")
    np.testing.assert_allclose(
        take.positions[:, end], take.positions[:, order[2]] + take.rotations[:, order[2], :, 1], atol=1e-9
    )


def test_has_the_offsets_as_its_rest_pose(tmp_path: Path):
    take = read(tmp_path, hierarchy(PERSON) + motion(numbers(PERSON, 1)))
    hand = take.names.index("LeftHand")
    np.testing.assert_allclose(take.rest_positions[hand], [75, 50, 0])
    np.testing.assert_allclose(take.rest_rotations, np.broadcast_to(np.eye(3), take.rest_rotations.shape))


@pytest.mark.parametrize("order", ["".join(o) for o in itertools.product("xyz", repeat=3)])
def test_takes_any_order_of_turns(tmp_path: Path, order: str):
    joints = [Joint("Root", -1, (1, 2, 3), order), Joint("Tip", 0, (4, 5, 6), "x")]
    row = np.array([31.0, -52.0, 77.0, 12.0])
    take = read(tmp_path, hierarchy(joints) + motion([row]))
    np.testing.assert_allclose(take.rotations[0, :2], expected(joints, row)[0], atol=1e-12)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("Frames: 3", "Frames:\t3").replace("Frame Time: ", "Frame Time:\t"),
        lambda text: text.replace("HIERARCHY\n", "\ufeffHIERARCHY\n\n# made by hand\n// and so on\n"),
        lambda text: text.replace("MOTION\n", "MOTION  # below\n"),
        lambda text: re.sub(r"\n\t*\{", " {", text),
        lambda text: text.replace("ROOT", "root").replace("JOINT", "Joint").replace("OFFSET ", "Offset\t"),
        lambda text: text.replace("rotation", "Rotation").replace("Xposition", "xPOSITION"),
        lambda text: text.replace(" ", "  ").replace("Frame  Time", "Frame Time"),
        lambda text: text + "\n\n  \n",
        lambda text: text.replace("0.033333\n", "0.033333\n\n# frames\n"),
    ],
)
def test_reads_odd_but_common_spellings(tmp_path: Path, edit):
    text = hierarchy(PERSON) + motion(numbers(PERSON, 3))
    plain, odd = read(tmp_path, text), read(tmp_path, edit(text))
    assert odd.names == plain.names
    np.testing.assert_array_equal(odd.positions, plain.positions)


def test_reads_more_than_one_block_of_text(tmp_path: Path):
    rows = numbers(PERSON, 4000)
    take = read(tmp_path, hierarchy(PERSON) + motion(rows))
    for frame in (0, 511, 512, 1999, 3999):
        order = [take.names.index(joint.name) for joint in PERSON]
        np.testing.assert_allclose(take.positions[frame, order], expected(PERSON, rows[frame])[1], atol=1e-9)


@pytest.mark.parametrize(("up", "turn"), [("z", ("x", 90)), ("-y", ("x", 180))])
def test_sets_a_skeleton_upright_that_lies_in_its_file(tmp_path: Path, up: str, turn: tuple[str, float]):
    rows = np.zeros((5, numbers(PERSON, 1).shape[1]))
    rows[:, 1] = 95
    upright = read(tmp_path, hierarchy(PERSON) + motion(rows))
    matrix = euler(*turn[:1], turn[1:])
    lying = [
        Joint(j.name, j.parent, tuple(matrix @ np.array(j.offset, float)), j.order, j.moves) for j in PERSON
    ]
    turned = rows.copy()
    turned[:, :3] = rows[:, :3] @ matrix.T
    turned[:, -5:-2] = rows[:, -5:-2] @ matrix.T
    ends = [k for k, name in enumerate(upright.names) if not name.endswith(" end")]
    for asked in ("auto", up):
        take = read(tmp_path, hierarchy(lying) + motion(turned), up=asked)
        assert take.up == up
        np.testing.assert_allclose(take.positions[:, ends], upright.positions[:, ends], atol=1e-9)
        np.testing.assert_allclose(take.rest_positions[ends], upright.rest_positions[ends], atol=1e-9)
    assert ("up was found" in " ".join(take.notes)) is False


@pytest.mark.parametrize(
    ("factor", "unit"), [(0.01, 1.0), (1, 0.01), (10, 0.001), (1 / 2.54, 0.0254), (300, None)]
)
def test_guesses_the_unit_from_the_size(tmp_path: Path, factor: float, unit: float | None):
    joints = [Joint(j.name, j.parent, tuple(factor * np.array(j.offset, float)), j.order) for j in PERSON]
    take = read(tmp_path, hierarchy(joints, end=factor) + motion(numbers(joints, 2)))
    assert take.unit_m == unit
    assert "unit of length is not stated" in " ".join(take.notes)


def test_tells_what_the_file_leaves_out(tmp_path: Path):
    text = hierarchy(PERSON) + motion(numbers(PERSON, 3))
    take = read(tmp_path, text.replace("Frame Time: 0.033333\n", ""))
    assert (take.fps, take.rate) == (None, 30)
    assert "frame rate; 30 was taken" in " ".join(take.notes)
    assert read(tmp_path, text, fps=12.5).fps == 12.5
    more = read(tmp_path, text.replace("Frames: 3", "Frames: 2"))
    assert more.count == 3
    assert "states 2 frames and holds 3" in " ".join(more.notes)


def test_gives_two_joints_of_one_name_two_names(tmp_path: Path):
    joints = [Joint("A", -1, (0, 0, 0)), Joint("A", 0, (0, 1, 0)), Joint("B", 0, (0, 2, 0))]
    assert read(tmp_path, hierarchy(joints) + motion([np.zeros(9)])).names[:2] == ("A", "A (2)")


GOOD = hierarchy(PERSON) + motion(np.zeros((3, 26)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.split("MOTION")[0], "the file ends before its motion"),
        (GOOD[:-60], r"line \d+: \d+ numbers, but the joints need 26; joint \w+ has none"),
        ("\n".join(GOOD.splitlines()[:-1]), "states 3 frames and holds 2"),
        (GOOD.replace("Frames: 3", "Frames: 0"), "no frames"),
        (GOOD.replace("Frames: 3\n", ""), "number of frames is missing"),
        (GOOD.replace("0.033333", "0"), r"line \d+: the time of a frame is 0"),
        (GOOD.replace("0.033333", "nan"), "the time of a frame is nan"),
        (GOOD.replace("\n0 0 0 0", "\n0 0 0 nan", 1), r"line \d+, joint Hips: 'nan' is no usable number"),
        (GOOD.replace("\n0 0 0 0 0 0 0", "\n0 0 0 0 0 0 0,5", 1), "joint Spine: '0,5' is no usable number"),
        (GOOD.replace("\n0 0 ", "\n0 0 0 ", 1), "27 numbers, but the joints need 26"),
        (GOOD.replace("ROOT Hips\n{", "ROOT Hips\n"), "joint Hips: its opening brace is missing"),
        (GOOD.replace("}\nMOTION", "MOTION"), "before its brace closes"),
        (GOOD.replace("}\nMOTION", "}\n}\nMOTION"), "closes that was never opened"),
        (GOOD.replace("HIERARCHY\n", "HIERARCHY\n{\n"), "before a joint is named"),
        (GOOD.replace("ROOT", "JOINT"), "JOINT does not belong here"),
        (GOOD.replace("OFFSET 0 20 0", "OFFSET 0 20"), "joint Spine: OFFSET needs three numbers, got '0 20'"),
        (GOOD.replace("OFFSET 0 20 0", "OFFSET 0 inf 0"), "joint Spine: OFFSET needs usable numbers"),
        (GOOD.replace("CHANNELS 6", "CHANNELS 5"), "joint Hips: CHANNELS states 5 and lists 6"),
        (GOOD.replace("Xposition", "Xscale"), "joint Hips: 'Xscale' is no channel"),
        (GOOD.replace("OFFSET 0 20 0", "WEIGHT 3"), "joint Spine: 'WEIGHT 3' was not expected"),
        ("HIERARCHY\nOFFSET 0 0 0\nMOTION\n", "'OFFSET 0 0 0' was not expected"),
        ("HIERARCHY\nMOTION\nFrames: 1\n", "no skeleton"),
        ("HIERARCHY\nROOT A\n{\nOFFSET 0 0 0\n}\nMOTION\nFrames: 1\n", "no channels"),
        (b"HIERARCHY\nROOT A\n{\n" + bytes(range(256)) * 50, "was not expected"),
        ("HIERARCHY\n" + "ROOT A {\n" + "JOINT C {\n" * 5_000, "more than 5000 joints"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_and_where(tmp_path: Path, text: str | bytes, message: str):
    with pytest.raises(AvatarError, match=message):
        read(tmp_path, text)


def test_reading_can_be_watched_and_ended(tmp_path: Path):
    seen: list[float] = []
    read(tmp_path, GOOD, progress=seen.append)
    assert seen == sorted(seen)
    assert 0 < seen[0] <= seen[-1] <= 1

    def end(_fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, GOOD, progress=end)
