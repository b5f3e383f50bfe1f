"""Read an SMPL-X ``.pkl`` without running what may be hidden in it.

A pickle is a program. This one may build dictionaries, lists, texts and arrays, and names from a short list;
the two foreign classes found in such files (chumpy's array, scipy's sparse matrix) are stood in for by boxes
that only hold values. Any other name ends the reading.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MEMBERS = ("v_template", "f", "weights", "J_regressor", "kintree_table", "shapedirs")
OPTIONAL = ("hands_meanl", "hands_meanr")
_MOST_BYTES = 2_000_000_000  # SMPL-X's own are a quarter of it


class _Box:
    """Holds what a pickle says of an object of a class that we do not have."""

    state: dict[str, Any]

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}


class _ChumpyArray(_Box):
    """chumpy's array: the values lie in ``x``."""


class _SparseMatrix(_Box):
    """scipy's compressed columns: data, row of each, start of each column, shape."""


def _rebuild(kind: type, _base: type, _state: object) -> object:
    """What ``copyreg._reconstructor`` does, for our boxes only."""
    if not (isinstance(kind, type) and issubclass(kind, _Box)):
        raise pickle.UnpicklingError(f"an object of {kind!r}")
    return kind()


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How Python 3 writes bytes in old protocols."""
    return text.encode("latin1" if encoding != "utf8" else "utf8")


def _array_names() -> dict[tuple[str, str], Any]:
    """What an array is made from, under numpy's old and new names."""
    reconstruct = np.empty(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")
    names: dict[tuple[str, str], Any] = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype}
    for module in modules:
        names |= {(module, "_reconstruct"): reconstruct, (module, "scalar"): scalar}
    return names


_ALLOWED: dict[tuple[str, str], Any] = {
    **_array_names(),
    ("_codecs", "encode"): _encode,
    ("copy_reg", "_reconstructor"): _rebuild,
    ("copyreg", "_reconstructor"): _rebuild,
    ("__builtin__", "object"): object,
    ("builtins", "object"): object,
    ("chumpy.ch", "Ch"): _ChumpyArray,
    ("chumpy", "Ch"): _ChumpyArray,
    ("scipy.sparse.csc", "csc_matrix"): _SparseMatrix,
    ("scipy.sparse._csc", "csc_matrix"): _SparseMatrix,
}


class _Reader(pickle.Unpickler):
    """Knows the names above and no other; by default an unpickler imports whatever it is told to."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _ForbiddenNameError(f"{module}.{name}") from None

    def persistent_load(self, pid: object) -> Any:
        raise _ForbiddenNameError(f"outside object {pid!r}")


class _ForbiddenNameError(pickle.UnpicklingError):
    """A name that a body has no use for."""


def read_body_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """The members of a body that we use, as plain arrays.

    Args:
        path: An ``SMPLX_*.pkl`` file.

    Raises:
        AvatarError: If it wants more than arrays, is damaged, or lacks a member.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise AvatarError(f"{path.name} is far too large for a body. Choose an SMPLX_*.npz or .pkl file.")
    try:
        with path.open("rb") as file:
            values = _Reader(file, encoding="latin1").load()
    except _ForbiddenNameError as error:
        raise AvatarError(
            f"{path.name} was not opened: it wants to run {error}, which no body needs. Get SMPL-X from its "
            "own site, best as SMPLX_*.npz."
        ) from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError,
            MemoryError, OverflowError, RecursionError) as error:  # fmt: skip
        raise AvatarError(f"{path.name} is damaged ({error}). Get it again from SMPL-X's site.") from error
    if not isinstance(values, dict):
        raise AvatarError(f"{path.name} is no body file. Choose an SMPLX_*.npz or .pkl file.")
    return _members(path, values)


def _members(path: Path, values: dict[Any, Any]) -> dict[str, NDArray[Any]]:
    members = {}
    for name in (*MEMBERS, *OPTIONAL):
        if name in values:
            members[name] = _plain(path, name, values[name])
        elif name in MEMBERS:
            raise AvatarError(f"{path.name} has no member {name!r}. Choose SMPL-X, not SMPL or SMPL-H.")
    return members


def _plain(path: Path, name: str, value: object) -> NDArray[Any]:
    """A member as an array of numbers."""
    try:
        if isinstance(value, _ChumpyArray):
            value = value.state["x"]
        elif isinstance(value, _SparseMatrix):
            value = _dense(value.state)
        array = np.asarray(value)
    except (KeyError, ValueError, TypeError, IndexError, MemoryError) as error:
        raise AvatarError(
            f"{path.name}: member {name!r} is damaged. Get it again from SMPL-X's site."
        ) from error
    if array.dtype.kind not in "fiu":
        raise AvatarError(
            f"{path.name}: member {name!r} holds no numbers. Choose an SMPLX_*.npz or .pkl file."
        )
    return array


def _dense(state: dict[str, Any]) -> NDArray[Any]:
    rows, columns = (int(size) for size in (state["_shape"] if "_shape" in state else state["shape"]))
    data, indices, starts = (np.asarray(state[name]) for name in ("data", "indices", "indptr"))
    if len(starts) != columns + 1 or len(data) != len(indices):
        raise ValueError(f"starts must have {columns + 1} entries, got {len(starts)}")
    dense = np.zeros((rows, columns), data.dtype)
    dense[indices, np.repeat(np.arange(columns), np.diff(starts))] = data
    return dense
