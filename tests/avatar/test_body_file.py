"""Reading a body file: a good one, and each way in which one can be bad."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_PARENTS, load_body
from lhm_avatars.engine.avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Members = dict[str, Any]

VERTICES, TRIANGLES = 40, 12


@pytest.fixture
def members() -> Members:
    """A small file in SMPL-X layout: random, but right in every shape."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(size=(VERTICES, 55))
    regressor = rng.uniform(size=(55, VERTICES))
    parents = np.array(JOINT_PARENTS, np.int64)
    return {
        "v_template": rng.normal(size=(VERTICES, 3)),
        "f": rng.integers(0, VERTICES, (TRIANGLES, 3)).astype(np.uint32),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
        "kintree_table": np.array([np.where(parents < 0, 2**32 - 1, parents), range(55)], np.uint32),
        "shapedirs": rng.normal(size=(VERTICES, 3, 20)),
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Members], Path]:
    def to_file(members: Members) -> Path:
        path = tmp_path / "SMPLX_TEST.npz"
        np.savez(path, **members)
        return path

    return to_file


def test_members_arrive(members: Members, write: Callable[[Members], Path]) -> None:
    body = load_body(write(members))
    np.testing.assert_allclose(body.v_template, members["v_template"], rtol=1e-6)
    np.testing.assert_array_equal(body.faces, members["f"])
    np.testing.assert_allclose(body.shapedirs, members["shapedirs"][..., :10], rtol=1e-6)
    np.testing.assert_allclose(body.exprdirs, members["shapedirs"][..., 10:], rtol=1e-6)
    assert not body.is_bundled


def test_wide_files_have_300_shapes_and_100_expressions(members: Members, write: Any) -> None:
    members["shapedirs"] = np.random.default_rng(1).normal(size=(VERTICES, 3, 400))
    body = load_body(write(members))
    assert (body.shapedirs.shape[2], body.exprdirs.shape[2]) == (300, 100)
    np.testing.assert_allclose(body.exprdirs, members["shapedirs"][..., 300:], rtol=1e-6)


@pytest.fixture
def face() -> Members:
    """Two facial actions of three vertices, in steps of a quarter of a millimetre."""
    return {
        "face_names": np.array(["eyeBlinkLeft", "tongueOut"]),
        "face_vertices": np.array([2, 5, 39], np.int32),
        "face_dirs": np.arange(18, dtype=np.int16).reshape(2, 3, 3),
        "face_step": np.array(2.0**-12, np.float32),
    }


def test_facial_actions_arrive(members: Members, face: Members, write: Callable[[Members], Path]) -> None:
    body = load_body(write(members | face))
    assert body.face_names == ("eyeBlinkLeft", "tongueOut")
    np.testing.assert_array_equal(body.face_vertices, [2, 5, 39])
    # The second action's y of the third vertex, and its neighbour in the file, the first's x of the first.
    assert body.face_dirs[2, 1, 1] == 14 / 4096
    assert body.face_dirs[0, 0, 0] == 0
    assert body.face_dirs.shape == (3, 3, 2)


def test_a_foreign_file_has_no_facial_actions(members: Members, write: Callable[[Members], Path]) -> None:
    body = load_body(write(members))
    assert body.face_names == ()
    assert (body.face_vertices.shape, body.face_dirs.shape) == ((0,), (0, 3, 0))


@pytest.mark.parametrize("name", ["face_names", "face_vertices", "face_dirs", "face_step"])
def test_half_a_face_is_named(members: Members, face: Members, write: Any, name: str) -> None:
    del face[name]
    with pytest.raises(
        AvatarError, match=f"SMPLX_TEST.npz has facial actions but no member '{name}'. Choose an SMPLX_"
    ):
        load_body(write(members | face))


def test_facial_actions_of_a_wrong_shape_are_named(members: Members, face: Members, write: Any) -> None:
    face["face_dirs"] = face["face_dirs"][:, :, :2]
    with pytest.raises(
        AvatarError, match=r"member 'face_dirs' must have shape \(A=2, 3, M=3\), got \(2, 3, 2\)"
    ):
        load_body(write(members | face))


