"""Disks on stripes, by construction."""

from dataclasses import replace

import numpy as np
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.engine.lift.shape import flat_gaussians

from .conftest import Stages


def test_disks_on_stripes_lie_along_them(stages: Stages):
    """On the unseen trunk a stripe across +Y: short along it, longest at right angles to it."""
    placed = replace(stages.placed, spacing=np.full(len(stages.placed.means), 0.006))
    rows = np.flatnonzero(
        ~placed.seen & placed.on_body & ~placed.under & (np.abs(placed.normals[:, 1]) < 0.1)
    )
    grain = np.zeros_like(placed.normals)
    grain[rows] = (0.0, 1.0, 0.0)
    colors, inset = np.full((len(grain), 3), 0.5), np.full(len(grain), 1.0)
    plain, striped = (flat_gaussians(placed, colors, inset, ways) for ways in (None, grain))
    axes = matrix_from_quat(striped.quats[rows])
    longest = np.take_along_axis(axes, striped.scales[rows].argmax(axis=1)[:, None, None], axis=2)[..., 0]
    assert np.abs(longest[:, 1]).max() < 1e-5
    spread = np.einsum("nij,nj->ni", axes**2, striped.scales[rows] ** 2)
    assert (np.sqrt(spread[:, 1]) < 0.6 * plain.scales[rows].max(axis=1)).all()
    others = np.setdiff1d(np.arange(len(grain)), rows)
    np.testing.assert_array_equal(striped.scales[others], plain.scales[others])
