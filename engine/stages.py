"""Which stage a reconstruction is in: what the artist reads, and the seconds for the report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    ReportProgress = Callable[[str, float, str], None]


class Stages:
    """Seconds per stage, and the way to the progress bar.

    Args:
        table: By name and in order: about how many seconds each takes, and what the artist reads.
        progress: Told the stage, the fraction of the whole and the text; it may raise to cancel.
    """

    def __init__(self, table: Mapping[str, tuple[float, str]], progress: ReportProgress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._shares: dict[str, tuple[float, float, str]] = {}
        self._stage, self._since, self._told = "", 0.0, 0.0
        total, before = sum(seconds for seconds, _ in table.values()), 0.0
        for name, (seconds, text) in table.items():
            self._shares[name] = (before / total, seconds / total, text)
            before += seconds

    def at(self, stage: str, fraction: float) -> None:
        """Say how much of a stage is done; a new name ends the stage before."""
        now = time.perf_counter()
        if stage != self._stage:
            self.stop()
            self._stage, self._since = stage, now
        start, share, text = self._shares[stage]
        # A stage that begins anew, for want of memory, does not take the bar back.
        self._told = max(self._told, min(start + share * min(max(fraction, 0.0), 1.0), 1.0))
        self._progress(stage, self._told, text)

    def stop(self) -> None:
        """End the running stage."""
        if self._stage:
            spent = time.perf_counter() - self._since
            # Several photos go through the same stages one after the other.
            self.seconds[self._stage] = round(self.seconds.get(self._stage, 0.0) + spent, 3)
        self._stage = ""
