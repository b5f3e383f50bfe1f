"""``batch``: a folder of photos becomes a library of avatars."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..engine.avatar.errors import AvatarError
from ..engine.formats.avatar_file import SUFFIX, load_avatar
from ..engine.protocol import EngineBug
from ..engine.request import ReconstructRequest
from ..preferences import engines
from .asset_library import LIBRARY_FILE, Entry, write_library
from .contact_sheet import Card, write_contact_sheet
from .photo_folder import find_photos
from .shared import make_folder, progress_lines, replaced, say, settings_of
from .workshop import open_workshop

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from ..operators.reconstruction import Settings
    from .photo_folder import Source
    from .workshop import Workshop

AVATARS, SHEET_FILE, REPORT_FILE = "avatars", "contact-sheet.png", "report.json"
MADE, KEPT, FAILED = "made", "kept", "failed"
AZIMUTHS = (0.0, 35.0, 180.0)
"""Views of an avatar on the sheet, degrees to the person's left; the first is the asset's picture."""


@dataclass(frozen=True)
class Outcome:
    """How a photo went.

    Args:
        source: The photo.
        file: Of the avatar; only there if it did not fail.
        card: For the contact sheet.
        state: ``made``, ``kept`` from an earlier run, or ``failed``.
        seconds: It took.
        warnings: What to know of the avatar.
    """

    source: Source
    file: Path
    card: Card
    state: str
    seconds: float
    warnings: tuple[str, ...] = ()


def batch(options: argparse.Namespace) -> None:
    """Photos to library.

    Raises:
        AvatarError: If it cannot be done, was stopped, or a photo failed; what was made stays.
    """
    folder, library = options.folder.absolute(), options.output.absolute()
    sources = find_photos(folder, library, recursive=options.recursive)
    wanted = settings_of(options)
    expected = _metadata_settings(sources[0].photo, wanted)
    make_folder(library / AVATARS)
    outcomes: list[Outcome] = []
    try:
        with _interruptible(), open_workshop(wanted, engines()) as workshop:
            for number, source in enumerate(sources, 1):
                say(f"[{number}/{len(sources)}] {source.shown}")
                file = library / AVATARS / f"{source.name}{SUFFIX}"
                outcomes.append(_outcome(workshop, source, file, wanted, expected))
                if outcomes[-1].state == FAILED and not options.keep_going:
                    break
    except KeyboardInterrupt as error:
        raise AvatarError(
            f"Stopped after {len(outcomes)} of {len(sources)} photos. The same command goes on from there."
        ) from error
    _write(library, outcomes, expected)
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    for outcome in failed:
        say(f"failed: {outcome.source.shown}: {outcome.card.sentence}")
    if failed:
        left = len(sources) - len(outcomes)
        raise AvatarError(
            f"{len(failed)} of {len(sources)} photos failed{f', {left} were not tried' if left else ''}. "
            "The same command tries them again."
        )


def _outcome(
    workshop: Workshop, source: Source, file: Path, wanted: Settings, expected: dict[str, Any]
) -> Outcome:
    """Make, or keep, one avatar and its pictures."""
    begun = time.monotonic()
    try:
        state = KEPT if _is_there(file, source.photo, expected) else MADE
        if state == MADE:
            made, _report = workshop.reconstruct(source.photo, wanted, progress_lines())
            with replaced(file) as partial:
                shutil.copyfile(made, partial)
        else:
            say("      is there already, from the same photo with the same settings")
        avatar = load_avatar(file)
        card = Card(
            source.name, workshop.thumbnail(source.photo), tuple(workshop.portraits(avatar, AZIMUTHS))
        )
        warnings = tuple(avatar.metadata.get("warnings", ()))
    except (AvatarError, EngineBug) as error:
        sentence = str(error) if isinstance(error, AvatarError) else f"The engine made a mistake: {error}"
        say(f"      failed: {sentence}")
        state, warnings = FAILED, ()
        card = Card(source.name, _thumbnail(workshop, source.photo), sentence=sentence)
    return Outcome(source, file, card, state, time.monotonic() - begun, warnings)


def _thumbnail(workshop: Workshop, photo: Path) -> Any:
    """The photo of a failure, if it can be read at all."""
    try:
        return workshop.thumbnail(photo)
    except (AvatarError, EngineBug):
        return None


def _is_there(file: Path, photo: Path, expected: dict[str, Any]) -> bool:
    """Whether an avatar of an earlier run is whole and what would be made now."""
    if not file.is_file():
        return False
    try:
        metadata = load_avatar(file).metadata
    except AvatarError as error:
        say(f"      will be made again: {error}")
        return False
    return metadata.get("settings") == expected and metadata.get("photo_sha256") == _sha256(photo)


def _sha256(photo: Path) -> str:
    try:
        with photo.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AvatarError(f"{photo.name} cannot be read ({error.strerror}).") from error


def _metadata_settings(photo: Path, wanted: Settings) -> dict[str, Any]:
    """The settings as an avatar's metadata hold them.

    Raises:
        AvatarError: If one is out of range.
    """
    try:
        request = ReconstructRequest(photo, photo.parent, **asdict(wanted))
    except ValueError as error:
        raise AvatarError(f"A setting cannot be used: {error}.") from error
    return json.loads(json.dumps(request.settings()))


def _write(library: Path, outcomes: list[Outcome], settings: dict[str, Any]) -> None:
    """Library, contact sheet and report."""
    entries = [
        Entry(outcome.source.name, outcome.file, outcome.card.views[0])
        for outcome in outcomes
        if outcome.state != FAILED
    ]
    if entries:
        write_library(library, entries)
        say(f"saved {library / LIBRARY_FILE} with {len(entries)} avatars")
    write_contact_sheet(library / SHEET_FILE, [outcome.card for outcome in outcomes])
    with replaced(library / REPORT_FILE) as partial:
        report = {"settings": settings, "photos": [_reported(outcome) for outcome in outcomes]}
        partial.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    say(f"wrote {library / SHEET_FILE} and {REPORT_FILE}")


def _reported(outcome: Outcome) -> dict[str, Any]:
    failed = outcome.state == FAILED
    return {
        "photo": outcome.source.shown,
        "name": outcome.source.name,
        "state": outcome.state,
        "avatar": None if failed else f"{AVATARS}/{outcome.file.name}",
        "seconds": round(outcome.seconds, 2),
        "warnings": list(outcome.warnings),
        "sentence": outcome.card.sentence,
    }


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C stop Python: in background Blender takes it for itself and goes on."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        # None is a handler that is not Python's and cannot be given back; Blender ends after the command.
        if previous is not None:
            signal.signal(signal.SIGINT, previous)
