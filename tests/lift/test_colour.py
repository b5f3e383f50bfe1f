"""Colours without the background, and what is copied to where the photo sees nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.lift.colour import clean_colors, lab
from lhm_avatars.engine.lift.sampling import sample

from .person import FOCAL, MAGENTA

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation

    from .conftest import Stages

PIXELS_PER_METRE = 300.0


def magenta_in(colors: np.ndarray) -> np.ndarray:
    """What only the wall can have brought: no colour of the person has more red and blue than green."""
    return np.minimum(colors[..., 0], colors[..., 2]) - colors[..., 1]


def test_no_trace_of_the_wall_is_left(stages: Stages, seen: Observation):
    person = seen.alpha > 0
    edge = person & (seen.alpha < 1)
    assert magenta_in(seen.rgb[edge]).max() > 0.5  # it was there
    assert magenta_in(np.array(MAGENTA)) == 1
    assert magenta_in(stages.clean[person]).max() < 0.02
    around = cv2.dilate(person.astype(np.uint8), np.ones((9, 9))) > 0  # where a Gaussian at the rim may look
    assert magenta_in(stages.clean[around]).max() < 0.02


def test_no_gaussian_has_a_trace_of_the_wall(stages: Stages):
    assert magenta_in(stages.filled.colors).max() < 0.02


def test_well_inside_the_photo_is_left_as_it_is(stages: Stages, seen: Observation):
    inner = cv2.erode((seen.alpha > 0.99).astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    np.testing.assert_array_equal(stages.clean[inner], seen.rgb[inner])


def test_strokes_thinner_than_the_edge_keep_their_colour(seen: Observation):
    """A finger of three pixels has no inside, but it has a colour."""
    rgb = np.zeros((60, 60, 3), np.float32)
    rgb[:] = MAGENTA
    alpha = np.zeros((60, 60), np.float32)
    rgb[10:50, 30:33], alpha[10:50, 30:33] = (0.8, 0.6, 0.5), 1
    clean = clean_colors(replace(seen, rgb=rgb, alpha=alpha), PIXELS_PER_METRE)
    np.testing.assert_allclose(clean[15:45, 30:33], np.broadcast_to((0.8, 0.6, 0.5), (30, 3, 3)), atol=1e-6)


def test_sampling_is_linear_between_pixel_centres():
    x, y = np.meshgrid(np.arange(9) + 0.5, np.arange(7) + 0.5)
    image = np.stack([x, y, 2 * x - y], axis=-1).astype(np.float32)
    at = np.random.default_rng(0).uniform(0.5, 6.5, (50, 2))
    expected = np.stack([at[:, 0], at[:, 1], 2 * at[:, 0] - at[:, 1]], axis=1)
    np.testing.assert_allclose(sample(image, at), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("pixel", "like"), [((-50, 3.5), (0.5, 3.5)), ((100, 100), (8.5, 6.5)), ((4, -9), (4, 0.5))]
)
def test_beyond_the_border_the_border_is_read(pixel: tuple[float, float], like: tuple[float, float]):
    image = np.random.default_rng(1).uniform(size=(7, 9, 3)).astype(np.float32)
    np.testing.assert_allclose(sample(image, np.array([pixel])), sample(image, np.array([like])), atol=1e-6)


def test_lab_has_the_values_of_the_standard():
    """White, black and the sRGB primaries under D65; Lindbloom's calculator."""
    colors = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    expected = [
        [100, 0, 0],
        [0, 0, 0],
        [53.24, 80.09, 67.20],
        [87.73, -86.18, 83.18],
        [32.30, 79.19, -107.86],
    ]
    np.testing.assert_allclose(lab(colors), expected, atol=0.6)


def test_the_scale_of_the_scene_is_the_one_assumed_here(stages: Stages, seen: Observation):
    assert stages.maps.pixels_per_metre(seen.camera) == pytest.approx(PIXELS_PER_METRE, rel=0.1)
    assert seen.camera.focal == FOCAL
