"""Pickles put together by hand, so that they may say anything and need no foreign package."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np

Code = bytes


def name(module: str, attribute: str) -> Code:
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> Code:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> Code:
    return b"J" + struct.pack("<i", value)


def group(*items: Code) -> Code:
    return b"(" + b"".join(items) + b"t"


def mapping(items: dict[str, Code], start: Code = b"}") -> Code:
    return start + b"(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def call(function: Code, *arguments: Code) -> Code:
    return function + group(*arguments) + b"R"


def pickled(content: Code) -> bytes:
    return b"\x80\x02" + content + b"."


def tensor(key: int, array: np.ndarray, kind: str = "FloatStorage", offset: int = 0) -> Code:
    """A reference to numbers that lie beside the pickle, as torch writes it."""
    strides = [s // array.itemsize for s in np.empty(array.shape, array.dtype).strides]
    storage = group(text("storage"), name("torch", kind), text(str(key)), text("cpu"), number(array.size))
    return call(
        name("torch._utils", "_rebuild_tensor_v2"),
        storage + b"Q",
        number(offset),
        group(*map(number, array.shape)),
        group(*map(number, strides)),
        b"\x89",
        call(name("collections", "OrderedDict")),
    )


def torch_file(content: Code, storages: list[np.ndarray]) -> bytes:
    """A zip as ``torch.save`` makes it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("take/data.pkl", pickled(content))
        archive.writestr("take/byteorder", b"little")
        for key, array in enumerate(storages):
            archive.writestr(f"take/data/{key}", array.tobytes())
    return data.getvalue()


def joblib_array(array: np.ndarray, before: int, *, aligned: bool) -> Code:
    """An array as joblib writes it: a note of its shape, padding, and its bytes.

    Args:
        array: In C order.
        before: Bytes of the file before this.
        aligned: Whether it is padded to 16 bytes, as joblib does since 1.2.
    """
    state = {
        "subclass": name("numpy", "ndarray"),
        "shape": group(*map(number, array.shape)),
        "order": text("C"),
        "dtype": call(name("numpy", "dtype"), text(array.dtype.str[1:]), b"\x89", b"\x88"),
        "allow_mmap": b"\x88",
    }
    if aligned:
        state["numpy_array_alignment_bytes"] = number(16)
    code = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + mapping(state) + b"b"
    if aligned:
        pad = 16 - (before + len(code) + 1) % 16
        code += bytes([pad]) + b"\xff" * pad
    return code + array.tobytes()
