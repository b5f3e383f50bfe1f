"""The progress bar: fractions of the whole, from seconds by stage."""

from __future__ import annotations

import pytest
from lhm_avatars.engine.stages import Stages

TABLE = {"find": (2.0, "Finding"), "think": (5.0, "Thinking"), "bind": (3.0, "Binding")}


def test_fractions_are_shares_of_the_seconds() -> None:
    told: list[tuple[str, float, str]] = []
    stages = Stages(TABLE, lambda *step: told.append(step))
    for stage, done in (("find", 0.0), ("find", 0.5), ("think", 0.0), ("think", 0.2), ("bind", 1.0)):
        stages.at(stage, done)
    assert [stage for stage, _, _ in told] == ["find", "find", "think", "think", "bind"]
    assert [fraction for _, fraction, _ in told] == pytest.approx([0, 0.1, 0.2, 0.3, 1.0])
    assert [text for _, _, text in told][2:] == ["Thinking", "Thinking", "Binding"]
    stages.stop()
    assert list(stages.seconds) == ["find", "think", "bind"]
    assert all(seconds >= 0 for seconds in stages.seconds.values())


def test_the_bar_never_runs_back_nor_over() -> None:
    told: list[float] = []
    stages = Stages(TABLE, lambda _, fraction, __: told.append(fraction))
    for done in (0.8, 0.0, 0.4, 7.0):  # tried again for want of memory; a report beyond the end
        stages.at("think", done)
    assert told == pytest.approx([0.6, 0.6, 0.6, 0.7])


def test_progress_may_raise_to_cancel() -> None:
    def cancel(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Stages(TABLE, cancel).at("find", 0.0)
