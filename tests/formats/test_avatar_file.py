"""The avatar file: nothing is lost, nothing half is left, and whatever is wrong is said."""

from __future__ import annotations

import copy
import errno
import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import Avatar
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.avatar.face import FaceSpace
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.shape import ShapeSpace
from lhm_avatars.engine.formats.avatar_file import SCHEMA_VERSION, load_avatar, save_avatar
from lhm_avatars.engine.formats.safetensors import read_safetensors, write_safetensors

COUNT = 500
METADATA = {
    "engine": "lift",
    "settings": {"seed": 3, "mask": None, "ratio": 0.1 + 0.2, "on": True},
    "warnings": ["Zoë’s photo", 'a\nb "c"'],
    "nested": [[1, [2.5, {}]], []],
}


@pytest.fixture
def avatar() -> Avatar:
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.1, 1, (COUNT, 4))
    return Avatar(
        gaussians=Gaussians(
            rng.normal(size=(COUNT, 3)), rng.normal(size=(COUNT, 4)), rng.uniform(size=(COUNT, 3)),
            rng.uniform(size=COUNT), rng.normal(size=(COUNT, 4, 3)),
        ),
        binding=Binding(
            rng.integers(0, JOINT_COUNT, (COUNT, 4)), weights / weights.sum(axis=1, keepdims=True)
        ),
        params=BodyParams.from_pose(
            rng.normal(size=(JOINT_COUNT, 3)), betas=rng.normal(size=10), transl=rng.normal(size=3)
        ),
        joints=rng.normal(size=(JOINT_COUNT, 3)),
        seen=rng.integers(0, 3, COUNT),
        metadata=copy.deepcopy(METADATA),
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path, avatar: Avatar) -> Path:
    """A good file."""
    path = tmp_path / "zoë anna.lhma"
    save_avatar(path, avatar)
    return path


def rewrite(path: Path, *, header: Any = None, drop: str | None = None, **arrays: np.ndarray) -> None:
    """Change parts of a good file; a header is the text `lhm_avatar`, or the JSON value that becomes it."""
    old, texts = read_safetensors(path)
    if header is not None:
        texts["lhm_avatar"] = header if isinstance(header, str) else json.dumps(header)
    write_safetensors(path, {name: a for name, a in (old | arrays).items() if name != drop}, texts)


def assert_same_bits(a: Any, b: Any) -> None:
    for field in fields(a):
        left, right = getattr(a, field.name), getattr(b, field.name)
        assert (left.dtype, left.shape) == (right.dtype, right.shape), field.name
        assert left.tobytes() == right.tobytes(), field.name


def test_not_a_bit_is_lost(path: Path, avatar: Avatar):
    read = load_avatar(path)
    for part in ("gaussians", "binding", "params"):
        assert_same_bits(getattr(read, part), getattr(avatar, part))
    assert read.joints.tobytes() == avatar.joints.tobytes()
    assert read.seen.tobytes() == avatar.seen.tobytes()
    assert read.metadata == METADATA
    assert read.shape is None
    assert read.face is None


