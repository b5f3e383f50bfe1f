"""A tiny model with random weights in the official format, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from lhm_avatars.bench.random_lhm import Files, write_model
from lhm_avatars.engine.network.checkpoint import open_checkpoint
from lhm_avatars.engine.network.config import lhm_tiny
from lhm_avatars.engine.network.dense_points import read_points
from lhm_avatars.engine.network.plan import Plan
from lhm_avatars.engine.network.run import Network
from lhm_avatars.engine.network.sapiens import load_sapiens

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = lhm_tiny()
ON_CPU = Plan(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_model(tmp_path_factory.mktemp("tiny"), CONFIG)


@pytest.fixture(scope="session")
def make_network(files: Files) -> Callable[[Plan], Network]:
    def make(plan: Plan = ON_CPU) -> Network:
        return Network(
            open_checkpoint(files.weights),
            CONFIG,
            read_points(files.points, CONFIG.points),
            lambda plan: load_sapiens(files.sapiens, CONFIG.sapiens_resolution, plan.device, plan.dtype),
            plan,
        )

    return make


@pytest.fixture(scope="session")
def images() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, 3, 182, 112, generator=generator), torch.rand(1, 3, 112, 112, generator=generator)
