"""What a job could leave behind: data-blocks, files, a process."""

from __future__ import annotations

import os
from pathlib import Path

import bpy


def data_blocks() -> dict[str, list[str]]:
    """Every data-block of the file, by kind."""
    kinds = (
        name for name in dir(bpy.data) if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)
    )
    return {kind: sorted(block.name_full for block in getattr(bpy.data, kind)) for kind in kinds}


def temporary_files() -> list[str]:
    return sorted(path.name for path in Path(bpy.app.tempdir).rglob("*"))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
