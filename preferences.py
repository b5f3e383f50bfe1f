"""What the user sets once for every .blend file: where the engine lives and what it is built from."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
import os
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, StringProperty

# The root package: "bl_ext.<repository>.lhm_avatars" when installed.
PACKAGE = __package__ or ""
ENGINE_ROOT_VARIABLE = "LHM_AVATARS_ENGINE_ROOT"


class LHM_AvatarsPreferences(bpy.types.AddonPreferences):
    """Settings of the extension, shown under Edit > Preferences > Add-ons."""

    bl_idname = PACKAGE

    if TYPE_CHECKING:
        engine_folder: str
        python_path: str
        wheel_folder: str
        keep_log: bool
    else:
        engine_folder: StringProperty(
            name="Engine Folder",
            description="Where the engine is installed. Empty: Blender's own folder for extensions",
            subtype="DIR_PATH",
        )
        python_path: StringProperty(
            name="Python",
            description="A Python 3.10 to 3.12 to build the engine with. Empty: one is looked for",
            subtype="FILE_PATH",
        )
        wheel_folder: StringProperty(
            name="Wheel Folder",
            description="Install the engine from the packages in this folder, without the internet",
            subtype="DIR_PATH",
        )
        keep_log: BoolProperty(
            name="Keep Log",
            description="Keep the engine's log after Blender is closed, for a bug report",
            default=False,
        )

    def draw(self, context: bpy.types.Context) -> None:
        """Show the settings, one a row."""
        column = self.layout.column()
        for name in ("engine_folder", "python_path", "wheel_folder", "keep_log"):
            column.prop(self, name)


def preferences(context: bpy.types.Context | None = None) -> LHM_AvatarsPreferences:
    """Find the extension's preferences, whatever repository it was installed from.

    Raises:
        KeyError: The extension is not enabled.
    """
    context = context or bpy.context
    return context.preferences.addons[PACKAGE].preferences


def engine_root(context: bpy.types.Context | None = None) -> Path:
    """Say in which folder the engine is installed; it need not exist yet.

    The environment variable wins (render farms, tests), then the preference, then Blender's folder for
    files of this extension, which survives updates.
    """
    if folder := os.environ.get(ENGINE_ROOT_VARIABLE):
        return Path(folder)
    if folder := preferences(context).engine_folder:
        return Path(bpy.path.abspath(folder))
    return Path(bpy.utils.extension_path_user(PACKAGE, path="engine", create=True))


CLASSES = (LHM_AvatarsPreferences,)
