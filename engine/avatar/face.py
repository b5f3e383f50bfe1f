"""What the face can do on an avatar: one direction for each Gaussian of the head and each named shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import float_array, require_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .arrays import Int


@dataclass(frozen=True)
class FaceSpace:
    """The avatar's face shapes; metres per unit of weight, rest pose, body axes. Kept in float32.

    Shapes are added in the zero pose, before any joint turns, and do not move joints.

    Args:
        names: Of the shapes: ARKit's names (``mouthSmileLeft``), and ``Exp000`` … for the coefficients of an
            SMPL-X body. What joints do (``jawOpen``, ``jawLeft``, ``jawRight``) is not among them. [E]
        indices: The Gaussians that any shape moves, ascending. [M]
        dirs: How they move. [M, 3, E]

    Raises:
        ValueError: If the shapes do not fit together, a name comes twice, or indices do not ascend from 0 on.
    """

    names: tuple[str, ...]
    indices: NDArray[np.int32]
    dirs: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names must differ, got {self.names}")
        indices = np.ascontiguousarray(self.indices, np.int32)
        if indices.ndim != 1 or (indices.size and (indices[0] < 0 or (np.diff(indices) <= 0).any())):
            raise ValueError("indices must be one row of ascending numbers from 0 on")
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "dirs", float_array("dirs", self.dirs, (None, 3, None)))
        require_shape("dirs", self.dirs, (len(indices), 3, len(self.names)))

    @property
    def count(self) -> int:
        """Number of shapes."""
        return len(self.names)

    def moved(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        """How far each of ``indices`` moves, metres. [M, 3]

        Args:
            weights: Of the shapes; those not named are zero.

        Raises:
            ValueError: If a name is unknown.
        """
        unknown = sorted(set(weights) - set(self.names))
        if unknown:
            raise ValueError(f"there is no face shape {unknown[0]!r}; there are {', '.join(self.names)}")
        return self.dirs @ np.array([weights.get(name, 0.0) for name in self.names], np.float32)

    def take(self, index: Int | NDArray[np.bool_], count: int) -> FaceSpace:
        """The shapes of the Gaussians named by an index or mask, in its order.

        Args:
            index: Into all Gaussians of the avatar.
            count: How many Gaussians the avatar has.
        """
        row = np.full(count, -1, np.int64)
        row[self.indices] = np.arange(len(self.indices))
        rows = row[index]
        kept = np.flatnonzero(rows >= 0)
        return FaceSpace(self.names, kept.astype(np.int32), self.dirs[rows[kept]])
