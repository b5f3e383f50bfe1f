"""Patterns against lettering, folds and level bands, on drawn cloth."""

import numpy as np
import pytest
from lhm_avatars.engine.lift.fill.lettering import _foreign, is_patterned

UNIT = 150.0  # pixels per metre
HEIGHT, WIDTH = 75, 60
RED, WHITE, NAVY = (35.0, 60.0, 40.0), (92.0, 0.0, 3.0), (20.0, 8.0, -28.0)
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH] / UNIT  # metres
EVERYWHERE = np.ones((HEIGHT, WIDTH), bool)


def cloth(where: np.ndarray, ink: tuple[float, ...], ground: tuple[float, ...] = RED) -> np.ndarray:
    """L*a*b* colours: ink here, ground elsewhere. [H, W, 3]"""
    return np.where(where[..., None], ink, ground)


LETTERS = (np.abs(Y - 0.2) < 0.04) & (np.abs(X - 0.2) < 0.12) & (X % 0.04 < 0.015)
FOLDS = cloth(~EVERYWHERE, WHITE) + (5 * np.sin(60 * X + 25 * Y) * (Y > 0.25))[..., None] * (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "where",
    [
        Y % 0.04 < 0.02, X % 0.05 < 0.02, (X % 0.05 < 0.02) ^ (Y % 0.05 < 0.02),
        np.hypot(X % 0.04 - 0.02, Y % 0.04 - 0.02) < 0.011,
    ],
    ids=["stripes", "pinstripes", "checks", "dots"],
)  # fmt: skip
def test_what_is_everywhere_is_a_pattern(where: np.ndarray):
    assert is_patterned(cloth(where, WHITE), EVERYWHERE, UNIT)


@pytest.mark.parametrize(
    "colors", [cloth(LETTERS, WHITE), cloth(~EVERYWHERE, WHITE), FOLDS], ids=["letters", "plain", "folds"]
)
def test_letters_and_folds_are_no_pattern(colors: np.ndarray):
    assert not is_patterned(colors, EVERYWHERE, UNIT)


def front_only(colors: np.ndarray) -> np.ndarray:
    rest = np.stack([X - X.mean(), 0.5 - Y, np.zeros_like(X)], axis=-1)
    return _foreign(rest, colors, EVERYWHERE, arm=False)


def test_letters_are_found():
    found = front_only(cloth(LETTERS, WHITE))
    assert (found == LETTERS).mean() > 0.99


def test_a_shirt_under_an_open_coat_is_found():
    strip = np.abs(X - X.mean()) < 0.05
    found = front_only(cloth(strip, WHITE, NAVY))
    assert (found == strip).mean() > 0.97


def test_a_level_yoke_and_a_hem_go_on():
    found = front_only(cloth((Y < 0.12) | (Y > 0.47), NAVY))
    assert found.mean() < 0.02


def test_light_from_one_side_is_not_lettering():
    colors = cloth(~EVERYWHERE, WHITE, NAVY) + (60 * X[..., None]) * (1.0, 0.0, 0.0)
    assert not front_only(colors).any()
