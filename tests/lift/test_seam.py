"""The blend over the seam against its differential equation."""

import numpy as np
import pytest
from lhm_avatars.engine.lift.fill.seam import _REACH, blend

STEP = 0.004  # metres


def ribbon() -> np.ndarray:
    """Points of a long strip, a square grid. [N, 3]"""
    x, y = np.meshgrid(np.arange(-0.1, 0.4, STEP), np.arange(0, 0.1, STEP))
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)


def test_the_photos_colour_fades_into_the_fill():
    """Across a straight seam the screened Poisson equation decays exponentially."""
    rest = ribbon()
    fixed = rest[:, 0] < 0
    colors = np.where(fixed[:, None], 1.0, 0.0) * np.ones(3)
    found = blend(rest, np.ones(len(rest), np.uint8), ~fixed, fixed, colors)
    assert (found[fixed] == 1).all()
    inner = ~fixed & (rest[:, 0] < 0.15) & (np.abs(rest[:, 1] - 0.05) < 0.03)
    at, value = rest[inner, 0], found[inner, 0]
    order = np.argsort(at)
    assert value[at < 0.5 * STEP].min() > 0.8
    slope = -np.polyfit(at[order], np.log(value[order] + 1e-9), 1)[0]
    assert slope == pytest.approx(1 / _REACH, rel=0.2)


def test_equal_colours_stay():
    rest = ribbon()
    colors = np.full((len(rest), 3), 0.3)
    free = rest[:, 0] > 0.1
    found = blend(rest, np.ones(len(rest), np.uint8), free, ~free, colors)
    assert np.abs(found - 0.3).max() < 1e-12


def test_no_colour_crosses_the_border_of_two_labels():
    rest = ribbon()
    label = np.where(rest[:, 0] < 0, 1, 2).astype(np.uint8)
    colors = np.where((label == 1)[:, None], 1.0, 0.0) * np.ones(3)
    found = blend(rest, label, label == 2, label == 1, colors)
    assert (found == colors).all()
