"""Bindings: by the surface, and by the field."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.binding import dense
from lhm_avatars.engine.avatar.body import JOINT_COUNT, joint_index
from lhm_avatars.engine.binding.bind import bind


@pytest.mark.parametrize("method", ["surface", "diffused"])
def test_vertices_get_their_own_weights(method, surface, vertex_weights) -> None:
    skin = ~surface.inlaid
    got = dense(bind(surface.points[skin], surface, method=method, influences=8), JOINT_COUNT)
    off = np.abs(got - vertex_weights[skin]).max(axis=1)
    assert (off > 1e-3).mean() < 0.01


def test_off_the_body_the_methods_differ(surface, joints) -> None:
    # Hair beside the neck: nearest is the shoulder or the head, in the air it is between.
    place = joints[[joint_index("neck")]] + [0.11, 0.06, 0]
    near, through = (
        dense(bind(place, surface, method=method), JOINT_COUNT) for method in ("surface", "diffused")
    )
    assert np.abs(near - through).max() > 0.05


def test_wrong_input_is_named(surface) -> None:
    with pytest.raises(ValueError, match="method must be surface or diffused, got 'heat'"):
        bind(np.zeros((1, 3)), surface, method="heat")
