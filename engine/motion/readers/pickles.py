"""Read pickled numbers without running what may be hidden among them.

A pickle is a program. This one may build dictionaries, lists, texts and arrays, and use names from a short
list. Any other name ends the reading. Objects of joblib and torch are stood in for by boxes that only
hold values.
"""

from __future__ import annotations

import pickle
import struct
import tokenize
import zipfile
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...avatar.errors import AvatarError
from . import pickled_arrays as arrays
from .pickled_arrays import ForbiddenNameError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

DAMAGED = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, AssertionError,
    MemoryError, OverflowError, RecursionError, struct.error, zlib.error, zipfile.BadZipFile,
    NotImplementedError, RuntimeError, OSError, SystemError, tokenize.TokenError,
)  # fmt: skip
"""What reading a damaged archive or pickle may raise."""

Names = dict[tuple[str, str], Any]


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How Python 3 writes bytes in old protocols."""
    return text.encode("utf8" if encoding == "utf8" else "latin1")


def _plain_dict(_factory: object = None, *_more: object) -> dict[Any, Any]:
    return {}


def _numpy_names() -> Names:
    names: Names = {("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): arrays.DType}
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = arrays.reconstruct
        names[f"{core}.multiarray", "scalar"] = arrays.scalar
        names[f"{core}.numeric", "_frombuffer"] = arrays.from_buffer
    return names


_ALLOWED: Names = {
    **_numpy_names(),
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): _plain_dict,
    **{(module, "dict"): _plain_dict for module in ("builtins", "__builtin__")},
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): arrays.JoblibArray,
}


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
        """Give an object its state; Python's own way would set any attribute of anything."""
        stack: list[Any] = self.stack  # pyright: ignore[reportAttributeAccessIssue]
        state, target = stack.pop(), stack[-1]
        if isinstance(target, np.ndarray):
            arrays.set_array(target, state)
        elif isinstance(target, arrays.Box):
            target.state = state
            if isinstance(target, arrays.JoblibArray):
                stack[-1] = target.array(self._file)
        elif not isinstance(target, OrderedDict):
            raise ForbiddenNameError(f"state of {type(target).__name__}")

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
