"""SMPL-X as the user has it: the arrays of a pickle without running it, everything else refused."""

from __future__ import annotations

import collections
import os
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from lhm_avatars.engine.avatar.body import load_body
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.weights.body_pickle import MEMBERS, OPTIONAL, read_body_pickle
from lhm_avatars.engine.weights.bring import use_file
from lhm_avatars.engine.weights.store import delete, files, status

BODY = Path(__file__).parents[2] / "assets" / "body.npz"


@pytest.fixture(scope="module")
def members() -> dict[str, Any]:
    """The built-in body, which has SMPL-X's layout, without what marks it as ours."""
    with np.load(BODY) as archive:
        return {name: archive[name] for name in (*MEMBERS, *OPTIONAL) if name in archive.files}


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> type:
    """A class under chumpy's name, as it stands in old files: an object with the array in ``x``."""
    module, inner = ModuleType("chumpy"), ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x: Any) -> None:
            self.x = x
            self._cache: dict[str, Any] = {}

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    inner.Ch = Ch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chumpy", module)
    monkeypatch.setitem(sys.modules, "chumpy.ch", inner)
    return Ch


def write(path: Path, value: object, protocol: int = 2) -> Path:
    with path.open("wb") as file:
        pickle.dump(value, file, protocol)
    return path


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_a_pickled_body_is_the_body(
    models: Path, tmp_path: Path, members: dict[str, Any], chumpy: type, protocol: int
) -> None:
    regressor = scipy.sparse.csc_matrix(members["J_regressor"])
    written = members | {
        "shapedirs": chumpy(members["shapedirs"]),
        "J_regressor": regressor,
        "bs_style": "lbs",
    }
    written["joint2num"] = {"pelvis": 0}
    path = write(tmp_path / "SMPLX_NEUTRAL.pkl", written, protocol)
    use_file("smplx", models, path)
    body = load_body(files("smplx", models)["SMPLX_NEUTRAL.npz"])
    expected = load_body(BODY)
    for name in (
        "v_template",
        "faces",
        "joint_regressor",
        "shapedirs",
        "exprdirs",
        "joint_weights",
        "hands_mean",
    ):
        np.testing.assert_array_equal(getattr(body, name), getattr(expected, name))
    path.unlink()
    assert status(models).of("smplx").state == "ready"  # our copy of the arrays
    assert delete("smplx", models) > 0


def test_the_npz_is_used_where_it_lies(models: Path, tmp_path: Path, members: dict[str, Any]) -> None:
    np.savez(tmp_path / "SMPLX_FEMALE.npz", **members)
    use_file("smplx", models, tmp_path)
    assert files("smplx", models) == {"SMPLX_NEUTRAL.npz": tmp_path / "SMPLX_FEMALE.npz"}
    np.savez(tmp_path / "SMPLX_MALE.npz", **members)
    with pytest.raises(AvatarError, match="There are several SMPL-X files in"):
        use_file("smplx", models, tmp_path)
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", **members)
    use_file("smplx", models, tmp_path)
    assert files("smplx", models) == {"SMPLX_NEUTRAL.npz": tmp_path / "SMPLX_NEUTRAL.npz"}


def test_what_is_no_body(models: Path, tmp_path: Path, members: dict[str, Any]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "SMPLX_X.npz").write_bytes(b"PK")
    smpl = write(tmp_path / "SMPL.pkl", {name: members[name] for name in members if name != "weights"})
    for place, sentence in (
        (tmp_path / "empty", "There is no SMPLX_"),
        (tmp_path / "a.txt", "a.txt is no SMPL-X file"),
        (tmp_path / "SMPLX_X.npz", "cannot be read as a body file"),
        (smpl, "has no member 'weights'. Choose SMPL-X, not SMPL or SMPL-H"),
    ):
        with pytest.raises(AvatarError, match=sentence):
            use_file("smplx", models, place)
    assert status(models).of("smplx").state == "absent"


class Call:
    """A pickle that calls something when it is opened."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize(
    ("evil", "name"),
    [
        (Call(os.system, "touch EVIL"), r"(posix|nt)\.system"),
        (Call(eval, "1"), r"\w+\.eval"),
        (Call(exec, "1"), r"\w+\.exec"),
        (Call(getattr, "", "upper"), r"\w+\.getattr"),
        (Call(np.load, "x.npy"), r"numpy\S*\.load"),
        (collections.OrderedDict(a=1), r"collections\.OrderedDict"),
        (Path("x"), r"pathlib\S*"),
    ],
    ids=["system", "eval", "exec", "getattr", "load", "class", "path"],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_wants_more_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evil: object, name: str, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "SMPLX_NEUTRAL.pkl", {"v_template": evil}, protocol)
    with pytest.raises(AvatarError, match=f"was not opened: it wants to run {name}"):
        read_body_pickle(path)
    assert not (tmp_path / "EVIL").exists()


def test_an_outside_object_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "b.pkl").write_bytes(b"Psomewhere\n.")
    with pytest.raises(AvatarError, match="was not opened: it wants to run outside object"):
        read_body_pickle(tmp_path / "b.pkl")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x80\x02", b"hello", b"\x80\x02}q\x00",
        # An object made by copyreg of a class that is no box; a class given a state.
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
        b"cchumpy.ch\nCh\n}b.",
        # An array of a million million numbers.
        b"cnumpy\nndarray\n((L1000000000000L\nttR.",
    ],
    ids=["empty", "start", "text", "unfinished", "reconstructor", "state of a class", "huge"],
)  # fmt: skip
def test_damaged_pickles(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.pkl").write_bytes(content)
    with pytest.raises(AvatarError, match="is damaged"):
        read_body_pickle(tmp_path / "b.pkl")


def test_a_pickle_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="is no body file"):
        read_body_pickle(write(tmp_path / "b.pkl", [1, 2]))


@pytest.mark.parametrize(
    "value", ["text", np.array(["a"]), np.array([None]), {"x": 1}, np.array([1j])],
    ids=["text", "texts", "objects", "dict", "complex"],
)  # fmt: skip
def test_members_must_be_numbers(tmp_path: Path, members: dict[str, Any], value: object) -> None:
    path = write(tmp_path / "b.pkl", members | {"weights": value})
    with pytest.raises(AvatarError, match="member 'weights' holds no numbers"):
        read_body_pickle(path)


def test_a_sparse_matrix_must_be_whole(tmp_path: Path, members: dict[str, Any], chumpy: type) -> None:
    matrix = scipy.sparse.csc_matrix(members["J_regressor"])
    matrix.indptr = matrix.indptr[:-1]
    for value in (matrix, chumpy_without_x(chumpy)):
        path = write(tmp_path / "b.pkl", members | {"J_regressor": value})
        with pytest.raises(AvatarError, match="member 'J_regressor' is damaged"):
            read_body_pickle(path)


def chumpy_without_x(chumpy: type) -> object:
    value = chumpy(None)
    del value.x
    return value


def test_a_pickle_of_many_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "b.pkl"
    with path.open("wb") as file:
        file.truncate(2_000_000_001)
    with pytest.raises(AvatarError, match="far too large"):
        read_body_pickle(path)
