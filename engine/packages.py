"""Install packages with pip: watched, cancellable, repeatable after an interruption.

Everything whose hash is known comes from a lock. What is published by an index that told us no hashes is
``Pinned``: an exact version that only this index has, and pip checks the hash that the index states.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from .avatar.errors import AvatarError
from .log_files import open_log, tail
from .pip_output import Watch, explain
from .processes import CREATION_FLAGS, NEW_SESSION, clean_environment, stop
from .protocol import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from .pip_output import ReportProgress

# pip asks nothing, builds nothing from source, and installs what the lock names and nothing else.
_PIP_INSTALL = (
    *(
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--no-color",
        "--progress-bar=off",
        "--no-user",
    ),
    *("--no-deps", "--only-binary=:all:"),
)
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_ENTRY = re.compile(r"^[A-Za-z0-9]")  # other lines of a lock are remarks, or go on with hashes
# pip goes on where a download was cut, from 25.1 on; older ones begin that file again at the next call.
_RESUME = {"PIP_RESUME_RETRIES": "10"}
_STOP_SECONDS = 2.0
_TICK_SECONDS = 0.1


@dataclass(frozen=True)
class Job:
    """What every step of an installation needs to know.

    Attributes:
        log_file: Takes all the output.
        progress: Called with stage, fraction of this step from 0 to 1, message.
        cancelled: Asked ten times a second.
    """

    log_file: Path
    progress: ReportProgress
    cancelled: Callable[[], bool]

    def part(self, low: float, high: float) -> Job:
        """A job whose whole progress is the part from ``low`` to ``high`` of this one's."""

        def report(stage: str, fraction: float, message: str) -> None:
            self.progress(stage, low + (high - low) * fraction, message)

        return Job(self.log_file, report, self.cancelled)


@dataclass(frozen=True)
class Pinned:
    """Packages of one index, by exact version.

    Attributes:
        index: Address of a package index (PEP 503) with all of them.
        packages: As ``torch==2.13.0+cpu``: a version with a tag that no other index has.
    """

    index: str
    packages: tuple[str, ...]


def lock_text(lock: Path, more: Sequence[Path] = (), without: Sequence[str] = ()) -> str:
    """One lock out of several.

    Args:
        lock: Requirements with hashes.
        more: Further locks, whole.
        without: Patterns (``nvidia-*``) of packages of the first lock that are left out.
    """
    kept: list[str] = []
    keep = True
    for line in lock.read_text("utf-8").splitlines(keepends=True):
        if _ENTRY.match(line):
            keep = not any(fnmatchcase(line.split("==")[0], pattern) for pattern in without)
        if keep:
            kept.append(line)
    return "".join((*kept, *(path.read_text("utf-8") for path in more)))


def install(pip: Sequence[str], lock: Path, site_packages: Path, job: Job, wheel_dir: Path | None) -> None:
    """Install every package of the lock; those that are whole already are skipped.

    Args:
        pip: Command that runs pip on the environment.
        lock: Requirements with hashes, complete.
        site_packages: The environment's folder of packages.
        job: Log, progress, cancel.
        wheel_dir: Folder with all the packages; then nothing is downloaded.

    Raises:
        AvatarError: If pip fails; the sentence says what to do.
        Cancelled: If the user wants no more.
    """
    source = ["--no-index", "--find-links", str(wheel_dir)] if wheel_dir else []
    total = len(set(_REQUIREMENT.findall(lock.read_text("utf-8"))))
    command = [*pip, *_PIP_INSTALL, "--require-hashes", *source, "-r", str(lock)]
    _install(command, total, site_packages, job)


