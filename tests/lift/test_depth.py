"""The two sheets of depth over the photo."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.lift.clothe.depth import MATTE_EDGE, depth_maps
from lhm_avatars.engine.lift.zbuffer import first_layer, last_layer

from .person import DISTANCE, FOCAL

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.clothe.depth import DepthMaps
    from lhm_avatars.engine.lift.observation import Observation

    from .conftest import Stages
    from .person import Person

SKIRT_TOP, SKIRT_HEM = 330, 480  # rows


@pytest.fixture(scope="module")
def skirt(seen: Observation) -> Observation:
    """The person in a skirt that closes the gap between the legs and flares beyond them."""
    alpha = seen.alpha.copy()
    for row in range(SKIRT_TOP, SKIRT_HEM):
        half = 60 + (row - SKIRT_TOP) // 5
        alpha[row, 200 - half : 200 + half] = 1
    return replace(seen, alpha=alpha)


@pytest.fixture(scope="module")
def skirt_maps(person: Person, skirt: Observation) -> DepthMaps:
    return depth_maps(person.vertices, bundled_body().faces, skirt)


def test_inside_is_the_mask(stages: Stages, seen: Observation):
    np.testing.assert_array_equal(stages.maps.inside, seen.alpha > MATTE_EDGE)


@pytest.mark.parametrize("which", ["bare", "skirt"])
def test_the_front_is_never_behind_the_back(stages: Stages, skirt_maps: DepthMaps, which: str):
    maps = stages.maps if which == "bare" else skirt_maps
    front, back = maps.front[maps.inside], maps.back[maps.inside]
    assert np.isfinite(front).all()
    assert np.isfinite(back).all()
    assert (front <= back).all()
    assert np.abs(front - DISTANCE).max() < 0.6


def test_on_the_body_depth_is_the_meshs(stages: Stages, person: Person, seen: Observation):
    faces, maps = bundled_body().faces, stages.maps
    near, far = (side(person.vertices, faces, seen.camera) for side in (first_layer, last_layer))
    assert maps.covered.sum() > 0.9 * maps.inside.sum()
    np.testing.assert_allclose(maps.front[maps.covered], near.depth[maps.covered], atol=1e-5)
    np.testing.assert_allclose(maps.back[maps.covered], far.depth[maps.covered], atol=1e-5)
    assert not maps.beyond[maps.covered].any()


def test_the_size_of_a_metre_is_that_of_the_camera(stages: Stages, seen: Observation):
    assert stages.maps.pixels_per_metre(seen.camera) == pytest.approx(FOCAL / DISTANCE, rel=0.05)


def test_a_skirt_is_a_smooth_sheet_between_the_legs(skirt_maps: DepthMaps):
    """Between the legs the cloth lies about as far as the legs, and it has no steps."""
    rows = slice(SKIRT_TOP + 40, SKIRT_HEM - 20)
    for sheet in (skirt_maps.front, skirt_maps.back):
        inner = sheet[rows, 170:230]
        assert np.abs(inner - DISTANCE).max() < 0.3
        assert np.abs(np.diff(inner, axis=0)).max() < 0.02


def test_a_skirt_has_two_sides_that_close_at_its_outline(skirt_maps: DepthMaps):
    thickness = skirt_maps.back - skirt_maps.front
    row = SKIRT_HEM - 30
    columns = np.flatnonzero(skirt_maps.inside[row])
    sides = thickness[row, columns]
    assert sides[[0, -1]].max() < 0.6 * sides.max()
    assert sides.max() > 0.08


def test_beyond_the_body_each_pixel_knows_its_body_pixel(skirt_maps: DepthMaps):
    beyond = skirt_maps.inside & (skirt_maps.beyond > 0)
    assert beyond.sum() > 2000
    rows, columns = skirt_maps.body_pixel[:, beyond]
    assert skirt_maps.layer.covered[rows, columns].all()
    at = np.argwhere(beyond)
    straight = np.linalg.norm(at - np.stack([rows, columns], axis=1), axis=1) * DISTANCE / FOCAL
    # A way inside the person is never shorter than the straight one, but for its coarse steps.
    assert (skirt_maps.beyond[beyond] > straight * 0.85 - 0.02).all()
