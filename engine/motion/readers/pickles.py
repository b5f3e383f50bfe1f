"""Read pickled numbers without running what may be hidden among them.

A pickle is a program. This one may build dictionaries, lists, texts and arrays, and use names from a short
list. Any other name ends the reading. Objects of joblib and torch are stood in for by boxes that only
hold values.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

DAMAGED = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, AssertionError,
    MemoryError, OverflowError, RecursionError, struct.error, zlib.error, zipfile.BadZipFile,
    NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
"""What reading a damaged archive or pickle may raise."""

Names = dict[tuple[str, str], Any]


class ForbiddenNameError(pickle.UnpicklingError):
    """A name that numbers have no use for."""


class Box:
    """Holds what a pickle says of an object of a class that we do not have."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}


class _JoblibArray(Box):
    """joblib writes this in an array's stead, and its bytes right behind."""

    def array(self, file: BinaryIO) -> np.ndarray[Any, Any]:
        dtype = np.dtype(self.state["dtype"])
        shape = tuple(int(size) for size in self.state["shape"])
        if dtype.hasobject or dtype.itemsize == 0 or min(shape, default=0) < 0:
            raise ForbiddenNameError(f"array of {dtype}")
        if self.state.get("numpy_array_alignment_bytes") is not None:
            file.read(file.read(1)[0])  # padding, after a byte that tells how much
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        data = file.read(size)
        if len(data) != size:
            raise EOFError(f"an array lacks {size - len(data)} bytes")
        order = "F" if self.state.get("order") == "F" else "C"
        return np.frombuffer(data, dtype).reshape(shape, order=order)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How Python 3 writes bytes in old protocols."""
    return text.encode("utf8" if encoding == "utf8" else "latin1")


def _plain_dict(_factory: object = None, *_more: object) -> dict[Any, Any]:
    return {}


def _reconstruct(_kind: object, _shape: object, _code: object) -> np.ndarray[Any, Any]:
    """What numpy starts an array with; its state comes after."""
    return np.ndarray.__new__(np.ndarray, (0,), np.int8)


def _from_buffer(data: object, dtype: object, shape: Any, order: str) -> np.ndarray[Any, Any]:
    """What numpy makes an array of in protocol 5."""
    kind = np.dtype(dtype)  # pyright: ignore[reportArgumentType, reportCallIssue]
    if kind.hasobject or not isinstance(data, (bytes, bytearray)):
        raise ForbiddenNameError(f"array of {kind}")
    return np.frombuffer(data, kind).reshape(shape, order="F" if order == "F" else "C")


def _scalar(dtype: object, data: object) -> Any:
    """A single number of numpy's."""
    kind = np.dtype(dtype)  # pyright: ignore[reportArgumentType, reportCallIssue]
    raw = data.encode("latin1") if isinstance(data, str) else data
    if kind.hasobject or not isinstance(raw, bytes):
        raise ForbiddenNameError(f"number of {kind}")
    return np.frombuffer(raw, kind, 1)[0]


def _numpy_names() -> Names:
    names: Names = {("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): np.dtype}
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = _reconstruct
        names[f"{core}.multiarray", "scalar"] = _scalar
        names[f"{core}.numeric", "_frombuffer"] = _from_buffer
    return names


_ALLOWED: Names = {
    **_numpy_names(),
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): _plain_dict,
    **{(module, "dict"): _plain_dict for module in ("builtins", "__builtin__")},
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _JoblibArray,
}
_MAY_HAVE_STATE = (Box, np.ndarray, np.dtype, OrderedDict)


class _Reader(pickle._Unpickler):  # the one in C cannot stop behind an array of joblib's
    """Knows the names above and no other; by default an unpickler imports whatever it is told to."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: BinaryIO, names: Names, load_outside: Callable[[Any], Any] | None) -> None:
        super().__init__(file, encoding="latin1")
        self._file, self._names, self._load_outside = file, _ALLOWED | names, load_outside

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[module, name]
        except KeyError:
            raise ForbiddenNameError(f"{module}.{name}") from None

    def persistent_load(self, pid: object) -> Any:
        if self._load_outside is None:
            raise ForbiddenNameError(f"outside object {str(pid)[:60]!r}")
        return self._load_outside(pid)

    def get_extension(self, code: int) -> Any:
        raise ForbiddenNameError(f"extension {code}")

    def load_build(self) -> None:
        stack: list[Any] = self.stack  # pyright: ignore[reportAttributeAccessIssue]
        target = stack[-2]
        if not isinstance(target, _MAY_HAVE_STATE):
            raise ForbiddenNameError(f"state of {type(target).__name__}")
        super().load_build()  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(target, _JoblibArray):
            stack[-1] = target.array(self._file)

    dispatch[pickle.BUILD[0]] = load_build


def load_pickle(
    file: BinaryIO, where: str, names: Names | None = None, load_outside: Callable[[Any], Any] | None = None
) -> Any:
    """Dictionaries, lists, texts, numbers and arrays of a pickle; what joblib wrote, too.

    Args:
        file: At the pickle's first byte.
        where: Name of the file, for errors.
        names: More names that it may use, and what stands for them.
        load_outside: Gives the objects that a pickle refers to but does not hold.

    Raises:
        AvatarError: If it wants more than that, or is damaged.
    """
    try:
        return _Reader(file, names or {}, load_outside).load()
    except ForbiddenNameError as error:
        raise AvatarError(
            f"{where} was not opened: it wants to use {error}, which no motion needs. Save the motion "
            "as .npz."
        ) from error
    except DAMAGED as error:
        raise AvatarError(
            f"{where} is damaged or no motion ({error}). Get it again, or save it as .npz."
        ) from error
