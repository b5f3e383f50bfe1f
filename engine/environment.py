"""The engine's own Python environment: what is there, how to get it, how to be rid of it.

An environment is made in ``ROOT/engine-py311-<key>.tmp`` and renamed when it is complete and has been tried:
a broken one is never used, an interrupted one goes on where it stopped (pip's own cache keeps the finished
downloads). The key is a hash of lock file, system and Python version, so a new version of the add-on finds
nothing and installs anew. Environments for different requirements lie side by side. Renaming breaks the
scripts in ``bin`` but not ``bin/python``: run ``python -m``.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .avatar.errors import AvatarError
from .build_steps import KERNEL_VARIABLE, kernel_folder, make_venv, pip_command, python_of, runs_from, try_out
from .exclusive import exclusive
from .interpreters import PythonChoice, find_python
from .packages import Job, Pinned, install, install_pinned, lock_text, site_packages_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .packages import ReportProgress

__all__ = [
    "BASE", "EnvironmentStatus", "Pinned", "PythonChoice", "Requirements", "build", "engine_python",
    "engine_root", "engine_variables", "find_python", "remove", "status",
]  # fmt: skip

ROOT_VARIABLE = "LHM_AVATARS_ENGINE_ROOT"
LOG_FILE = "install.log"
_LOCK_FILE = "install.lock"
_READY_FILE = "ready.json"
_REQUIREMENTS_FILE = "requirements.txt"
_FOLDER = re.compile(r"engine-py(\d)(\d\d)-[0-9a-f]{10}(\.tmp)?")
# Shares of the whole time, as measured: pip; the first imports, which compile.
_STAGES = {"environment": (0.0, 0.08), "packages": (0.08, 0.85), "check": (0.85, 1.0)}
_PINNED_FROM = 0.4  # of the packages' stage: torch is most of what is fetched and unpacked
_DISK_TROUBLE = (
    *(errno.ENOSPC, errno.EDQUOT),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST),
)


@dataclass(frozen=True)
class Requirements:
    """What an environment must hold.

    Attributes:
        lock: Complete list with hashes; see base.in beside it.
        free_bytes: Disk space to ask for before the start.
        modules: To import as a check; None for those in engine/methods.py.
        more: Further lists with hashes.
        without: Patterns of packages in ``lock`` that are left out.
        pinned: What comes from an index of its own.
        measure: Whether the new engine is asked how fast its device is.
    """

    lock: Path
    free_bytes: int
    modules: tuple[str, ...] | None = None
    more: tuple[Path, ...] = ()
    without: tuple[str, ...] = ()
    pinned: Pinned | None = None
    measure: bool = False

    def hashed(self) -> str:
        """The complete list with hashes, as pip gets it."""
        return lock_text(self.lock, self.more, self.without)

    def identity(self) -> bytes:
        """What distinguishes it from others; where a package comes from does not."""
        return "\n".join((self.hashed(), *(self.pinned.packages if self.pinned else ()))).encode()


BASE = Requirements(Path(__file__).with_name("requirements") / "base.txt", 1_500_000_000)


@dataclass(frozen=True)
class EnvironmentStatus:
    """What is there.

    Attributes:
        root: The folder asked about.
        python: The engine's interpreter; None when the engine is not installed.
        packages: Versions by imported name.
        bytes: Size on disk of the complete environment.
        unfinished: Whether an interrupted installation waits to be continued.
        measure: What the engine's device is and how fast, see engine/measure.py; None when it was not asked.
    """

    root: Path
    python: Path | None
    packages: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    unfinished: bool = False
    measure: dict[str, Any] | None = None

    @property
    def ready(self) -> bool:
        """Whether the engine can be started."""
        return self.python is not None


def engine_root(default: Path) -> Path:
    """The folder for environments: what LHM_AVATARS_ENGINE_ROOT says, else the given one."""
    return Path(os.environ.get(ROOT_VARIABLE) or default)


def engine_variables(root: Path) -> dict[str, str]:
    """What the engine's process finds in its environment: where compiled kernels are kept."""
    return {KERNEL_VARIABLE: str(kernel_folder(root))}


