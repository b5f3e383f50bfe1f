"""ARKit's actions on a foreign head: our own body, scaled, turned and with another basis, poses as one."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.binding.arkit import arkit_on, carried_actions, fitted, similarity
from lhm_avatars.engine.binding.face import head_faces

SCALE, TURN, SHIFT = 1.12, matrix_from_rotvec(np.array([0.05, -0.1, 0.08])), np.array([0.1, 0.3, -0.2])


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    """Vertices of our head and neck."""
    return np.unique(head_faces(bundled_body()))


@pytest.fixture(scope="module")
def actions(head: np.ndarray) -> np.ndarray:
    """What our actions do to them. [H, 3, 52]"""
    body = bundled_body()
    moved = np.zeros((body.vertex_count, 3, 52))
    moved[body.face_vertices] = body.face_dirs
    return moved[head]


def abroad(points: np.ndarray) -> np.ndarray:
    return SCALE * points @ TURN.T + SHIFT


def test_a_similarity_is_found_again():
    points = np.random.default_rng(0).normal(size=(20, 3))
    found = similarity(points, abroad(points))
    assert found.scale == pytest.approx(SCALE)
    np.testing.assert_allclose(found.rotation, TURN, atol=1e-12)
    np.testing.assert_allclose(found.shift, SHIFT, atol=1e-12)
    flat = np.diag([1.0, 1.0, -1.0])  # a mirror image is not reached by mirroring
    assert np.linalg.det(similarity(points, points @ flat).rotation) == pytest.approx(1)


def test_actions_are_carried_to_a_larger_turned_head(head: np.ndarray, actions: np.ndarray):
    body = bundled_body()
    points = abroad(body.v_template[head].astype(np.float64))
    joints = abroad(body.joints(np.zeros(0)).astype(np.float64))
    joints[22] += [0.0, 0.01, 0.005]  # its jaw joint lies elsewhere in the head
    carried = carried_actions(points, joints)
    assert carried.names == body.face_names
    assert carried.distance.max() < 2e-4
    expected = SCALE * np.einsum("ij,njs->nis", TURN, actions)
    off = np.linalg.norm(carried.dirs - expected, axis=1)
    # Between touching lips a tenth of a millimetre decides which of them a point is of.
    assert np.quantile(off.max(axis=1), 0.98) < 5e-4
    assert np.quantile(off, 0.999) < 5e-4


def test_a_rotated_basis_gives_the_actions_back(head: np.ndarray, actions: np.ndarray):
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(52, 52)))
    for basis in (actions, actions @ turn):
        given = basis @ fitted(basis, actions)
        off, reach = (np.linalg.norm(each, axis=1).max(axis=0) for each in (given - actions, actions))
        assert (off < 0.05 * reach + 1e-4).all()
        share = np.linalg.norm(given - actions, axis=(0, 1)) / np.linalg.norm(actions, axis=(0, 1))
        assert share.max() < 0.06
        assert np.median(share) < 0.01


def test_coefficients_stay_within_reason():
    expressions = np.zeros((50, 3, 1))
    expressions[:, 1, 0] = 1e-3
    wanted = np.concatenate([expressions, 100 * expressions, -100 * expressions], axis=2)
    np.testing.assert_allclose(fitted(expressions, wanted), [[1, 3, -3]], atol=0.01)


def test_what_a_foreign_body_can_do_is_made_of_its_own_expressions(head: np.ndarray, actions: np.ndarray):
    body = bundled_body()
    rng = np.random.default_rng(5)
    points = abroad(body.v_template[head].astype(np.float64))
    points += 0.002 * rng.normal(size=points.shape)  # another face than ours
    joints = abroad(body.joints(np.zeros(0)).astype(np.float64))
    turn, _ = np.linalg.qr(rng.normal(size=(52, 52)))
    theirs = SCALE * np.einsum("ij,njs->nis", TURN, actions @ turn)
    names, dirs = arkit_on(points, joints, theirs)
    wanted = SCALE * np.einsum("ij,njs->nis", TURN, actions)
    for name in ("mouthSmileLeft", "eyeBlinkRight", "browInnerUp", "mouthPucker", "cheekPuff"):
        k = names.index(name)
        assert np.linalg.norm(dirs[:, :, k] - wanted[:, :, k]) < 0.25 * np.linalg.norm(wanted[:, :, k]), name
    # One that the body cannot do at all is not invented.
    still = theirs * (points[:, 1] > joints[15, 1] + 0.1)[:, None, None]
    _, dirs = arkit_on(points, joints, still)
    assert np.abs(dirs[points[:, 1] < joints[15, 1]]).max() == 0
