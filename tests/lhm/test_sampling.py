"""Resizing in one step, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.lhm.sampling import inside, sample, weights

PICTURE = np.random.default_rng(0).random((24, 18, 3)).astype(np.float32)


def test_whole_factors_are_means_of_blocks() -> None:
    expected = PICTURE.reshape(8, 3, 9, 2, 3).mean(axis=(1, 3))
    assert sample(PICTURE, (0, 0, 18, 24), (8, 9)) == pytest.approx(expected, abs=1e-6)


def test_the_same_size_is_the_same_picture() -> None:
    assert np.array_equal(sample(PICTURE, (2, 3, 12, 20), (17, 10)), PICTURE[3:20, 2:12])


@pytest.mark.parametrize("step", [1.0, 1.4, 2.6, 7.3])
def test_smaller_pixels_are_means_over_lengths(step: float) -> None:
    line = np.random.default_rng(0).random(400)
    integral = np.concatenate([[0.0], np.cumsum(line)])
    edges = 40.3 + step * np.arange(31)
    expected = np.diff(np.interp(edges, np.arange(401), integral)) / step
    assert weights(40.3, step, 30, 400) @ line == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("step", [0.3, 0.77])
def test_a_ramp_stays_a_ramp(step: float) -> None:
    line = np.arange(200) + 0.5
    middles = 40.3 + step * (np.arange(30) + 0.5)
    assert weights(40.3, step, 30, 200) @ line == pytest.approx(middles, abs=1e-4)


@pytest.mark.parametrize("step", [0.4, 1.7])
def test_beyond_the_ends_they_go_on(step: float) -> None:
    matrix = weights(-9.2, step, 40, 6)
    assert np.asarray(matrix.sum(axis=1)).ravel() == pytest.approx(np.ones(40), abs=1e-6)
    assert (matrix @ np.arange(6.0))[:3] == pytest.approx([0, 0, 0], abs=1e-6)
    assert (matrix @ np.arange(6.0))[-1] == pytest.approx(5, abs=1e-6)


def test_shares_inside_are_lengths() -> None:
    assert inside(-1.5, 2.0, 4, 4) == pytest.approx([0.25, 1, 0.75, 0])
