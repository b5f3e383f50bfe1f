"""Cloth over a hollow: it spans it where it is loose, and clings where it is tight."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.clothe.hanging import hanging
from lhm_avatars.engine.lift.parts import LEFT_LEG

RADIUS, HOLLOW = 0.08, 0.04
LOOSE, TIGHT = 0.02, 0.001
Leg = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def joints() -> np.ndarray:
    return bundled_body().joints(np.zeros(0)).astype(np.float64)


@pytest.fixture(scope="module")
def leg(joints: np.ndarray) -> Leg:
    """A round leg with a notch all around the knee: points, how deep the notch is there, heights 0 to 1."""
    hip, knee, ankle = (joints[joint_index(f"left_{name}")] for name in ("hip", "knee", "ankle"))
    share, angle = (
        grid.ravel() for grid in np.meshgrid(np.linspace(0.02, 0.98, 60), np.linspace(0, 6.2, 64))
    )
    height = hip[1] + share * (ankle[1] - hip[1])
    notch = HOLLOW * np.exp(-(((height - knee[1]) / 0.08) ** 2))
    x, z = (
        np.interp(-height, -np.array([hip[1], knee[1], ankle[1]]), [hip[k], knee[k], ankle[k]])
        for k in (0, 2)
    )
    radius = RADIUS - notch
    return np.stack([x + radius * np.sin(angle), height, z + radius * np.cos(angle)], axis=1), notch, share


def extra(leg: Leg, joints: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return hanging(leg[0], joints, np.full(len(leg[0]), LEFT_LEG), offsets)


def test_loose_trousers_fall_straight_past_the_knee(leg: Leg, joints: np.ndarray):
    _, notch, share = leg
    made = extra(leg, joints, np.full(len(notch), LOOSE))
    middle = (share > 0.1) & (share < 0.9)
    np.testing.assert_allclose(made[middle], notch[middle], atol=0.012)
    assert made[notch > 0.9 * HOLLOW].min() > 0.7 * HOLLOW


def test_tights_cling(leg: Leg, joints: np.ndarray):
    assert extra(leg, joints, np.full(len(leg[1]), TIGHT)).max() == 0


def test_a_hem_above_the_knee_leaves_the_knee_bare(leg: Leg, joints: np.ndarray):
    _, notch, share = leg
    made = extra(leg, joints, np.where(share < 0.3, LOOSE, 0.0))
    assert made[notch > 0.9 * HOLLOW].max() < 0.1 * HOLLOW
