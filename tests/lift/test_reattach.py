"""Slivers between two legs go with the leg that they lie on."""

from __future__ import annotations

import numpy as np
from lhm_avatars.engine.lift.place.reattach import scraps


def _legs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two sheets that touch in the photo and lie apart at rest; which of them each point moves with."""
    across, up = np.meshgrid(np.arange(-0.15, 0.15, 0.005), np.arange(-0.4, 0.4, 0.005))
    means = np.stack([across.ravel(), up.ravel(), np.zeros(across.size)], axis=1)
    leg = (means[:, 0] > 0).astype(int)
    wrong = (np.abs(means[:, 0] - 0.02) < 0.008) & (np.abs(means[:, 1]) < 0.05)
    moves = np.where(wrong, 0, leg)
    rest = means + np.where(moves[:, None] == 1, 0.3, 0.0) * np.array([1.0, 0, 0])
    return means, rest, wrong


def test_a_sliver_of_the_other_leg_is_found_and_told_where_it_belongs() -> None:
    means, rest, wrong = _legs()
    torn, whole = scraps(means, rest, np.ones(len(means), bool))
    np.testing.assert_array_equal(torn, np.flatnonzero(wrong))
    assert (means[whole, 0] > 0).all()
    assert np.linalg.norm(means[torn] - means[whole], axis=1).max() < 0.03


def test_limbs_and_held_things_are_no_scraps() -> None:
    means, rest, wrong = _legs()
    torn, _ = scraps(means, rest, ~wrong)
    assert not len(torn)
    torn, _ = scraps(means, means, np.ones(len(means), bool))
    assert not len(torn)


def test_what_touches_nothing_stays() -> None:
    means, rest, wrong = _legs()
    means[wrong, 2] += 0.2
    torn, _ = scraps(means, rest + (means - means), np.ones(len(means), bool))
    assert not len(torn)
