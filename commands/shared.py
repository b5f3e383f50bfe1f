"""What several commands do: say a line, wait for a job, make a folder, ask Blender."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import bpy

from ..engine.avatar.errors import AvatarError
from ..engine.request import LIFT
from ..operators.engine_job import wait
from ..operators.reconstruction import Settings
from ..preferences import models_root, preferences
from ..properties import QUALITY_COUNTS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..engine.protocol import Progress
    from ..operators.jobs import Job


def say(text: str) -> None:
    """One line on the terminal; on stderr, apart from what Blender prints."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def done(job: Job) -> Any:
    """Wait for a job and give its result; raises what the job raises."""
    with closing(job):
        return wait(job, progress_lines())


def settings_of(options: argparse.Namespace) -> Settings:
    """What decides an avatar, of the arguments."""
    folder = options.model_folder
    return Settings(
        mask=options.mask.absolute() if options.mask else None,
        seed=options.seed,
        count=options.count or QUALITY_COUNTS[options.quality],
        influences=options.influences,
        engine=options.engine,
        held=options.held,
        loose=options.loose,
        binding=options.binding,
        preparation=options.preparation,
        shape=options.shape,
        models=None if options.engine == LIFT else models_root(),
        model_folder=folder.absolute() if folder else None,
        device=options.device or preferences().device,
        head_box=options.head_box,
        enlarge=not options.keep_face,
    )


def blender(action: Callable[[], object], what: str) -> None:
    """Do what Blender reports as a RuntimeError, and give its reason in one line."""
    try:
        action()
    except RuntimeError as error:
        reason = " ".join(str(error).removeprefix("Error: ").split())
        raise AvatarError(f"{what}: {reason}") from error


def open_blend(file: Path) -> None:
    """Open a .blend; raises AvatarError if it is not there or cannot be opened."""
    if not file.is_file():
        raise AvatarError(f"There is no file {file}. Give the .blend that holds the avatar.")
    blender(lambda: bpy.ops.wm.open_mainfile(filepath=str(file)), f"{file} could not be opened")


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; raises AvatarError if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AvatarError(
            f"The folder {folder} cannot be made ({error.strerror}). Choose another one."
        ) from error


@contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """Give a file to write aside, which takes the place of another one when it is complete.

    Args:
        file: The one to be there in the end.

    Raises:
        AvatarError: If it cannot be written.
    """
    partial = file.with_name(f"{file.stem}.partial{file.suffix}")
    try:
        yield partial
        partial.replace(file)
    except OSError as error:
        raise AvatarError(
            f"{file} cannot be written ({error.strerror}). Choose another folder, or free some space."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def progress_lines() -> Callable[[Progress], None]:
    """A listener that writes one line for each stage."""
    told = ""

    def show(progress: Progress) -> None:
        nonlocal told
        if progress.message != told:
            told = progress.message
            say(f"{progress.fraction:4.0%}  {told}")

    return show
