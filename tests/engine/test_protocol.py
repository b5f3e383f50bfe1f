"""The lines themselves, without a process."""

from __future__ import annotations

import json

import pytest
from lhm_avatars.engine.protocol import (
    Failure,
    Progress,
    ProtocolError,
    Result,
    decode,
    encode,
    error_message,
    event_from,
)


def test_a_message_is_one_line_of_json_rpc() -> None:
    line = encode({"id": 1, "method": "reconstruct", "params": {"photo": "a\nb/für.png"}})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    expected = {"jsonrpc": "2.0", "id": 1, "method": "reconstruct", "params": {"photo": "a\nb/für.png"}}
    assert json.loads(line) == expected
    assert decode(line) == expected


@pytest.mark.parametrize(
    "line", [b"", b"hello\n", b'"text"\n', b"[]\n", b'{"id": 1}\n', b'{"jsonrpc": "1.0"}\n', b"\xff\xfe\n"]
)
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        decode(line)


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), ({1, 2}, TypeError)])
def test_what_json_cannot_say_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        encode({"id": 1, "result": value})


def test_messages_become_events() -> None:
    report = {"id": 3, "stage": "mask", "fraction": 0.5, "message": "half"}
    assert event_from({"method": "progress", "params": report}) == Progress(3, "mask", 0.5, "half")
    assert event_from({"id": 3, "result": {"a": 1}}) == Result(3, {"a": 1})
    assert event_from(error_message(3, -32000, "user", "Sorry.", "tb")) == Failure(3, "user", "Sorry.", "tb")
    assert event_from(error_message(None, -32700, "bug", "not a request")) is None


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"method": "progress", "params": {"id": 1}}, "a field is missing"),
        ({"id": 1, "error": {"code": 1}}, "a field is missing"),
        ({"id": 1}, "neither progress nor answer"),
    ],
)
def test_messages_without_meaning_are_refused(message: dict[str, object], complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        event_from(message)
