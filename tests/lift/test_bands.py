"""Patterns that run around the body, against others; truth by construction."""

import numpy as np
import pytest
from lhm_avatars.engine.lift.fill.bands import Bands, find_bands

RED, WHITE = np.array([0.8, 0.1, 0.1]), np.array([0.9, 0.9, 0.9])
ALONG, ACROSS = (
    grid.ravel() for grid in np.meshgrid(np.arange(0, 0.5, 0.004), np.arange(-0.12, 0.12, 0.005))
)
NOWHERE = np.zeros(len(ALONG), bool)


def stripes(height: np.ndarray) -> np.ndarray:
    return (height % 0.04 < 0.0175)[:, None]


def found_in(white: np.ndarray, highest: float = 1.0) -> tuple[Bands | None, np.ndarray, np.ndarray]:
    """Bands of a garment's front, its colours and its calm colour."""
    colors = np.where(white, WHITE, RED)
    calm = np.tile(np.median(colors, axis=0), (len(colors), 1))
    return find_bands(ALONG, ACROSS, colors, calm, highest), colors, calm


def test_level_stripes_are_recognised():
    bands, colors, calm = found_in(stripes(ALONG))
    assert bands is not None
    assert bands.striped
    found = calm + bands.at(ALONG, ACROSS, NOWHERE)
    assert (np.abs(found - colors).max(axis=1) < 0.1).mean() > 0.8


@pytest.mark.parametrize(("tilt", "bend"), [(0.012, 0.0), (0.0, -0.014), (-0.01, 0.01)])
def test_sagging_stripes_run_straight_behind_and_meet_at_the_sides(tilt: float, bend: float):
    """In front they rise by tilt·v + bend·v²; behind, as a line from one side's height to the other's."""
    v = ACROSS / 0.12
    bands, _, calm = found_in(stripes(ALONG - tilt * v - bend * v**2))
    assert bands is not None
    inner = (ALONG > 0.05) & (ALONG < 0.45)
    behind = (calm + bands.at(ALONG, ACROSS, ~NOWHERE))[inner].mean(axis=1) > 0.6
    true = stripes(ALONG - tilt * v - bend)[inner, 0]
    assert (behind == true).mean() > 0.85  # a row is 3 mm of a stripe's 17


def test_stripes_along_the_limb_are_no_bands():
    assert found_in((ACROSS % 0.04 < 0.02)[:, None])[0] is None


def test_lettering_is_no_band():
    letters = (np.abs(ALONG - 0.15) < 0.05) & (ACROSS % 0.05 < 0.02) & (np.abs(ACROSS) < 0.11)
    assert found_in(letters[:, None])[0] is None


def test_a_plain_garment_has_no_bands():
    assert found_in(np.zeros((len(ALONG), 1), bool))[0] is None


def test_a_hem_goes_around_and_a_neckline_does_not():
    piping = ((ALONG > 0.02) & (ALONG < 0.035)) | ((ALONG > 0.45) & (ALONG < 0.465))
    bands, _, calm = found_in(piping[:, None], highest=0.5)
    assert bands is not None
    assert not bands.striped
    white = (calm + bands.at(ALONG, ACROSS, ~NOWHERE)).mean(axis=1) > 0.6
    assert white[np.abs(ALONG - 0.0275) < 0.004].all()
    assert not white[ALONG > 0.06].any()


def test_few_points_tell_nothing():
    few = slice(0, 100)
    assert find_bands(ALONG[few], ACROSS[few], np.ones((100, 3)), np.zeros((100, 3))) is None
