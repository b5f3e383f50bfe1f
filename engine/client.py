"""Blender's end of the engine process: start it, send, poll, cancel, close. Never touches bpy.

A reader thread only fills a queue. Whoever made the client drains it: a modal operator calls ``poll`` on each
tick of its timer, a script calls ``wait``. One consumer; the methods are not for use from several threads.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .avatar.errors import AvatarError
from .connection import WORKER, Connection, Ended, Launch
from .protocol import (
    Cancelled,
    EngineBug,
    Event,
    Failure,
    Message,
    Progress,
    ProtocolError,
    Result,
    event_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

CANCEL_GRACE_SECONDS = 3.0  # the longest pause between two progress calls is shorter
KILL_SECONDS = 1.0  # between the polite end and the sure one
_OUT_OF_MEMORY_EXIT = -9  # Linux kills the largest process when memory runs out


@dataclass
class _Cancelling:
    """A cancel under way: when patience ends next, and whether it ended before."""

    deadline: float
    forced: bool = False


class EngineClient:
    """An engine process and the requests it has not answered yet; made by ``start``."""

    def __init__(self, launch: Launch, cancel_grace: float = CANCEL_GRACE_SECONDS) -> None:
        self._launch = launch
        self._cancel_grace = cancel_grace
        self._connection: Connection | None = Connection(launch)
        self._next_id = 1
        self._open: set[int] = set()
        self._cancelling: dict[int, _Cancelling] = {}
        self._kept: deque[Event] = deque()  # events not yet given to anyone

    @classmethod
    def start(
        cls,
        python: Path,
        *,
        log_file: Path,
        worker: Path = WORKER,
        arguments: Sequence[str] = (),
        extra_env: Mapping[str, str] | None = None,
        cancel_grace: float = CANCEL_GRACE_SECONDS,
    ) -> EngineClient:
        """Start the engine and wait for its first word.

        Args:
            python: The interpreter of the engine's own environment.
            log_file: Takes all that the engine prints; made when missing.
            worker: The program to run; another one only in tests.
            arguments: For the worker; see engine/worker.py.
            extra_env: Environment variables on top of the cleaned ones.
            cancel_grace: Seconds a job has to notice a cancel before the process is ended by force.

        Raises:
            AvatarError: If it cannot be started, is no engine, or is one of another version.
        """
        return cls(Launch(python, log_file, worker, tuple(arguments), extra_env), cancel_grace)

    @property
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._connection is not None and self._connection.alive

    @property
    def pid(self) -> int | None:
        """The engine's process number; None when closed."""
        return self._connection.pid if self._connection else None

    @property
    def hello(self) -> Message:
        """What the engine said of itself: protocol, engine, python."""
        return self._connection.hello if self._connection else {}

    def restart(self) -> None:
        """Start a new process in place of the old one, dead or alive.

        Raises:
            AvatarError: As ``start`` does.
        """
        self.close()
        self._connection = Connection(self._launch)

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a job; jobs run one after the other.

        Returns:
            Its number, found again in each event about it.

        Raises:
            AvatarError: If the engine is not running.
        """
        if self._connection is None or not self._connection.alive:
            raise AvatarError("The engine is not running. Start the job again; that starts the engine, too.")
        request_id, self._next_id = self._next_id, self._next_id + 1
        self._connection.send({"id": request_id, "method": method, "params": dict(params or {})})
        self._open.add(request_id)
        return request_id

    def poll(self) -> list[Event]:
        """Take everything that arrived since the last call; never waits.

        Each request is answered by exactly one Result or Failure, also when the process dies.
        """
        return self._next_events(0.0)

    def wait(
        self,
        request_id: int,
        on_progress: Callable[[Progress], None] | None = None,
        timeout: float | None = None,
    ) -> Message:
        """Wait for an answer. For scripts and background use; a window would freeze.

        Args:
            request_id: What ``request`` returned; events of other requests stay for ``poll``.
            on_progress: Called with each progress report; may call ``cancel``.
            timeout: Seconds; None waits as long as it takes.

        Raises:
            AvatarError: If the job failed for a reason the user can act on, or the engine died.
            Cancelled: If the job was cancelled.
            EngineBug: If the engine failed in any other way.
            TimeoutError: If there is no answer in time; the job goes on.
            ValueError: If the request was answered before.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        others: list[Event] = []
        events: deque[Event] = deque()
        try:
            while True:
                events.extend(self._next_events(0.05))
                while events:
                    event = events.popleft()
                    if event.request_id != request_id:
                        others.append(event)
                    elif isinstance(event, Progress):
                        if on_progress is not None:
                            on_progress(event)
                    else:
                        return value_of(event)
                if request_id not in self._open:
                    raise ValueError(f"request {request_id} has been answered before")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"request {request_id} was not answered in {timeout} s")
        finally:
            self._kept.extendleft(reversed([*others, *events]))

    def cancel(self, request_id: int) -> None:
        """Ask for the end of a job; keep polling until its Failure of kind "cancelled" arrives.

        A job that does not notice in time takes the process with it; ``restart`` then makes a new one.
        """
        if self._connection and request_id in self._open and request_id not in self._cancelling:
            self._cancelling[request_id] = _Cancelling(time.monotonic() + self._cancel_grace)
            self._connection.send({"method": "cancel", "params": {"id": request_id}})

    def close(self) -> None:
        """End the process; harmless when there is none. Open requests are answered as cancelled."""
        if self._connection is None:
            return
        self._connection.close()
        self._connection = None
        self._kept.extend(self._give_up("Cancelled: the engine was closed."))

    def __enter__(self) -> EngineClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_events(self, seconds: float) -> list[Event]:
        """Everything there is; when there is nothing, whatever comes first within the given time."""
        events = list(self._kept)
        self._kept.clear()
        connection = self._connection
        if connection is None:
            return events
        incoming = connection.receive(0.0 if events else seconds)
        while incoming is not None:
            if isinstance(incoming, Ended):
                events += self._dead(incoming, connection)
            else:
                events += self._answered(incoming, connection)
            incoming = connection.receive()
        self._lose_patience(connection)
        return events

    def _answered(self, message: Message, connection: Connection) -> Iterable[Event]:
        try:
            event = event_from(message)
        except ProtocolError:
            log.exception("the engine sent a broken message and is ended: an answer may be lost")
            connection.end_by_force(politely=False)
            return ()
        if event is None or event.request_id not in self._open:
            log.warning("the engine sent a message about no open request: %.200r", message)
            return ()
        if not isinstance(event, Progress):
            self._open.discard(event.request_id)
            self._cancelling.pop(event.request_id, None)
        return (event,)

    def _lose_patience(self, connection: Connection) -> None:
        """End the process when a cancelled job has not noticed in time: politely, then by force."""
        now = time.monotonic()
        for state in self._cancelling.values():
            if now >= state.deadline:
                connection.end_by_force(politely=not state.forced)
                state.forced, state.deadline = True, now + KILL_SECONDS

    def _dead(self, ended: Ended, connection: Connection) -> list[Event]:
        """Answers for every open request of a process that is gone."""
        details = connection.log_tail()
        forced = any(state.forced for state in self._cancelling.values())
        stopped = "Cancelled. The engine had to be stopped; it starts anew with the next job."
        answers: list[Event] = [Failure(i, "cancelled", stopped, details) for i in sorted(self._cancelling)]
        self._open.difference_update(self._cancelling)
        if forced:
            why = "The engine was stopped to cancel another job. Start this one again."
        else:
            memory = ended.exit_code == _OUT_OF_MEMORY_EXIT
            advice = "It may have run out of memory: close other programs. " if memory else ""
            why = f"The engine stopped unexpectedly ({ended.describe()}). {advice}Start the job again; "
            why += connection.see_log()
        return answers + self._give_up(why, died=True, details=details)

    def _give_up(self, message: str, *, died: bool = False, details: str = "") -> list[Event]:
        kind = "died" if died else "cancelled"
        answers: list[Event] = [Failure(i, kind, message, details) for i in sorted(self._open)]
        self._open.clear()
        self._cancelling.clear()
        return answers


def value_of(answer: Result | Failure) -> Message:
    """The result, or the exception that the failure stands for."""
    if isinstance(answer, Result):
        return answer.value
    if answer.kind in ("user", "died"):
        raise AvatarError(answer.message)
    if answer.kind == "cancelled":
        raise Cancelled(answer.message)
    raise EngineBug(f"{answer.message}\n{answer.details}".rstrip())
