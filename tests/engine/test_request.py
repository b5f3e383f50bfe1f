"""What a request refuses, and what it says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lhm_avatars.engine.request import ENGINE_NAMES, LIFT, ReconstructRequest


def request(**settings: Any) -> ReconstructRequest:
    return ReconstructRequest(Path("photo.jpg"), Path("work"), **settings)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_each_engine_has_its_own_binding_unless_one_is_asked_for(engine: str) -> None:
    own = "diffused" if engine == LIFT else "surface"
    assert request(engine=engine).chosen_binding == own
    assert request(engine=engine).settings()["binding"] == own
    for binding in ("surface", "diffused"):
        assert request(engine=engine, binding=binding).settings()["binding"] == binding


@pytest.mark.parametrize("loose", [None, 0, 0.4, 1])
def test_the_strength_of_loose_cloth_is_kept(loose: float | None) -> None:
    assert request(loose=loose).settings()["loose"] == loose


def test_no_other_binding_and_no_other_strength_is_taken() -> None:
    with pytest.raises(ValueError, match="binding must be surface or diffused, got 'heat'"):
        request(binding="heat")
    for loose in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="loose must lie between 0 and 1"):
            request(loose=loose)
