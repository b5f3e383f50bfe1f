"""What a caller may say about a file, where the file itself does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...avatar.body import Body


@dataclass(frozen=True)
class Options:
    """Choices of the user, and what the readers need besides the file.

    Args:
        body: Gives the rest joints that SMPL-like files leave out.
        up: "y", "z", "-y", or "auto" to judge it.
        fps: Frames per second; ``None`` to take what the file says.
        person: Which person of the file, counted from 0 in the order the note lists them; in glTF, which
            animation. ``None`` takes the one that lasts longest.
        progress: Called now and then with the fraction done; what it raises ends the reading.
    """

    body: Body
    up: str = "auto"
    fps: float | None = None
    person: int | None = None
    progress: Callable[[float], None] | None = None

    def report(self, fraction: float) -> None:
        """Tell how far it is."""
        if self.progress is not None:
            self.progress(fraction)
