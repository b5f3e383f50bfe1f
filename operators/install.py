"""Install the engines from inside Blender, remove them, read their log."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from ..engine import environment, torch_builds
from ..engine.avatar.errors import AvatarError
from ..engine.environment import Requirements
from ..engine.protocol import Progress
from ..preferences import engine_root, engines, models_root, preferences
from ..properties import job_state
from ..rendering.engine_session import LOG_FILE as PREVIEW_LOG
from ..rendering.engine_session import shared
from .asked_job import AskedJob
from .engine_job import LOG_FILE as ENGINE_LOG
from .jobs import idle
from .looks import known_hardware, look_at_hardware, refresh

DOWNLOAD = "about 230 MB to download, 800 MB on disk"
OFFLINE = (
    "Blender may not go online. Allow it in Preferences > System > Network, or name a Wheel Folder in the "
    "preferences of LHM Avatars."
)
NO_TORCH = "There is no torch for this system. The built-in engine works without it."
_LOGS = (ENGINE_LOG, PREVIEW_LOG, environment.LOG_FILE)


class InstallJob:
    """Builds the engine's environment in a thread; the thread knows nothing of Blender."""

    def __init__(self, root: Path, arguments: dict[str, Any]) -> None:
        self.progress = Progress(0, "", 0.0, "Looking for a Python")
        self._news: SimpleQueue[Progress] = SimpleQueue()
        self._wanted_end = Event()
        self._outcome: Path | Exception | None = None
        self._thread = Thread(
            target=self._work, args=(root, arguments), name="engine installation", daemon=True
        )
        self._thread.start()

    def poll(self) -> bool:
        """Take the last news; True when it is over."""
        over = not self._thread.is_alive()  # asked first: what came before the end must not be missed
        try:
            while True:
                self.progress = self._news.get_nowait()
        except Empty:
            return over

    def result(self) -> Path:
        """The engine's Python.

        Raises:
            AvatarError: If it could not be installed.
            Cancelled: If somebody wanted the end.
        """
        if isinstance(self._outcome, Path):
            return self._outcome
        raise self._outcome or ValueError("result() must be called after poll() returned True")

    def cancel(self) -> None:
        """Ask for the end; what was downloaded is kept for the next time."""
        self._wanted_end.set()

    def close(self) -> None:
        """End it and wait until it is over."""
        self._wanted_end.set()
        self._thread.join()

    def _work(self, root: Path, arguments: dict[str, Any]) -> None:
        try:
            self._outcome = environment.build(
                root,
                progress=lambda stage, fraction, message: self._news.put(
                    Progress(0, stage, fraction, message)
                ),
                cancelled=self._wanted_end.is_set,
                **arguments,
            )
        except Exception as error:  # noqa: BLE001 (handed over and raised in Blender's own thread)
            self._outcome = error


class _Install(AskedJob):
    """What the installing operators share; a subclass says what for."""

    done = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a place to get it from, and nothing else goes on."""
        if not super().poll(context):
            return False
        if not bpy.app.online_access and not preferences(context).wheel_folder:
            cls.poll_message_set(OFFLINE)
            return False
        return True

    def requirements(self, context: bpy.types.Context) -> Requirements:
        """What to install; may raise AvatarError."""
        raise NotImplementedError(f"{type(self).__name__} needs requirements(context)")

    def start(self, context: bpy.types.Context) -> InstallJob:
        """Build the environment."""
        wanted = install_arguments(context) | {"requirements": self.requirements(context)}
        return InstallJob(engine_root(context), wanted)

    def use(self, context: bpy.types.Context, outcome: Path) -> str:
        """Say that it is there."""
        return self.done


class LHM_OT_install_engine(_Install, bpy.types.Operator):
    """Download the engine into a folder of its own, outside Blender's Python; needed once"""

    bl_idname = "lhm.install_engine"
    bl_label = "Install Engine"
    bl_options = {"REGISTER"}
    title = "Install Engine"
    done = "The engine is installed"

    def requirements(self, context: bpy.types.Context) -> Requirements:
        """The built-in engine's."""
        return environment.BASE


