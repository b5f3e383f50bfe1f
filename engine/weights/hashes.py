"""Hashes of files: our own sha256, and the hub's names for a content."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BLOCK = 8 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")


def sha256_of(path: Path, report: Callable[[int], None] = lambda _: None) -> str:
    """The sha256 of a file's content.

    Args:
        path: The file.
        report: Told how many bytes are read; it may raise to cancel.
    """
    return _digest(path, hashlib.sha256(), report)


def is_hash(etag: str) -> bool:
    """Whether the server's name of a content is one that can be checked, and nothing else."""
    return _SHA256.fullmatch(etag) is not None or _GIT_SHA1.fullmatch(etag) is not None


def matches(path: Path, etag: str, sha256: str) -> bool:
    """Whether a file is the one that the hub names.

    Args:
        path: The file.
        etag: sha256 for files in large storage, the git blob's sha1 for others.
        sha256: Of the file, as computed before.
    """
    if _SHA256.fullmatch(etag):
        return etag == sha256
    # Git's own name of a content, no protection; the commit it belongs to is named the same way.
    start = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    return etag == _digest(path, start, lambda _: None)


def _digest(path: Path, digest: hashlib._Hash, report: Callable[[int], None]) -> str:
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            report(done)
    return digest.hexdigest()
