"""What a window does with a running operator, for a Blender that has none: begin it, tick, press Esc."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy
from lhm_avatars.operators import reconstruction
from lhm_avatars.operators.asked_job import AskedJob
from lhm_avatars.operators.jobs import ModalJob
from lhm_avatars.operators.reconstruct import LHM_OT_reconstruct
from lhm_avatars.preferences import engines

if TYPE_CHECKING:
    from pathlib import Path


class _Manager:
    """The window manager, but for what needs a window."""

    def __init__(self) -> None:
        self.timers = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(bpy.context.window_manager, name)

    def event_timer_add(self, seconds: float, window: object) -> str:
        self.timers += 1
        return "timer"

    def event_timer_remove(self, timer: str) -> None:
        assert timer == "timer"
        self.timers -= 1

    def modal_handler_add(self, operator: object) -> None:
        pass


class Context:
    """Blender's context with that window manager."""

    def __init__(self) -> None:
        self.window_manager = _Manager()

    def __getattr__(self, name: str) -> Any:
        return getattr(bpy.context, name)


class Pressed(ModalJob):
    """The operator as its button was pressed; Blender makes instances only for a window's events."""

    title = LHM_OT_reconstruct.title
    mask, seed, count, influences, pose, avatar_file = "", 0, 5000, "4", "photo", ""
    engine, model_folder, preparation, shape, betas = "lift", "", "best", "fit", (0.0,) * 10
    binding = "surface"
    photos, held, loose_automatic, loose_strength = (), "keep", True, 0.5
    use_head_box, head_box, enlarge = False, (0, 0, 0, 0), True

    def __init__(self, photo: Path, **properties: Any) -> None:
        self.photo, self.location = str(photo), (1.0, 2.0, 3.0)
        self.context, self.reports = Context(), []
        for name, value in properties.items():
            setattr(self, name, value)
        job = reconstruction.start(self._photo(), self._settings(), engines())
        self.pid = job.pid
        assert self.begin(self.context, job) == {"RUNNING_MODAL"}

    finish = LHM_OT_reconstruct.finish
    _made, _photo, _keep, _settings = (
        vars(LHM_OT_reconstruct)[name] for name in ("_made", "_photo", "_keep", "_settings")
    )

    def report(self, kind: set[str], text: str) -> None:
        self.reports.append((*kind, text))

    def event(self, kind: str, value: str = "NOTHING") -> set[str]:
        return self.modal(self.context, SimpleNamespace(type=kind, value=value))

    def tick_until_over(self, seconds: float = 20) -> set[str]:
        """Ticks of the timer until the operator ends."""
        return self.tick_until(lambda answer: answer in ({"FINISHED"}, {"CANCELLED"}), seconds)

    def tick_until(self, enough: Any, seconds: float = 20) -> set[str]:
        end = time.monotonic() + seconds
        while not enough(answer := self.event("TIMER")):
            assert answer == {"PASS_THROUGH"}
            assert time.monotonic() < end, self.context.window_manager.lhm_job.message
            time.sleep(0.01)
        return answer


class PressedJob(AskedJob):
    """Any operator that asks and starts a job, as its button was pressed."""

    def __init__(self, operator: type, **properties: Any) -> None:
        self.context, self.reports, self.operator = Context(), [], operator
        self.title, self.handed_on = operator.title, operator.handed_on
        for name, value in properties.items():
            setattr(self, name, value)
        self.begun = self._go(self.context)

    def start(self, context: Any) -> Any:
        return self.operator.start(self, context)

    def finish(self, context: Any, job: Any) -> set[str]:
        return self.operator.finish(self, context, job)

    def use(self, context: Any, outcome: Any) -> str:
        return self.operator.use(self, context, outcome)

    report, event, tick_until, tick_until_over = (
        vars(Pressed)[name] for name in ("report", "event", "tick_until", "tick_until_over")
    )