def engine_python(root: Path, requirements: Requirements = BASE) -> Path | None:
    """The interpreter of a complete environment for this version of the add-on; cheap, runs nothing."""
    return status(root, requirements).python


def status(root: Path, requirements: Requirements = BASE) -> EnvironmentStatus:
    """Look what is there; cheap, runs nothing."""
    root = Path(root).absolute()
    ours = [folder for folder in _environments(root) if _is_for(folder, requirements)]
    for folder in ours:
        ready = None if folder.suffix else _ready(folder)
        if ready is not None:
            return EnvironmentStatus(
                root, python_of(folder), ready["packages"], ready["bytes"], measure=ready.get("measure")
            )
    return EnvironmentStatus(root, None, unfinished=any(folder.suffix for folder in ours))


def build(
    root: Path,
    *,
    python: PythonChoice | Path | str | None = None,
    wheel_dir: Path | None = None,
    online: bool = True,
    progress: ReportProgress = lambda _stage, _fraction, _message: None,
    cancelled: Callable[[], bool] = lambda: False,
    requirements: Requirements = BASE,
) -> Path:
    """Install the engine; nothing is done when it is there.

    Args:
        root: Folder for environments and the log ``install.log``; made when missing.
        python: What to make it from; None lets ``find_python`` look.
        wheel_dir: Folder with all the packages; then nothing is downloaded.
        online: Whether the network may be used (in Blender: ``bpy.app.online_access``).
        progress: Called with stage ("environment", "packages", "check"), fraction of the whole, message.
        cancelled: Asked ten times a second.
        requirements: What to install.

    Returns:
        The environment's Python.

    Raises:
        AvatarError: If it cannot be done; the sentence says what to do.
        Cancelled: If the user wants no more; the next call goes on from there.
    """
    root = Path(root).absolute()
    began = time.monotonic()
    if (there := engine_python(root, requirements)) is not None:
        return there
    _check_source(wheel_dir, online=online)
    with _disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        choice = python if isinstance(python, PythonChoice) else find_python(python, online=online)
        with exclusive(root / _LOCK_FILE):
            _check_space(root, requirements)
            job = Job(root / LOG_FILE, progress, cancelled)
            partial = _complete(root, choice, wheel_dir, requirements, job, began)
            return _move_into_place(partial, job)


def remove(root: Path, requirements: Requirements | None = None) -> None:
    """Delete engine environments in a folder, and nothing else.

    Args:
        root: The folder.
        requirements: Only the environment for these, whole or not; None for every one, of any version.

    Raises:
        AvatarError: If files are in use or may not be deleted.
    """
    root = Path(root)
    if not root.is_dir():
        return
    try:
        with exclusive(root / _LOCK_FILE):
            for folder in _environments(root):
                if requirements is not None and not _is_for(folder, requirements):
                    continue
                (folder / _READY_FILE).unlink(missing_ok=True)  # first: half an environment is none
                shutil.rmtree(folder)
    except OSError as error:
        raise AvatarError(
            f"The engine in {root} could not be removed ({error.strerror}). Close every Blender that uses it "
            "and try again."
        ) from error


def _complete(
    root: Path,
    choice: PythonChoice,
    wheel_dir: Path | None,
    requirements: Requirements,
    job: Job,
    began: float,
) -> Path:
    """Make the environment aside, all but its place.

    Returns:
        Its folder, the ready file in it.
    """
    folder = _partial(root / _folder_name(requirements, choice.minor))
    make_venv(folder, choice, _part(job, "environment"))
    _install(folder, choice, wheel_dir, requirements, _part(job, "packages"))
    trial = try_out(folder, requirements.modules, _part(job, "check"), measure=requirements.measure)
    ready = {
        "packages": trial.packages,
        "measure": trial.measure,
        "bytes": _size(folder),
        "python": ".".join(map(str, choice.version)),
        "made_from": str(choice.path),
        "seconds": round(time.monotonic() - began, 1),
    }
    (folder / _READY_FILE).write_text(json.dumps(ready, indent=1), encoding="utf-8")
    return folder


