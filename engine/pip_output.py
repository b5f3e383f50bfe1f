"""What pip prints, as progress while it works and as a sentence for the user when it fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ReportProgress = Callable[[str, float, str], None]

# A requirement (numpy==1.26.4) or a file (/wheels/numpy-1.26.4-….whl).
_FETCH = re.compile(
    r"\s*(?:Collecting|Processing|Requirement already satisfied:)\s+(?:\S*[/\\])?([\w.-]+?)(?:==|-\d)"
)
_UNPACK = re.compile(r"\s*Installing collected packages")
_DOWNLOADED = 0.7  # share of the time until pip begins to unpack

# What pip prints, and what the user can do about it; the first that is found counts.
_COMPLAINTS = (
    (r"THESE PACKAGES DO NOT MATCH THE HASHES",
     "A package is not the one that this version of the add-on was tested with (its hash differs), or its "
     "download was cut. Install again; if you install from a folder, copy its files again."),
    (r"incomplete-download|Wheel '.*' located at .* is invalid",
     "The download of a package was cut. Install again; what was fetched whole is kept."),
    (r"Windows Long Path support",
     "A path is too long for Windows. Choose a shorter folder for the engine in the preferences, such as "
     "C:\\lhm, and install again."),
    (r"No space left on device|\[Errno 28\]|not enough space on the disk",
     "The disk is full. Free some space and install again; what was done is kept."),
    (r"Permission denied|Access is denied",
     "A file could not be written. Choose a folder for the engine that you may write to, and close other "
     "Blenders that use the engine."),
    (r"NewConnectionError|Failed to establish|name resolution|ConnectTimeout|Read timed out|ReadTimeout"
     r"|ProxyError|ConnectionResetError|SSLError|Network is unreachable|ProtocolError|IncompleteRead",
     "The package index could not be reached. Check the connection and the proxy and install again, or "
     "install from a folder of packages."),
    (r"No matching distribution found|Could not find a version",
     "A package is missing: {package}. If you install from a folder, put it there; else there may be none "
     "for this Python and system: choose another Python in the preferences."),
)  # fmt: skip
_MISSING = re.compile(r"(?:No matching distribution found for|satisfies the requirement) (\S+)")


class Watch:
    """Turns pip's lines, and while it unpacks silently its results, into progress.

    Args:
        total: How many packages pip was asked for, at most.
        site_packages: Where it puts them.
        progress: Called with stage, fraction from 0 to 1, message.
    """

    def __init__(self, total: int, site_packages: Path, progress: ReportProgress) -> None:
        self._total = max(total, 1)
        self._there = _count(site_packages)
        self._site_packages = site_packages
        self._progress = progress
        self._collected = 0
        self._unpacking = False

    def line(self, text: str) -> None:
        """Take one line that pip printed."""
        self._unpacking = self._unpacking or _UNPACK.match(text) is not None
        found = _FETCH.match(text)
        if found is None:
            return
        self._collected += 1
        fraction = _DOWNLOADED * min(self._collected / self._total, 1.0)
        name = found[1]
        self._progress("packages", fraction, f"Fetching {name} ({self._collected} of {self._total})")

    def tick(self) -> None:
        """Look what has been unpacked by now."""
        if not self._unpacking:
            return
        done = min(_count(self._site_packages) - self._there, self._total)
        fraction = _DOWNLOADED + (1 - _DOWNLOADED) * done / self._total
        self._progress("packages", fraction, f"Unpacking ({done} of {self._total})")


def explain(output: str, log_file: Path) -> str:
    """A sentence for a failed pip."""
    for pattern, sentence in _COMPLAINTS:
        if re.search(pattern, output):
            missing = _MISSING.search(output)
            return f"{sentence.format(package=missing[1] if missing else 'see the log')} Log: {log_file}"
    return f"The engine's packages could not be installed. The end of the log says why: {log_file}"


def _count(site_packages: Path) -> int:
    return sum(1 for _ in site_packages.glob("*.dist-info"))
