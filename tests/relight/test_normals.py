"""Normals of the Gaussians against those of bodies in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import joint_index
from lhm_avatars.rendering.relight.normals import rest_surface
from relight.surfaces import all_to, capsule, flat_gaussians, line_joints

JOINTS = line_joints()
DOWN = np.array([0.0, -0.4, 0.0])


def _angles(normals: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Degrees. [N]"""
    return np.degrees(np.arccos(np.clip((normals * expected).sum(axis=1), -1, 1)))


def test_a_limb_faces_outwards_everywhere() -> None:
    means, expected = capsule(np.zeros(3), DOWN, 0.06, 4000)
    gaussians = flat_gaussians(means, expected, 0.006)
    surface = rest_surface(gaussians, all_to(joint_index("left_knee"), 4000), JOINTS)
    angles = _angles(surface.normals, expected)
    assert np.median(angles) < 3
    assert angles.max() < 30
    np.testing.assert_allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(surface.depths, 0.06, atol=1e-6)


def test_round_gaussians_take_their_neighbours_direction() -> None:
    means, expected = capsule(np.zeros(3), DOWN, 0.06, 4000)
    gaussians = flat_gaussians(means, np.random.default_rng(1).normal(size=means.shape), 0.006)
    round_ones = np.random.default_rng(2).uniform(size=4000) < 0.3
    flat = flat_gaussians(means, expected, 0.006)
    gaussians.scales[round_ones] = 0.006
    gaussians.quats[~round_ones] = flat.quats[~round_ones]
    surface = rest_surface(gaussians, all_to(joint_index("left_knee"), 4000), JOINTS)
    angles = _angles(surface.normals, expected)
    assert np.median(angles[~round_ones]) < 5
    assert (angles < 90).all()  # a ball's own axis says nothing, but never turns it inside out


@pytest.mark.parametrize("off", [0.0, 0.025], ids=["around its bones", "beside its bones"])
def test_both_sides_of_a_finger_face_outwards(off: float) -> None:
    start, end = JOINTS[joint_index("left_index1")], JOINTS[joint_index("left_index2")]
    means, expected = capsule(start, end, 0.007, 300)
    gaussians = flat_gaussians(means + np.array([0, off, 0]), expected, 0.002)
    surface = rest_surface(gaussians, all_to(joint_index("left_index1"), 300), JOINTS)
    angles = _angles(surface.normals, expected)
    assert np.median(angles) < 12
    assert np.mean(angles < 60) > 0.97
    assert surface.depths.max() < 0.012  # so that a shadow's patch, sunk by a part of it, stays inside