class LHM_OT_install_lhm(_Install, bpy.types.Operator):
    """Download the engine for LHM, with torch, into a folder of its own; models come afterwards"""

    bl_idname = "lhm.install_lhm"
    bl_label = "Install Engine for LHM"
    bl_options = {"REGISTER"}
    title = "Install Engine for LHM"
    done = "The engine for LHM is installed"
    handed_on = ("build",)

    if TYPE_CHECKING:
        build: str
    else:
        build: StringProperty(
            name="Build", description="Of torch, such as cpu or cu130. Empty: the best for this computer",
            options={"SKIP_SAVE"},
        )  # fmt: skip

    def ask(self, context: bpy.types.Context) -> set[str]:
        """Say what will be fetched before anything is."""
        self._choose(context)
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, context: bpy.types.Context) -> None:
        """Which build, and how much."""
        build = next((one for one in torch_builds.builds() if one.name == self.build), None)
        column = self.layout.column(align=True)
        column.label(text=build_words(build) if build else NO_TORCH)
        column.label(text=f"Folder: {engine_root(context)}")

    def requirements(self, context: bpy.types.Context) -> Requirements:
        """The chosen build's.

        Raises:
            AvatarError: If there is none for this system.
        """
        self._choose(context)
        return torch_builds.requirements_of(self.build)

    def _choose(self, context: bpy.types.Context) -> None:
        if not self.build:
            hardware = known_hardware() or look_at_hardware(models_root(context))
            self.build = next((build.name for build in torch_builds.offered(hardware)), "")


class _Remove:
    """What the removing operators share."""

    done = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is one, and it has nothing to do."""
        return idle(cls) and cls.found(context) is not None

    @classmethod
    def found(cls, context: bpy.types.Context) -> Requirements | None:
        """The environment to delete; None without one."""
        raise NotImplementedError(f"{cls.__name__} needs found(context)")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop what runs and delete."""
        shared.close()
        try:
            environment.remove(engine_root(context), self.found(context))
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        refresh()
        job_state(context).end(self.done)
        return {"FINISHED"}


class LHM_OT_remove_engine(_Remove, bpy.types.Operator):
    """Delete the built-in engine from the disk; avatars in your files stay as they are"""

    bl_idname = "lhm.remove_engine"
    bl_label = "Remove Engine"
    bl_options = {"REGISTER"}
    done = "The engine is removed"

    @classmethod
    def found(cls, context: bpy.types.Context) -> Requirements | None:
        """The built-in engine's."""
        return environment.BASE if environment.engine_python(engine_root(context)) is not None else None


class LHM_OT_remove_lhm(_Remove, bpy.types.Operator):
    """Delete the engine for LHM from the disk; models and avatars stay as they are"""

    bl_idname = "lhm.remove_lhm"
    bl_label = "Remove Engine for LHM"
    bl_options = {"REGISTER"}
    done = "The engine for LHM is removed"

    @classmethod
    def found(cls, context: bpy.types.Context) -> Requirements | None:
        """The installed build's."""
        build = torch_builds.installed(engines(context).root)
        return torch_builds.requirements_of(build.name) if build else None


class LHM_OT_open_log(bpy.types.Operator):
    """Open the engine's newest log in your text editor, to read or to send with a question"""

    bl_idname = "lhm.open_log"
    bl_label = "Open Log"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open it with the system's own program."""
        there = logs(engine_root(context))
        if not there:
            self.report({"INFO"}, "There is no log yet: the engine has not run")
            return {"CANCELLED"}
        return bpy.ops.wm.path_open(filepath=str(there[0]))


def install_arguments(context: bpy.types.Context) -> dict[str, Any]:
    """What the preferences say, gathered here because a thread may not ask Blender."""
    chosen = preferences(context)
    wheels, python = chosen.wheel_folder, chosen.python_path
    return {
        "python": Path(bpy.path.abspath(python)) if python else None,
        "wheel_dir": Path(bpy.path.abspath(wheels)) if wheels else None,
        "online": bpy.app.online_access,
    }


def build_words(build: torch_builds.TorchBuild) -> str:
    """A build of torch and what it costs."""
    fetched, disk = build.download_bytes / 1e9, build.disk_bytes / 1e9
    return f"{build.title}: about {fetched:.1f} GB to download, {disk:.1f} GB on disk"


def logs(root: Path) -> list[Path]:
    """What the engine and its installation wrote, the newest first."""
    found = [path for name in _LOGS if (path := root / name).is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


CLASSES = (
    LHM_OT_install_engine,
    LHM_OT_install_lhm,
    LHM_OT_remove_engine,
    LHM_OT_remove_lhm,
    LHM_OT_open_log,
)
