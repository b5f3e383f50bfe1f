"""Long jobs in a window: one at a time, watched by a timer, shown in the panel and the status bar.

A job works in another process or thread and never touches Blender. The operator that started it looks at it
ten times a second, and is the only one who turns its result into something in the scene.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import bpy
from bpy.app.handlers import persistent

from ..engine.avatar.errors import AvatarError
from ..engine.protocol import Cancelled, EngineBug
from ..properties import CANCELLED, job_state

if TYPE_CHECKING:
    from contextlib import ExitStack

    from ..engine.protocol import Progress

TICK_SECONDS = 0.1
BUSY = "Wait for the running job, or cancel it"
BUG = "The engine made a mistake that it should not make. Please report it with the log (Setup > Open Log)."
_EARLIEST_SECONDS, _EARLIEST_SHARE = 2.0, 0.03  # before, the time left would be a guess


class Job(Protocol):
    """Something that takes a while."""

    progress: Progress

    def poll(self) -> bool:
        """Look what is new, without waiting; True when it is over."""
        ...

    def result(self) -> Any:
        """What came out, or the exception that says why nothing did."""
        ...

    def cancel(self) -> None:
        """Ask for the end."""
        ...

    def close(self) -> None:
        """End it now and clean up; harmless a second time."""
        ...


class Watch:
    """A running job, since when it runs, and whether somebody wants it to end."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.began = time.monotonic()
        self.cancelling = False

    def cancel(self) -> None:
        """Ask the job to end, once."""
        if not self.cancelling:
            self.cancelling = True
            self.job.cancel()

    def time_left(self) -> str:
        """In words; empty while nobody can know."""
        return time_left(self.job.progress.fraction, time.monotonic() - self.began)


# The only state of this module: the job in the window. Empty when it ends, a file is loaded, the add-on goes.
_running: list[Watch] = []


def running() -> Watch | None:
    """The job in the window, if there is one."""
    return _running[-1] if _running else None


def idle(operator: type) -> bool:
    """Whether no job is in the window; where one is, the operator's greyed button says so."""
    if running() is None:
        return True
    operator.poll_message_set(BUSY)
    return False


class ModalJob:
    """What the operators of long jobs share: begin, tick, Esc, and exactly one end.

    A subclass is an operator, has a ``title``, and puts the result into the scene in ``finish``.
    """

    title: str = ""
    _watch: Watch | None = None
    _timer: bpy.types.Timer | None = None

    def finish(self, context: bpy.types.Context, job: Any) -> set[str]:
        """Use the job's result; may raise what the job raises."""
        raise NotImplementedError(f"{type(self).__name__} needs a finish(context, job)")

    def begin(self, context: bpy.types.Context, job: Job) -> set[str]:
        """Watch a job from now on."""
        self._watch = Watch(job)
        _running.append(self._watch)
        job_state(context).begin(self.title)
        manager, window = context.window_manager, context.window
        if window is not None and window.parent is not None:
            window = window.parent  # the Preferences may be closed while the job goes on
            with context.temp_override(window=window):
                manager.modal_handler_add(self)
        else:
            manager.modal_handler_add(self)
        self._timer = manager.event_timer_add(TICK_SECONDS, window=window)
        self._show(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look at the job on each tick; the user goes on working meanwhile."""
        watch = self._watch
        if watch is None:
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            watch.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not watch.job.poll():
            self._show(context)
            return {"PASS_THROUGH"}
        try:
            return self._finished(context, watch.job)
        finally:
            self._clean_up(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: a file is loaded, the window is closed, Blender quits."""
        if self._watch is not None:
            job_state(context).end(CANCELLED)
            self._clean_up(context)

    def _finished(self, context: bpy.types.Context, job: Job) -> set[str]:
        state = job_state(context)
        try:
            return self.finish(context, job)
        except Cancelled:
            state.end(CANCELLED)
            self.report({"INFO"}, f"{self.title}: cancelled")
        except AvatarError as error:
            state.end(str(error), failed=True)
            self.report({"ERROR"}, str(error))
        except EngineBug:
            state.end(BUG, failed=True)
            raise
        finally:
            if state.running:
                state.end("An unexpected error; the system console has the details", failed=True)
        return {"CANCELLED"}

    def _show(self, context: bpy.types.Context) -> None:
        watch, state = self._watch, job_state(context)
        progress = watch.job.progress
        state.fraction = progress.fraction
        state.message = "Cancelling" if watch.cancelling else progress.message
        state.time_left = "" if watch.cancelling else watch.time_left()
        parts = (f"{self.title}: {state.message}", f"{state.fraction:.0%}", state.time_left, "Esc cancels")
        context.workspace.status_text_set("  |  ".join(part for part in parts if part))
        redraw_sidebars(context)

    def _clean_up(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        if self._watch in _running:
            _running.remove(self._watch)
        self._watch.job.close()
        self._watch = self._timer = None
        redraw_sidebars(context)


class LHM_OT_cancel_job(bpy.types.Operator):
    """Stop the running job; nothing of it is left behind"""

    bl_idname = "lhm.cancel_job"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is something to cancel."""
        return running() is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask; the job's own operator does the rest."""
        watch = running()
        if watch is not None:
            watch.cancel()
        return {"FINISHED"}


def time_left(fraction: float, seconds: float) -> str:
    """How long a job will go on if it keeps its pace, in words.

    Args:
        fraction: Of the whole, done.
        seconds: It took for that.
    """
    if seconds < _EARLIEST_SECONDS or fraction < _EARLIEST_SHARE:
        return ""
    left = seconds * (1 - fraction) / fraction
    if left >= 90:
        return f"about {left / 60:.0f} min left"
    step = 5 if left > 10 else 1
    return f"about {max(step * round(left / step), 1)} s left"


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Have the panels drawn again; Blender does not know that their words changed."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                for region in area.regions:
                    if region.type in ("UI", "WINDOW"):
                        region.tag_redraw()


@persistent
def _close_all(_file: str = "", _unused: object = None) -> None:
    """No job outlives the file it was started in."""
    while _running:
        _running.pop().job.close()


@persistent
def _forget(_file: str = "", _unused: object = None) -> None:
    for manager in bpy.data.window_managers:
        manager.property_unset("lhm_job")


def attach(undo: ExitStack) -> None:
    """End a running job with the file and with the add-on."""
    handlers = bpy.app.handlers
    for kind, handler in ((handlers.load_pre, _close_all), (handlers.load_post, _forget)):
        kind.append(handler)
        undo.callback(kind.remove, handler)
    undo.callback(_close_all)


CLASSES = (LHM_OT_cancel_job,)
