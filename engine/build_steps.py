"""The steps of making the engine's environment; each can be repeated after an interruption."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .avatar.errors import AvatarError
from .client import EngineClient
from .packages import Job, run
from .processes import ask
from .protocol import Cancelled, Failure, Progress, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .interpreters import PythonChoice

_MADE_FILE = "made.json"  # written when the virtual environment itself is whole
_PREFIX = "import sys; print(sys.prefix if sys.prefix != sys.base_prefix else '')"
_PREFIX_SECONDS = 60


KERNEL_VARIABLE = "NUMBA_CACHE_DIR"


def kernel_folder(root: Path) -> Path:
    """Where compiled kernels of all environments are kept; the add-on's own folder may be read-only."""
    return root / "kernels"


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def make_venv(folder: Path, choice: PythonChoice, job: Job) -> None:
    """Make the virtual environment, unless an interrupted installation left a whole one.

    Raises:
        AvatarError: If the Python cannot.
        Cancelled: If the user wants no more.
    """
    made = json.dumps({"from": str(choice.path), "version": choice.version})
    marker = folder / _MADE_FILE
    if marker.is_file() and marker.read_text("utf-8") == made and runs_from(folder):
        return
    if folder.exists():
        shutil.rmtree(folder)
    job.progress("environment", 0.0, "Making a Python environment")
    without_pip = [] if choice.brings_pip else ["--without-pip"]
    code = run([str(choice.path), "-I", "-m", "venv", *without_pip, str(folder)], job)
    # pip installs into the Python it runs on: never go on with one outside our folder.
    if code != 0 or not runs_from(folder):
        raise AvatarError(
            f"{choice.path} could not make a Python environment in {folder}. Choose another Python in the "
            f"preferences. Log: {job.log_file}"
        )
    marker.write_text(made, "utf-8")
    job.progress("environment", 1.0, "Making a Python environment")


def pip_command(folder: Path, choice: PythonChoice) -> list[str]:
    """Run pip on the environment: its own, or that of the Python it was made from."""
    if choice.brings_pip:
        return [str(python_of(folder)), "-I", "-m", "pip"]
    return [str(choice.path), "-I", "-m", "pip", "--python", str(python_of(folder))]


@dataclass(frozen=True)
class Trial:
    """What a new environment said of itself.

    Attributes:
        packages: Versions by imported name.
        measure: What the method ``measure`` answered, ``{"failed": why}`` when it could not; None when it was
            not asked.
    """

    packages: dict[str, str]
    measure: dict[str, Any] | None = None


def try_out(folder: Path, modules: Sequence[str] | None, job: Job, *, measure: bool = False) -> Trial:
    """Start the engine in the new environment; let it import and compile what it needs.

    Args:
        folder: The environment.
        modules: Names to import; None for the usual ones.
        job: Log, progress, cancel.
        measure: Whether to ask how fast its device is, too.

    Raises:
        AvatarError: If something does not load.
        Cancelled: If the user wants no more.
    """
    kernels = {KERNEL_VARIABLE: str(kernel_folder(folder.parent))}
    with EngineClient.start(python_of(folder), log_file=job.log_file, extra_env=kernels) as client:
        wish = {} if modules is None else {"modules": list(modules)}
        answer = _ask(client, "versions", wish, job, 0.9 if measure else 1.0)
        if isinstance(answer, Failure):
            raise AvatarError(_explain(answer, job.log_file))
        packages = answer.value["modules"]
        if not measure:
            return Trial(packages)
        job.progress("check", 0.9, "Measuring how fast this computer is")
        # A device that does not work is no reason to throw a sound environment away; the user is told later.
        speed = _ask(client, "measure", {"device": "auto"}, job, 1.0)
        return Trial(packages, {"failed": speed.message} if isinstance(speed, Failure) else speed.value)


def _ask(
    client: EngineClient, method: str, params: dict[str, Any], job: Job, share: float
) -> Result | Failure:
    client.request(method, params)
    answer = None
    while answer is None:
        time.sleep(0.05)
        for event in client.poll():
            if not isinstance(event, Progress):
                answer = event
            elif method == "versions":
                job.progress("check", share * event.fraction, f"Trying {event.message}")
        if job.cancelled():
            raise Cancelled("The installation was cancelled; what was done is kept.")
    return answer


def runs_from(folder: Path) -> bool:
    """Whether the environment's interpreter runs and knows this folder as its own."""
    command = [str(python_of(folder)), "-I", "-c", _PREFIX]
    try:
        done = ask(command, _PREFIX_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    prefix = Path(done.stdout.decode("utf-8", "replace").strip() or "nowhere")
    return done.returncode == 0 and prefix.exists() and prefix.samefile(folder)


def _explain(failure: Failure, log_file: Path) -> str:
    missing = re.search(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object", failure.details)
    if missing:
        return (
            f"The engine needs the system library {missing[1]}, which this computer lacks. Install it with "
            f"the system's package manager, then install the engine again. Log: {log_file}"
        )
    return (
        f"The engine's packages are there but do not load ({failure.message}) Remove the engine and install "
        f"it again. Log: {log_file}"
    )
