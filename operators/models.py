"""Get model files: download them, use those that one has, delete them."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..engine.avatar.errors import AvatarError
from ..engine.weights import licences
from ..engine.weights.catalogue import PRIOR_ARCHIVE, Asset, asset, catalogue, with_needs
from ..engine.weights.store import delete, status
from ..preferences import engines, models_root, preferences
from .asked_job import AskedJob
from .engine_job import EngineJob, Step, start_engine
from .jobs import idle
from .looks import refresh
from .reconstruction import ENGINE_MISSING, LHM_ENGINE_MISSING
from .words import size_words

UNUSED = ("smplx",)
"""Assets that nothing here makes use of."""

ARCHIVE = "archive"
OFFLINE = (
    "Blender may not go online. Allow it in Preferences > System > Network, or press Use Files if you have "
    "the files."
)
Records = list[dict[str, Any]]


def shown() -> tuple[Asset, ...]:
    """The assets that the setup lists."""
    return tuple(item for item in catalogue() if item.name not in UNUSED)


_ITEMS = tuple((item.name, item.title, item.purpose) for item in shown())
_FILE_ITEMS = (*_ITEMS, (ARCHIVE, PRIOR_ARCHIVE, "LHM's archive: all in it whose licence is accepted"))


def start_download(context: bpy.types.Context, model: str) -> "EngineJob[Records]":
    """Have the engine download a model and all that it needs.

    Args:
        context: For the preferences.
        model: In the catalogue.

    Raises:
        AvatarError: If a licence is not accepted, nothing can be downloaded, or there is no engine for it.
    """
    root, chosen = models_root(context), preferences(context)
    items = to_download(model, root)
    if not bpy.app.online_access:
        raise AvatarError(OFFLINE)
    python = engines(context).lhm()
    if python is None:
        raise AvatarError(LHM_ENGINE_MISSING)
    params = {
        "root": str(root),
        "online": bpy.app.online_access,
        "endpoint": chosen.mirror or None,
        "token": chosen.token or None,
    }
    there = status(root)
    steps = [
        Step("weights_download", params | {"asset": item.name}, max(there.of(item.name).to_fetch, 1))
        for item in items
    ]
    return start_engine(python, engines(context).root, lambda _folder: steps, list)


def to_download(model: str, root: Path) -> tuple[Asset, ...]:
    """What is missing of a model and can be downloaded.

    Raises:
        AvatarError: If a licence is not accepted, or there is nothing to download.
    """
    there = status(root)
    lacking = [item for item in with_needs(model) if there.of(item.name).state != "ready"]
    items = tuple(item for item in lacking if item.repository is not None)
    for item in items:
        licences.require(item.name, root)
    if not items and lacking:
        raise AvatarError(
            f"{lacking[0].title} cannot be downloaded by the add-on. Get {lacking[0].main.name} from "
            f"{lacking[0].page} and choose it with Use Files."
        )
    if not items:
        raise AvatarError(f"{asset(model).title} is there already. Nothing was downloaded.")
    return items


def start_use(context: bpy.types.Context, model: str, path: Path) -> "EngineJob[Records]":
    """Have the engine check and remember files that the user has.

    Args:
        context: For the preferences.
        model: In the catalogue, or ``archive`` for all that LHM's archive of prior models holds.
        path: A file, a folder, or the archive.

    Raises:
        AvatarError: If a licence is not accepted, or there is no engine.
    """
    root, there = models_root(context), engines(context)
    if model != ARCHIVE:
        licences.require(model, root)
    python = there.lhm() or there.basic()
    if python is None:
        raise AvatarError(ENGINE_MISSING)
    name = None if model == ARCHIVE else model
    params = {"asset": name, "root": str(root), "path": str(path)}
    return start_engine(python, there.root, lambda _folder: [Step("weights_use", params)], list)


class LHM_OT_download_model(AskedJob, bpy.types.Operator):
    """Download a model and all that it needs; a download that was stopped goes on where it was"""

    bl_idname = "lhm.download_model"
    bl_label = "Download Model"
    bl_options = {"REGISTER", "INTERNAL"}
    title = "Download"

    if TYPE_CHECKING:
        model: str
    else:
        model: EnumProperty(name="Model", description="Which one", items=_ITEMS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Blender may go online, and nothing else goes on."""
        if not super().poll(context):
            return False
        if not bpy.app.online_access:
            cls.poll_message_set(OFFLINE)
            return False
        return True

    def start(self, context: bpy.types.Context) -> "EngineJob[Records]":
        """Of the model and its needs."""
        return start_download(context, self.model)

    def use(self, context: bpy.types.Context, outcome: Records) -> str:
        """Say that it is there."""
        return f"{asset(self.model).title} is downloaded"


class LHM_OT_use_model_files(AskedJob, bpy.types.Operator):
    """Use a file, a folder or LHM's archive of prior models that you have; files stay where they are"""

    bl_idname = "lhm.use_model_files"
    bl_label = "Use Files"
    bl_options = {"REGISTER", "INTERNAL"}
    title = "Use Files"
    handed_on = ("model", "filepath")

    if TYPE_CHECKING:
        model: str
        filepath: str
    else:
        model: EnumProperty(name="Model", description="Which one", items=_FILE_ITEMS)
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    def ask(self, context: bpy.types.Context) -> set[str]:
        """Open the file browser; a folder is chosen by entering it."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        """Beside the files: what is looked for."""
        column = self.layout.column(align=True)
        name = PRIOR_ARCHIVE if self.model == ARCHIVE else asset(self.model).main.name
        for line in (f"Choose {name},", "the folder that holds it,", f"or {PRIOR_ARCHIVE}"):
            column.label(text=line)

    def start(self, context: bpy.types.Context) -> "EngineJob[Records]":
        """Of the chosen file or folder."""
        return start_use(context, self.model, Path(bpy.path.abspath(self.filepath)))

    def use(self, context: bpy.types.Context, outcome: Records) -> str:
        """Say that it is there."""
        title = PRIOR_ARCHIVE if self.model == ARCHIVE else asset(self.model).title
        return f"{title}: the files are checked and will be used"


class LHM_OT_delete_model(bpy.types.Operator):
    """Delete a model's files from the models folder; files elsewhere are only forgotten"""

    bl_idname = "lhm.delete_model"
    bl_label = "Delete Model"
    bl_options = {"REGISTER", "INTERNAL"}

    if TYPE_CHECKING:
        model: str
    else:
        model: EnumProperty(name="Model", description="Which one", items=_ITEMS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Nothing else goes on."""
        return idle(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete, and say how much was set free."""
        try:
            freed = delete(self.model, models_root(context))
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        refresh()
        self.report({"INFO"}, f"{asset(self.model).title}: {size_words(freed)} set free")
        return {"FINISHED"}


CLASSES = (LHM_OT_download_model, LHM_OT_use_model_files, LHM_OT_delete_model)