def shape_arrays() -> dict[str, np.ndarray]:
    """The shape space of an avatar with ten betas, under the names it has in the file."""
    rng = np.random.default_rng(1)
    shapes = {"shape_mean_dirs": (COUNT, 3, 10), "shape_joint_dirs": (JOINT_COUNT, 3, 10)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_the_shape_space_is_kept(path: Path, avatar: Avatar):
    arrays = shape_arrays()
    space = ShapeSpace(arrays["shape_mean_dirs"], arrays["shape_joint_dirs"])
    save_avatar(path, replace(avatar, shape=space))
    stored, _ = read_safetensors(path)
    for name, array in arrays.items():
        assert stored[name].tobytes() == array.tobytes()
    assert_same_bits(load_avatar(path).shape, space)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"shape_mean_dirs": None}, "'shape_mean_dirs'"),
        ({"shape_joint_dirs": None}, "'shape_joint_dirs'"),
        (
            {"shape_mean_dirs": np.zeros((COUNT, 3, 10))},
            "shape_mean_dirs must be float32, got float64",
        ),
        (
            {"shape_mean_dirs": np.zeros((7, 3, 10), np.float32)},
            r"shape_mean_dirs must have shape \(500, 3, any\), got \(7, 3, 10\)",
        ),
        (
            {"shape_joint_dirs": np.zeros((54, 3, 10), np.float32)},
            r"joint_dirs must have shape \(55, 3, 10\), got \(54, 3, 10\)",
        ),
        ({"params.betas": np.zeros(9, np.float32)}, r"betas must have shape \(10,\), got \(9,\)"),
    ],
)
def test_a_shape_space_that_does_not_fit_is_named(path: Path, changed: dict[str, Any], what: str):
    arrays = shape_arrays() | changed
    rewrite(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(
        AvatarError, match=rf"^zoë anna\.lhma lacks a part of the avatar \({what}\)\. Reconstruct it again\.$"
    ):
        load_avatar(path)


MOVED = np.array([0, 3, 4, 77, COUNT - 1], np.int32)


def face(*reaches: float) -> FaceSpace:
    """A face with one shape for each reach, metres."""
    rng = np.random.default_rng(2)
    dirs = rng.uniform(-1, 1, (len(MOVED), 3, len(reaches))) * reaches
    if reaches:
        dirs[2, 1] = reaches  # so far and no farther
    return FaceSpace(tuple(f"Exp{i:03d}" for i in range(len(reaches))), MOVED, dirs)


def test_the_face_is_kept_to_a_micrometre(path: Path, avatar: Avatar):
    reaches = (0.0, 1e-9, 2e-4, 5e-3, 0.02, 0.031, 32767 * 2.0**-20, 16384 * 2.0**-19, 0.0624)
    wanted = face(*reaches)
    save_avatar(path, replace(avatar, face=wanted))
    read = load_avatar(path).face
    assert read is not None
    assert read.names == wanted.names
    assert read.indices.tobytes() == MOVED.tobytes()
    assert read.dirs.dtype == np.float32
    assert np.abs(read.dirs.astype(np.float64) - wanted.dirs).max() < 1e-6
    again = path.with_name("again.lhma")
    save_avatar(again, load_avatar(path))
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "empty",
    [FaceSpace(("jawless",), np.zeros(0, np.int32), np.zeros((0, 3, 1))), face()],
    ids=["no Gaussians", "no shapes"],
)
def test_an_empty_face_is_a_face(path: Path, avatar: Avatar, empty: FaceSpace):
    save_avatar(path, replace(avatar, face=empty))
    read = load_avatar(path).face
    assert read is not None
    assert (read.names, read.dirs.shape) == (empty.names, empty.dirs.shape)


def test_what_does_not_move_takes_a_bit(path: Path, avatar: Avatar):
    count, shapes, moving = 400, 40, 10
    rng = np.random.default_rng(4)
    dirs = np.zeros((count, 3, shapes), np.float32)
    for row in dirs:
        row[:, rng.permutation(shapes)[:moving]] = rng.uniform(-0.01, 0.01, (3, moving))
    before = path.stat().st_size
    wanted = FaceSpace(tuple(map(str, range(shapes))), np.arange(count), dirs)
    save_avatar(path, replace(avatar, face=wanted))
    grown = path.stat().st_size - before
    room = count * (4 + moving * 3 * 2) + count * shapes / 8 + shapes * 4
    assert room <= grown < room + shapes * 8 + 500  # names, header
    read = load_avatar(path).face
    assert read is not None
    assert np.abs(read.dirs - wanted.dirs).max() < 1e-6
    assert (read.dirs[wanted.dirs == 0] == 0).all()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"face_indices": None}, "'face_indices'"),
        ({"face_moved": None}, "'face_moved'"),
        ({"face_dirs": None}, "'face_dirs'"),
        ({"face_steps": None}, "'face_steps'"),
        ({"header": {"schema": 1, "metadata": {}}}, "'face_names'"),
        (
            {"header": {"schema": 1, "metadata": {}, "face_names": [1, 2]}},
            "face_names must be a list of names",
        ),
        (
            {"header": {"schema": 1, "metadata": {}, "face_names": ["a"]}},
            r"face_steps must have shape \(1,\), got \(2,\)",
        ),
        (
            {"header": {"schema": 1, "metadata": {}, "face_names": ["a", "a"]}},
            r"names must differ, got \('a', 'a'\)",
        ),
        ({"face_steps": np.ones(3, np.float32)}, r"face_steps must have shape \(2,\), got \(3,\)"),
        ({"face_dirs": np.zeros((10, 3), np.float16)}, "face_dirs must be int16, got float16"),
        ({"face_dirs": np.zeros((9, 3), np.int16)}, r"face_dirs must have shape \(10, 3\), got \(9, 3\)"),
        ({"face_moved": np.zeros(3, np.uint8)}, r"face_moved must have shape \(2,\), got \(3,\)"),
        (
            {"face_indices": np.arange(4, dtype=np.int32)},
            r"face_moved must have shape \(1,\), got \(2,\)",
        ),
        (
            {"face_indices": np.zeros(5, np.int32)},
            "indices must be one row of ascending numbers from 0 on",
        ),
        (
            {"face_indices": MOVED + 1},
            f"the face must move Gaussians below {COUNT}, got {COUNT}",
        ),
    ],
)
def test_a_face_that_does_not_fit_is_named(path: Path, avatar: Avatar, changed: dict[str, Any], what: str):
    save_avatar(path, replace(avatar, face=face(0.01, 0.02)))
    for name, array in changed.items():
        if array is None:
            rewrite(path, drop=name)
        else:
            rewrite(path, **changed)
    with pytest.raises(
        AvatarError, match=rf"^zoë anna\.lhma lacks a part of the avatar \({what}\)\. Reconstruct it again\.$"
    ):
        load_avatar(path)


