"""Jobs compiled by our job type, by a Node that stands in for Flamenco's Manager."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "farm" / "lhm_avatars.js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    NODE is None, reason="node, which compiles Flamenco's jobs here, is not on the PATH"
)


class Refused(Exception):
    """The job does not compile; the text is what the user reads."""


def compiled(settings: dict[str, Any] | None) -> dict[str, Any]:
    """The job type and its tasks.

    Args:
        settings: What the user chose, on top of the defaults; None for the job type alone.

    Raises:
        Refused: If the script refuses the settings.
    """
    job: dict[str, Any] = {"name": "a job"}
    if settings is not None:
        defaults = {entry["key"]: entry.get("default", "") for entry in compiled(None)["type"]["settings"]}
        job["settings"] = defaults | {"fps": 24.0} | settings
    command = [NODE, Path(__file__).with_name("compile_job.js"), SCRIPT]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise Refused(done.stderr.strip())
    return json.loads(done.stdout)


def command_line(command: dict[str, Any]) -> list[str]:
    """What a worker runs for a command, as Flamenco's list of commands says; variables stay."""
    values = command["parameters"]
    if command["name"] == "exec":
        return [values["exe"], *values["args"]]
    if command["name"] == "blender-render":
        before = [values["exe"], *values["exeArgs"].split(), *values["argsBefore"]]
        return [*before, values["blendfile"], *values["args"]]
    if command["name"] == "frames-to-video":
        pattern = ["-pattern_type", "glob", "-i", values["inputGlob"]]  # on Linux
        frames = ["-r", str(values["fps"]), *pattern]
        return [values["exe"], *frames, *values["args"], "-r", str(values["fps"]), values["outputFile"]]
    raise ValueError(f"{command['name']} is no command of Flamenco's")
