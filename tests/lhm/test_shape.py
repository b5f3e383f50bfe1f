"""Betas carried over to another body, against bodies whose betas are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.bench.random_lhm import body_buffers
from lhm_avatars.engine.avatar.body import JOINT_COUNT, bundled_body
from lhm_avatars.engine.lhm.shape import LIMIT, ShapedBody, carried_over, mesh_body
from lhm_avatars.engine.network.config import lhm_tiny

BETAS = np.array([1.2, -0.8, 0.9, -1.1, 0.6, 0.4, -0.5, 0.3, 0.2, -0.4])


@pytest.fixture(scope="module")
def sampled() -> ShapedBody:
    """The built-in body as a checkpoint holds it: scattered points, each with its nearest vertex's rows."""
    points, buffers = body_buffers(lhm_tiny(), bundled_body())
    rows = {key.removeprefix("renderer.smplx_model."): value for key, value in buffers.items()}
    regressor = rows["smplx_layer.J_regressor"].astype(np.float64)
    return ShapedBody(
        joints=regressor @ rows["smplx_layer.v_template"],
        joint_dirs=np.einsum("jv,vcs->jcs", regressor, rows["smplx_layer.shapedirs"]),
        points=points.astype(np.float64),
        point_dirs=rows["shape_dirs"].astype(np.float64),
        areas=np.ones(len(points)),
        owners=rows["skinning_weight"].argmax(axis=1),
    )


def scaled(body: ShapedBody, factor: float) -> ShapedBody:
    names = ("joints", "joint_dirs", "points", "point_dirs")
    return replace(body, **{name: factor * getattr(body, name) for name in names})


def difference(betas: np.ndarray) -> tuple[float, float]:
    """Of the built-in body from what ``BETAS`` make of it: joints and skin, millimetres on average."""
    body = bundled_body()
    pairs = ((body.joints(betas), body.joints(BETAS)), (body.shaped(betas), body.shaped(BETAS)))
    return tuple(1000 * float(np.linalg.norm(a - b, axis=1).mean()) for a, b in pairs)


def test_the_same_body_is_found_again() -> None:
    ours = mesh_body(bundled_body())
    found = carried_over(ours, BETAS, ours)
    joints, skin = difference(found)
    assert joints < 1.5
    assert skin < 1.5
    assert max(difference(np.zeros(10))) > 40  # and was not simply the mean
    np.testing.assert_allclose(found[:4], BETAS[:4], atol=0.1)


def test_a_checkpoint_of_the_same_body_gives_the_same_person(sampled: ShapedBody) -> None:
    found = carried_over(mesh_body(bundled_body()), BETAS, sampled)
    assert max(difference(found)) < 4
    np.testing.assert_allclose(found[:4], BETAS[:4], atol=0.15)


@pytest.mark.parametrize("factor", [0.8, 1.1])
def test_a_larger_or_smaller_body_differs_from_its_mean_in_the_same_way(
    sampled: ShapedBody, factor: float
) -> None:
    found = carried_over(mesh_body(bundled_body()), BETAS, scaled(sampled, factor))
    assert max(difference(found)) < 6


def test_a_body_with_its_shapes_in_another_order_is_given_them_in_that_order(sampled: ShapedBody) -> None:
    order = np.array([2, 0, 1, 3, 4, 5])
    other = replace(
        sampled, joint_dirs=-sampled.joint_dirs[..., order], point_dirs=-sampled.point_dirs[..., order]
    )
    known = np.array([0.9, -0.7, 0.8, *[0.0] * 7])
    found = carried_over(mesh_body(bundled_body()), known, other)
    assert len(found) == 6
    np.testing.assert_allclose(found[:3], -known[order[:3]], atol=0.15)


def test_the_mean_stays_the_mean(sampled: ShapedBody) -> None:
    assert np.abs(carried_over(mesh_body(bundled_body()), np.zeros(10), sampled)).max() < 1e-3


def test_betas_stay_where_a_shape_space_is_true(sampled: ShapedBody) -> None:
    found = carried_over(mesh_body(bundled_body()), np.array([6.0, 5.0, -6.0]), sampled)
    assert np.abs(found).max() <= LIMIT
    assert found[0] > 1.5


def test_where_a_limb_has_no_points_its_girth_is_left_out(sampled: ShapedBody) -> None:
    bare = replace(sampled, owners=np.full(len(sampled.points), JOINT_COUNT - 1))
    found = carried_over(mesh_body(bundled_body()), BETAS, bare)
    np.testing.assert_allclose(found[:2], BETAS[:2], atol=0.4)
