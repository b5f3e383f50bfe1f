"""Our small safetensors reader and writer against the `safetensors` package, both ways, and damaged files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.formats.safetensors import FormatError, read_safetensors, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    Arrays = dict[str, np.ndarray]

TEXTS = {"author": "Zoë", "note": 'line\nbreak "quoted" \\ and 人'}
KINDS = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]


@pytest.fixture
def theirs() -> Any:
    return pytest.importorskip("safetensors.numpy", reason="Blender's Python has no safetensors package")


@pytest.fixture
def arrays() -> Arrays:
    """Every type, and the shapes that writers get wrong: one number, no rows, slices, transposed."""
    rng = np.random.default_rng(0)
    values = {f"kind.{kind}": rng.integers(0, 100, (3, 5)).astype(kind) for kind in KINDS}
    values["number"] = np.array(3.5, np.float32)
    values["empty"] = np.zeros((0, 7), np.int16)
    values["no_columns"] = np.zeros((4, 0), np.float64)
    values["odd"] = rng.integers(0, 255, 3).astype(np.uint8)
    values["slice"] = rng.normal(size=(8, 6))[::2, 1:4]
    values["transposed"] = rng.normal(size=(4, 6)).astype(np.float32).T
    values["special"] = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    return values


def assert_same(a: Arrays, b: Arrays) -> None:
    assert a.keys() == b.keys()
    for name, array in a.items():
        assert (b[name].dtype, b[name].shape) == (array.dtype, array.shape), name
        assert b[name].tobytes() == array.tobytes(), name


def write_raw(path: Path, header: object, body: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def test_what_was_written_is_read(tmp_path: Path, arrays: Arrays):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, arrays, TEXTS)
    read, texts = read_safetensors(path)
    assert_same(arrays, read)
    assert texts == TEXTS
    read["slice"][:] = 0  # not a view of something read-only


def test_the_package_reads_what_we_write(tmp_path: Path, arrays: Arrays, theirs: Any):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, arrays, TEXTS)
    assert_same(arrays, theirs.load_file(path))
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        assert file.metadata() == TEXTS


def test_we_read_what_the_package_writes(tmp_path: Path, arrays: Arrays, theirs: Any):
    path = tmp_path / "a.safetensors"
    # The package writes the memory as it lies, so slices are made whole first.
    theirs.save_file(
        {name: np.array(array, order="C") for name, array in arrays.items()}, path, metadata=TEXTS
    )
    read, texts = read_safetensors(path)
    assert_same(arrays, read)
    assert texts == TEXTS


def test_nothing_but_a_header_is_a_file(tmp_path: Path, theirs: Any):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {}, {})
    assert read_safetensors(path) == ({}, {})
    assert theirs.load_file(path) == {}


def test_arrays_start_on_the_alignment_that_mapped_files_need(tmp_path: Path):
    for name in ("a", "abcd", "abcdefg"):
        path = tmp_path / name
        write_safetensors(path, {name: np.ones(2)}, {})
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


def test_a_type_without_a_name_is_refused(tmp_path: Path):
    for array in (np.ones(2, np.complex64), np.ones(2, ">f4"), np.array(["text"])):
        with pytest.raises(ValueError, match="values: no safetensors type for"):
            write_safetensors(tmp_path / "a.safetensors", {"values": array}, {})
    assert not list(tmp_path.iterdir())


def entry(**changed: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changed}


def second(begin: int, end: int, **changed: Any) -> dict[str, Any]:
    return entry() | {"b": {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]} | changed}


DAMAGED = {
    "no JSON": (b"{'a': 1}", b""),
    "no text": (b"\xff\xfe{}", b""),
    "cut JSON": (b'{"a": {"dtype": "F32"', b""),
    "a list": ([], b""),
    "a number": (5, b""),
    "null": (b"null", b""),
    "endless digits": (b'{"a": ' + b"1" * 6000 + b"}", b""),
    "endless brackets": (b'{"a": ' + b"[" * 200_000, b""),
    "entry is a text": ({"a": "F32"}, b""),
    "entry is null": ({"a": None}, b""),
    "no type": ({"a": {"shape": [], "data_offsets": [0, 4]}}, bytes(4)),
    "unknown type": (entry(dtype="F31"), bytes(8)),
    "type is a list": (entry(dtype=["F32"]), bytes(8)),
    "no shape": ({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)),
    "shape is a number": (entry(shape=2), bytes(8)),
    "negative shape": (entry(shape=[-1, -2]), bytes(8)),
    "fractional shape": (entry(shape=[2.0]), bytes(8)),
    "true as a shape": (entry(shape=[True, 2]), bytes(8)),
    "no offsets": ({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)),
    "three offsets": (entry(data_offsets=[0, 8, 8]), bytes(8)),
    "one offset": (entry(data_offsets=[8]), bytes(8)),
    "offsets are texts": (entry(data_offsets=["0", "8"]), bytes(8)),
    "offset before the file": (entry(data_offsets=[-100, -92]), bytes(8)),
    "offset in the header": (entry(data_offsets=[-8, 0]), bytes(8)),
    "offsets the wrong way": (entry(shape=[0], data_offsets=[8, 0]), bytes(8)),
    "NaN as an offset": (b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, NaN]}}', bytes(1)),
    "infinite offset": (b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1e999]}}', bytes(1)),
    "size that differs from the shape": (entry(shape=[3]), bytes(8)),
    "overlap": (second(4, 10), bytes(10)),
    "the same bytes twice": (second(0, 8), bytes(8)),
    "gap": (second(10, 12), bytes(12)),
    "array cut short": (entry(), bytes(7)),
    "far beyond the file": (entry(shape=[10**15], data_offsets=[0, 4 * 10**15]), bytes(8)),
    "product beyond 64 bits": (entry(shape=[2**62, 2**62], data_offsets=[0, 2**126]), bytes(8)),
    "bytes after the end": (entry(), bytes(9)),
    "bytes without arrays": ({}, bytes(1)),
    "texts are a list": ({"__metadata__": ["a"]}, b""),
    "texts are numbers": ({"__metadata__": {"a": 1}}, b""),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_and_hostile_headers_end_in_one_kind_of_error(tmp_path: Path, case: str):
    with pytest.raises(
        FormatError, match=r"^(the header is damaged \(|array '.' is cut short|\d+ bytes follow)"
    ):
        read_safetensors(write_raw(tmp_path / "a.safetensors", *DAMAGED[case]))


def test_what_we_call_damaged_the_package_refuses_too(tmp_path: Path, theirs: Any):
    from safetensors import SafetensorError

    for header, body in DAMAGED.values():
        with pytest.raises(SafetensorError):
            theirs.load_file(write_raw(tmp_path / "a.safetensors", header, body))


@pytest.mark.parametrize(
    "content", [b"", b"1234567", b"\xff" * 8, b"\xff" * 100, (20).to_bytes(8, "little") + b"{}"]
)
def test_a_header_longer_than_the_file_is_told(tmp_path: Path, content: bytes):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"^the header is longer than the file$"):
        read_safetensors(path)


def test_every_cut_of_a_file_is_noticed(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"a": np.arange(5.0), "b": np.arange(3, dtype=np.uint8)}, {"t": "x"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError):
            read_safetensors(path)
