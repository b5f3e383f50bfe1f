from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.readers import read_motion
from motion.writers.opcodes import (
    call,
    group,
    joblib_array,
    mapping,
    name,
    number,
    pickled,
    tensor,
    text,
    torch_file,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.motion.smplx_take import Recording

RNG = np.random.default_rng(2)
POSE = RNG.normal(0, 0.2, (5, 72))
PLACE = RNG.normal(0, 1, (5, 3))


def read(tmp_path: Path, content: bytes, **options: object) -> Recording:
    path = tmp_path / "take"
    path.write_bytes(content)
    return read_motion(path, **options)


def check(recording: Recording, pose: np.ndarray = POSE, place: np.ndarray = PLACE) -> None:
    """The body's joints and the place are those written; the file was upright already."""
    np.testing.assert_allclose(
        recording.motion.pose[:, 1:22].reshape(len(pose), -1), pose[:, 3:66], atol=1e-6
    )
    np.testing.assert_allclose(recording.motion.transl, place, atol=1e-6)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_what_numpy_pickles(tmp_path: Path, protocol: int):
    people = defaultdict(dict)
    people[7] = {"pose_world": POSE, "trans_world": np.asfortranarray(PLACE), "trans": 0 * PLACE,
                 "pose": 0 * POSE, "betas": np.zeros((5, 10)), "frame_ids": np.arange(5)}  # fmt: skip
    recording = read(tmp_path, pickle.dumps(OrderedDict(a=people), protocol))
    check(recording)
    assert (recording.motion.source, recording.betas.shape) == ("WHAM", (10,))


def test_chooses_among_people_and_fills_their_gaps(tmp_path: Path):
    still = {"pose_world": np.tile(POSE[:1], (3, 1)), "trans_world": np.outer([0, 1, 4], [1.0, 0, 0]),
             "frame_ids": np.array([10, 11, 14])}  # fmt: skip
    content = pickle.dumps({3: still, 12: {"pose_world": POSE[:2], "trans_world": PLACE[:2]}})
    longest = read(tmp_path, content).motion
    np.testing.assert_allclose(longest.transl[:, 0], [0, 1, 2, 3, 4], atol=1e-6)
    assert "2 persons (0: 3, 1: 12); 3 was taken" in " ".join(longest.notes)
    assert "2 of 5 frames are missing" in " ".join(longest.notes)
    assert read(tmp_path, content, person=1).motion.count == 2


@pytest.mark.parametrize("aligned", [True, False])
def test_reads_what_joblib_writes(tmp_path: Path, aligned: bool):
    start = b"\x80\x04}(" + number(0) + b"}(" + text("pose_world")
    content = start + joblib_array(POSE, len(start), aligned=aligned) + text("trans_world")
    content += joblib_array(PLACE, len(content), aligned=aligned) + b"uu."
    check(read(tmp_path, content))


def gvhmr(array: np.ndarray) -> bytes:
    root, body, place = array[:, :3], array[:, 3:66], PLACE.astype(np.float32)
    world = {"global_orient": tensor(0, root), "body_pose": tensor(1, body), "transl": tensor(2, place)}
    camera = {"global_orient": tensor(0, root), "body_pose": tensor(1, body), "transl": tensor(0, root)}
    content = mapping({"smpl_params_incam": mapping(camera), "smpl_params_global": mapping(world)})
    return torch_file(content, [np.ascontiguousarray(part) for part in (root, body, place)])


def test_reads_torch_without_torch(tmp_path: Path):
    recording = read(tmp_path, gvhmr(POSE.astype(np.float32)))
    check(recording)
    assert recording.up == "y"


def test_reads_a_real_file_of_torch(tmp_path: Path):
    torch = pytest.importorskip("torch")
    whole = torch.tensor(POSE)
    world = {"global_orient": whole[:, :3], "body_pose": whole[:, 3:66]}
    world |= {"betas": torch.nn.Parameter(torch.zeros(10)), "transl": torch.tensor(PLACE.T.copy()).T}
    torch.save({"smpl_params_global": world, "K": torch.eye(3).half()}, tmp_path / "take")
    check(read_motion(tmp_path / "take"))


def test_reads_a_dictionary_saved_as_an_array(tmp_path: Path):
    for save in (np.save, lambda file, value, **more: np.savez(file, motion=value, **more)):
        data = io.BytesIO()
        save(data, np.array({"poses": POSE, "trans": PLACE}, dtype=object))
        check(read(tmp_path, data.getvalue()))


def tricks(target: str) -> dict[str, bytes]:
    """Ways to make a pickle do something; those that run a command would make a file."""
    touch = text(f"touch {target}")
    return {
        "system": call(name("os", "system"), touch),
        "eval": call(name("builtins", "eval"), text(f"open({target!r}, 'w')")),
        "old": b"(" + touch + b"ios\nsystem\n",
        "object": name("subprocess", "Popen") + group(touch) + b"\x81",
        "getattr": call(name("builtins", "getattr"), name("numpy", "ndarray"), text("tofile")),
        "load": call(name("torch.storage", "_load_from_bytes"), text("x")),
        "stack": text("os") + text("system") + b"\x93" + group(touch) + b"R",
        "outside": text("x") + b"Q",
        "extension": b"\x82\x01",
        "state": name("_codecs", "encode") + b"N" + mapping({"__defaults__": group()}) + b"\x86b",
        "type": call(name("numpy", "dtype"), text("V8")),
        "number": call(
            name("numpy.core.multiarray", "scalar"), call(name("numpy", "dtype"), text("O")), text("")
        ),
    }


@pytest.mark.parametrize("trick", tricks(""))
@pytest.mark.parametrize("wrap", ["pickle", "torch", "npy", "npz"])
def test_runs_nothing(tmp_path: Path, trick: str, wrap: str):
    code = tricks(str(tmp_path / "hacked"))[trick]
    wraps = {"pickle": pickled, "torch": lambda c: torch_file(c, []), "npy": _npy, "npz": _npz}
    with pytest.raises(AvatarError, match=r"was not opened: it wants to use .*, which no motion needs"):
        read(tmp_path, wraps[wrap](code))
    assert [path.name for path in tmp_path.iterdir()] == ["take"]


def _npy(code: bytes) -> bytes:
    data = io.BytesIO()
    np.lib.format.write_array_header_1_0(data, {"descr": "|O", "fortran_order": False, "shape": ()})
    return data.getvalue() + pickled(code)


def _npz(code: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("poses.npy", _npy(code))
    return data.getvalue()


def test_the_tricks_are_real(tmp_path: Path):
    """What is refused above would have worked on an ordinary unpickler."""
    pickle.loads(pickled(call(name("os", "mkdir"), text(str(tmp_path / "made")))))  # noqa: S301
    assert (tmp_path / "made").is_dir()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch_file(tensor(0, np.zeros((3, 72), "f4")), [np.zeros(10, "f4")]), "in 10 numbers"),
        (torch_file(mapping({"poses": tensor(5, np.zeros((3, 72), "f4"))}), []), "damaged"),
        (torch_file(mapping({"poses": tensor(0, np.zeros((3, 72), "f4"), offset=-1)}), [np.zeros(300, "f4")]),
         r"damaged or no motion \(a tensor of size"),
        (torch_file(group(text("storage"), text("x"), text("0")) + b"Q", []), "outside object"),
        (gvhmr(POSE.astype("f4"))[:-200], "damaged"),
        (pickle.dumps({"poses": POSE})[:-100], "damaged or no motion"),
        (pickle.dumps({"poses": POSE})[:3], "damaged or no motion"),
        (pickle.dumps({"name": "she"}), "holds no motion of a person"),
        (pickle.dumps([1, 2, 3]), "holds no motion of a person"),
        (pickle.dumps({"poses": [["a"]]}), "poses is no table of numbers"),
        (b"\x80\x04" + joblib_array(POSE, 2, aligned=True)[:-1], "an array lacks 1 bytes"),
        (b"\x80\x04" + joblib_array(POSE.astype(object), 2, aligned=True), "use an array of objects"),
        (b"PK\x03\x04" + bytes(100), "is damaged"),
        (_npy(b"}")[:40], "is damaged"),
        (b"\x93NUMPY\x09\x00" + bytes(100), "is damaged"),
    ],
)  # fmt: skip
def test_says_what_is_damaged(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(AvatarError, match=message):
        read(tmp_path, content)


def test_an_array_shorter_than_it_says_is_damaged(tmp_path: Path):
    data = io.BytesIO()
    np.save(data, POSE)
    with pytest.raises(AvatarError, match="360 numbers are stated, there are fewer"):
        read(tmp_path, data.getvalue()[:-300])
