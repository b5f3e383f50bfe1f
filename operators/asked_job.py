"""Long jobs that a window first asks about, by a dialog or the file browser, and that a script waits for."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty

from ..engine.avatar.errors import AvatarError
from ..properties import job_state
from .engine_job import wait
from .jobs import Job, ModalJob, idle
from .looks import refresh
from .words import reported


class AskedJob(ModalJob):
    """What such operators share; a subclass says what to ask, what to start and what to say at the end.

    What a dialog or file browser calls when its OK is pressed may not become a running operator, so it starts
    the operator anew, with ``go`` set.
    """

    handed_on: tuple[str, ...] = ()
    """Properties that the answer consists of."""

    _asked = False

    if TYPE_CHECKING:
        go: bool
    else:
        go: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Nothing else goes on."""
        return idle(cls)

    def start(self, context: bpy.types.Context) -> Job:
        """Begin; may raise AvatarError."""
        raise NotImplementedError(f"{type(self).__name__} needs start(context)")

    def use(self, context: bpy.types.Context, outcome: Any) -> str:
        """Use what came out, and give a sentence about it; may raise AvatarError."""
        raise NotImplementedError(f"{type(self).__name__} needs use(context, outcome)")

    def ask(self, context: bpy.types.Context) -> set[str]:
        """Open a dialog; without one the job begins at once."""
        return self._go(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask, or begin and let the user go on working."""
        if self.go:
            return self._go(context)
        self._asked = True
        return self.ask(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The answer to what was asked; from a script: do it and wait."""
        if self._asked:
            values = {name: getattr(self, name) for name in self.handed_on}
            name = type(self).bl_idname.partition(".")[2]  # an instance has Blender's own form, LHM_OT_...
            try:
                begun = getattr(bpy.ops.lhm, name)("INVOKE_DEFAULT", go=True, **values)
            except RuntimeError as error:  # else Blender would show it as a mistake of the add-on
                self.report({"ERROR"}, reported(error))
                return {"CANCELLED"}
            return begun - {"RUNNING_MODAL"} or {"FINISHED"}
        try:
            job = self.start(context)
            try:
                return self._used(context, wait(job))
            finally:
                job.close()
        except AvatarError as error:
            return self._refuse(context, error)

    def finish(self, context: bpy.types.Context, job: Job) -> set[str]:
        """Use what came out."""
        return self._used(context, job.result())

    def _go(self, context: bpy.types.Context) -> set[str]:
        try:
            job = self.start(context)
        except AvatarError as error:
            return self._refuse(context, error)
        return self.begin(context, job)

    def _used(self, context: bpy.types.Context, outcome: Any) -> set[str]:
        refresh()
        sentence = self.use(context, outcome)
        job_state(context).end(sentence)
        self.report({"INFO"}, sentence)
        return {"FINISHED"}

    def _refuse(self, context: bpy.types.Context, error: AvatarError) -> set[str]:
        refresh()
        job_state(context).end(str(error), failed=True)
        self.report({"ERROR"}, str(error))
        return {"CANCELLED"}


CLASSES = ()
