"""Rotations against scipy, which writes quaternions x, y, z, w; and cases that are known by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.rotations import (
    matrix_from_quat,
    matrix_from_rotvec,
    polar_rotation,
    quat_conjugate,
    quat_from_matrix,
    quat_from_rotvec,
    quat_multiply,
    rotvec_from_matrix,
    rotvec_from_quat,
    slerp,
    turn_between,
)

transform = pytest.importorskip("scipy.spatial.transform", reason="Blender's Python has no scipy")

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

DIAGONAL = np.array([1.0, -2.0, 3.0]) / np.sqrt(14.0)
ANGLES = [0.0, 1e-300, 1e-12, 1e-8, 1e-4, 0.5, np.pi / 2, np.pi - 1e-4, np.pi - 1e-9, np.pi]


def wxyz(rotation: Any) -> Array:
    return np.roll(rotation.as_quat(), 1, axis=-1)


def rotvecs(count: int = 1000) -> Array:
    """Random axes, angles 0 to pi: where an axis-angle vector is unique."""
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(count, 3))
    return axes / np.linalg.norm(axes, axis=1, keepdims=True) * rng.uniform(0, np.pi, (count, 1))


def same_rotation(a: Array, b: Array) -> float:
    """Largest difference of two quaternion arrays, whatever their signs."""
    return float(np.minimum(np.abs(a - b).max(-1), np.abs(a + b).max(-1)).max())


def test_quarter_turn_about_z_takes_x_to_y():
    quarter = np.array([0, 0, np.pi / 2])
    np.testing.assert_allclose(quat_from_rotvec(quarter), [np.sqrt(0.5), 0, 0, np.sqrt(0.5)], atol=1e-15)
    np.testing.assert_allclose(matrix_from_rotvec(quarter) @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_conversions_equal_scipy():
    vectors = rotvecs()
    theirs = transform.Rotation.from_rotvec(vectors)
    np.testing.assert_allclose(matrix_from_rotvec(vectors), theirs.as_matrix(), atol=1e-14)
    np.testing.assert_allclose(matrix_from_quat(wxyz(theirs)), theirs.as_matrix(), atol=1e-14)
    assert same_rotation(quat_from_rotvec(vectors), wxyz(theirs)) < 1e-14
    assert same_rotation(quat_from_matrix(theirs.as_matrix()), wxyz(theirs)) < 1e-14
    np.testing.assert_allclose(rotvec_from_quat(wxyz(theirs)), vectors, atol=1e-13)
    np.testing.assert_allclose(rotvec_from_matrix(theirs.as_matrix()), vectors, atol=1e-12)


@pytest.mark.parametrize("axis", [*np.eye(3), *-np.eye(3), DIAGONAL], ids=str)
@pytest.mark.parametrize("angle", ANGLES, ids=str)
def test_tiny_and_half_turns_equal_scipy(axis: Array, angle: float):
    vector = axis * angle
    theirs = transform.Rotation.from_rotvec(vector)
    np.testing.assert_allclose(matrix_from_rotvec(vector), theirs.as_matrix(), atol=1e-15)
    assert same_rotation(quat_from_matrix(theirs.as_matrix()), wxyz(theirs)) < 1e-15
    for back in (rotvec_from_quat(wxyz(theirs)), rotvec_from_matrix(theirs.as_matrix())):
        # At half a turn both directions of the axis are right.
        error = min(np.abs(back - vector).max(), np.abs(back + vector).max() if angle > 3.14 else np.inf)
        assert error < 1e-12


def test_tiny_vectors_keep_their_digits():
    """Through a quaternion an angle of 1e-8 is still itself, not the zero that an arccosine would give."""
    tiny = DIAGONAL * 1e-8
    np.testing.assert_allclose(rotvec_from_quat(quat_from_rotvec(tiny)), tiny, rtol=1e-12)


def test_angles_beyond_a_half_turn_are_the_same_rotation():
    vectors = rotvecs()
    axes = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for turns in (1, -1, 3):
        np.testing.assert_allclose(
            matrix_from_rotvec(vectors + 2 * np.pi * turns * axes), matrix_from_rotvec(vectors), atol=1e-13
        )


def test_quaternions_of_any_length_and_sign_mean_one_rotation():
    quats = quat_from_rotvec(rotvecs())
    for factor in (3.0, 0.01, -1.0):
        np.testing.assert_allclose(matrix_from_quat(factor * quats), matrix_from_quat(quats), atol=1e-14)
        np.testing.assert_allclose(rotvec_from_quat(factor * quats), rotvec_from_quat(quats), atol=1e-13)


def test_product_and_inverse_equal_scipy():
    first, second = (
        transform.Rotation.random(500, random_state=1),
        transform.Rotation.random(500, random_state=2),
    )
    assert same_rotation(quat_multiply(wxyz(first), wxyz(second)), wxyz(first * second)) < 1e-14
    assert same_rotation(quat_conjugate(wxyz(first)), wxyz(first.inv())) < 1e-14
    unit = quat_multiply(wxyz(first), quat_conjugate(wxyz(first)))
    np.testing.assert_allclose(unit, np.broadcast_to([1.0, 0, 0, 0], unit.shape), atol=1e-14)


def test_batches_of_any_shape_and_broadcast_factors():
    vectors = rotvecs(24)
    for function in (matrix_from_rotvec, quat_from_rotvec):
        batched = function(vectors.reshape(2, 3, 4, 3))
        np.testing.assert_array_equal(batched.reshape(24, *batched.shape[3:]), function(vectors))
    quats = quat_from_rotvec(vectors)
    for function in (matrix_from_quat, rotvec_from_quat):
        batched = function(quats.reshape(4, 6, 4))
        np.testing.assert_array_equal(batched.reshape(24, *batched.shape[2:]), function(quats))
    matrices = matrix_from_rotvec(vectors)
    for function in (quat_from_matrix, rotvec_from_matrix, polar_rotation):
        batched = function(matrices.reshape(6, 4, 3, 3))
        np.testing.assert_array_equal(batched.reshape(24, *batched.shape[2:]), function(matrices))
    np.testing.assert_array_equal(
        quat_multiply(quats[:, None], quats[None])[3, 7], quat_multiply(quats[3], quats[7])
    )
    assert quat_from_rotvec(np.zeros((0, 3))).shape == (0, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_of_the_input_is_kept(dtype: type):
    vectors = rotvecs(10).astype(dtype)
    quats, matrices = quat_from_rotvec(vectors), matrix_from_rotvec(vectors)
    results = [
        quats, matrices, rotvec_from_quat(quats), rotvec_from_matrix(matrices), quat_from_matrix(matrices),
        quat_multiply(quats, quats), quat_conjugate(quats), polar_rotation(matrices),
    ]  # fmt: skip
    assert {result.dtype for result in results} == {np.dtype(dtype)}


def test_polar_rotation_is_the_nearest_rotation():
    """A rotation times a symmetric positive matrix has that rotation as its polar factor."""
    rng = np.random.default_rng(3)
    rotations = transform.Rotation.random(200, random_state=4).as_matrix()
    root = rng.normal(size=(200, 3, 3))
    stretch = root @ np.swapaxes(root, 1, 2) + 0.1 * np.eye(3)
    np.testing.assert_allclose(polar_rotation(rotations @ stretch), rotations, atol=1e-12)


def test_polar_rotation_equals_scipys_alignment_also_where_the_matrix_mirrors():
    """Kabsch's problem is the same one: the rotation that maximises the trace against the matrix."""
    matrices = np.random.default_rng(5).normal(size=(100, 3, 3))
    assert (np.linalg.det(matrices) < 0).any()
    ours = polar_rotation(matrices)
    np.testing.assert_allclose(np.linalg.det(ours), 1.0, atol=1e-12)
    for matrix, rotation in zip(matrices, ours, strict=True):
        best, _ = transform.Rotation.align_vectors(matrix.T, np.eye(3))
        np.testing.assert_allclose(rotation, best.as_matrix(), atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.7, 1.0])
