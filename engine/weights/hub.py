"""What the hub says of a file, and its bytes: the only place that knows ``huggingface_hub``.

Its own ``hf_hub_download`` throws a half-downloaded file away with the process, so ``transfer`` fetches the
bytes over the library's session: plain HTTP ranges, which every mirror speaks.
"""

from __future__ import annotations

import importlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..avatar.errors import AvatarError
from .hashes import is_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

OFFICIAL = "https://huggingface.co"
# Read when the library is imported. Telemetry would ask the official server even when a mirror is set.
_SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
_PARTIAL, _RANGE_REFUSED = 206, 416


@dataclass(frozen=True)
class Server:
    """Where to fetch from, and how patiently.

    Attributes:
        endpoint: Address of a mirror; None for the one that HF_ENDPOINT names, else the official hub.
        token: The user's access token; None for that of ``hf auth login``, for the official hub only.
        timeout: Seconds without a byte after which a connection counts as cut.
        tries: How often a cut is mended before the user is told; each byte that comes starts the count anew.
        pause: Seconds before the first new try; doubled for each one after.
    """

    endpoint: str | None = None
    token: str | None = None
    timeout: float = 20.0
    tries: int = 4
    pause: float = 1.0

    def address(self) -> str:
        """The endpoint in force, without a slash at its end.

        Raises:
            AvatarError: If it is no web address.
        """
        address = (self.endpoint or os.environ.get("HF_ENDPOINT") or OFFICIAL).strip().rstrip("/")
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AvatarError(
                f"{address!r} is no address of a mirror. Enter one such as https://example.org, or leave the "
                "setting empty."
            )
        return address

    def credential(self) -> str | bool | None:
        """What the library takes as a token: a mirror never gets one that was not meant for it."""
        if self.token:
            return self.token
        return None if self.address() == OFFICIAL else False


@dataclass(frozen=True)
class Remote:
    """One file as the server describes it.

    Attributes:
        url: Of the very version described.
        commit: The repository's version.
        etag: sha256 of a large file, git's sha1 of a small one.
        size: Bytes; None when the server does not tell.
    """

    url: str
    commit: str
    etag: str
    size: int | None


def library() -> ModuleType:
    """``huggingface_hub``, told to keep to itself.

    Raises:
        AvatarError: If the environment lacks it.
    """
    os.environ.update(_SETTINGS)
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise AvatarError(
            "This engine cannot download models (huggingface_hub is missing). Install the engine for LHM, or "
            "use files you have."
        ) from error


def describe(repository: str, revision: str, name: str, server: Server) -> Remote:
    """Ask for a file's version, size and hash; fetches nothing of it.

    Raises:
        Exception: As the library does; ``hub_errors`` has sentences for them.
    """
    hub = library()
    address = server.address()
    url = hub.hf_hub_url(repository, name, revision=revision, endpoint=address)
    found = hub.get_hf_file_metadata(
        url, token=server.credential(), timeout=server.timeout, endpoint=address, library_name="lhm-avatars"
    )
    if found.commit_hash is None or found.etag is None:
        raise AvatarError(
            f"{address} does not answer like a model server (it names no version of {name}). Check the "
            "mirror's address and the proxy."
        )
    if not is_hash(found.etag):  # it also becomes part of a file's name
        raise AvatarError(
            f"{address} gives no hash for {name}, so it cannot be checked. Choose another mirror, or use "
            "files you have."
        )
    pinned = hub.hf_hub_url(repository, name, revision=found.commit_hash, endpoint=address)
    return Remote(pinned, found.commit_hash, found.etag, found.size)


@contextmanager
def stream(remote: Remote, start: int, server: Server) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Open a file's bytes from a position on.

    Yields:
        Where the bytes begin, and them: 0 when the server does not know ranges, -1 when nothing lies there.

    Raises:
        Exception: As the library does; ``hub_errors`` has sentences for them.
    """
    hub = library()
    utils = importlib.import_module("huggingface_hub.utils")
    headers = utils.build_hf_headers(token=server.credential(), library_name="lhm-avatars")
    headers["Accept-Encoding"] = "identity"
    if start:
        headers["Range"] = f"bytes={start}-"
    session: Any = hub.get_session()
    with session.stream("GET", remote.url, headers=headers, timeout=server.timeout) as response:
        if response.status_code == _RANGE_REFUSED:
            yield -1, iter(())
            return
        utils.hf_raise_for_status(response)
        begins = start if response.status_code == _PARTIAL else 0
        yield begins, response.iter_bytes()  # as they come: a block not yet full would be lost in a cut
