"""A take of a face alone: no skeleton, nothing to be retargeted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..take import DEFAULT_FPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float


@dataclass(frozen=True)
class FaceTake:
    """What a face did.

    Args:
        curves: By the names that the source has; at least one, all of one length. [F] each
        fps: Frames per second; ``None`` where the source does not say.
        name: Shown to the user, as the name of the Action.
        source: What it came from.
        head: Turns of the head, axis-angle, radians, body axes; ``None`` if not recorded. [F, 3]
        notes: Sentences for the user.

    Raises:
        ValueError: If there is no curve or no frame, or lengths differ.
    """

    curves: Mapping[str, Float]
    fps: float | None
    name: str
    source: str
    head: Float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(curve) for curve in self.curves.values()}
        if self.head is not None:
            lengths.add(len(self.head))
        if not self.curves or len(lengths) != 1 or not self.count:
            raise ValueError(f"curves must be of one length, at least one frame, got {sorted(lengths)}")

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(next(iter(self.curves.values()), ()))

    @property
    def rate(self) -> float:
        """Frames per second, the usual rate where the source does not say."""
        return DEFAULT_FPS if self.fps is None else self.fps
