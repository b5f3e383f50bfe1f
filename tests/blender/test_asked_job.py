"""A job that a dialog asks about begins when its OK is pressed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.protocol import Result
from lhm_avatars.operators.asked_job import AskedJob
from lhm_avatars.operators.engine_job import EngineJob, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("empty_scene")


class LHM_OT_asked(AskedJob, bpy.types.Operator):
    """Ask, then begin"""

    bl_idname = "lhm.asked"
    bl_label = "Asked"
    handed_on = ("answer",)
    __annotations__ = {"answer": bpy.props.StringProperty()}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """As a window does: without one Blender never invokes, it only executes."""
        if self.go:
            return self._go(context)
        self._asked, self.answer = True, "yes"  # somebody typed and pressed OK
        return AskedJob.execute(self, context)

    def start(self, context: bpy.types.Context) -> None:  # type: ignore[override]
        """Say that it came so far."""
        raise AvatarError(f"It began anew: {self.go}, with the answer {self.answer}.")


@pytest.fixture
def asked() -> Iterator[None]:
    """The operator, registered."""
    bpy.utils.register_class(LHM_OT_asked)
    yield
    bpy.utils.unregister_class(LHM_OT_asked)


@pytest.mark.usefixtures("asked")
def test_ok_starts_the_operator_anew_with_the_answer() -> None:
    with pytest.raises(RuntimeError, match="It began anew: True, with the answer yes") as caught:
        bpy.ops.lhm.asked()
    assert "Traceback" not in str(caught.value)  # the sentence, not a mistake of ours


class _Dying:
    """An engine that answers once and is gone before the next request."""

    sent = 0

    def request(self, method: str, params: dict[str, Any]) -> int:
        """As the real client."""
        if self.sent:
            raise AvatarError("The engine is not running.")
        self.sent = 1
        return 1

    def poll(self) -> list[Result]:
        """The first answer."""
        return [Result(1, {})]


def test_an_engine_that_dies_between_two_steps_ends_the_job() -> None:
    steps = (Step("ping", {}), Step("ping", {}))
    job = EngineJob(_Dying(), steps, list, Path(), ExitStack())  # type: ignore[arg-type]
    assert job.poll()
    with pytest.raises(AvatarError, match="not running"):
        job.result()
