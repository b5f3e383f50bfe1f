"""Which joints a Gaussian follows."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.binding import Binding, dense, strongest


def test_the_strongest_come_first_and_sum_to_one():
    binding = strongest(np.array([[0.1, 0.0, 0.5, 0.15, 0.25], [0.0, 1.0, 0.0, 0.0, 0.0]]), k=3)
    np.testing.assert_array_equal(binding.joint_indices[0], [2, 4, 3])
    np.testing.assert_allclose(binding.joint_weights[0], np.array([0.5, 0.25, 0.15]) / 0.9, rtol=1e-6)
    assert binding.joint_indices[1, 0] == 1
    np.testing.assert_array_equal(binding.joint_weights[1], [1, 0, 0])
    assert (binding.count, binding.influences) == (2, 3)


def test_equal_weights_keep_joint_order():
    binding = strongest(np.full((1, 6), 1 / 6), k=4)
    np.testing.assert_array_equal(binding.joint_indices, [[0, 1, 2, 3]])
    np.testing.assert_allclose(binding.joint_weights, 0.25)


def test_rows_need_not_sum_to_one_before():
    np.testing.assert_allclose(strongest(np.array([[3.0, 1.0]]), k=2).joint_weights, [[0.75, 0.25]])


def test_all_columns_come_back():
    rng = np.random.default_rng(0)
    weights = rng.uniform(size=(50, 9))
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(dense(strongest(weights, k=9), 9), weights, atol=1e-7)
    # Of fewer joints, each row keeps its largest entries and nothing else.
    kept = dense(strongest(weights, k=4), 9)
    assert ((kept > 0).sum(axis=1) == 4).all()
    fourth = np.sort(weights, axis=1)[:, -4:-3]
    np.testing.assert_array_equal(kept > 0, weights >= fourth)


def test_a_joint_named_twice_counts_twice():
    binding = Binding(np.array([[2, 2]]), np.array([[0.25, 0.75]]))
    np.testing.assert_allclose(dense(binding, 3), [[0, 0, 1]])


def test_rows_are_taken_by_index_and_mask():
    binding = strongest(np.random.default_rng(1).uniform(size=(6, 5)), k=2)
    for index, rows in ((np.array([4, 1]), [4, 1]), (np.arange(6) % 2 == 0, [0, 2, 4])):
        taken = binding.take(index)
        np.testing.assert_array_equal(taken.joint_indices, binding.joint_indices[rows])
        np.testing.assert_array_equal(taken.joint_weights, binding.joint_weights[rows])


def test_types_and_layout_are_those_of_the_file():
    binding = Binding(np.array([[1, 0]], np.int64), np.asfortranarray([[0.5, 0.5]]))
    assert (binding.joint_indices.dtype, binding.joint_weights.dtype) == (np.int32, np.float32)
    assert binding.joint_weights.flags.c_contiguous


def test_nobody_at_all_is_a_binding():
    assert Binding(np.zeros((0, 4), int), np.zeros((0, 4))).count == 0


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"joint_indices must have shape \(any, any\), got \(4,\)"):
        Binding(np.zeros(4, int), np.ones(4))
    with pytest.raises(ValueError, match=r"joint_weights must have shape \(3, 2\), got \(3, 1\)"):
        Binding(np.zeros((3, 2), int), np.ones((3, 1)))


@pytest.mark.parametrize("weight", [0.4, 0.6, np.nan])
def test_rows_that_do_not_sum_to_one_are_refused(weight: float):
    with pytest.raises(ValueError, match="joint_weights rows must sum to 1, one is off by"):
        Binding(np.zeros((2, 2), int), np.array([[0.5, 0.5], [0.5, weight]]))


@pytest.mark.parametrize("row", [[0.0, 0.0], [np.nan, 1.0]])
def test_a_row_without_weight_is_refused(row: list[float]):
    with pytest.raises(ValueError, match="every row of weights needs a positive entry"):
        strongest(np.array([[0.5, 0.5], row]), k=2)
