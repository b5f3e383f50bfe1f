"""The licence gate: one tick a licence, remembered with its date in a file of the user's folder."""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime, timezone
from pathlib import Path

from ..avatar.errors import AvatarError
from .catalogue import LICENCES, Licence, licences_of

log = logging.getLogger(__name__)

FILE = "licences.json"


def accept(licence: str, root: Path) -> None:
    """Note that the user has read a licence and agrees.

    Args:
        licence: Key in ``LICENCES``.
        root: The folder of the models; made when missing.

    Raises:
        AvatarError: If the folder cannot be written.
        ValueError: If there is no such licence.
    """
    if licence not in LICENCES:
        raise ValueError(f"licence must be one of {', '.join(LICENCES)}, got {licence!r}")
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    _write(root, _read(root) | {licence: {"terms": LICENCES[licence].terms, "date": now}})


def withdraw(licence: str, root: Path) -> None:
    """Take a tick back; files that are there stay until they are deleted.

    Raises:
        AvatarError: If the folder cannot be written.
    """
    ticks = _read(root)
    if ticks.pop(licence, None) is not None:
        _write(root, ticks)


def accepted_on(licence: str, root: Path) -> str | None:
    """When a licence was accepted, ISO 8601 in UTC; None when it was not, or its terms have changed."""
    tick = _read(root).get(licence)
    if not isinstance(tick, dict) or tick.get("terms") != LICENCES[licence].terms:
        return None
    return str(tick.get("date", ""))


def accepted(asset: str, root: Path) -> bool:
    """Whether all that an asset asks for is accepted."""
    return not missing(asset, root)


def missing(asset: str, root: Path) -> tuple[Licence, ...]:
    """The licences of an asset that wait for a tick."""
    return tuple(licence for licence in licences_of(asset) if accepted_on(licence.name, root) is None)


def require(asset: str, root: Path) -> None:
    """Stop where a tick is missing.

    Raises:
        AvatarError: Naming the licences.
    """
    if waiting := missing(asset, root):
        names = ", ".join(f"{licence.title}, {licence.terms}" for licence in waiting)
        raise AvatarError(f"A licence is not accepted yet: {names}. Read it and tick it in the setup first.")


def _read(root: Path) -> dict[str, object]:
    """The ticks; a damaged file counts as none, so that the user is asked again."""
    path = Path(root) / FILE
    if not path.is_file():
        return {}
    try:
        ticks = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read, asking again: %s", path, error)
        return {}
    return ticks if isinstance(ticks, dict) else {}


def _write(root: Path, ticks: dict[str, object]) -> None:
    path = Path(root) / FILE
    partial = path.with_name(f"{FILE}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(ticks, indent=1), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise AvatarError(
            f"The tick could not be kept in {path.parent} ({error.strerror}). Choose a folder for the models "
            "that you may write to."
        ) from error
