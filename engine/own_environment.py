"""A Python environment of the user's own, conda's for instance, in place of the one that we install."""

from __future__ import annotations

import json
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from .avatar.errors import AvatarError
from .processes import ask

# What LHM must be able to import. spandrel and its torchvision are not asked for: they only enlarge small
# faces, and that says so itself where they do not load.
MODULES = (
    *("torch", "numpy", "safetensors", "cv2", "mediapipe"),
    *("scipy", "PIL", "numba", "huggingface_hub"),
)

_SECONDS = 300  # the first import of torch from a cold disk
_OLDEST_PYTHON = (3, 10)
_PROBE = """
import importlib, json, sys
versions, missing = {}, {}
for name in sys.argv[1:]:
    try:
        versions[name] = str(getattr(importlib.import_module(name), "__version__", ""))
    except Exception as error:
        missing[name] = f"{type(error).__name__}: {error}"
print()
print(json.dumps({"python": list(sys.version_info[:2]), "versions": versions, "missing": missing}))
"""


def check_own(python: Path) -> dict[str, str]:
    """Run a user's own environment and see whether it has everything; asked once as long as it has.

    Args:
        python: Its interpreter.

    Returns:
        Versions by imported name.

    Raises:
        AvatarError: Naming what is missing.
    """
    python = Path(python).absolute()
    try:
        changed = python.stat().st_mtime_ns
    except OSError as error:
        raise AvatarError(
            f"There is no Python at {python}. Set the path of your environment's Python in the preferences, "
            "or leave it empty."
        ) from error
    return dict(_versions(python, changed))


@lru_cache(maxsize=8)
def _versions(python: Path, changed: int) -> tuple[tuple[str, str], ...]:
    del changed  # part of the key
    answer = _ask(python)
    version = ".".join(map(str, answer["python"]))
    if tuple(answer["python"]) < _OLDEST_PYTHON:
        raise AvatarError(f"{python} is Python {version}, but LHM needs 3.10 or newer. Choose another one.")
    if answer["missing"]:
        names, first = ", ".join(answer["missing"]), next(iter(answer["missing"].values()))
        raise AvatarError(
            f"Your environment {python} cannot import what LHM needs: {names} ({first}). Install it there, "
            "or leave the path empty and let the add-on install its own."
        )
    return tuple(answer["versions"].items())


def _ask(python: Path) -> dict[str, Any]:
    try:
        done = ask([str(python), "-I", "-c", _PROBE, *MODULES], _SECONDS)
        return json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise AvatarError(
            f"{python} does not run as a Python. Set the path of your environment's Python in the "
            "preferences, or leave it empty."
        ) from error
