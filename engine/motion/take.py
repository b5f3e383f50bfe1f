"""A take: what a file or an armature recorded, on its own skeleton, before it is carried over to ours."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import require_shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DEFAULT_FPS = 30.0
"""Taken where a file does not state its frame rate."""


@dataclass(frozen=True)
class Take:
    """A recorded skeleton of any rig, in a right-handed frame with +y up and the source's own unit of length.

    Nothing is known about which way the person faces, nor that the rest pose is one a person could take.

    Args:
        names: Of the joints, as the source calls them; for VRM the humanoid bone's name. [J]
        parents: Index of each joint's parent, -1 for a root; parents come before their children. [J]
        rotations: ``world_from_joint`` per frame. [F, J, 3, 3]
        positions: Of the joints in the world, source units. [F, J, 3]
        rest_rotations: ``world_from_joint`` in the source's zero or rest pose. [J, 3, 3]
        rest_positions: Joints in that pose, source units. [J, 3]
        fps: Frames per second; ``None`` where the source does not say.
        name: Shown to the user, as the name of the Action.
        source: What it came from: "BVH", "glTF", "VRMA" or "armature".
        unit_m: Metres in one source unit, if that is stated or the skeleton's size tells it.
        up: The axis that pointed up in the source: "y", "z" or "-y".
        curves: Weights of face shapes by name, mostly 0..1. [F] each
        notes: Sentences for the user: what was assumed.
        guessed: What the source does not tell: "fps", "up".

    Raises:
        ValueError: If shapes do not agree, there is no frame or no joint, a parent does not come before its
            child, a number is not finite, ``fps`` is not positive, or the name is empty.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rotations: NDArray[np.float64]
    positions: NDArray[np.float64]
    rest_rotations: NDArray[np.float64]
    rest_positions: NDArray[np.float64]
    fps: float | None
    name: str
    source: str
    unit_m: float | None = None
    up: str = "y"
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        joints = len(self.names)
        if not joints or len(self.parents) != joints:
            raise ValueError(
                f"names and parents must be as many, at least one, got {joints}, {len(self.parents)}"
            )
        for joint, parent in enumerate(self.parents):
            if not -1 <= parent < joint:
                raise ValueError(f"the parent of joint {joint} must come before it, got {parent}")
        frames = len(self.positions)
        if not frames:
            raise ValueError("a take needs at least one frame, got 0")
        for name, shape in (
            ("rotations", (frames, joints, 3, 3)),
            ("positions", (frames, joints, 3)),
            ("rest_rotations", (joints, 3, 3)),
            ("rest_positions", (joints, 3)),
        ):
            object.__setattr__(self, name, _finite(name, getattr(self, name), shape))
        curves = {name: _finite(f"curve {name}", curve, (frames,)) for name, curve in self.curves.items()}
        object.__setattr__(self, "curves", curves)
        if self.fps is not None and not (math.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"fps must be a positive number, got {self.fps}")
        if not self.name:
            raise ValueError("name must not be empty, got ''")

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.positions)

    @property
    def rate(self) -> float:
        """Frames per second, the usual rate where the source does not say."""
        return DEFAULT_FPS if self.fps is None else self.fps


def _finite(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    require_shape(name, array, shape)
    # A sum is not finite if one of its terms is not, and needs no second array of this size.
    if not math.isfinite(float(array.sum())):
        raise ValueError(f"{name} must be finite")
    return array
