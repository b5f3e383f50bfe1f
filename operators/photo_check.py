"""Show what LHM would see of a photo, before the minutes of a reconstruction are spent."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np
from bpy.app.handlers import persistent
from numpy.typing import NDArray

from ..engine.avatar.errors import AvatarError
from ..engine.request import LIFT
from ..preferences import Engines, engines
from ..properties import settings
from .asked_job import AskedJob
from .engine_job import EngineJob, Step, start_engine
from .reconstruct import NO_PHOTO, request_settings
from .reconstruction import ENGINE_MISSING, Settings

PICTURE_SIDE = 640  # pixels of the whole picture
_PICTURE = "photo_check.png"


@dataclass(frozen=True)
class PhotoCheck:
    """What was found in a photo.

    Attributes:
        photo: Which.
        settings: What it was asked with.
        warnings: What is to be said against it.
        notes: What else the user should know.
    """

    photo: Path
    settings: Settings
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is to be said against it."""
        return not self.warnings


@dataclass(frozen=True)
class _Answer:
    report: dict[str, Any]
    picture: "Pixels"


@dataclass(frozen=True)
class Pixels:
    """A picture in Blender's order.

    Attributes:
        width: Pixels.
        height: Pixels.
        rgba: From the lower left corner, 0..1. [height * width * 4]
    """

    width: int
    height: int
    rgba: NDArray[np.float32]


# The only state of this module. Cleared when a file is loaded and when the add-on goes.
_last: list[PhotoCheck] = []
_previews: list[Any] = []


def start_check(photo: Path, wanted: Settings, there: Engines) -> "EngineJob[_Answer]":
    """Have an engine look at a photo.

    Args:
        photo: An image file.
        wanted: What the reconstruction would be asked for.
        there: The engines.

    Raises:
        AvatarError: If there is no engine, or it cannot start.
    """
    python = (None if wanted.engine == LIFT else there.lhm()) or there.basic()
    if python is None:
        raise AvatarError(ENGINE_MISSING)
    return start_engine(
        python,
        there.root,
        lambda folder: [Step("check_photo", _params(photo, wanted, folder))],
        lambda answers: _Answer(answers[0]["report"], _read(Path(answers[0]["picture"]))),
    )


def last_check(context: bpy.types.Context) -> PhotoCheck | None:
    """The last check, as long as the scene still means the same photo and settings."""
    if not _last or not settings(context).photo:
        return None
    photo, wanted = chosen_photo(context)
    return _last[-1] if (_last[-1].photo, _key(_last[-1].settings)) == (photo, _key(wanted)) else None


def picture_icon() -> int:
    """Number of the picture's icon; 0 without one."""
    return _previews[-1][_PICTURE].icon_id if _previews and _PICTURE in _previews[-1] else 0


def chosen_photo(context: bpy.types.Context) -> tuple[Path, Settings]:
    """What the scene is set to."""
    chosen = settings(context)
    return Path(bpy.path.abspath(chosen.photo)), request_settings(chosen)


class LHM_OT_check_photo(AskedJob, bpy.types.Operator):
    """Look whether the photo will do, and show what the engine would see of it"""

    bl_idname = "lhm.check_photo"
    bl_label = "Check Photo"
    bl_options = {"REGISTER", "INTERNAL"}
    title = "Check Photo"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There are a photo and an engine, and nothing else goes on."""
        if not super().poll(context):
            return False
        if not settings(context).photo:
            cls.poll_message_set(NO_PHOTO)
            return False
        if engines(context).basic() is None:
            cls.poll_message_set(ENGINE_MISSING)
            return False
        return True

    def start(self, context: bpy.types.Context) -> "EngineJob[_Answer]":
        """With what the scene is set to."""
        self._asked_for = chosen_photo(context)
        return start_check(*self._asked_for, engines(context))

    def use(self, context: bpy.types.Context, outcome: _Answer) -> str:
        """Keep the sentences and the picture for the panel."""
        photo, wanted = self._asked_for
        report = outcome.report
        warnings, notes = (tuple(report.get(name, ())) for name in ("warnings", "sentences"))
        _last[:] = [PhotoCheck(photo, wanted, warnings, notes)]
        _show(outcome.picture)
        return f"{photo.name} was checked"


def _key(wanted: Settings) -> tuple[Any, ...]:
    """What a check depends on."""
    return (
        *(wanted.engine, wanted.mask, wanted.preparation),
        *(wanted.head_box, wanted.enlarge, wanted.model_folder),
    )


def _params(photo: Path, wanted: Settings, folder: Path) -> dict[str, Any]:
    return {
        "photo": str(photo),
        "mask": str(wanted.mask) if wanted.mask else None,
        "engine": wanted.engine,
        "preparation": wanted.preparation,
        "head_box": list(wanted.head_box) if wanted.head_box else None,
        "picture": str(folder / _PICTURE),
        "side": PICTURE_SIDE,
        "models": str(wanted.models) if wanted.models else None,
        "model_folder": str(wanted.model_folder) if wanted.model_folder else None,
        "enlarge": wanted.enlarge,
    }


def _read(path: Path) -> Pixels:
    """Read a picture through Blender, and leave no image behind.

    Raises:
        AvatarError: If it is none.
    """
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        width, height = image.size[0], image.size[1]
        if not width * height:  # Blender's answer to what it cannot read
            raise AvatarError("The engine made no picture of the photo. Check the photo again.")
        rgba = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(rgba)
        return Pixels(width, height, rgba)
    finally:
        bpy.data.images.remove(image)


def _show(picture: Pixels) -> None:
    """Make the icon; Blender's own reading of a file would shrink it to a thumbnail."""
    _forget_picture()
    collection = bpy.utils.previews.new()
    _previews.append(collection)
    preview = collection.new(_PICTURE)
    preview.image_size = (picture.width, picture.height)
    preview.image_pixels_float.foreach_set(picture.rgba)


def _forget_picture() -> None:
    while _previews:
        bpy.utils.previews.remove(_previews.pop())


@persistent
def _forget(_file: str = "", _unused: object = None) -> None:
    _last.clear()
    _forget_picture()


def attach(undo: ExitStack) -> None:
    """Forget the check with the file and with the add-on."""
    bpy.app.handlers.load_pre.append(_forget)
    undo.callback(bpy.app.handlers.load_pre.remove, _forget)
    undo.callback(_forget)


CLASSES = (LHM_OT_check_photo,)
