"""The one place that adds the extension to Blender, and records how to take each thing out again.

A module listed in `MODULES` ends with `CLASSES`, a tuple in the order of registration. If it has more to add
than classes (a property on a Blender type, a menu entry, a handler, a command) it also has a function
`attach(undo: ExitStack) -> None`, which pushes the undoing of each thing right after doing it.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from typing import TYPE_CHECKING

import bpy

from . import commands, preferences, properties
from .operators import (
    bone_maps,
    built_in,
    confidence,
    control_rig,
    display,
    duplicate,
    export_motion,
    face,
    files,
    import_motion,
    install,
    jobs,
    licences,
    looks,
    models,
    motion_questions,
    photo_check,
    photos,
    plate,
    pose,
    pose_tools,
    preview,
    reconstruct,
    relight,
    render_settings,
    retarget,
    setup,
    viewport,
)
from .operators import shape as shape_operators
from .panels import about, more_photos, preview_settings
from .panels import control_rig as control_rig_panel
from .panels import display as display_panel
from .panels import face as face_panel
from .panels import main as main_panel
from .panels import motion as motion_panel
from .panels import photo_check as photo_check_panel
from .panels import plate as plate_panel
from .panels import settings as settings_panel
from .panels import setup as setup_panel
from .panels import shape as shape_panel
from .rendering import playback_detail, preview_engine
from .rendering.viewport import handlers as viewport_handlers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# In order: settings first, then what uses them, panels last. Undone from the end.
MODULES: tuple[ModuleType, ...] = (
    preferences,
    properties,
    preview_engine,
    viewport_handlers,
    playback_detail,
    looks,
    jobs,
    install,
    licences,
    models,
    setup,
    reconstruct,
    photos,
    photo_check,
    pose,
    built_in,
    pose_tools,
    control_rig,
    bone_maps,
    motion_questions,
    import_motion,
    retarget,
    export_motion,
    shape_operators,
    face,
    files,
    preview,
    confidence,
    display,
    render_settings,
    duplicate,
    viewport,
    relight,
    plate,
    commands,
    main_panel,
    more_photos,
    settings_panel,
    photo_check_panel,
    control_rig_panel,
    face_panel,
    shape_panel,
    display_panel,
    plate_panel,
    about,
    motion_panel,
    setup_panel,
    preview_settings,
)

_undo = ExitStack()

# Blender as a Python module does not end while a render engine of an add-on is registered. The Blender
# program has disabled its add-ons by then, so nothing is left to undo.
atexit.register(_undo.close)


def register() -> None:
    """Add everything to Blender. If one step fails, the steps before it are undone and the error goes on."""
    unregister()  # Twice in a row (a reload) must not leave the first round behind.
    add(MODULES, _undo)


def unregister() -> None:
    """Undo what `register` did, last step first."""
    _undo.close()


def add(modules: Sequence[ModuleType], undo: ExitStack) -> None:
    """Register the modules' classes, then attach the rest, all or nothing.

    Args:
        modules: Modules with `CLASSES` and perhaps `attach`, in order.
        undo: Takes over the undoing once every step worked.
    """
    with ExitStack() as steps:
        for module in modules:
            for cls in module.CLASSES:
                bpy.utils.register_class(cls)
                steps.callback(bpy.utils.unregister_class, cls)
        for module in modules:
            if hasattr(module, "attach"):
                module.attach(steps)
        undo.push(steps.pop_all().__exit__)
