"""The refinement: the photo's view becomes better, and nothing that the photo does not show changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.lift.refine import STEPS, Refined, refine
from lhm_avatars.engine.lift.shape import flat_gaussians
from lhm_avatars.engine.raster import rasterize

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.gaussians import Gaussians
    from lhm_avatars.engine.lift.observation import Observation

    from .conftest import Stages

FARTHEST = 0.25  # a colour may move so far


@dataclass(frozen=True)
class Run:
    before: Gaussians
    free: Any
    refined: Refined
    told: list[float]


@pytest.fixture(scope="module")
def run(stages: Stages, seen: Observation) -> Run:
    inset = stages.maps.inset(stages.placed.pixels)
    before, told = flat_gaussians(stages.placed, stages.filled.colors, inset), []
    free = stages.placed.seen
    return Run(before, free, refine(before, free, stages.clean, seen, told.append), told)


def photo_psnr(gaussians: Gaussians, seen: Observation) -> float:
    """Of the rendered person against the photo, well inside the mask."""
    camera = seen.camera
    image = rasterize(
        gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, gaussians.colors(),
        camera.viewmat, camera.K, camera.width, camera.height,
    )  # fmt: skip
    inside = seen.alpha > 0.99
    return float(-10 * np.log10(np.mean((image.color - seen.rgb)[inside] ** 2)))


def test_the_photos_view_gets_better(run: Run, seen: Observation):
    before, after = photo_psnr(run.before, seen), photo_psnr(run.refined.gaussians, seen)
    assert after > before + 1
    assert after > 25


def test_the_measures_are_those_of_the_picture(run: Run):
    assert run.refined.psnr_after > run.refined.psnr_before + 1


def test_frozen_gaussians_keep_every_bit(run: Run):
    frozen, after = ~run.free, run.refined.gaussians
    assert frozen.sum() > 1000
    for name in ("means", "quats", "scales", "opacities", "sh"):
        assert getattr(after, name)[frozen].tobytes() == getattr(run.before, name)[frozen].tobytes(), name


def test_free_gaussians_change_within_bounds(run: Run):
    before, after = run.before, run.refined.gaussians
    shift = np.abs(after.colors() - before.colors())[run.free]
    assert 0.01 < shift.max() <= FARTHEST + 1e-5
    assert after.colors().min() >= -1e-6
    assert after.colors().max() <= 1 + 1e-6
    growth = (after.scales / before.scales)[run.free]
    assert 0.5 - 1e-4 <= growth.min() < 1 < growth.max() <= 1.6 + 1e-4
    assert ((after.opacities > 0) & (after.opacities < 1)).all()
    for name in ("means", "quats"):  # it does not move anything
        assert getattr(after, name).tobytes() == getattr(before, name).tobytes()


def test_progress_is_told_step_by_step(run: Run):
    np.testing.assert_allclose(run.told, np.arange(1, STEPS + 1) / STEPS)


def test_with_nothing_free_nothing_changes(stages: Stages, run: Run, seen: Observation):
    same = refine(run.before, np.zeros_like(run.free), stages.clean, seen, lambda done: None).gaussians
    for name in ("means", "quats", "scales", "opacities", "sh"):
        assert getattr(same, name).tobytes() == getattr(run.before, name).tobytes(), name
