"""What the user sets once for every .blend file: where engine and models live and what they run on."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .engine.environment import engine_python
from .engine.torch_builds import lhm_python

# The root package: "bl_ext.<repository>.lhm_avatars" when installed.
PACKAGE = __package__ or ""
ENGINE_ROOT_VARIABLE = "LHM_AVATARS_ENGINE_ROOT"
MODELS_ROOT_VARIABLE = "LHM_AVATARS_MODELS_ROOT"
PRESETS_ROOT_VARIABLE = "LHM_AVATARS_PRESETS_ROOT"

DEVICE_ITEMS = (
    ("auto", "Automatic", "The graphics card when there is a fitting one, else the processor"),
    ("cuda", "Graphics Card", "NVIDIA or AMD, through CUDA or ROCm"),
    ("mps", "Apple Graphics", "The graphics of a Mac with an Apple processor"),
    ("cpu", "Processor", "Works everywhere, slowly"),
)
TOKEN_NOTE = "The token is kept in Blender's preferences, unencrypted. It is sent to the model server only"  # noqa: S105

page: list[Callable[[bpy.types.UILayout, bpy.types.Context], None]] = []
"""What draws the page below the settings; the panels, which preferences may not know, put it here."""


class LHM_AvatarsPreferences(bpy.types.AddonPreferences):
    """Settings of the extension, shown under Edit > Preferences > Add-ons."""

    bl_idname = PACKAGE

    if TYPE_CHECKING:
        engine_folder: str
        python_path: str
        wheel_folder: str
        keep_log: bool
        lhm_python: str
        device: str
        models_folder: str
        mirror: str
        token: str
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
        lhm_python: StringProperty(
            name="Own Environment",
            description="The Python of an environment of your own that has torch and the engine's packages. "
            "Empty: the engine for LHM that is installed here",
            subtype="FILE_PATH",
        )
        device: EnumProperty(name="Device", description="What LHM computes on", items=DEVICE_ITEMS)
        models_folder: StringProperty(
            name="Models Folder",
            description="Where downloaded models are kept. Empty: Blender's own folder for extensions",
            subtype="DIR_PATH",
        )
        mirror: StringProperty(
            name="Mirror",
            description="Address of a server that mirrors the Hugging Face hub. Empty: the hub itself",
        )
        token: StringProperty(
            name="Access Token",
            description="For models that ask for a login at the Hugging Face hub. Kept unencrypted in "
            "Blender's preferences",
            subtype="PASSWORD",
        )

    def draw(self, context: bpy.types.Context) -> None:
        """Show the settings, one a row, then what the panels add."""
        column = self.layout.column()
        for name in ("engine_folder", "python_path", "wheel_folder", "keep_log"):
            column.prop(self, name)
        for draw in page:
            draw(self.layout, context)


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


def models_root(context: bpy.types.Context | None = None) -> Path:
    """Say in which folder the models lie; it need not exist yet. Chosen in the order of `engine_root`."""
    if folder := os.environ.get(MODELS_ROOT_VARIABLE):
        return Path(folder)
    if folder := preferences(context).models_folder:
        return Path(bpy.path.abspath(folder))
    return Path(bpy.utils.extension_path_user(PACKAGE, path="models"))


def presets_root(_context: bpy.types.Context | None = None) -> Path:
    """Say in which folder the user's bone tables lie; it need not exist yet."""
    if folder := os.environ.get(PRESETS_ROOT_VARIABLE):
        return Path(folder)
    return Path(bpy.utils.extension_path_user(PACKAGE, path="presets"))


@dataclass(frozen=True)
class Engines:
    """Which Python runs what; cheap to ask, runs nothing.

    Attributes:
        root: Where engines are installed.
        own: The Python of the user's own environment for LHM.
    """

    root: Path
    own: Path | None = None

    def basic(self) -> Path | None:
        """For all but LHM: the built-in engine's, else LHM's, which can do the same."""
        return engine_python(self.root) or self.lhm()

    def lhm(self) -> Path | None:
        """For LHM."""
        return lhm_python(self.root, self.own)

    def drawing(self) -> Path | None:
        """For pictures: the user's own environment, which may have gsplat, else what there is."""
        return (self.lhm() if self.own else None) or self.basic()


def engines(context: bpy.types.Context | None = None) -> Engines:
    """The engines that the preferences name."""
    own = preferences(context).lhm_python
    return Engines(engine_root(context), Path(bpy.path.abspath(own)) if own else None)


CLASSES = (LHM_AvatarsPreferences,)
