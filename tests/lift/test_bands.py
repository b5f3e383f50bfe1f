"""Patterns that run around the body, against others; truth by construction."""

import numpy as np
from lhm_avatars.engine.lift.bands import band_colors
from lhm_avatars.engine.lift.parts import LEFT_ARM, TRUNK

RED, WHITE = np.array([0.8, 0.1, 0.1]), np.array([0.9, 0.9, 0.9])


def sheet(part: int):
    """Points of a garment's front, 5 mm apart, in the rest pose, and their coordinate along the limb."""
    along, across = np.meshgrid(np.arange(0, 0.5, 0.005), np.arange(-0.12, 0.12, 0.005))
    flat = np.zeros(along.size)
    rest = np.stack(
        [along.ravel(), across.ravel(), flat] if part == LEFT_ARM else [across.ravel(), along.ravel(), flat],
        1,
    )
    return rest, along.ravel(), across.ravel()


def copied(part: int, colors: np.ndarray, rest: np.ndarray):
    mean = np.tile(colors.mean(axis=0), (len(rest), 1))
    return band_colors(rest, np.full(len(rest), part), np.ones(len(rest), bool), colors, mean)


def test_stripes_are_recognised_on_trunk_and_sleeve():
    for part in (TRUNK, LEFT_ARM):
        rest, along, _ = sheet(part)
        colors = np.where((along % 0.04 < 0.0175)[:, None], RED, WHITE)
        found, banded = copied(part, colors, rest)
        assert banded.all()
        assert (np.abs(found - colors).max(axis=1) < 0.01).mean() > 0.9


def test_stripes_along_the_limb_are_no_bands():
    rest, _, across = sheet(TRUNK)
    found, banded = copied(TRUNK, np.where((across % 0.04 < 0.02)[:, None], RED, WHITE), rest)
    assert not banded.any()
    assert np.ptp(found, axis=0).max() == 0


def test_lettering_is_no_band():
    rest, along, across = sheet(TRUNK)
    letters = (np.abs(along - 0.25) < 0.05) & (across % 0.05 < 0.02) & (np.abs(across) < 0.09)
    found, banded = copied(TRUNK, np.where(letters[:, None], WHITE, RED), rest)
    assert not banded.any()
    assert np.ptp(found, axis=0).max() == 0


def test_a_plain_garment_keeps_its_calm_colour():
    rest, _, _ = sheet(TRUNK)
    _, banded = copied(TRUNK, np.tile(RED, (len(rest), 1)), rest)
    assert not banded.any()
