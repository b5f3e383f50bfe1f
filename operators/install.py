"""Install the engine from inside Blender, remove it, read its log."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

import bpy

from ..engine import environment
from ..engine.avatar.errors import AvatarError
from ..engine.protocol import Progress
from ..preferences import engine_root, preferences
from ..properties import job_state
from ..rendering.engine_session import LOG_FILE as PREVIEW_LOG
from ..rendering.engine_session import shared
from .jobs import BUSY, ModalJob, running
from .reconstruction import LOG_FILE as ENGINE_LOG

DOWNLOAD = "about 230 MB to download, 800 MB on disk"
OFFLINE = (
    "Blender may not go online. Allow it in Preferences > System > Network, or name a Wheel Folder in the "
    "preferences of LHM Avatars."
)
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


class LHM_OT_install_engine(ModalJob, bpy.types.Operator):
    """Download the engine into a folder of its own, outside Blender's Python; needed once"""

    bl_idname = "lhm.install_engine"
    bl_label = "Install Engine"
    bl_options = {"REGISTER"}
    title = "Install Engine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a place to get it from, and nothing else goes on."""
        if running() is not None:
            cls.poll_message_set(BUSY)
            return False
        if not bpy.app.online_access and not preferences(context).wheel_folder:
            cls.poll_message_set(OFFLINE)
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Install while the user goes on working."""
        return self.begin(context, InstallJob(engine_root(context), self._arguments(context)))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Install and wait."""
        try:
            environment.build(engine_root(context), **self._arguments(context))
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return self._installed(context)

    def finish(self, context: bpy.types.Context, job: InstallJob) -> set[str]:
        """Say that it is there."""
        job.result()
        return self._installed(context)

    def _installed(self, context: bpy.types.Context) -> set[str]:
        job_state(context).end("The engine is installed")
        self.report({"INFO"}, "The engine is installed")
        return {"FINISHED"}

    @staticmethod
    def _arguments(context: bpy.types.Context) -> dict[str, Any]:
        """What the preferences say, gathered here because the thread may not ask Blender."""
        chosen = preferences(context)
        wheels, python = chosen.wheel_folder, chosen.python_path
        return {
            "python": Path(bpy.path.abspath(python)) if python else None,
            "wheel_dir": Path(bpy.path.abspath(wheels)) if wheels else None,
            "online": bpy.app.online_access,
        }


class LHM_OT_remove_engine(bpy.types.Operator):
    """Delete the engine from the disk; avatars in your files stay as they are"""

    bl_idname = "lhm.remove_engine"
    bl_label = "Remove Engine"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is one, and it has nothing to do."""
        if running() is not None:
            cls.poll_message_set(BUSY)
            return False
        return environment.engine_python(engine_root(context)) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop what runs and delete."""
        shared.close()
        try:
            environment.remove(engine_root(context))
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        job_state(context).end("The engine is removed")
        return {"FINISHED"}


class LHM_OT_open_log(bpy.types.Operator):
    """Open the engine's newest log in your text editor, to read or to send with a question"""

    bl_idname = "lhm.open_log"
    bl_label = "Open Log"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open it with the system's own program."""
        log = newest_log(engine_root(context))
        if log is None:
            self.report({"INFO"}, "There is no log yet: the engine has not run")
            return {"CANCELLED"}
        return bpy.ops.wm.path_open(filepath=str(log))


def newest_log(root: Path) -> Path | None:
    """The log written to last, of those that the engine and its installation write."""
    logs = [path for name in _LOGS if (path := root / name).is_file()]
    return max(logs, key=lambda path: path.stat().st_mtime, default=None)


CLASSES = (LHM_OT_install_engine, LHM_OT_remove_engine, LHM_OT_open_log)
