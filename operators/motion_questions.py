"""What a motion file does not tell is asked before anything changes; scripts get the usual and a note."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ..engine.motion.smplx_take import Recording
from ..engine.motion.take import Take
from .words import reported

UP_AXES = (
    ("auto", "Automatic", "Found by where heads point"),
    ("y", "Y", "As most BVH files, glTF and SMPL"),
    ("z", "Z", "As AMASS and Blender"),
    ("-y", "-Y", "As a camera sees it: LHM, SMPLer-X"),
)
RATE, UP = "fps", "up"


@dataclass(frozen=True)
class Guesses:
    """What a reader had to assume.

    Args:
        fps: Frames per second; ``None`` if the file states them.
        up: The axis that points up; ``None`` if the file tells it.
    """

    fps: float | None
    up: str | None

    def __bool__(self) -> bool:
        """Whether there is anything to ask."""
        return self.fps is not None or self.up is not None


def guesses(source: Any) -> Guesses:
    """What was assumed of a source; a single pose has no rate."""
    if isinstance(source, Take):
        count, rate = source.count, source.rate
    elif isinstance(source, Recording):
        count, rate = source.motion.count, source.motion.fps
    else:
        return Guesses(None, None)
    return Guesses(
        rate if RATE in source.guessed and count > 1 else None, source.up if UP in source.guessed else None
    )


def ask_about(name: str, found: Guesses, given: dict[str, Any]) -> None:
    """Open the dialog; its OK imports with what was answered.

    Args:
        name: Of the file.
        found: What to ask.
        given: Properties of the import.
    """
    bpy.ops.lhm.tell_motion(  # type: ignore[attr-defined] - Blender makes it when we register
        "INVOKE_DEFAULT",
        file=name,
        given=json.dumps(given),
        ask_fps=found.fps is not None,
        ask_up=found.up is not None,
        fps=found.fps or 0.0,
        up=found.up or "auto",
    )


class LHM_OT_tell_motion(bpy.types.Operator):
    """Say what the motion file does not"""

    bl_idname = "lhm.tell_motion"
    bl_label = "About This Motion"
    bl_options = {"INTERNAL"}

    if TYPE_CHECKING:
        file: str
        given: str
        ask_fps: bool
        ask_up: bool
        fps: float
        up: str
    else:
        file: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
        given: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
        ask_fps: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})
        ask_up: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})
        fps: FloatProperty(
            name="Frame Rate",
            description="Frames per second at which it was recorded",
            min=0.0,
            soft_min=1.0,
            soft_max=240.0,
            options={"SKIP_SAVE"},
        )
        up: EnumProperty(
            name="Up", description="Which axis of the file points up", items=UP_AXES, options={"SKIP_SAVE"}
        )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask."""
        return context.window_manager.invoke_props_dialog(self, width=360)

    def draw(self, context: bpy.types.Context) -> None:
        """What was assumed, to be corrected."""
        layout = self.layout
        for sentence in self.sentences():
            layout.label(text=sentence)
        layout.use_property_split = True
        if self.ask_fps:
            layout.prop(self, "fps")
        if self.ask_up:
            layout.prop(self, "up")

    def sentences(self) -> list[str]:
        """What the file does not say."""
        said = []
        if self.ask_fps:
            said.append(f"{self.file} does not state its frame rate.")
        if self.ask_up:
            said.append(f"{self.file} does not tell which way is up.")
        return said

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Import with the answers: stated now, they are not asked again."""
        values = json.loads(self.given)
        if self.ask_fps:
            values[RATE] = self.fps
        if self.ask_up:
            values[UP] = self.up
        try:
            begun = bpy.ops.lhm.import_motion("INVOKE_DEFAULT", go=True, **values)  # type: ignore[attr-defined]
        except RuntimeError as error:  # else Blender would show it as a mistake of the add-on
            self.report({"ERROR"}, reported(error))
            return {"CANCELLED"}
        return begun - {"RUNNING_MODAL"} or {"FINISHED"}


CLASSES = (LHM_OT_tell_motion,)
