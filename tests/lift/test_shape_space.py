"""Other betas for a lifted avatar, against the body that it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.lift.shape_space import shape_space

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.lift import Lifted

CHANGE = np.array([1.0, -0.5, 0.5, -1.0, 1.0, 0, 0, 0, 0, 0.5])


def test_points_of_the_skin_move_with_the_skin():
    body, betas = bundled_body(), np.array([0.5, 1.0, *[0.0] * 8])
    corners = body.faces[::7]
    for points, after in (
        (body.shaped(betas), body.shaped(betas + CHANGE)),
        (body.shaped(betas)[corners].mean(axis=1), body.shaped(betas + CHANGE)[corners].mean(axis=1)),
    ):
        space = shape_space(body, betas, points)
        off = np.linalg.norm(points + space.mean_dirs @ CHANGE - after, axis=1)
        moved = np.linalg.norm(after - points, axis=1)
        assert moved.mean() > 0.04
        assert off.mean() < 0.0005
        assert np.quantile(off, 0.999) < 0.004


def test_a_lifted_avatar_takes_other_betas(lifted: Lifted):
    avatar = lifted.avatar
    betas = avatar.params.betas + CHANGE
    moved = avatar.reshaped(betas)
    assert np.abs(moved.joints - bundled_body().joints(betas)).max() < 1e-5
    # What stood out from the skin stands out as far, above skin that is elsewhere.
    before, after = (bundled_body().shaped(each.params.betas) for each in (avatar, moved))
    for share in (0.01, 0.5, 0.99):
        grown = np.quantile(after[:, 1], share) - np.quantile(before[:, 1], share)
        told = np.quantile(moved.gaussians.means[:, 1], share) - np.quantile(
            avatar.gaussians.means[:, 1], share
        )
        assert abs(told - grown) < 0.02
