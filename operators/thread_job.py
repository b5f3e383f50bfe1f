"""Jobs in a thread of Blender's own process: numpy only, never bpy."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from ..engine.avatar.errors import AvatarError
from ..engine.protocol import Cancelled, EngineBug, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome = TypeVar("Outcome")
_BREATH = 0.002  # seconds that the thread gives to the window each time it reports


class ThreadJob(Generic[Outcome]):
    """Runs a function beside the window.

    Args:
        work: Gets a function that it calls with the fraction done, and that ends it on a cancel.
        message: Shown meanwhile.
    """

    def __init__(self, work: Callable[[Callable[[float], None]], Outcome], message: str) -> None:
        self.progress = Progress(0, "", 0.0, message)
        self._message = message
        self._stop = threading.Event()
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name=message, daemon=True)
        self._thread.start()

    def poll(self) -> bool:
        """Whether it is over."""
        return not self._thread.is_alive()

    def result(self) -> Outcome:
        """What the function gave, or what it raised.

        Raises:
            AvatarError: What the user should know.
            Cancelled: If it was asked to end.
            EngineBug: If the function made a mistake.
        """
        self._thread.join()
        if isinstance(self._error, (AvatarError, Cancelled)):
            raise self._error
        if self._error is not None:
            raise EngineBug(str(self._error)) from self._error
        return self._outcome  # type: ignore[return-value]

    def cancel(self) -> None:
        """Ask it to end at its next report."""
        self._stop.set()

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join()

    def _run(self, work: Callable[[Callable[[float], None]], Outcome]) -> None:
        try:
            self._outcome = work(self._report)
        except BaseException as error:  # noqa: BLE001 - whatever it is, result() raises it in the main thread
            self._error = error

    def _report(self, fraction: float) -> None:
        if self._stop.is_set():
            raise Cancelled(self._message)
        self.progress = Progress(0, "", fraction, self._message)
        time.sleep(_BREATH)
