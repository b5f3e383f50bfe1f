"""What Blender and the engine process say to each other: JSON-RPC 2.0, one JSON line a message.

======================  =========================================  ==========================
direction               message                                    fields
======================  =========================================  ==========================
engine → Blender        ``hello`` (first line)                     protocol, engine, python
engine → Blender        ``progress``                               id, stage, fraction, message
engine → Blender        result                                     any JSON object
engine → Blender        error                                      code, message, data.kind, data.traceback
Blender → engine        a request                                  id, method, params
Blender → engine        ``cancel``                                 id
Blender → engine        ``close``
======================  =========================================  ==========================

Lines are for control only; arrays travel as files. Imported on both sides, so standard library only.

Source: JSON-RPC 2.0 specification.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, cast

PROTOCOL_VERSION = 1

Message = dict[str, Any]
Kind = Literal["user", "cancelled", "bug", "died"]

# Reserved by JSON-RPC for the first three; the rest is its range for applications.
PARSE_ERROR = -32700
METHOD_NOT_FOUND = -32601
INTERNAL_ERROR = -32603
USER_ERROR = -32000
CANCELLED_ERROR = -32001


class ProtocolError(Exception):
    """A line that is no message of this protocol."""


class Cancelled(Exception):
    """The job was cancelled; raised inside the engine by its next progress call."""


class EngineBug(RuntimeError):
    """The engine failed in a way nobody foresaw; the text ends with the engine's own traceback."""


@dataclass(frozen=True)
class Progress:
    """How far a request has come; ``fraction`` runs from 0 to 1 over the whole request."""

    request_id: int
    stage: str
    fraction: float
    message: str


@dataclass(frozen=True)
class Result:
    """The answer to a request that worked."""

    request_id: int
    value: Message


@dataclass(frozen=True)
class Failure:
    """The answer to a request that did not work.

    ``message`` is a sentence to show; ``details`` is the engine's traceback or the end of its log.
    """

    request_id: int
    kind: Kind
    message: str
    details: str = ""


Event = Progress | Result | Failure


def encode(message: Message) -> bytes:
    """One line for the pipe.

    Raises:
        TypeError: If a value has no place in JSON.
        ValueError: If a number is not finite.
    """
    text = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """The message in one line.

    Raises:
        ProtocolError: If the line is no JSON object of JSON-RPC 2.0.
    """
    try:
        message = json.loads(line)
    except ValueError as error:  # covers broken JSON and broken UTF-8
        raise ProtocolError(f"not JSON: {line[:80]!r}") from error
    if not isinstance(message, dict) or cast("Message", message).get("jsonrpc") != "2.0":
        raise ProtocolError(f"not JSON-RPC 2.0: {line[:80]!r}")
    return cast("Message", message)


def error_message(request_id: int | None, code: int, kind: Kind, text: str, traceback: str = "") -> Message:
    """An error answer; a request that could not be read has no id."""
    data = {"kind": kind, "traceback": traceback}
    return {"id": request_id, "error": {"code": code, "message": text, "data": data}}


def event_from(message: Message) -> Event | None:
    """What a message of the engine means for the one who asked.

    Returns:
        None for an error that belongs to no request: the engine could not read a line.

    Raises:
        ProtocolError: If it is neither progress nor an answer to a request.
    """
    try:
        if message.get("method") == "progress":
            params = message["params"]
            return Progress(params["id"], params["stage"], params["fraction"], params["message"])
        if "error" in message:
            error, data = message["error"], message["error"]["data"]
            failure = Failure(message["id"], data["kind"], error["message"], data["traceback"])
            return None if message["id"] is None else failure
        if "result" in message:
            return Result(message["id"], message["result"])
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"a field is missing: {message!r:.200}") from error
    raise ProtocolError(f"neither progress nor answer: {message!r:.200}")