def test_writing_what_was_read_gives_the_same_file(path: Path):
    again = path.with_name("again.lhma")
    save_avatar(again, load_avatar(path))
    assert again.read_bytes() == path.read_bytes()


def test_a_text_as_a_path_will_do(path: Path):
    assert load_avatar(str(path)).metadata == METADATA


def test_metadata_that_json_cannot_hold_leave_no_file(tmp_path: Path, avatar: Avatar):
    avatar.metadata["when"] = object()
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_avatar(tmp_path / "a.lhma", avatar)
    assert not list(tmp_path.iterdir())


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(
        AvatarError, match=r"^There is no avatar file at .*gone\.lhma\. Choose an existing \.lhma file\.$"
    ):
        load_avatar(tmp_path / "gone.lhma")


def test_an_unreadable_file(path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # whoever runs as root may read any file
    with pytest.raises(
        AvatarError,
        match=r"^zoë anna\.lhma cannot be opened \(Permission denied\)\. Check the file's permissions\.$",
    ):
        load_avatar(path)


def test_a_folder(tmp_path: Path):
    with pytest.raises(AvatarError, match=r"cannot be opened \(.+\)\. Check the file's permissions\."):
        load_avatar(tmp_path)


@pytest.mark.parametrize(
    ("share", "what"),
    [
        (0.0, "the header is longer than the file"),
        (0.01, "the header is longer than the file"),
        (0.5, "array '.*' is cut short"),
        (0.99, "array '.*' is cut short"),
    ],
)
def test_a_file_that_is_cut_short(path: Path, share: float, what: str):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(
        AvatarError, match=rf"^zoë anna\.lhma is not a whole avatar file: {what}\. Reconstruct it again\.$"
    ):
        load_avatar(path)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(100), b"ply\nformat ascii 1.0\n" * 9])
def test_a_picture_or_a_ply(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(AvatarError, match="is not a whole avatar file: the header is longer than the file"):
        load_avatar(path)


def test_a_safetensors_file_of_somebody_else(path: Path):
    write_safetensors(path, {"layer.weight": np.ones(3)}, {"format": "pt"})
    with pytest.raises(
        AvatarError,
        match=r"^zoë anna\.lhma is not an avatar file\. Choose a \.lhma file made by LHM Avatars\.$",
    ):
        load_avatar(path)


def test_a_newer_file(path: Path):
    rewrite(path, header={"schema": SCHEMA_VERSION + 1, "metadata": {}})
    sentence = (
        rf"^zoë anna\.lhma was made by a newer LHM Avatars \(file version {SCHEMA_VERSION + 1}, "
        rf"this one reads up to {SCHEMA_VERSION}\)\. Update the extension\.$"
    )
    with pytest.raises(AvatarError, match=sentence):
        load_avatar(path)


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("{'schema': 1}", r"the header is damaged \(.+\)"),
        ("", r"the header is damaged \(.+\)"),
        ("[" * 200_000, r"the header is damaged \(.+\)"),
        ("1" * 6000, r"the header is damaged \(.+\)"),
        ("null", r"the header is damaged \(an object is expected, got NoneType\)"),
        ([1, {}], r"the header is damaged \(an object is expected, got list\)"),
        ({"metadata": {}}, "it does not name its version"),
        ({"schema": "1", "metadata": {}}, "it does not name its version"),
        ({"schema": 1}, "its metadata are missing"),
        ({"schema": 1, "metadata": [1]}, "its metadata are missing"),
    ],
)  # fmt: skip
def test_a_damaged_header(path: Path, header: Any, what: str):
    rewrite(path, header=header)
    with pytest.raises(
        AvatarError, match=rf"^zoë anna\.lhma is not a whole avatar file: {what}\. Reconstruct it again\.$"
    ):
        load_avatar(path)


