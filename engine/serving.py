"""The engine process's loop: a thread reads, the main thread works, every request is answered."""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
import traceback
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from .avatar.errors import AvatarError
from .protocol import (
    CANCELLED_ERROR,
    INTERNAL_ERROR,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    PROTOCOL_VERSION,
    USER_ERROR,
    Cancelled,
    Message,
    ProtocolError,
    decode,
    encode,
    error_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    Method = Callable[[dict[str, Any], "Reporter"], dict[str, Any]]

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.05  # seconds: 20 reports a second are as fast as anyone reads
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def serve(requests: int, answers: int, methods: Mapping[str, Method]) -> None:
    """Say hello, then answer requests one at a time until the pipe closes (which ends the process).

    Args:
        requests: File descriptor to read from.
        answers: File descriptor to write to.
        methods: Functions of (params, progress) that return a JSON object, by name.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    channel = Channel(answers)
    jobs: SimpleQueue[Message] = SimpleQueue()
    cancelled: set[int] = set()
    channel.send({"method": "hello", "params": _hello()})
    stream = os.fdopen(requests, "rb")
    Thread(target=_read, args=(stream, channel, jobs, cancelled), name="requests", daemon=True).start()
    while True:
        message = jobs.get()
        channel.answer(message["id"], _run(message, methods, Reporter(message["id"], channel, cancelled)))
        cancelled.discard(message["id"])


class Channel:
    """The pipe to Blender; both threads write to it, one whole line at a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = Lock()

    def send(self, message: Message) -> None:
        """Write one message.

        Raises:
            TypeError: If a value has no place in JSON.
            ValueError: If a number is not finite.
        """
        line = encode(message)
        with self._lock:
            while line:  # a pipe may take a part only
                line = line[os.write(self._descriptor, line) :]

    def answer(self, request_id: int, answer: Message) -> None:
        """Write the answer to a request; a result that JSON cannot hold becomes a bug report."""
        try:
            self.send(answer)
        except (TypeError, ValueError):
            self.send(_bug(request_id, "The engine's result cannot be sent"))


class Reporter:
    """The ``progress`` function of one request: ``progress(stage, fraction, message)``."""

    def __init__(self, request_id: int, channel: Channel, cancelled: set[int]) -> None:
        self._request_id = request_id
        self._channel = channel
        self._cancelled = cancelled
        self._last_stage: str | None = None
        self._last_time = 0.0

    def __call__(self, stage: str, fraction: float, message: str = "") -> None:
        """Tell Blender how far the job is.

        Args:
            stage: Name of the step; a new one is always sent, repeats at most 20 times a second.
            fraction: Of the whole request, 0 to 1.
            message: A few words to show.

        Raises:
            Cancelled: If the user wants no more of this.
        """
        if self._request_id in self._cancelled:
            raise Cancelled("The job was cancelled.")
        now = time.monotonic()
        if stage == self._last_stage and now - self._last_time < PROGRESS_INTERVAL:
            return
        self._last_stage, self._last_time = stage, now
        report = {
            "id": self._request_id,
            "stage": str(stage),
            "fraction": min(max(float(fraction), 0.0), 1.0),
            "message": str(message),
        }
        self._channel.send({"method": "progress", "params": report})


def _hello() -> Message:
    return {
        "protocol": PROTOCOL_VERSION,
        "engine": os.path.dirname(os.path.abspath(__file__)),  # noqa: PTH100, PTH120 (as in worker.py)
        "python": sys.version.split()[0],
    }


def _read(stream: BinaryIO, channel: Channel, jobs: SimpleQueue[Message], cancelled: set[int]) -> None:
    """The reader thread. The end of the stream means that Blender is gone: so is the engine, at once."""
    for line in stream:
        try:
            message = decode(line)
            method = message["method"]
            if method == "close":
                break
            if method == "cancel":
                cancelled.add(message["params"]["id"])
            else:
                jobs.put({"id": message["id"], "method": method, "params": message.get("params", {})})
        except (ProtocolError, KeyError, TypeError) as error:
            log.warning("not a request: %r", error)
            channel.send(error_message(None, PARSE_ERROR, "bug", f"not a request: {error!r}"))
    os._exit(0)


def _run(message: Message, methods: Mapping[str, Method], progress: Reporter) -> Message:
    request_id, name = message["id"], message["method"]
    if name not in methods:
        return error_message(request_id, METHOD_NOT_FOUND, "bug", f"The engine has no method {name!r}.")
    try:
        return {"id": request_id, "result": methods[name](message["params"], progress)}
    except AvatarError as error:
        return error_message(request_id, USER_ERROR, "user", str(error))
    except Cancelled:
        return error_message(request_id, CANCELLED_ERROR, "cancelled", "Cancelled.")
    except MemoryError:
        text = "There was not enough memory. Close other programs, or choose fewer Gaussians, and try again."
        return error_message(request_id, USER_ERROR, "user", text, _traceback())
    except OSError as error:
        if error.errno in _DISK_FULL:
            place = f" ({error.filename})" if error.filename else ""
            text = f"The disk is full{place}. Free some space and try again."
            return error_message(request_id, USER_ERROR, "user", text, _traceback())
        return _bug(request_id, "The engine failed")
    except (Exception, SystemExit):  # noqa: BLE001 (whatever happens, the one who asked gets an answer)
        return _bug(request_id, "The engine failed")


def _bug(request_id: int, what: str) -> Message:
    """The answer for an exception nobody foresaw (the one being handled); the log gets its traceback, too."""
    text = _traceback()
    log.error("%s\n%s", what, text)
    last_line = text.rstrip().rsplit("\n", 1)[-1]
    return error_message(request_id, INTERNAL_ERROR, "bug", f"{what}: {last_line}", text)


def _traceback() -> str:
    return traceback.format_exc()