def test_slerp_is_scipys(share: float) -> None:
    rng = np.random.default_rng(6)
    turns = transform.Rotation.random(40, random_state=7)
    for first, second in zip(turns[::2], turns[1::2], strict=True):
        between = transform.Slerp([0, 1], transform.Rotation.concatenate([first, second]))(share)
        sign = rng.choice([-1.0, 1.0])  # a quaternion and its negative are one turn
        ours = slerp(wxyz(first), sign * wxyz(second), np.array(share))
        assert abs(abs(ours @ wxyz(between)) - 1) < 1e-12


def test_slerp_of_equal_turns() -> None:
    quat = np.array([0.6, 0.8, 0.0, 0.0])
    np.testing.assert_allclose(slerp(quat, quat, np.array(0.3)), quat, atol=1e-15)


def test_turn_between_takes_one_to_the_other_the_short_way() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(2, 50, 3))
    turn = turn_between(a, b)
    moved = np.einsum("nij,nj->ni", turn, a)
    np.testing.assert_allclose(
        moved / np.linalg.norm(a, axis=1, keepdims=True),
        b / np.linalg.norm(b, axis=1, keepdims=True),
        atol=1e-12,
    )
    angle = np.arccos((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))
    np.testing.assert_allclose(np.linalg.norm(rotvec_from_matrix(turn), axis=1), angle, atol=1e-6)


@pytest.mark.parametrize("way", [(1.0, 0.0, 0.0), (0.0, -2.0, 0.0), (1.0, 1.0, 1.0)])
def test_turn_between_opposite_and_equal_directions(way: tuple[float, ...]) -> None:
    direction = np.array(way)
    np.testing.assert_allclose(turn_between(direction, -direction) @ direction, -direction, atol=1e-9)
    np.testing.assert_allclose(turn_between(direction, 3 * direction), np.eye(3), atol=1e-9)
