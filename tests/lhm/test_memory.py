"""Memory is looked at before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.lhm import memory
from lhm_avatars.engine.lhm.memory import fitting_plan
from lhm_avatars.engine.lhm.models import find_model
from lhm_avatars.engine.network.cost import cost
from lhm_avatars.engine.network.device import best_dtype

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.lhm.models import LhmModel


@pytest.fixture
def model(own_folder: Path) -> LhmModel:
    return find_model("lhm-own", None, own_folder)


def lend(monkeypatch: pytest.MonkeyPatch, free: int | None) -> None:
    monkeypatch.setattr(memory, "memory", lambda: (int(64e9), free))


@pytest.mark.parametrize("free", [None, int(60e9)])
def test_with_enough_memory_nothing_is_given_up(
    model: LhmModel, monkeypatch: pytest.MonkeyPatch, free: int | None
) -> None:
    lend(monkeypatch, free)
    plan, saved = fitting_plan(model, "cpu")
    assert (plan.device, plan.stream_layers, saved) == (torch.device("cpu"), False, ())


def test_with_a_little_less_layers_are_loaded_one_by_one(
    model: LhmModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = cost(model.config, best_dtype(torch.device("cpu")), model.sapiens.stat().st_size)
    assert needs.streamed_bytes < needs.device_bytes
    lend(monkeypatch, needs.device_bytes - 1)
    plan, saved = fitting_plan(model, "cpu")
    assert plan.stream_layers
    assert saved == ("the transformer's layers were loaded one by one",)


def test_with_too_little_it_is_said_at_once(model: LhmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    lend(monkeypatch, int(0.3e9))
    with pytest.raises(
        AvatarError,
        match=r"^LHM-TINY needs 0\.6 GB of memory, 0\.3 GB are free\. Close other programs, or",
    ):
        fitting_plan(model, "cpu")
    lend(monkeypatch, 1000)
    with pytest.raises(AvatarError, match=r"^LHM-TINY needs 0\.0 GB of memory, 0\.0 GB are free"):
        fitting_plan(model, "cpu")


def test_a_device_that_is_not_there(model: LhmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(AvatarError, match=r"The engine finds no CUDA device\."):
        fitting_plan(model, "cuda")
