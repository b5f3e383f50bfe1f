"""What several panels draw: sentences, a running job, the last result, the state of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..operators.words import wrapped
from ..properties import CANCELLED, job_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    from ..operators.engine_state import Button, EngineState

_LETTERS = 40  # in a line, where there is no region to ask
_PIXELS_PER_LETTER = 7.0  # of the interface's font at scale 1; only for breaking lines


def draw_state(layout: bpy.types.UILayout, context: bpy.types.Context, state: EngineState) -> None:
    """An engine's state in words, and the reasons."""
    column = layout.column(align=True)
    draw_words(column, context, (state.words,), icon=state.icon)
    draw_words(column, context, state.notes)


def draw_button(layout: bpy.types.UILayout, button: Button, *, large: bool = False) -> None:
    """A next step."""
    row = layout.row()
    if large:
        row.scale_y = 1.5
    made = row.operator(button.operator, text=button.text)
    for name, value in button.values.items():
        setattr(made, name, value)


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """How far the job is, and the way to end it."""
    state = job_state(context)
    layout.label(text=state.message or state.title)
    text = "  ".join(part for part in (f"{state.fraction:.0%}", state.time_left) if part)
    layout.progress(factor=state.fraction, text=text)
    layout.operator("lhm.cancel_job", icon="X")


def draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The last result: what came out or why nothing did, and what to know about it."""
    state = job_state(context)
    box = layout.box()
    box.label(text="Last Result")
    column = box.column(align=True)
    icon = "ERROR" if state.failed else "CANCEL" if state.outcome == CANCELLED else "CHECKMARK"
    draw_words(column, context, (state.outcome,), icon=icon)
    for warning in state.warnings.splitlines():
        draw_words(column, context, (warning,), icon="INFO")


def draw_words(
    layout: bpy.types.UILayout, context: bpy.types.Context, sentences: Sequence[str], icon: str = "NONE"
) -> None:
    """Sentences, broken to the width of the sidebar."""
    for sentence in sentences:
        for number, line in enumerate(lines_of(context, sentence)):
            layout.label(text=line, icon=icon if number == 0 else "NONE" if icon == "NONE" else "BLANK1")


def lines_of(context: bpy.types.Context, sentence: str) -> list[str]:
    """A sentence, broken to the width of the sidebar."""
    letters = _LETTERS
    if context.region is not None:
        pixels = _PIXELS_PER_LETTER * context.preferences.system.ui_scale
        letters = max(int(context.region.width / pixels) - 4, 16)
    return wrapped(sentence, letters)
