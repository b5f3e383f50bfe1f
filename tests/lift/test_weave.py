"""The unrolled garment against an ellipse's and a circle's known lengths."""

import numpy as np
import pytest
from lhm_avatars.engine.lift.fill.weave import pixels_of_pattern, unrolled
from scipy.special import ellipe

ANGLE, HEIGHT = (
    grid.ravel() for grid in np.meshgrid(np.linspace(-np.pi, np.pi, 360, False), np.arange(0, 0.3, 0.006))
)
RADIUS = 0.1


def test_the_way_around_a_circle_is_its_arc():
    around = unrolled(HEIGHT, RADIUS * np.sin(ANGLE), RADIUS * np.cos(ANGLE))
    np.testing.assert_allclose(around.way, RADIUS * ANGLE, atol=0.004)
    np.testing.assert_allclose(around.girth, 2 * np.pi * RADIUS, rtol=0.02)


def test_the_girth_of_an_ellipse():
    """4 a E(1 - b²/a²)."""
    around = unrolled(HEIGHT, 0.16 * np.sin(ANGLE), 0.1 * np.cos(ANGLE))
    np.testing.assert_allclose(around.girth, 4 * 0.16 * ellipe(1 - (0.1 / 0.16) ** 2), rtol=0.02)


@pytest.mark.parametrize("edge", [0.8, 1.1])
def test_the_pattern_runs_back_from_the_edge_as_in_a_mirror(edge: float):
    """Beyond the left edge the photo is read as far before the edge as the place lies behind it."""
    around = unrolled(HEIGHT, RADIUS * np.sin(ANGLE), RADIUS * np.cos(ANGLE))
    shown = np.abs(ANGLE) < edge
    pixels = np.stack([RADIUS * ANGLE, HEIGHT], axis=1)
    beyond = ANGLE - edge
    wanted = np.flatnonzero((beyond > 0.05) & (beyond < min(2 * edge - 0.15, 1.4)) & (HEIGHT > 0.03))
    found = pixels_of_pattern(around, shown, pixels, wanted)
    assert found is not None
    np.testing.assert_allclose(found[:, 1], HEIGHT[wanted], atol=0.004)
    np.testing.assert_allclose(found[:, 0], RADIUS * (2 * edge - ANGLE[wanted]), atol=0.012)


def test_the_mirror_turns_again_at_the_other_edge():
    """What goes on past both edges stays within what is shown, and is continuous but for one seam."""
    around = unrolled(HEIGHT, RADIUS * np.sin(ANGLE), RADIUS * np.cos(ANGLE))
    pixels = np.stack([RADIUS * ANGLE, HEIGHT], axis=1)
    wanted = np.flatnonzero((np.abs(ANGLE) > 0.8) & (np.abs(HEIGHT - 0.15) < 0.001))
    found = pixels_of_pattern(around, np.abs(ANGLE) < 0.8, pixels, wanted)
    assert found is not None
    assert np.abs(found[:, 0]).max() < RADIUS * 0.85
    order = np.argsort(ANGLE[wanted] % (2 * np.pi))
    steps = np.abs(np.diff(found[order, 0]))
    assert (steps > 0.02).sum() <= 1


def test_too_little_shown_is_no_pattern():
    around = unrolled(HEIGHT, RADIUS * np.sin(ANGLE), RADIUS * np.cos(ANGLE))
    shown = np.zeros(len(ANGLE), bool)
    assert pixels_of_pattern(around, shown, np.zeros((len(ANGLE), 2)), np.arange(5)) is None
