"""Which Python the engine's environment is made from: the user's choice, then uv's, then the system's.

A name proves nothing (pyenv leaves programs called python3.12 that only complain), so every candidate is
run and asked.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .avatar.errors import AvatarError
from .processes import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

Source = Literal["user", "uv", "system"]

OLDEST, NEWEST = (3, 10), (3, 12)  # mediapipe has no package for others
PREFERRED = ("3.12", "3.11", "3.10")
OLDEST_PIP = (22, 3)  # the first that can install into another environment
_PROBE_SECONDS = 30
_UV_INSTALL_SECONDS = 600
_PROBE = """
import importlib.util, json, platform, sys
def version(name):
    if importlib.util.find_spec(name) is None:
        return None
    return getattr(__import__(name), "__version__", "") or "unknown"
print(json.dumps({
    "version": list(sys.version_info[:3]), "implementation": platform.python_implementation(),
    "large": sys.maxsize > 2**32, "venv": version("venv"), "ensurepip": version("ensurepip"),
    "pip": version("pip")}))
"""


@dataclass(frozen=True)
class PythonChoice:
    """A Python that was run and fits.

    Attributes:
        path: The program.
        version: Major, minor, micro.
        source: Who chose it.
        brings_pip: Whether the environments it makes have a pip of their own; else its own pip serves them.
    """

    path: Path
    version: tuple[int, int, int]
    source: Source
    brings_pip: bool = True

    @property
    def minor(self) -> str:
        """Such as 3.11."""
        return f"{self.version[0]}.{self.version[1]}"


class UnfitError(Exception):
    """Why a candidate cannot be used."""


def find_python(user_path: Path | str | None = None, *, online: bool = False) -> PythonChoice:
    """Find a Python for the engine.

    Args:
        user_path: What the user set; no other is then looked for.
        online: Whether uv may download a Python when there is none.

    Raises:
        AvatarError: Naming what was tried and what to install.
    """
    if user_path:
        return _users(Path(user_path))
    tried: dict[Path, str] = {}
    for source, path in _candidates(online=online):
        if path in tried:
            continue
        found = _fit_or_reason(path, source)
        if isinstance(found, PythonChoice):
            return found
        tried[path] = found
    reasons = "; ".join(f"{path} {reason}" for path, reason in tried.items())
    raise AvatarError(
        "No Python 3.10, 3.11 or 3.12 was found for the engine. Install Python 3.12 (with venv), or set the "
        f"path of one in the preferences. Tried: {reasons or 'none there'}."
    )


def probe(path: Path, source: Source) -> PythonChoice:
    """Run a candidate and ask what it is.

    Raises:
        UnfitError: If it does not run, or is of the wrong kind.
    """
    answer = _ask(path)
    major, minor, micro = answer["version"]
    if not OLDEST <= (major, minor) <= NEWEST:
        raise UnfitError(f"is version {major}.{minor}")
    if answer["implementation"] != "CPython" or not answer["large"]:
        raise UnfitError("is no 64-bit CPython")
    if answer["venv"] is None:
        raise UnfitError("has no module venv")
    if answer["ensurepip"] is None and _numbers(answer["pip"]) < OLDEST_PIP:
        raise UnfitError(f"has no pip (Debian, Ubuntu: apt install python{major}.{minor}-venv)")
    return PythonChoice(path, (major, minor, micro), source, answer["ensurepip"] is not None)


def _candidates(*, online: bool) -> Iterator[tuple[Source, Path]]:
    for path in _from_uv():
        yield "uv", path
    for path in _from_system():
        yield "system", path
    if online:
        for path in _download_with_uv():
            yield "uv", path


def _fit_or_reason(path: Path, source: Source) -> PythonChoice | str:
    try:
        return probe(path, source)
    except UnfitError as error:
        return str(error)


def _users(path: Path) -> PythonChoice:
    try:
        return probe(path, "user")
    except UnfitError as error:
        raise AvatarError(
            f"The Python set in the preferences cannot be used: {path} {error}. Set the path of a Python "
            "3.10, 3.11 or 3.12, or leave it empty to let the add-on look for one."
        ) from error


def _ask(path: Path) -> dict[str, Any]:
    try:
        done = ask([str(path), "-I", "-c", _PROBE], _PROBE_SECONDS)
        answer: dict[str, Any] = json.loads(done.stdout)
    except OSError as error:
        raise UnfitError(f"cannot be run ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise UnfitError("does not answer") from error
    except ValueError as error:
        raise UnfitError("is no working Python") from error
    return answer


def _numbers(version: str | None) -> tuple[int, ...]:
    parts = (version or "").split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())


def _from_uv() -> Iterator[Path]:
    """The Python that uv manages, when there is uv and it has one."""
    uv = shutil.which("uv")
    if uv is None:
        return
    wish = ">={}.{},<{}.{}".format(*OLDEST, NEWEST[0], NEWEST[1] + 1)
    command = [uv, "python", "find", "--managed-python", "--no-python-downloads", "--no-project", wish]
    try:
        done = ask(command, _PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("uv does not answer: %s", error)
        return
    if done.returncode == 0:
        yield Path(os.fsdecode(done.stdout).strip())


def _download_with_uv() -> Iterator[Path]:
    uv = shutil.which("uv")
    if uv is None:
        return
    try:
        done = ask([uv, "python", "install", PREFERRED[0]], _UV_INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("uv could not download a Python: %s", error)
        return
    if done.returncode != 0:
        log.warning("uv could not download a Python: %s", os.fsdecode(done.stderr).strip())
    yield from _from_uv()


def _from_system() -> Iterator[Path]:
    """Blender's own or the running Python first, then what the search path and the usual places have."""
    if OLDEST <= sys.version_info[:2] <= NEWEST and sys.executable:
        yield Path(sys.executable)
    for name in (*(f"python{version}" for version in PREFERRED), "python3", "python"):
        if found := shutil.which(name):
            yield Path(found)
    for version in PREFERRED:
        yield from _usual_places(version)


def _usual_places(version: str) -> Iterator[Path]:
    """Where installers put Python beside the search path, which a Blender started by click hardly has."""
    home = Path.home()
    if sys.platform == "win32":
        yield from home.glob(f"AppData/Local/Programs/Python/Python{version.replace('.', '')}/python.exe")
        return
    yield from sorted(home.glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for folder in (
        f"/Library/Frameworks/Python.framework/Versions/{version}/bin",
        "/opt/homebrew/bin",
        "/usr/local/bin",
    ):
        path = Path(folder) / f"python{version}"
        if path.is_file():
            yield path
