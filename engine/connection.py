"""One engine process and the pipe to it: spawn, handshake, lines in and out, end."""

from __future__ import annotations

import contextlib
import logging
import subprocess
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from .avatar.errors import AvatarError
from .log_files import open_log, tail
from .processes import (
    CREATION_FLAGS,
    NEW_SESSION,
    clean_environment,
    describe_exit,
    kill_group,
    stop,
    terminate_group,
)
from .protocol import PROTOCOL_VERSION, Message, ProtocolError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

WORKER = Path(__file__).with_name("worker.py")
HANDSHAKE_SECONDS = 30.0  # 30 ms when all is well; a virus scanner or a network disk needs its time
CLOSE_SECONDS = 1.0


@dataclass(frozen=True)
class Launch:
    """How to start an engine process.

    Attributes:
        python: The interpreter of the engine's own environment.
        log_file: Takes all that the process prints; made when missing.
        worker: The program to run; another one only in tests.
        arguments: For the worker; see engine/worker.py.
        extra_env: Environment variables on top of the cleaned ones.
    """

    python: Path
    log_file: Path
    worker: Path = WORKER
    arguments: tuple[str, ...] = ()
    extra_env: Mapping[str, str] | None = None

    def command(self) -> list[str]:
        """What to execute."""
        return [str(self.python), "-I", "-X", "utf8", "-u", str(self.worker), *self.arguments]


@dataclass(frozen=True)
class Ended:
    """The last thing a connection yields: why there is nothing more to read."""

    exit_code: int
    reason: str = ""

    def describe(self) -> str:
        """A few words for a message."""
        return self.reason or describe_exit(self.exit_code)


class Connection:
    """A running engine process that has said hello.

    Raises:
        AvatarError: If it cannot be started, is no engine, or is one of another version.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self._incoming: SimpleQueue[Message | Ended] = SimpleQueue()
        self._process, self._log_start = _spawn(launch)
        reader = Thread(target=_read, args=(self._process, self._incoming), name="engine reader", daemon=True)
        reader.start()
        try:
            self.hello = self._shake_hands()
        except AvatarError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def send(self, message: Message) -> None:
        """Send one message; a dead process is reported by ``receive``, not here."""
        assert self._process.stdin is not None  # noqa: S101 (for the type checker: opened as a pipe)
        line = encode(message)
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError as error:
            log.debug("the engine takes no more messages: %s", error)

    def receive(self, seconds: float = 0.0) -> Message | Ended | None:
        """Take the next message, if one comes within the given time."""
        try:
            return self._incoming.get(timeout=seconds) if seconds else self._incoming.get_nowait()
        except Empty:
            return None

    def end_by_force(self, *, politely: bool) -> None:
        """End the process during a job; ``receive`` will yield the end."""
        (terminate_group if politely else kill_group)(self._process)

    def close(self) -> None:
        """End the process and wait until it is gone."""
        assert self._process.stdin is not None  # noqa: S101 (as in send)
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # the engine ends itself at the end of its input
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            stop(self._process, CLOSE_SECONDS)

    def log_tail(self) -> str:
        """The last lines that this process wrote."""
        return tail(self.launch.log_file, self._log_start)

    def see_log(self) -> str:
        """The end of an error sentence."""
        return f"if it happens again, look into the log: {self.launch.log_file}"

    def _shake_hands(self) -> Message:
        first = self.receive(HANDSHAKE_SECONDS)
        if first is None:
            raise AvatarError(
                f"The engine did not answer within {HANDSHAKE_SECONDS:.0f} seconds. Try again; "
                f"{self.see_log()}"
            )
        if isinstance(first, Ended):
            raise AvatarError(
                f"{self.launch.python} does not run the engine ({first.describe()}). Install the engine "
                f"again, or choose another Python in the preferences; {self.see_log()}"
            )
        hello: Message = first.get("params") or {}
        if first.get("method") != "hello" or hello.get("protocol") != PROTOCOL_VERSION:
            raise AvatarError(
                f"The engine speaks protocol {hello.get('protocol')}, the add-on {PROTOCOL_VERSION}: "
                "they are of different versions. Restart Blender; if that does not help, install the add-on "
                "again."
            )
        return hello


def _spawn(launch: Launch) -> tuple[subprocess.Popen[bytes], int]:
    """Start the process; also says at which byte its part of the log begins."""
    stream = open_log(launch.log_file)
    start = stream.tell()
    try:
        process = subprocess.Popen(
            launch.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            env=clean_environment(launch.extra_env),
            start_new_session=NEW_SESSION,
            creationflags=CREATION_FLAGS,
        )
    except OSError as error:
        raise AvatarError(
            f"The engine's Python could not be started: {launch.python} ({error.strerror}). Install the "
            "engine again, or choose another Python in the preferences."
        ) from error
    finally:
        stream.close()  # the child has its own copy
    return process, start


def _read(process: subprocess.Popen[bytes], incoming: SimpleQueue[Message | Ended]) -> None:
    """The reader thread: lines into the queue, and at the end the reason for the end."""
    reason = ""
    assert process.stdout is not None  # noqa: S101 (for the type checker: opened as a pipe)
    with process.stdout as stream:
        try:
            for line in stream:
                incoming.put(decode(line))
        except ProtocolError as error:
            # Only messages can stand in this pipe, so an answer may be lost: better to end than to wait.
            reason = f"it sent something that is no message: {error}"
    try:
        code = process.wait(CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        code = stop(process, CLOSE_SECONDS)
    incoming.put(Ended(code, reason))
