"""Which Gaussian shows what: against images of one Gaussian at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.bench.raster_scene import Scene, body_scene
from lhm_avatars.engine.raster import Context, backward, contributions, forward, rasterize, splat_back

COUNT = 30


@pytest.fixture(scope="module")
def scene() -> Scene:
    return body_scene(COUNT, 90, 70, seed=3).swollen(12)


@pytest.fixture(scope="module")
def context(scene: Scene) -> Context:
    return forward(*scene.inputs())[1]


@pytest.fixture(scope="module")
def weights(scene: Scene) -> np.ndarray:
    """Each Gaussian's blend weights: the image with that one white and all others black. [N, H, W]"""
    images = []
    for i in range(COUNT):
        colors = np.zeros((COUNT, 3))
        colors[i] = 1
        images.append(rasterize(*replace(scene, colors=colors).inputs()).color[..., 0])
    return np.array(images, np.float64)


def mask_for(scene: Scene) -> np.ndarray:
    return np.random.default_rng(5).uniform(0, 1, (scene.height, scene.width))


def test_weights_are_what_each_gaussian_shows(context: Context, weights: np.ndarray) -> None:
    found = contributions(context)
    assert weights.sum() > 100
    np.testing.assert_allclose(found.weight, weights.sum((1, 2)), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.peak, weights.max((1, 2)), rtol=1e-5, atol=1e-6)


def test_weights_sum_to_the_image_alpha(scene: Scene, context: Context) -> None:
    np.testing.assert_allclose(
        contributions(context).weight.sum(), rasterize(*scene.inputs()).alpha.sum(), rtol=1e-5
    )


def test_footprint_is_what_each_gaussian_shows_alone(scene: Scene, context: Context) -> None:
    found = contributions(context).footprint
    arrays = ("means", "quats", "scales", "opacities", "colors")
    for i in range(COUNT):
        alone = replace(scene, **{name: getattr(scene, name)[i : i + 1] for name in arrays})
        assert found[i] == pytest.approx(rasterize(*alone.inputs()).alpha.sum(), rel=1e-5, abs=1e-4)


def test_a_mask_counts_its_pixels_only(scene: Scene, context: Context, weights: np.ndarray) -> None:
    mask = mask_for(scene)
    found = contributions(context, mask)
    np.testing.assert_allclose(found.weight, (weights * mask).sum((1, 2)), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.peak, (weights * mask).max((1, 2)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_picture_comes_back_weighted(
    scene: Scene, context: Context, weights: np.ndarray, channels: int
) -> None:
    image = np.random.default_rng(6).normal(size=(scene.height, scene.width, channels))
    mask = mask_for(scene)
    weight, colors = splat_back(context, image, mask)
    expected = np.einsum("nhw,hw,hwc->nc", weights, mask, image)
    np.testing.assert_allclose(weight, (weights * mask).sum((1, 2)), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(colors, expected, rtol=1e-4, atol=1e-3)


def test_a_picture_comes_back_as_the_gradient_of_the_colors(scene: Scene, context: Context) -> None:
    image = np.random.default_rng(6).normal(size=(scene.height, scene.width, 3))
    np.testing.assert_allclose(
        splat_back(context, image)[1], backward(context, image).colors, rtol=1e-4, atol=1e-3
    )


def test_visibility_tells_front_from_hidden() -> None:
    """A wall of four opaque sheets stands between two Gaussians."""
    K = np.array([[100.0, 0, 16], [0, 100, 16], [0, 0, 1]])
    means = [[0, 0, 1], *[[0, 0, 2 + i] for i in range(4)], [0, 0, 8]]
    scales = [[0.02] * 3, *[[9, 9, 0.01]] * 4, [0.2] * 3]
    opacities = [0.5, *[0.99] * 4, 0.8]
    _, context = forward(means, [[1, 0, 0, 0]] * 6, scales, opacities, np.ones((6, 3)), np.eye(4), K, 32, 32)
    visibility = contributions(context).visibility()
    assert visibility[0] == pytest.approx(1, abs=1e-6)
    assert visibility[-1] < 1e-3
    assert contributions(context).footprint[-1] > 10