def install_pinned(
    pip: Sequence[str], pinned: Pinned, site_packages: Path, job: Job, wheel_dir: Path | None
) -> None:
    """Install packages of an index of their own; those that are whole already are skipped.

    Args:
        pip: Command that runs pip on the environment.
        pinned: What, and where it is.
        site_packages: The environment's folder of packages.
        job: Log, progress, cancel.
        wheel_dir: Folder with all the packages; then nothing is downloaded.

    Raises:
        AvatarError: If pip fails; the sentence says what to do.
        Cancelled: If the user wants no more.
    """
    source = ["--no-index", "--find-links", str(wheel_dir)] if wheel_dir else ["--index-url", pinned.index]
    _install([*pip, *_PIP_INSTALL, *source, *pinned.packages], len(pinned.packages), site_packages, job)


def _install(command: Sequence[str], total: int, site_packages: Path, job: Job) -> None:
    for broken in damaged(site_packages):
        shutil.rmtree(broken)  # pip takes the package for missing then
    watch = Watch(total, site_packages, job.progress)
    start = job.log_file.stat().st_size if job.log_file.exists() else 0
    code = run(command, job, watch.line, watch.tick)
    if code != 0:
        raise AvatarError(explain(tail(job.log_file, start), job.log_file))
    if broken := damaged(site_packages):
        names = ", ".join(path.name.removesuffix(".dist-info") for path in broken)
        raise AvatarError(f"Some files of {names} are missing after the installation. Install again.")


def run(
    command: Sequence[str],
    job: Job,
    on_line: Callable[[str], None] = lambda _: None,
    on_tick: Callable[[], None] = lambda: None,
) -> int:
    """Run a program, its output into the log; a cancel ends it and its children.

    Returns:
        The exit code.

    Raises:
        AvatarError: If the program or the log cannot be opened.
        Cancelled: If the user wants no more.
    """
    with open_log(job.log_file) as log_stream:
        log_stream.write(f"\n$ {' '.join(command)}\n".encode())
        process = _open(command)
        lines: SimpleQueue[bytes | None] = SimpleQueue()
        Thread(target=_read, args=(process, lines), name="pip reader", daemon=True).start()
        try:
            for line in _until_end(lines, job, on_tick):
                log_stream.write(line)
                log_stream.flush()
                on_line(line.decode("utf-8", "replace"))
            return process.wait()
        finally:
            stop(process, _STOP_SECONDS)


def damaged(site_packages: Path) -> list[Path]:
    """The ``.dist-info`` folders of packages whose files are not all there, as after a killed pip."""
    return [info for info in sorted(site_packages.glob("*.dist-info")) if not _is_whole(info)]


def _until_end(lines: SimpleQueue[bytes | None], job: Job, on_tick: Callable[[], None]) -> Iterator[bytes]:
    while True:
        if job.cancelled():
            raise Cancelled("The installation was cancelled; what was done is kept.")
        on_tick()
        try:
            line = lines.get(timeout=_TICK_SECONDS)
        except Empty:
            continue
        if line is None:
            return
        yield line


def _open(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clean_environment(_RESUME),
            start_new_session=NEW_SESSION,
            creationflags=CREATION_FLAGS,
        )
    except OSError as error:
        raise AvatarError(
            f"{command[0]} could not be run ({error.strerror}). Choose another Python."
        ) from error


def _read(process: subprocess.Popen[bytes], lines: SimpleQueue[bytes | None]) -> None:
    if process.stdout is not None:
        with process.stdout as stream:
            for line in stream:
                lines.put(line)
    lines.put(None)


def _is_whole(info: Path) -> bool:
    """Whether every file that the package's RECORD lists has the listed size.

    Byte code is left out: numpy's wheel brings some, and pip makes it anew.
    """
    try:
        with (info / "RECORD").open(encoding="utf-8", newline="") as record:
            sizes = {name: int(size) for name, _, size in csv.reader(record) if size}
        return all(
            (info.parent / name).stat().st_size == size
            for name, size in sizes.items()
            if not name.endswith(".pyc")
        )
    except (OSError, ValueError):
        return False


def site_packages_of(environment: Path, minor: str) -> Path:
    """Where a virtual environment keeps its packages."""
    if sys.platform == "win32":
        return environment / "Lib" / "site-packages"
    return environment / "lib" / f"python{minor}" / "site-packages"
