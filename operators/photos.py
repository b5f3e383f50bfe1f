"""Which photos: the file browser, dropping, and the list of further ones."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, StringProperty

from ..engine.avatar.errors import AvatarError
from ..engine.request import LIFT, MOST_PHOTOS
from ..properties import settings
from .looks import kept
from .reconstruct import can_begin, request_settings
from .reconstruction import require_photos
from .words import reported, wrapped

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".jp2")
MOST_FURTHER = MOST_PHOTOS - 1
FULL = f"The list is full: the engine takes {MOST_PHOTOS} photos, the main one and {MOST_FURTHER} more"
SEVERAL = (
    "You may select several photos of the same person with Ctrl: first the main one, best from the front, "
    "then back and sides."
)
ONE = "Select one photo. Several photos of a person are for the built-in engine."
MORE = "Select photos of the same person in the same clothes, from the back and the sides."
_LETTERS = 34  # in a line of the file browser's sidebar


class _PhotoBrowser:
    """What operators share that ask for one photo or several."""

    if TYPE_CHECKING:
        filepath: str
        directory: str
        files: bpy.types.bpy_prop_collection_idprop[bpy.types.OperatorFileListElement]
        filter_image: bool
        filter_folder: bool
    else:
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
        directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
        files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
        filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
        filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    _first = ""  # the name of the photo that was selected first; Blender itself tells the last one only

    def chosen(self) -> list[str]:
        """The photos; first the one that was selected or dropped first."""
        beside = {file.name: str(Path(self.directory, file.name)) for file in self.files if file.name}
        first = beside.get(self._first) or self.filepath or next(iter(beside.values()), "")
        return [first, *(path for path in beside.values() if Path(path) != Path(first))] if first else []

    def note_selection(self, context: bpy.types.Context) -> list[str]:
        """The names selected now, first the one that was selected first; asked at each change."""
        names = sorted(file.name for file in context.selected_files or ())
        if self._first not in names:
            last = context.space_data.params.filename
            self._first = last if last in names or not names else names[0]
        return [name for name in (self._first, *(n for n in names if n != self._first)) if name]

    def browse(self, context: bpy.types.Context) -> set[str]:
        """Open the file browser, unless photos were dropped."""
        if self.filepath:
            return self.execute(context)  # type: ignore[attr-defined]
        if settings(context).photo:
            self.directory = str(_absolute(settings(context).photo).parent)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class LHM_OT_choose_photo(_PhotoBrowser, bpy.types.Operator):
    """Choose a photo of a person, or several from different sides, and reconstruct an avatar"""

    bl_idname = "lhm.choose_photo"
    bl_label = "Person from Photo"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """As for the reconstruction itself."""
        return can_begin(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask, unless photos were dropped."""
        return self.browse(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Beside the files: which of several becomes what."""
        several = settings(context).engine == LIFT
        _draw_words(self.layout, SEVERAL if several else ONE)
        if several:
            main, *further = self.note_selection(context) or [""]
            column = self.layout.column(align=True)
            if main:
                column.label(text=f"Main: {main}", icon="USER")
            for name in further:
                column.label(text=f"More: {name}", icon="IMAGE_DATA")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remember the photos and begin. A new person has no further photos but those just chosen."""
        try:
            main, *further = self.chosen() or [""]
            if main:
                remember(context, main, further)
            how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
            begun = bpy.ops.lhm.reconstruct(how)
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except RuntimeError as error:  # else Blender would show it as a mistake of the add-on
            self.report({"ERROR"}, reported(error))
            return {"CANCELLED"}
        return begun - {"RUNNING_MODAL"} or {"FINISHED"}


class LHM_OT_add_photos(_PhotoBrowser, bpy.types.Operator):
    """Add further photos of the same person in the same clothes, from the back and the sides"""

    bl_idname = "lhm.add_photos"
    bl_label = "Add Photos"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is room for more."""
        if len(settings(context).photos) >= MOST_FURTHER:
            cls.poll_message_set(FULL)
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask."""
        return self.browse(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Beside the files: what to select."""
        _draw_words(self.layout, MORE)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put them at the end of the list; what is listed already is not listed twice."""
        chosen = settings(context)
        listed = [further.name for further in chosen.photos]
        try:
            _set_further(context, chosen.photo, [*listed, *self.chosen()])
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LHM_OT_remove_photo(bpy.types.Operator):
    """Take this photo off the list; the file stays where it is"""

    bl_idname = "lhm.remove_photo"
    bl_label = "Remove Photo"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    if TYPE_CHECKING:
        index: int
    else:
        index: IntProperty(name="Place", description="In the list, from 0", min=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is one."""
        return len(settings(context).photos) > 0

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        settings(context).photos.remove(self.index)
        return {"FINISHED"}


def remember(context: bpy.types.Context, main: str, further: Sequence[str]) -> None:
    """Set the scene's photos.

    Args:
        context: Of the scene.
        main: Path of the photo that the avatar starts from.
        further: Paths of the others.

    Raises:
        AvatarError: If the engine does not take so many, or one is not there; nothing is changed then.
    """
    _set_further(context, main, further)
    settings(context).photo = _beside_the_file(main)


def _set_further(context: bpy.types.Context, main: str, paths: Sequence[str]) -> None:
    """Each once, and not the main one."""
    chosen, main_file = settings(context), _absolute(main)
    files = dict.fromkeys(file for file in map(_absolute, paths) if file != main_file)
    require_photos(main_file, replace(request_settings(chosen), photos=tuple(files)))
    chosen.photos.clear()
    for file in files:
        chosen.photos.add().name = _beside_the_file(str(file))


def listed(context: bpy.types.Context) -> list[tuple[str, bool]]:
    """The further photos' names, and whether each was there a moment ago.

    Args:
        context: Of the scene.
    """
    files = [_absolute(further.name) for further in settings(context).photos]
    return [(file.name, kept(("photo", file), file.is_file)) for file in files]


def _absolute(path: str) -> Path:
    return Path(bpy.path.abspath(path))


def _beside_the_file(path: str) -> str:
    """A path as the .blend shall keep it: relative to it, where it is saved and the user wants that."""
    if not bpy.data.filepath or not bpy.context.preferences.filepaths.use_relative_paths:
        return path
    try:
        return bpy.path.relpath(path)
    except ValueError:  # on another drive of Windows
        return path


def _draw_words(layout: bpy.types.UILayout, sentence: str) -> None:
    column = layout.column(align=True)
    for line in wrapped(sentence, _LETTERS):
        column.label(text=line)


class LHM_FH_photo(bpy.types.FileHandler):
    """A photo dropped onto the sidebar; elsewhere dropping stays Blender's own."""

    bl_idname = "LHM_FH_photo"
    bl_label = "Person from Photo"
    bl_import_operator = "lhm.choose_photo"
    bl_file_extensions = ";".join(IMAGE_SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only over the sidebar of the 3D Viewport."""
        area, region = context.area, context.region
        return area is not None and area.type == "VIEW_3D" and region is not None and region.type == "UI"


def _menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(LHM_OT_choose_photo.bl_idname, text="Person from Photo (LHM Avatars)")


def attach(undo: ExitStack) -> None:
    """Add File > Import > Person from Photo."""
    bpy.types.TOPBAR_MT_file_import.append(_menu)
    undo.callback(bpy.types.TOPBAR_MT_file_import.remove, _menu)


CLASSES = (LHM_OT_choose_photo, LHM_OT_add_photos, LHM_OT_remove_photo, LHM_FH_photo)
