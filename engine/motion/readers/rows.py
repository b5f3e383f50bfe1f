"""One row of numbers per frame, from whatever shape a file gives them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.errors import AvatarError
from ...avatar.rotations import rotvec_from_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...avatar.arrays import Float as Array


def rows_of(value: Any, widths: Sequence[int], name: str, where: str) -> Array:
    """A member as one row per frame; matrices become axis-angle vectors. [F, one of widths]"""
    try:
        array = np.asarray(value, np.float64)
    except (ValueError, TypeError):
        raise AvatarError(f"{where}: {name} is no table of numbers. Choose another file.") from None
    if array.ndim > 2 and len(array) == 1 and not _fits(array, widths):
        array = array[0]  # a person's axis in front
    if _are_matrices(array, widths):
        array = rotvec_from_matrix(_orthonormal(array, name, where))
    if array.ndim >= 2 and array.size and array[0].size in widths:
        return array.reshape(len(array), -1)
    if array.size in widths:
        return array.reshape(1, -1)
    if array.ndim >= 1 and not array.size:
        raise AvatarError(f"{where} has no frames. Export the motion again.")
    count = array[0].size if array.ndim > 1 else array.size
    raise AvatarError(
        f"{where}: {name} has {count} numbers a frame, which fits no "
        f"known skeleton ({', '.join(map(str, widths))}). Choose a file of SMPL, SMPL-H or SMPL-X."
    )


def _are_matrices(array: Array, widths: Sequence[int]) -> bool:
    """Whether rotations are 3x3 matrices: three times the numbers that axis-angle vectors have."""
    if array.ndim < 3 or array.shape[-2:] != (3, 3) or not array.size or array[0].size in widths:
        return False
    return array[0].size // 3 in widths or array.size // 3 in widths


def _fits(array: Array, widths: Sequence[int]) -> bool:
    return bool(array.size) and (array[0].size in widths or _are_matrices(array, widths))


def _orthonormal(matrices: Array, name: str, where: str) -> Array:
    error = np.abs(matrices @ np.swapaxes(matrices, -1, -2) - np.eye(3)).max() if matrices.size else 0.0
    if error > 0.05:  # NaN passes, and is reported with its frame
        raise AvatarError(f"{where}: {name} holds matrices that are no rotations. Choose another file.")
    return matrices


def as_many(rows: Array, count: int, name: str, where: str) -> Array:
    """Rows for each frame; a single one holds for all."""
    if len(rows) == count:
        return rows
    if len(rows) == 1 and count:
        return np.repeat(rows, count, axis=0)
    raise AvatarError(f"{where}: {name} has {len(rows)} frames, the poses have {count}. Export it again.")


def numbers_of(value: Any, name: str, where: str) -> Array:
    """A member as numbers."""
    try:
        return np.atleast_1d(np.asarray(value, np.float64))
    except (ValueError, TypeError):
        raise AvatarError(f"{where}: {name} is no table of numbers. Choose another file.") from None
