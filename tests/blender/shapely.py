"""Gives an avatar of the tests a body shape that can be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.shape import ShapeSpace

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.avatar import Avatar


def with_shape(avatar: Avatar, betas: int = 10, seed: int = 3) -> Avatar:
    """The avatar with a shape space: the first beta makes it taller, the others move all a little.

    Args:
        avatar: Without one.
        betas: How many.
        seed: Of the directions, and of the betas that it has now.
    """
    rng = np.random.default_rng(seed)
    everything = (avatar.gaussians.means, avatar.joints)
    dirs = [rng.normal(0, 0.006, (len(points), 3, betas)) for points in everything]
    for points, moved in zip(everything, dirs, strict=True):
        moved[:, :, 0] = 0.06 * points
    params = replace(avatar.params, betas=rng.normal(size=betas))
    return replace(avatar, params=params, shape=ShapeSpace(*dirs))