PARTS = ["means", "quats", "scales", "opacities", "sh", "joint_indices", "joint_weights", "joints", "seen"]


@pytest.mark.parametrize("name", [*PARTS, *(f"params.{field.name}" for field in fields(BodyParams))])
def test_a_missing_array_is_named(path: Path, name: str):
    rewrite(path, drop=name)
    with pytest.raises(
        AvatarError,
        match=rf"^zoë anna\.lhma lacks a part of the avatar \('{name}'\)\. Reconstruct it again\.$",
    ):
        load_avatar(path)


@pytest.mark.parametrize(
    ("name", "array", "what"),
    [
        ("means", np.zeros((COUNT, 2), np.float32), r"means must have shape \(any, 3\), got \(500, 2\)"),
        ("means", np.zeros((), np.float32), r"means must have shape \(any, 3\), got \(\)"),
        ("sh", np.zeros((COUNT, 3), np.float32), r"sh must have shape \(500, any, 3\), got \(500, 3\)"),
        ("opacities", np.zeros(COUNT, np.float64), "opacities must be float32, got float64"),
        ("scales", np.zeros((COUNT, 3), bool), "scales must be float32, got bool"),
        ("joint_indices", np.zeros((COUNT, 4), np.float32), "joint_indices must be int32, got float32"),
        ("joint_indices", np.full((COUNT, 4), 55, np.int32), "joint_indices must be 0 to 54, got 55 to 55"),
        ("joint_indices", np.full((COUNT, 4), -1, np.int32), "joint_indices must be 0 to 54, got -1 to -1"),
        ("joint_weights", np.zeros((COUNT, 4), np.float32), "joint_weights rows must sum to 1, .*"),
        ("joint_weights", np.full((COUNT, 4), np.nan, np.float32), "joint_weights rows must sum to 1, .*"),
        ("seen", np.zeros(COUNT, np.int64), "seen must be uint8, got int64"),
        ("params.transl", np.zeros(4, np.float32), r"transl must have shape \(3,\), got \(4,\)"),
    ],
)
def test_an_array_that_does_not_fit_is_named(path: Path, name: str, array: np.ndarray, what: str):
    rewrite(path, **{name: array})
    with pytest.raises(
        AvatarError, match=rf"^zoë anna\.lhma lacks a part of the avatar \({what}\)\. Reconstruct it again\.$"
    ):
        load_avatar(path)


def full_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let files grow to so many bytes."""

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.left = file, room

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, content: Any) -> int:
            size = memoryview(content).nbytes
            if size > self.left:
                self.file.write(memoryview(content).cast("B")[: self.left])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.left -= size
            return self.file.write(content)

    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode="r", *more: Full(opened(self, mode, *more)))


@pytest.mark.parametrize("room", [0, 100, 20_000])
def test_a_full_disk_leaves_the_old_avatar_and_nothing_else(
    path: Path, avatar: Avatar, monkeypatch: pytest.MonkeyPatch, room: int
):
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        full_disk(patch, room)
        with pytest.raises(OSError, match="No space left"):
            save_avatar(path, avatar)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_no_new_file(tmp_path: Path, avatar: Avatar, monkeypatch: pytest.MonkeyPatch):
    full_disk(monkeypatch, 5000)
    with pytest.raises(OSError, match="No space left"):
        save_avatar(tmp_path / "new.lhma", avatar)
    assert not list(tmp_path.iterdir())


def test_the_old_avatar_is_whole_until_the_new_one_is(
    path: Path, avatar: Avatar, monkeypatch: pytest.MonkeyPatch
):
    """What a reader sees at the moment before the new file takes the old one's place."""
    seen: list[Avatar] = []
    replace = Path.replace

    def look(self: Path, target: Path) -> Path:
        seen.append(load_avatar(target))
        assert self.parent == target.parent  # on one disk, so that it is a rename
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    avatar.metadata["engine"] = "another"
    save_avatar(path, avatar)
    assert [old.metadata["engine"] for old in seen] == ["lift"]
    assert load_avatar(path).metadata["engine"] == "another"


def test_saving_into_a_folder_that_is_not_there(tmp_path: Path, avatar: Avatar):
    with pytest.raises(FileNotFoundError):
        save_avatar(tmp_path / "nowhere" / "a.lhma", avatar)
