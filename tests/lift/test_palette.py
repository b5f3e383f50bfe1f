"""Palettes of colours that are known."""

import numpy as np
import pytest
from lhm_avatars.engine.lift.parse.palette import Palette, learn

RED, WHITE = np.array([40.0, 55.0, 35.0]), np.array([90.0, 0.0, 2.0])


@pytest.fixture
def striped() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([RED + rng.normal(0, 2, (700, 3)), WHITE + rng.normal(0, 2, (300, 3))])


def test_the_colours_and_their_shares_are_found(striped: np.ndarray):
    palette = learn(striped)
    lightness = np.array([0.6, 1, 1])
    for color, share in ((RED, 0.7), (WHITE, 0.3)):
        near = np.linalg.norm(palette.means - color * lightness, axis=1) < 6
        assert palette.weights[near].sum() == pytest.approx(share, abs=0.03)


def test_known_colours_cost_less_than_strange_ones(striped: np.ndarray):
    palette = learn(striped)
    known, between, strange = (
        palette.cost(np.array([RED, WHITE])),
        palette.cost((RED + WHITE) / 2),
        palette.cost(np.array([50.0, -60, 30])),
    )
    assert known.max() + 3 < min(between, strange)


def test_the_density_of_a_palette_is_a_density():
    """Summed over all colours it is one, but for the share of strange colours."""
    palette = learn(np.random.default_rng(1).normal((50, 0, 0), 4, (2000, 3)))
    axes = [np.arange(-60, 160, 2.0), np.arange(-100, 100, 2.0), np.arange(-100, 100, 2.0)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    total = np.exp(-palette.cost(grid)).sum() * 8 * 0.6
    strange = 1e-6 * grid[..., 0].size * 8 * 0.6
    assert total - strange == pytest.approx(1.0, rel=0.02)


def test_one_palettes_colours_can_be_taken_from_another(striped: np.ndarray):
    own = learn(striped).apart(learn(striped[:700]), 8.0)
    rest = learn(striped).only(own)
    assert np.linalg.norm(rest.means - WHITE * [0.6, 1, 1], axis=1).max() < 6
    assert rest.weights.sum() == pytest.approx(1)


def test_amounts_tell_stripes_from_plain() -> None:
    """White and navy over navy, the waist's seeds mixed: what one has more of is no shared colour."""
    means = np.array([[90.0, 0, 0], [25.0, 5, -25]])
    spreads = np.full_like(means, 3.0)
    striped = Palette(means, spreads, np.array([0.6, 0.4]))
    plain = Palette(means, spreads, np.array([0.12, 0.88]))
    assert abs(striped.excess(plain, 8.0) - 0.48) < 1e-12
    assert abs(plain.excess(striped, 8.0) - 0.48) < 1e-12
    assert striped.excess(striped, 8.0) == 0.0
