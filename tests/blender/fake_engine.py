"""An engine that costs nothing: a real process with scripted answers, in the place of an installed one.

`install` makes a folder that looks like an environment which the add-on built; its ``python`` starts the real
worker with the table of `fake_reconstruct.py`. So the operators run unchanged, down to the pipe.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from lhm_avatars.engine import environment
from lhm_avatars.engine.build_steps import python_of

if TYPE_CHECKING:
    from pathlib import Path

_WRAPPER = """#!/bin/sh
LHM_TEST_AVATAR="{avatar}"
export LHM_TEST_AVATAR
exec "{python}" "$@" --methods "{methods}"
"""


def install(
    root: Path,
    methods: Path,
    avatar: Path,
    requirements: environment.Requirements = environment.BASE,
    **ready: Any,
) -> Path:
    """Make an environment whose engine answers as told.

    Args:
        root: The folder for engines.
        methods: Python file with the table of methods.
        avatar: The file that a reconstruction gives.
        requirements: What the environment seems to be made for.
        ready: What more is known of it.

    Returns:
        Its Python.
    """
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = root / environment._folder_name(requirements, minor)
    python = python_of(folder)
    python.parent.mkdir(parents=True)
    python.write_text(_WRAPPER.format(avatar=avatar, python=sys.executable, methods=methods))
    python.chmod(0o755)
    (folder / "ready.json").write_text(json.dumps({"packages": {}, "bytes": 123_000_000} | ready))
    return python
