"""A brim that the photo shows at both sides goes on around the back of the head."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, joint_index
from lhm_avatars.engine.lift.lathe import HeadFrame, turned_profile
from lhm_avatars.engine.lift.placed import NO_HAND, Placed

CENTER = np.array([0.1, 1.5, -3.0])
FRAME = HeadFrame(CENTER, np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]))
SPACING = 0.005
HEIGHT = 0.06  # of the brim over the frame's centre


def brim(left: float, right: float) -> Placed:
    """Two lines of Gaussians beside the head, ending at these radii."""
    x = np.concatenate([np.arange(0.1, left + 1e-9, SPACING), -np.arange(0.1, right + 1e-9, SPACING)])
    count = len(x)
    weights = np.zeros((count, JOINT_COUNT))
    weights[:, joint_index("head")] = 1.0
    return Placed(
        means=CENTER + np.stack([x, np.full(count, HEIGHT), np.zeros(count)], axis=1),
        normals=np.tile([0.0, 0, 1], (count, 1)),
        spacing=np.full(count, SPACING),
        weights=weights,
        pixels=np.zeros((count, 2)) + 0.5,
        seen=np.ones(count, bool),
        on_body=np.zeros(count, bool),
        under=np.zeros(count, bool),
        hand=np.full(count, NO_HAND),
    )


def maps(beyond: float = 0.1) -> Any:
    one = np.ones((1, 1))
    return cast("Any", SimpleNamespace(beyond=beyond * one, to_outline=0.005 * one))


def test_a_brim_is_as_wide_behind_as_beside():
    made = turned_profile(brim(0.18, 0.18), maps(), FRAME)
    away = made.means - CENTER
    assert not made.seen.any()
    np.testing.assert_allclose(away[:, 1], HEIGHT, atol=1e-9)
    assert (away[:, 2] < 1e-9).all()  # behind only
    radius = np.hypot(away[:, 0], away[:, 2] / 0.9)  # a head is a little less deep than wide
    assert radius.min() == pytest.approx(0.1, abs=1e-6)
    assert radius.max() == pytest.approx(0.18, abs=1e-6)
    # No gap on the way around, at the rim.
    rim = np.sort(np.arctan2(-away[radius > 0.16, 2] / 0.9, away[radius > 0.16, 0]))
    assert np.diff(np.concatenate([[0], rim, [np.pi]])).max() < 0.15


def test_unequal_sides_meet_behind_the_head():
    made = turned_profile(brim(0.20, 0.14), maps(), FRAME)
    away = made.means - CENTER
    middle = np.abs(away[:, 0]) < 0.006
    for own in (away[:, 0] > 0, away[:, 0] <= 0):
        assert (-away[middle & own, 2]).max() == pytest.approx(0.9 * 0.17, abs=0.006)


def test_what_lies_on_the_body_is_not_turned():
    assert len(turned_profile(brim(0.18, 0.18), maps(beyond=0.0), FRAME).means) == 0
