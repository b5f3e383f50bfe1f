"""What betas do to an avatar: one direction for each Gaussian and each joint, in the rest pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import float_array
from .body import JOINT_COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Float, Int


@dataclass(frozen=True)
class ShapeSpace:
    """The avatar's own linear shape space; metres per unit of beta, rest pose, body axes. Kept in float32.

    Betas are added in the zero pose, before any joint turns, so the same numbers hold in every pose.

    Args:
        mean_dirs: Of each Gaussian's centre. [N, 3, S]
        joint_dirs: Of each rest joint. [55, 3, S]

    Raises:
        ValueError: If the shapes do not fit together.

    Source: Loper et al. 2015, eq. 8 and 10.
    """

    mean_dirs: Float
    joint_dirs: Float

    def __post_init__(self) -> None:
        mean_dirs = float_array("mean_dirs", self.mean_dirs, (None, 3, None))
        object.__setattr__(self, "mean_dirs", mean_dirs)
        shape = (JOINT_COUNT, 3, mean_dirs.shape[2])
        object.__setattr__(self, "joint_dirs", float_array("joint_dirs", self.joint_dirs, shape))

    @property
    def count(self) -> int:
        """Number of betas."""
        return self.mean_dirs.shape[2]

    def take(self, index: Int | NDArray[np.bool_]) -> ShapeSpace:
        """The rows of the Gaussians named by an index or mask."""
        return ShapeSpace(self.mean_dirs[index], self.joint_dirs)


def padded_betas(betas: Float, count: int) -> NDArray[np.float32]:
    """As many betas as there are directions: further ones are left out, missing ones are zero. [count]"""
    padded = np.zeros(count, np.float32)
    padded[: min(count, len(betas))] = betas[:count]
    return padded
