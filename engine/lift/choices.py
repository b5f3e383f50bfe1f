"""Choices: what the artist may decide about an avatar of the built-in engine."""

from __future__ import annotations

from dataclasses import dataclass

from ..avatar.binding import DEFAULT_INFLUENCES
from ..request import DEFAULT_COUNT, DIFFUSED, KEEP


@dataclass(frozen=True)
class Choices:
    """Settings of ``lift``; see ``ReconstructRequest``, which has checked them.

    Args:
        count: About how many Gaussians.
        influences: Joints per Gaussian.
        seed: Equal seeds give equal avatars.
        binding: ``diffused`` or ``surface``.
        loose: How freely clothes hang about the legs, 0 to 1; None for what the photo says.
        held: ``keep`` or ``drop``.
    """

    count: int = DEFAULT_COUNT
    influences: int = DEFAULT_INFLUENCES
    seed: int = 0
    binding: str = DIFFUSED
    loose: float | None = None
    held: str = KEEP
