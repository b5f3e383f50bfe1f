"""The image against closed forms and against the float64 reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.bench.raster_scene import body_scene, psnr
from lhm_avatars.engine.raster import RasterSettings, rasterize
from lhm_avatars.engine.raster.jit import exp_negative
from lhm_avatars.engine.raster.order import near_to_far
from lhm_avatars.engine.raster.reference import rasterize_reference

FOCAL, SIDE = 100.0, 33
CENTRE = SIDE / 2  # the middle of pixel 16
K = np.array([[FOCAL, 0, CENTRE], [0, FOCAL, CENTRE], [0, 0, 1]])
UNTURNED = [1.0, 0, 0, 0]


def render(means, quats, scales, opacities, colors, **keywords):
    return rasterize(means, quats, scales, opacities, colors, np.eye(4), K, SIDE, SIDE, **keywords)


def offsets() -> tuple[np.ndarray, np.ndarray]:
    steps = np.arange(SIDE) + 0.5 - CENTRE
    return steps[None, :], steps[:, None]


def ellipse(opacity: float, variance_x: float, variance_y: float) -> np.ndarray:
    x, y = offsets()
    alpha = opacity * np.exp(-0.5 * (x**2 / variance_x + y**2 / variance_y))
    return np.where(alpha >= 1 / 255, alpha, 0)


def test_one_gaussian_is_the_closed_form() -> None:
    z, scales = 2.0, (0.04, 0.08, 0.02)
    # On the optical axis the image is the Gaussian seen along z: sigma f / z pixels, plus the blur.
    alpha = ellipse(0.7, (0.04 * FOCAL / z) ** 2 + 0.3, (0.08 * FOCAL / z) ** 2 + 0.3)
    image = render([[0, 0, z]], [UNTURNED], [scales], [0.7], [[0.2, 0.5, 1.5]])
    np.testing.assert_allclose(image.alpha, alpha, atol=2e-6)
    np.testing.assert_allclose(image.color, alpha[..., None] * [0.2, 0.5, 1.5], atol=3e-6)
    np.testing.assert_allclose(image.depth, alpha * z, atol=4e-6)


def test_a_quarter_turn_swaps_the_axes_whatever_the_quaternion_length() -> None:
    turned = [3 * np.sqrt(0.5), 0, 0, 3 * np.sqrt(0.5)]  # 90 degrees about z, length 3
    image = render([[0, 0, 2]], [turned], [[0.04, 0.08, 0.02]], [0.7], [[1, 1, 1]])
    np.testing.assert_allclose(image.alpha, ellipse(0.7, 4**2 + 0.3, 2**2 + 0.3), atol=2e-6)


def test_antialiasing_dims_by_the_growth_of_the_area() -> None:
    sharp, blurred = 0.5**2, 0.5**2 + 0.3
    image = render([[0, 0, 2]], [UNTURNED], [[0.01] * 3], [0.7], [[1, 1, 1]], antialiased=True)
    np.testing.assert_allclose(image.alpha, ellipse(0.7 * sharp / blurred, blurred, blurred), atol=2e-6)


def test_the_nearer_gaussian_covers_the_farther_one() -> None:
    means, scales = [[0, 0, 4], [0, 0, 2]], [[0.08] * 3, [0.04] * 3]  # equal on the image
    image = render(means, [UNTURNED] * 2, scales, [0.9, 0.6], [[1, 0, 0], [0, 1, 0]])
    front, back = ellipse(0.6, 4.3, 4.3), ellipse(0.9, 4.3, 4.3)
    np.testing.assert_allclose(image.color[..., 1], front, atol=2e-6)
    np.testing.assert_allclose(image.color[..., 0], (1 - front) * back, atol=2e-6)


def test_gaussians_of_equal_depth_blend_in_the_order_given() -> None:
    colors = np.eye(3)
    image = render([[0, 0, 2]] * 3, [UNTURNED] * 3, [[0.04] * 3] * 3, [0.5] * 3, colors)
    alpha = ellipse(0.5, 4.3, 4.3)
    expected = np.stack([alpha, (1 - alpha) * alpha, (1 - alpha) ** 2 * alpha], axis=-1)
    np.testing.assert_allclose(image.color, expected, atol=2e-6)


@pytest.mark.parametrize("clamp", [0.99, 0.999])
def test_alpha_is_clamped(clamp: float) -> None:
    image = render([[0, 0, 2]], [UNTURNED], [[0.1] * 3], [1.0], [[1, 1, 1]], max_alpha=clamp)
    assert image.alpha[16, 16] == pytest.approx(clamp, abs=1e-6)
    assert image.alpha.max() <= clamp + 1e-6


@pytest.mark.parametrize("size", [(512, 512), (203, 131), (16, 16), (7, 3), (300, 17)])
def test_body_agrees_with_the_reference(size: tuple[int, int]) -> None:
    scene = body_scene(20000, *size)
    image, reference = rasterize(*scene.inputs()), rasterize_reference(*scene.inputs())
    assert image.color.shape == (size[1], size[0], 3)
    assert 0.02 < image.alpha.mean() < 0.9  # there is something to agree on
    assert psnr(image.color, reference.color) >= 95
    assert psnr(image.alpha, reference.alpha) >= 95
    assert psnr(image.depth, reference.depth) >= 85  # metres, not 0..1: three times the range


@pytest.mark.parametrize(
    "settings",
    [
        RasterSettings(max_alpha=0.7),
        RasterSettings(antialiased=True),
        RasterSettings(eps2d=2.0),
        RasterSettings(near=2.9, far=3.1),
    ],
)
def test_settings_agree_with_the_reference(settings: RasterSettings) -> None:
    scene = body_scene(10000, 200, 150)
    plain = rasterize(*scene.inputs())
    image = rasterize(*scene.inputs(), **vars(settings))
    assert psnr(image.color, rasterize_reference(*scene.inputs(), settings).color) >= 95
    assert psnr(image.color, plain.color) < 80  # the setting does something


def test_swollen_gaussians_of_one_depth_agree_with_the_reference() -> None:
    scene = body_scene(3000, 160).swollen(8)
    flat = replace(scene, means=scene.means * [1, 1, 0], viewmat=body_scene(1, 160, turn=0.0).viewmat)
    image, reference = rasterize(*flat.inputs()), rasterize_reference(*flat.inputs())
    assert psnr(image.color, reference.color) >= 95


def test_a_camera_close_by_agrees_with_the_reference() -> None:
    """Gaussians far outside the view: the slope of the projection is taken at the margin."""
    scene = body_scene(5000, 200, 120).swollen(4)
    viewmat = scene.viewmat.copy()
    viewmat[2, 3] = 0.3
    near = replace(scene, viewmat=viewmat)
    image, reference = rasterize(*near.inputs()), rasterize_reference(*near.inputs())
    assert image.alpha.mean() > 0.5
    assert psnr(image.color, reference.color) >= 95


def test_the_exponential_is_good_to_two_millionths() -> None:
    s = np.linspace(0, 5.6, 20001, dtype=np.float32)
    approximate = np.array([exp_negative(value) for value in s], np.float64)
    assert np.abs(approximate / np.exp(-s.astype(np.float64)) - 1).max() < 2.5e-6


def test_the_sort_is_stable() -> None:
    depths = np.random.default_rng(1).uniform(0.01, 1e6, 5000)
    depths[::3] = np.round(depths[::3])  # ties
    depths[1000:3000] = depths[:2000]
    depths[::7] = 0  # not drawn
    drawn = np.flatnonzero(depths)
    expected = drawn[np.argsort(depths[drawn], kind="stable")]
    np.testing.assert_array_equal(near_to_far(depths.view(np.uint64)), expected)
