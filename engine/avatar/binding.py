"""Which joints a Gaussian follows, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import require_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Float, Int

DEFAULT_INFLUENCES = 4


@dataclass(frozen=True)
class Binding:
    """The K joints each Gaussian follows, strongest first; kept as int32 and float32.

    Args:
        joint_indices: [N, K]
        joint_weights: Rows sum to one. [N, K]

    Raises:
        ValueError: If the shapes differ or a row does not sum to one.
    """

    joint_indices: Int
    joint_weights: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "joint_indices", np.ascontiguousarray(self.joint_indices, np.int32))
        object.__setattr__(self, "joint_weights", np.ascontiguousarray(self.joint_weights, np.float32))
        require_shape("joint_indices", self.joint_indices, (None, None))
        require_shape("joint_weights", self.joint_weights, self.joint_indices.shape)
        if self.count:
            worst = float(np.abs(self.joint_weights.sum(axis=1) - 1).max())
            if not worst < 1e-4:
                raise ValueError(f"joint_weights rows must sum to 1, one is off by {worst:.2g}")

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return len(self.joint_indices)

    @property
    def influences(self) -> int:
        """Joints per Gaussian."""
        return self.joint_indices.shape[1]

    def take(self, index: NDArray[np.int64]) -> Binding:
        """The rows named by an index or mask."""
        return Binding(self.joint_indices[index], self.joint_weights[index])


def strongest(weights: Float, k: int = DEFAULT_INFLUENCES) -> Binding:
    """Keep the K strongest joints of each row and scale them to sum to one.

    Args:
        weights: Skinning weights, one column per joint. [N, J]
        k: Joints to keep.

    Returns:
        A binding of K influences, strongest first; equal weights keep joint order.

    Raises:
        ValueError: If a row has no positive weight.
    """
    order = np.argsort(-weights, axis=1, kind="stable")[:, :k]
    kept = np.take_along_axis(weights, order, axis=1).astype(np.float64)
    total = kept.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise ValueError("every row of weights needs a positive entry")
    return Binding(order, kept / total)


def dense(binding: Binding, joint_count: int) -> NDArray[np.float32]:
    """Skinning weights with one column per joint.

    Args:
        binding: Any binding.
        joint_count: Number of columns J.

    Returns:
        [N, J]
    """
    weights = np.zeros((binding.count, joint_count), np.float32)
    np.add.at(weights, (np.arange(binding.count)[:, None], binding.joint_indices), binding.joint_weights)
    return weights
