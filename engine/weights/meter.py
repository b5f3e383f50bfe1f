"""Bytes into what the user reads while waiting: how much, how fast, how long still."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..protocol import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    ReportProgress = Callable[[str, float, str], None]

_VERBS = {"fetch": "Downloading", "check": "Checking", "unpack": "Unpacking"}
_SETTLE_SECONDS = 1.0  # before a speed means something


class Meter:
    """The ``report`` of a job over several files: ``meter("fetch", bytes_of_this_file)``.

    Attributes:
        total: Bytes of the whole job; settable once the server has told.
        before: Bytes of the files that are done.
    """

    def __init__(
        self, title: str, total: int, progress: ReportProgress, cancelled: Callable[[], bool]
    ) -> None:
        self.total = total
        self.before = 0
        self._title = title
        self._progress = progress
        self._cancelled = cancelled
        self._stage = ""
        self._since = 0.0
        self._from = 0

    def __call__(self, stage: str, done: int) -> None:
        """Tell the user, or stop.

        Args:
            stage: "fetch", "check" or "unpack".
            done: Bytes of the file at hand.

        Raises:
            Cancelled: If the user wants no more.
        """
        self.look()
        done += self.before
        if stage != self._stage or done < self._from:
            self._stage, self._since, self._from = stage, time.monotonic(), done
        fraction = min(done / max(self.total, 1), 1.0)
        amount = f"{_VERBS[stage]} {self._title}: {_size(done)} of {_size(self.total)}"
        self._progress(stage, fraction, amount + self._pace(done))

    def connect(self) -> None:
        """Say that the server is being asked."""
        self.look()
        self._progress("connect", 0.0, f"Asking for {self._title}")

    def look(self) -> None:
        """Stop if the user wants no more.

        Raises:
            Cancelled: Then.
        """
        if self._cancelled():
            raise Cancelled("The download was cancelled; what is there is kept.")

    def _pace(self, done: int) -> str:
        seconds = time.monotonic() - self._since
        if seconds < _SETTLE_SECONDS or done <= self._from:
            return ""
        speed = (done - self._from) / seconds
        left = max(self.total - done, 0) / speed
        return f", {_size(speed)}/s, {_time(left)} left"


def _size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
