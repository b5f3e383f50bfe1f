"""The table of built-in motions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .idle import idle
from .range_of_motion import range_of_motion
from .run import run
from .sit import sit
from .turn import turn
from .walk import walk
from .wave import wave

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..motion import Motion


@dataclass(frozen=True)
class BuiltIn:
    """One of the built-in motions.

    Args:
        label: Shown to the user.
        description: Likewise, one sentence without its stop.
        maker: Makes it from rest joints [55, 3], frames per second, and those options that it has.
        loops: Whether the first pose follows the last one without a jump.
        options: Of the maker: ``cycles``, how often; ``travel``, whether it covers ground.
    """

    label: str
    description: str
    maker: Callable[..., Motion]
    loops: bool = True
    options: frozenset[str] = frozenset()


_CYCLES = frozenset({"cycles"})

BUILT_IN: dict[str, BuiltIn] = {
    "idle": BuiltIn("Idle", "Stand about, breathe, shift the weight from leg to leg", idle, options=_CYCLES),
    "walk": BuiltIn("Walk", "Walk, on the spot or forward", walk, options=_CYCLES | {"travel"}),
    "run": BuiltIn("Run", "Run, on the spot or forward", run, options=_CYCLES | {"travel"}),
    "wave": BuiltIn("Wave", "Raise the right hand and wave", wave, options=_CYCLES),
    "turn": BuiltIn("Turn Around", "Turn to the back on the spot, step by step", turn, loops=False),
    "sit": BuiltIn("Sit", "Sit down on a chair and get up again", sit),
    "range_of_motion": BuiltIn(
        "Range of Motion",
        "Move every joint as far as people can: shows how the avatar deforms",
        range_of_motion,
    ),
}
"""By the name that scripts use."""
