"""Coefficients of another body, from what is known of them: mixtures of our own actions on a moved head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import Body, bundled_body
from lhm_avatars.engine.motion.face.coefficients import coefficient_map
from lhm_avatars.engine.motion.face.names import JAW_NAMES, LOOK_NAMES

SCALE, SHIFT = 1.06, np.array([0.01, 0.03, -0.02])
TILT = np.array([[1, 0, 0], [0, np.cos(0.1), -np.sin(0.1)], [0, np.sin(0.1), np.cos(0.1)]])
MIXED = 12
SHAPES = 52 - len(JAW_NAMES) - len(LOOK_NAMES)


def _other(mixture: np.ndarray, rows: np.ndarray) -> Body:
    """Our body tilted, larger and elsewhere, with some of its vertices only, in another order."""
    ours = bundled_body()
    kept = [k for k, name in enumerate(ours.face_names) if name not in (*JAW_NAMES, *LOOK_NAMES)]
    dirs = np.zeros((ours.vertex_count, 3, len(kept)))
    dirs[ours.face_vertices] = ours.face_dirs[..., kept]
    moved = SCALE * np.einsum("ab,vbm->vam", TILT, dirs @ mixture)
    return replace(
        ours,
        v_template=(SCALE * ours.v_template @ TILT.T + SHIFT)[rows].astype(np.float32),
        joint_regressor=_regressor(ours, rows),
        shapedirs=ours.shapedirs[rows] * 0,
        exprdirs=moved[rows].astype(np.float32),
        joint_indices=ours.joint_indices[rows],
        joint_weights=ours.joint_weights[rows],
        info={},
        face_names=(),
        face_vertices=np.zeros(0, np.int32),
        face_dirs=np.zeros((0, 3, 0), np.float32),
    )


def _regressor(ours: Body, rows: np.ndarray) -> np.ndarray:
    """Gives the joints where they belong: the least weights that do. [55, V]"""
    places = np.c_[SCALE * ours.v_template @ TILT.T + SHIFT, np.ones(ours.vertex_count)][rows]
    wanted = np.c_[SCALE * ours.joints(np.zeros(0)) @ TILT.T + SHIFT, np.ones(55)]
    return (np.linalg.lstsq(places.T, wanted.T, rcond=None)[0].T).astype(np.float32)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    count = bundled_body().vertex_count
    return np.random.default_rng(1).permutation(count)[: count * 7 // 10]


def test_mixtures_are_found_again(rows: np.ndarray):
    rng = np.random.default_rng(2)
    names = coefficient_map(_other(np.zeros((SHAPES, 1)), rows), bundled_body()).names
    mixture = rng.normal(0, 0.5, (len(names), MIXED)) * (rng.random((len(names), MIXED)) < 0.2)
    found = coefficient_map(_other(mixture, rows), bundled_body())
    assert not set(found.names) & {*JAW_NAMES, *LOOK_NAMES}
    ours = bundled_body()
    columns = [ours.face_names.index(name) for name in found.names]
    # Shapes that look alike may stand for each other, so what they do is compared, not what they are called.
    shown = ours.face_dirs[..., columns] @ found.matrix
    wanted = ours.face_dirs[..., columns] @ mixture
    error = np.linalg.norm(shown - wanted) / np.linalg.norm(wanted)
    assert error < 0.05
    cosine = (found.matrix * mixture).sum() / np.linalg.norm(found.matrix) / np.linalg.norm(mixture)
    assert cosine > 0.95


def test_curves_go_through_the_matrix(rows: np.ndarray):
    found = coefficient_map(_other(np.eye(SHAPES)[:, :3], rows), bundled_body())
    curves = {"Exp000": np.array([0.0, 2.0]), "Exp002": np.array([1.0, 1.0]), "Exp009": np.ones(2)}
    weights = found.weights(curves)
    assert set(weights) == set(found.names)
    for row, name in enumerate(found.names):
        wanted = 2 * found.matrix[row, 0] * np.array([0, 1]) + found.matrix[row, 2]
        np.testing.assert_allclose(weights[name], wanted, atol=1e-12)


def test_a_body_without_actions_is_no_source(rows: np.ndarray):
    other = _other(np.zeros((SHAPES, 1)), rows)
    with pytest.raises(ValueError, match="must have facial actions"):
        coefficient_map(other, other)