@pytest.mark.parametrize("vertices", [[2, 5, VERTICES], [-1, 5, 6], [5, 2, 6], [2, 2, 6]])
def test_facial_actions_of_vertices_that_are_not_there(
    members: Members, face: Members, write: Any, vertices: list[int]
) -> None:
    face["face_vertices"] = np.array(vertices, np.int32)
    with pytest.raises(AvatarError, match="member 'face_vertices' must name some of 40 vertices in order"):
        load_body(write(members | face))


def test_pickled_members_that_we_do_not_need_are_left_alone(members: Members, write: Any) -> None:
    """Real SMPL-X files hold two of them; unpickling can run code."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("a pickled member was opened",)

    members["joint2num"] = np.array(Trap(), dtype=object)
    assert load_body(write(members)).vertex_count == VERTICES


@pytest.mark.parametrize("name", ["v_template", "f", "weights", "J_regressor", "kintree_table", "shapedirs"])
def test_a_missing_member_is_named(members: Members, write: Any, name: str) -> None:
    del members[name]
    with pytest.raises(AvatarError, match=f"SMPLX_TEST.npz has no member '{name}'"):
        load_body(write(members))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("v_template", (VERTICES, 2)),
        ("f", (TRIANGLES, 4)),
        ("weights", (VERTICES, 52)),
        ("weights", (VERTICES + 1, 55)),
        ("J_regressor", (24, VERTICES)),
        ("kintree_table", (55,)),
        ("shapedirs", (VERTICES, 3)),
    ],
)
def test_a_member_of_the_wrong_shape_is_named(
    members: Members, write: Any, name: str, shape: tuple[int, ...]
) -> None:
    members[name] = np.zeros(shape)
    with pytest.raises(AvatarError, match=f"member '{name}' must have shape .* got \\({shape[0]}"):
        load_body(write(members))


def test_a_pickled_member_that_we_need_is_refused(members: Members, write: Any) -> None:
    members["weights"] = members["weights"].astype(object)
    with pytest.raises(AvatarError, match=r"SMPLX_TEST\.npz: member 'weights' .*Object arrays"):
        load_body(write(members))


@pytest.mark.parametrize("name", ["v_template", "weights", "J_regressor", "shapedirs"])
def test_numbers_that_are_not_finite_are_refused(members: Members, write: Any, name: str) -> None:
    members[name].flat[7] = np.nan
    with pytest.raises(AvatarError, match=f"member '{name}' holds numbers that are not finite"):
        load_body(write(members))


def test_triangles_beyond_the_vertices_are_refused(members: Members, write: Any) -> None:
    members["f"][3, 1] = VERTICES
    with pytest.raises(
        AvatarError, match=f"member 'f' points at vertex {VERTICES}, but there are {VERTICES}"
    ):
        load_body(write(members))


def test_weights_without_a_joint_are_refused(members: Members, write: Any) -> None:
    members["weights"][5] = 0
    with pytest.raises(AvatarError, match="member 'weights' gives a vertex no joint"):
        load_body(write(members))


def test_another_skeleton_is_refused(members: Members, write: Any) -> None:
    members["kintree_table"][0, 20] = 3
    with pytest.raises(AvatarError, match="member 'kintree_table' is not SMPL-X's"):
        load_body(write(members))


@pytest.mark.parametrize("text", ["no JSON", "[1, 2]"])
def test_information_that_is_no_json_object_is_refused(members: Members, write: Any, text: str) -> None:
    members["standin_info"] = np.array(text)
    with pytest.raises(AvatarError, match="member 'standin_info' is no JSON object"):
        load_body(write(members))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"There is no body file at .*none\.npz"):
        load_body(tmp_path / "none.npz")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="cannot be read as a body file"):
        load_body(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "SMPLX_BAD.npz"
    path.write_bytes(content)
    with pytest.raises(AvatarError, match=r"SMPLX_BAD\.npz cannot be read as a body file"):
        load_body(path)


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "single.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(AvatarError, match=r"single\.npy is not a body file"):
        load_body(path)


def test_a_damaged_member_is_named(members: Members, write: Any) -> None:
    path = write(members)
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("weights.npy").header_offset
    data = bytearray(path.read_bytes())
    data[offset + 1000] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(AvatarError, match=r"SMPLX_TEST\.npz: member 'weights' .*CRC"):
        load_body(path)
