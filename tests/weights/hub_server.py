"""A model server on loopback that speaks the hub's file API, and every way of it to go wrong.

Large files are answered as the hub does: a redirect that carries version, hash and size, to another host that
knows ranges and must never see the token. Small files come directly, named by git's hash.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from typing import Self

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 4_000  # bytes from which a file lies on the other host


@dataclass
class Faults:
    """What goes wrong; a list is used up, one entry a request of bytes."""

    status: int = 0  # the answer to every question for a file
    error_code: str = ""  # the hub's own name for it
    busy: int = 0  # so many questions get ``status``, then all is well
    cuts: list[int] = field(default_factory=list)  # bytes after which a connection ends
    stalls: list[float] = field(default_factory=list)  # seconds of silence before the bytes
    cdn_status: list[int] = field(default_factory=list)  # the other host's answers
    trickle: float = 0.0  # seconds between blocks
    no_ranges: bool = False
    no_commit: bool = False
    commit: str = COMMIT
    etag: str = ""  # in place of the hash
    spoil: bool = False  # one byte is another
    empty: bool = False  # right head, no bytes
    no_size: bool = False


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    range: str | None
    authorization: str | None
    on_cdn: bool


class HubServer:
    """``with HubServer(files) as hub``: serves ``{repository: {name: bytes}}``."""

    def __init__(self, files: dict[str, dict[str, bytes]]) -> None:
        self.files = files
        self.faults = Faults()
        self.seen: list[Seen] = []
        self.served = 0  # bytes of files that left
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def cdn(self) -> str:
        """Another origin, for the one who must not send tokens there."""
        return f"http://localhost:{self._server.server_port}"

    def byte_requests(self) -> list[Seen]:
        return [one for one in self.seen if one.method == "GET" and one.path.startswith("/cdn/")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                _answer(hub, self)

            def do_GET(self) -> None:
                _answer(hub, self)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        return Handler


def _answer(hub: HubServer, handler: BaseHTTPRequestHandler) -> None:
    path = unquote(urlsplit(handler.path).path)
    headers = handler.headers
    on_cdn = headers["Host"].startswith("localhost")
    hub.seen.append(Seen(handler.command, path, headers["Range"], headers["Authorization"], on_cdn))
    if path.startswith("/cdn/"):
        _send_large(hub, handler, path.removeprefix("/cdn/"))
        return
    faults = hub.faults
    if status := faults.status:
        faults.busy -= 1
        if faults.busy == 0:
            faults.status = 0
        _refuse(handler, status, faults.error_code)
        return
    organisation, name, kind, revision, file = path.strip("/").split("/", 4)
    content = hub.files.get(f"{organisation}/{name}", {}).get(file)
    if kind != "resolve" or content is None or revision not in ("main", COMMIT, faults.commit):
        _refuse(handler, 404, "EntryNotFound")
        return
    _send_known(hub, handler, content)


def _send_known(hub: HubServer, handler: BaseHTTPRequestHandler, content: bytes) -> None:
    faults = hub.faults
    commit = {} if faults.no_commit else {"X-Repo-Commit": faults.commit}
    if len(content) >= LARGE:
        sha256 = hashlib.sha256(content).hexdigest()
        size = {} if faults.no_size else {"X-Linked-Size": str(len(content))}
        linked = {"X-Linked-Etag": f'"{faults.etag or sha256}"', **size}
        _head(
            handler, 302, {**commit, **linked, "Location": f"{hub.cdn}/cdn/{sha256}", "Content-Length": "0"}
        )
        return
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    _head(handler, 200, {**commit, "ETag": f'"{blob}"', "Content-Length": str(len(content))})
    if handler.command == "GET":
        handler.wfile.write(_spoiled(hub, content))


def _send_large(hub: HubServer, handler: BaseHTTPRequestHandler, sha256: str) -> None:
    faults = hub.faults
    contents = (content for files in hub.files.values() for content in files.values())
    content = next(one for one in contents if hashlib.sha256(one).hexdigest() == sha256)
    if faults.cdn_status and (status := faults.cdn_status.pop(0)):
        _refuse(handler, status, "")
        return
    asked = handler.headers["Range"]
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not faults.no_ranges else 0
    if start >= len(content):
        _refuse(handler, 416, "")
        return
    body = _spoiled(hub, content)[start:]
    headers = {"Content-Length": str(0 if faults.empty else len(body)), "Accept-Ranges": "bytes"}
    if start:
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    if faults.stalls:
        time.sleep(faults.stalls.pop(0))
    _head(handler, 206 if start else 200, headers)
    if handler.command == "GET" and not faults.empty:
        _pour(hub, handler, body)


def _pour(hub: HubServer, handler: BaseHTTPRequestHandler, body: bytes) -> None:
    faults = hub.faults
    until = faults.cuts.pop(0) if faults.cuts else len(body)
    block = 65_536
    try:
        for at in range(0, min(until, len(body)), block):
            piece = body[at : min(at + block, until)]
            handler.wfile.write(piece)
            handler.wfile.flush()
            hub.served += len(piece)
            time.sleep(faults.trickle)
    except ConnectionError:
        until = 0  # the other side has gone
    if until < len(body):
        handler.close_connection = True
        handler.connection.close()


def _spoiled(hub: HubServer, content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:] if hub.faults.spoil else content


def _refuse(handler: BaseHTTPRequestHandler, status: int, code: str) -> None:
    headers = {"Content-Length": "0"}
    if code:
        headers |= {"X-Error-Code": code, "X-Error-Message": "No."}
    _head(handler, status, headers)


def _head(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