def _install(
    folder: Path, choice: PythonChoice, wheel_dir: Path | None, requirements: Requirements, job: Job
) -> None:
    """All packages: those with hashes, then those of an index of their own."""
    lock = folder / _REQUIREMENTS_FILE
    lock.write_text(requirements.hashed(), "utf-8")
    pip, packages = pip_command(folder, choice), site_packages_of(folder, choice.minor)
    pinned = requirements.pinned
    install(pip, lock, packages, job.part(0.0, _PINNED_FROM if pinned else 1.0), wheel_dir)
    if pinned is not None:
        install_pinned(pip, pinned, packages, job.part(_PINNED_FROM, 1.0), wheel_dir)


def _move_into_place(partial: Path, job: Job) -> Path:
    target = partial.with_suffix("")
    if target.exists():  # without its ready file, or made from a Python that is gone
        shutil.rmtree(target)
    partial.rename(target)
    if not runs_from(target):
        (target / _READY_FILE).unlink()
        raise AvatarError(
            f"The engine's Python does not run from {target}. Choose another folder for the engine, on a "
            "local disk, and install again."
        )
    job.progress("check", 1.0, "The engine is installed")
    return python_of(target)


def _check_source(wheel_dir: Path | None, *, online: bool) -> None:
    if wheel_dir is None and not online:
        raise AvatarError(
            "The engine's packages must be downloaded, but Blender may not go online. Allow online access in "
            "the preferences (System > Network), or install from a folder of packages."
        )
    if wheel_dir is not None and not any(Path(wheel_dir).glob("*.whl")):
        raise AvatarError(
            f"There are no packages (.whl files) in {wheel_dir}. Choose the folder that holds the engine's."
        )


def _check_space(root: Path, requirements: Requirements) -> None:
    free = shutil.disk_usage(root).free
    begun = (p for p in _environments(root) if p.suffix and _is_for(p, requirements))
    needed = requirements.free_bytes - sum(map(_size, begun))  # what is there needs no room any more
    if free < needed:
        raise AvatarError(
            f"The engine needs {needed / 1e9:.1f} GB in {root}, but only {free / 1e9:.1f} "
            "GB are free. Free some space, or choose a folder on another disk."
        )


@contextlib.contextmanager
def _disk_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_TROUBLE:
            raise
        raise AvatarError(
            f"The engine cannot be installed in {root} ({error.strerror}). Free some space there, or choose "
            "a folder that you may write to."
        ) from error


def _part(job: Job, stage: str) -> Job:
    """A job whose progress is one stage of the whole."""
    return job.part(*_STAGES[stage])


def _folder_name(requirements: Requirements, minor: str) -> str:
    system = "\n".join((sys.platform, platform.machine(), minor))
    key = hashlib.sha256(_identity(requirements) + system.encode()).hexdigest()[:10]
    return f"engine-py{minor.replace('.', '')}-{key}"


def _identity(requirements: Requirements) -> bytes:
    """``identity``, read again only when a list has changed: a panel asks at every redraw."""
    times = tuple(path.stat().st_mtime_ns for path in (requirements.lock, *requirements.more))
    return _read_identity(requirements, times)


@functools.lru_cache(maxsize=32)
def _read_identity(requirements: Requirements, times: tuple[int, ...]) -> bytes:
    del times  # part of the key
    return requirements.identity()


def _environments(root: Path) -> list[Path]:
    """Every environment in a folder, of any version, whole or not; the newest Python first."""
    if not root.is_dir():
        return []
    return sorted((p for p in root.iterdir() if _FOLDER.fullmatch(p.name) and p.is_dir()), reverse=True)


def _size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _is_for(folder: Path, requirements: Requirements) -> bool:
    minor = _FOLDER.sub(r"\1.\2", folder.name)
    return folder.stem == _folder_name(requirements, minor)


def _partial(target: Path) -> Path:
    return target.with_suffix(".tmp")


def _ready(folder: Path) -> dict[str, Any] | None:
    """The ready file of a complete environment whose Python is still there."""
    path = folder / _READY_FILE
    if not path.is_file() or not python_of(folder).exists():
        return None
    return json.loads(path.read_text(encoding="utf-8"))
