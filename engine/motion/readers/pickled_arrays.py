"""How numpy and joblib put arrays into pickles, done by hand.

numpy's own ``__setstate__`` believes what it is told, down to the flags of a type; so only arrays of plain
numbers and texts, whose sizes agree, are handed to it here.
"""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing import BinaryIO

    Array = np.ndarray[Any, Any]

_PLAIN_TYPE = re.compile(r"[<>|=]?([?biufcSU]|[biufcSU]\d{1,5}|O8?)")


class ForbiddenNameError(pickle.UnpicklingError):
    """Something that numbers have no use for."""


class Box:
    """Holds what a pickle says of an object of a class that we do not have."""

    state: Any = None


class DType(Box):
    """A type of numbers, by its code; the byte order comes with the state."""

    def __init__(self, code: object = "", *_more: object) -> None:
        if not isinstance(code, str) or not _PLAIN_TYPE.fullmatch(code):
            raise ForbiddenNameError(f"numbers of type {str(code)[:40]!r}")
        self.code = code

    def numpy(self) -> np.dtype[Any]:
        """The type itself."""
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else ""
        return np.dtype(order + self.code.lstrip("<>|=") if order in ("<", ">") else self.code)


class JoblibArray(Box):
    """joblib writes this in an array's stead, and its bytes right behind."""

    def array(self, file: BinaryIO) -> Array:
        """Take the bytes.

        Raises:
            EOFError: If there are too few.
        """
        shape, dtype = _shape(self.state["shape"]), numbers_type(self.state["dtype"])
        if self.state.get("numpy_array_alignment_bytes") is not None:
            file.read(file.read(1)[0])  # padding, after a byte that tells how much
        size = _count(shape) * dtype.itemsize
        data = file.read(size)
        if len(data) != size:
            raise EOFError(f"an array lacks {size - len(data)} bytes")
        return _shaped(data, dtype, shape, self.state.get("order") == "F")


def numbers_type(dtype: object) -> np.dtype[Any]:
    """A type without objects in it."""
    if not isinstance(dtype, DType) or dtype.numpy().hasobject:
        raise ForbiddenNameError("an array of objects")
    return dtype.numpy()


def reconstruct(*_what: object) -> Array:
    """What numpy starts an array with; its state comes after."""
    return np.empty(0, np.int8)


def set_array(array: Array, state: Any) -> None:
    """Give an array from ``reconstruct`` its numbers, or its objects, which the same pickle has made.

    Raises:
        ValueError: If their count does not fit the shape.
    """
    shape, dtype, fortran, data = state[-4:]
    shape = _shape(shape)
    if not isinstance(dtype, DType):
        raise ForbiddenNameError("an array of no type")
    kind = dtype.numpy()
    raw = data.encode("latin1") if isinstance(data, str) else data
    fits = isinstance(raw, list) if kind.hasobject else isinstance(raw, bytes)
    if not fits or len(raw) != _count(shape) * (1 if kind.hasobject else kind.itemsize):
        raise ValueError(f"an array of shape {shape} with {len(raw)} entries or bytes")
    array.__setstate__((1, shape, kind, bool(fortran), raw))  # pyright: ignore[reportArgumentType]


def from_buffer(data: object, dtype: object, shape: Any, order: object) -> Array:
    """What numpy makes an array of in protocol 5."""
    if not isinstance(data, (bytes, bytearray)):
        raise ForbiddenNameError("an array without bytes")
    return _shaped(data, numbers_type(dtype), _shape(shape), order == "F")


def scalar(dtype: object, data: object) -> Any:
    """A single number of numpy's."""
    raw = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(raw, bytes):
        raise ForbiddenNameError("a number without bytes")
    return np.frombuffer(raw, numbers_type(dtype), 1)[0]


def _shaped(data: bytes | bytearray, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> Array:
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ValueError(f"an array of shape {str(sizes)[:40]}")
    return sizes


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=object))
