"""The solver against problems whose answers are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from lhm_avatars.engine.lift.fit.solve import levenberg_marquardt, robust


def rosenbrock(x: np.ndarray) -> np.ndarray:
    """Half the sum of squares has its only minimum, zero, at (1, 1). [B, 2] -> [B, 2]"""
    return np.stack([1 - x[:, 0], 10 * (x[:, 1] - x[:, 0] ** 2)], axis=1)


@pytest.mark.parametrize("start", [(-1.2, 1.0), (3.0, -2.0), (0.0, 0.0)])
def test_rosenbrocks_valley_is_walked_to_its_end(start: tuple[float, float]):
    best = levenberg_marquardt(rosenbrock, np.array(start), iterations=200)
    np.testing.assert_allclose(best, [1, 1], atol=1e-3)


def test_a_linear_problem_ends_at_its_closed_form():
    rng = np.random.default_rng(0)
    matrix, goal = rng.normal(size=(30, 6)), rng.normal(size=30)
    best = levenberg_marquardt(lambda x: x @ matrix.T - goal, np.zeros(6), iterations=50)
    expected, *_ = np.linalg.lstsq(matrix, goal, rcond=None)
    np.testing.assert_allclose(best, expected, atol=1e-4)


def test_held_parameters_stay_and_the_others_find_their_best():
    rng = np.random.default_rng(1)
    matrix, goal, start = rng.normal(size=(30, 6)), rng.normal(size=30), rng.normal(size=6)
    free = np.array([True, False, True, True, False, False])
    best = levenberg_marquardt(lambda x: x @ matrix.T - goal, start, iterations=50, free=free)
    np.testing.assert_array_equal(best[~free], start[~free])
    expected, *_ = np.linalg.lstsq(matrix[:, free], goal - matrix[:, ~free] @ start[~free], rcond=None)
    np.testing.assert_allclose(best[free], expected, atol=1e-4)


def test_it_never_ends_worse_than_it_began():
    start = np.array([-1.2, 1.0])
    costs = []
    for iterations in range(12):
        value = rosenbrock(levenberg_marquardt(rosenbrock, start, iterations=iterations)[None])[0]
        costs.append(value @ value)
    assert all(after <= before for before, after in pairwise(costs))
    assert costs[-1] < 0.5 * costs[0]


def test_a_parameter_without_effect_does_no_harm():
    best = levenberg_marquardt(lambda x: x[:, :1] - 2, np.array([0.0, 7.0]), iterations=20)
    np.testing.assert_allclose(best, [2, 7], atol=1e-5)


def test_the_start_is_not_written_to():
    start = np.array([-1.2, 1.0])
    levenberg_marquardt(rosenbrock, start, iterations=5)
    np.testing.assert_array_equal(start, [-1.2, 1.0])


def test_robust_residuals_are_plain_when_small_and_bounded_when_large():
    x = np.linspace(-1e4, 1e4, 2001)
    bent = robust(x, 3.0)
    assert np.abs(bent).max() < 3.0
    assert (np.diff(bent) > 0).all()
    assert robust(np.array(0.03), 3.0) == pytest.approx(0.03, rel=1e-4)
    # Geman-McClure by name: r^2 w^2 / (r^2 + w^2).
    np.testing.assert_allclose(bent**2, x**2 * 9 / (x**2 + 9), rtol=1e-12)


def test_outliers_do_not_move_a_robust_mean():
    values = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 50.0])
    best = levenberg_marquardt(lambda x: robust(x[:, :1] - values, 0.5), np.array([1.5]), iterations=50)
    assert best[0] == pytest.approx(1.0, abs=0.02)
