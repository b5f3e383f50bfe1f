"""A motion: one pose per frame, for any person."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import float_array, require_shape
from ..avatar.body import JOINT_COUNT, JOINT_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Motion:
    """Poses at a steady rate. Body axes; see ``JOINT_NAMES`` for the order of the joints.

    Args:
        pose: Rotation of each joint against its parent, axis-angle, radians. [F, 55, 3]
        transl: Added to every joint, metres. [F, 3]
        fps: Poses per second.
        name: Shown to the user, as the name of the Action.
        expression: Weights of face shapes; none by default. [F, E]
        source: What it was read from, for the user: "AMASS", "LHM", ...; empty for motions made here.
        notes: Sentences for the user: what was assumed when it was read.
        expression_names: Of the face shapes, as in ``FaceSpace.names``: ARKit's, or SMPL-X's coefficients
            ``Exp000`` …, which is the default. [E]
        joints: Names of those that the motion is about; the others, and the way, are left to what is played
            below it. ``None``, as in most motions: all of them, and the way.

    Raises:
        ValueError: If a shape is wrong, there is no frame, a number is not finite, ``fps`` is not positive,
            the name is empty, or a joint is unknown.
    """

    pose: NDArray[np.float32]
    transl: NDArray[np.float32]
    fps: float
    name: str
    expression: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    source: str = ""
    notes: tuple[str, ...] = ()
    expression_names: tuple[str, ...] = ()
    joints: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pose", float_array("pose", self.pose, (None, JOINT_COUNT, 3)))
        object.__setattr__(self, "transl", float_array("transl", self.transl, (None, 3)))
        if not self.count:
            raise ValueError("a motion needs at least one frame, got 0")
        require_shape("transl", self.transl, (self.count, 3))
        if not np.size(self.expression):
            object.__setattr__(self, "expression", np.zeros((self.count, 0), np.float32))
        object.__setattr__(self, "expression", float_array("expression", self.expression, (self.count, None)))
        width = self.expression.shape[1]
        names = tuple(self.expression_names) or tuple(f"Exp{k:03d}" for k in range(width))
        object.__setattr__(self, "expression_names", names)
        if len(names) != width or len(set(names)) != width:
            raise ValueError(f"expression_names must be {width} different names, got {names}")
        for name in ("pose", "transl", "expression"):
            bad = int((~np.isfinite(getattr(self, name))).sum())
            if bad:
                raise ValueError(f"{name} must be finite, got {bad} numbers that are not")
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"fps must be a positive number, got {self.fps}")
        if not self.name:
            raise ValueError("name must not be empty, got ''")
        unknown = set(self.joints or ()) - set(JOINT_NAMES)
        if unknown:
            raise ValueError(f"joints must be among JOINT_NAMES, got {min(unknown)!r}")

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.pose)

    @property
    def duration(self) -> float:
        """Seconds until the motion ends, or starts again if it is a loop."""
        return self.count / self.fps
