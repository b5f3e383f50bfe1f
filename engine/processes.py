"""How the add-on starts and stops child processes. Standard library only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Arguments of Popen: its own process group, so that its children end with it, and no console window.
NEW_SESSION = sys.platform != "win32"
if sys.platform == "win32":
    CREATION_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    CREATION_FLAGS = 0

# Settings of the surrounding Python that would lead a child astray; proxy and index settings stay.
_FOREIGN_PREFIXES = ("PYTHON",)
_FOREIGN = frozenset({
    "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__",
    "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_PYTHON",
})  # fmt: skip


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment variables for a child Python that must not see its parent's Python.

    Args:
        extra: Added last.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in _FOREIGN and not name.upper().startswith(_FOREIGN_PREFIXES)
    }
    return kept | {"PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"} | dict(extra or {})


def ask(command: Sequence[str | Path], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a short program that sees neither our Python nor a terminal, and keep what it says.

    Args:
        command: Program and arguments.
        seconds: How long it may take.

    Raises:
        OSError: If it does not start.
        subprocess.TimeoutExpired: If it takes longer.
    """
    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=clean_environment(),
        timeout=seconds,
        creationflags=CREATION_FLAGS,
        check=False,
    )


def terminate_group(process: subprocess.Popen[bytes]) -> None:
    """Ask a child of a session of its own and its own children to end."""
    _signal_group(process, signal.SIGTERM)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a child of a session of its own and its own children now."""
    _signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def stop(process: subprocess.Popen[bytes], grace: float) -> int:
    """End a child: ask, wait ``grace`` seconds, then kill.

    Returns:
        Its exit code.
    """
    if process.poll() is None:
        terminate_group(process)
        try:
            return process.wait(grace)
        except subprocess.TimeoutExpired:
            kill_group(process)
    return process.wait()


def describe_exit(code: int) -> str:
    """An exit code in words: ``exit code 3`` or ``signal 6, SIGABRT``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.terminate()
        return
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # it ended between the question and the signal
