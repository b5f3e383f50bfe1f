"""Array types and shape checks shared by the vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Float = NDArray[np.floating[Any]]
    Int = NDArray[np.integer[Any]]


def require_shape(name: str, array: Float | Int, shape: Sequence[int | None]) -> None:
    """Check an array's shape; ``None`` stands for any length.

    Raises:
        ValueError: Naming the array, the shape expected and the shape it got.
    """
    got = array.shape
    if len(got) == len(shape) and all(want in (None, have) for want, have in zip(shape, got, strict=True)):
        return
    expected = ", ".join("any" if want is None else str(want) for want in shape)
    expected = f"({expected},)" if len(shape) == 1 else f"({expected})"
    raise ValueError(f"{name} must have shape {expected}, got {got}")


def float_array(name: str, values: ArrayLike, shape: Sequence[int | None]) -> NDArray[np.float32]:
    """A C-contiguous float32 array of the given shape.

    Raises:
        ValueError: If the shape differs.
    """
    array = np.asarray(values, dtype=np.float32, order="C")
    require_shape(name, array, shape)
    return array
