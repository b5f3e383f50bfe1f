"""Nothing to draw, things that cannot be drawn, and inputs that are refused."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from lhm_avatars.bench.raster_scene import Scene, body_scene
from lhm_avatars.engine.raster import RasterSettings, backward, contributions, forward, rasterize, splat_back
from lhm_avatars.engine.raster.composite_backward import composite_backward
from lhm_avatars.engine.raster.order import usable
from lhm_avatars.engine.raster.project import pack, project
from lhm_avatars.engine.raster.reference import rasterize_reference
from lhm_avatars.engine.raster.tiles import deal

EMPTY = body_scene(0, 40, 30)


@pytest.fixture(scope="module")
def body() -> Scene:
    return body_scene(4000, 150, 110)


def only(scene: Scene, keep: np.ndarray) -> Scene:
    names = ("means", "quats", "scales", "opacities", "colors")
    return replace(scene, **{name: getattr(scene, name)[keep] for name in names})


def assert_nothing(scene: Scene) -> None:
    image, context = forward(*scene.inputs())
    assert not image.color.any()
    assert not image.alpha.any()
    assert not image.depth.any()
    gradients = backward(context, np.ones_like(image.color), np.ones_like(image.alpha))
    for name, array in vars(gradients).items():
        assert array.shape == getattr(scene, name).shape
        assert not array.any()
    assert not contributions(context).weight.any()
    assert not contributions(context).visibility().any()


def test_no_gaussians_give_an_empty_image() -> None:
    assert_nothing(EMPTY)


@pytest.mark.parametrize(("axis", "distance"), [(2, -10.0), (0, 100.0), (1, -100.0), (2, 1e11)])
def test_all_outside_the_view_give_an_empty_image(body: Scene, axis: int, distance: float) -> None:
    viewmat = body.viewmat.copy()
    viewmat[axis, 3] += distance
    assert_nothing(replace(body, viewmat=viewmat))


def test_invisible_gaussians_give_an_empty_image(body: Scene) -> None:
    assert_nothing(replace(body, opacities=np.full_like(body.opacities, 0.9 / 255)))


@pytest.mark.parametrize("name", ["means", "quats", "scales", "opacities", "colors"])
@pytest.mark.parametrize("value", [np.nan, -np.inf, -1e30])
def test_broken_gaussians_are_left_out(body: Scene, name: str, value: float) -> None:
    array = getattr(body, name).copy()
    array.reshape(len(array), -1)[::5, -1] = value
    keep = np.arange(len(array)) % 5 != 0
    image, context = forward(*replace(body, **{name: array}).inputs())
    np.testing.assert_array_equal(image.color, rasterize(*only(body, keep).inputs()).color)
    gradients = backward(context, image.color, image.alpha, image.depth)
    for gradient in vars(gradients).values():
        assert np.isfinite(gradient).all()
        assert not gradient[~keep].any()


def test_zero_quaternions_are_left_out(body: Scene) -> None:
    quats = body.quats.copy()
    quats[::2] = 0
    image = rasterize(*replace(body, quats=quats).inputs())
    np.testing.assert_array_equal(
        image.color, rasterize(*only(body, np.arange(4000) % 2 == 1).inputs()).color
    )


def test_flat_and_needle_shaped_gaussians_have_finite_gradients(body: Scene) -> None:
    scales = body.scales.copy()
    scales[::3, :2] = 0
    scales[1::3, 0] = 0.5
    scales[2::3] = 0
    for antialiased in (False, True):
        image, context = forward(*replace(body, scales=scales).inputs(), antialiased=antialiased)
        assert np.isfinite(image.color).all()
        for gradient in vars(backward(context, image.color, image.alpha, image.depth)).values():
            assert np.isfinite(gradient).all()


def test_a_gaussian_larger_than_the_image_fills_it() -> None:
    K = [[100, 0, 50], [0, 100, 20], [0, 0, 1]]
    image = rasterize([[0, 0, 2]], [[1, 0, 0, 0]], [[1e3] * 3], [0.5], [[1, 1, 1]], np.eye(4), K, 100, 40)
    np.testing.assert_allclose(image.alpha, 0.5, atol=1e-5)


def test_an_empty_tile_between_full_ones_stays_empty() -> None:
    K = [[100, 0, 24], [0, 100, 8], [0, 0, 1]]
    means = [[-0.32, 0, 2], [0.32, 0, 2]]  # the middles of the first and the third of three tiles
    inputs = (
        means,
        [[1, 0, 0, 0]] * 2,
        [[0.04] * 3] * 2,
        [0.8] * 2,
        [[1, 0, 0], [0, 1, 0]],
        np.eye(4),
        K,
        48,
        16,
    )
    image, context = forward(*inputs)
    assert image.alpha[:, :16].max() > 0.7
    assert image.alpha[:, 32:].max() > 0.7
    assert not image.alpha[:, 16:32].any()
    assert len(context.work) == 2
    np.testing.assert_allclose(image.color, rasterize_reference(*inputs).color, atol=1e-5)
    alone = backward(context, np.where(np.arange(48)[:, None] < 16, 1, 0) * np.ones((16, 48, 3)))
    assert alone.colors[0, 0] > 1
    assert not alone.colors[1].any()


def test_read_only_and_unaligned_inputs_compile_nothing_new(body: Scene) -> None:
    image, context = forward(*body.inputs())
    backward(context, image.color)
    kernels = (usable, project, pack, composite_backward)
    before = [len(kernel.signatures) for kernel in kernels]
    shifted = [np.frombuffer(b"?" + array.tobytes(), np.float32, offset=1) for array in body.gaussians()]
    inputs = [array.reshape(own.shape) for array, own in zip(shifted, body.gaussians(), strict=True)]
    assert not any(array.flags.writeable or array.flags.aligned for array in inputs)
    again, context = forward(*inputs, *body.camera())
    np.testing.assert_array_equal(again.color, image.color)
    backward(context, np.frombuffer(image.color.tobytes(), np.float32).reshape(image.color.shape))
    assert [len(kernel.signatures) for kernel in kernels] == before


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_one_thread_and_two_give_the_same_bits(body: Scene) -> None:
    results = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        image, context = forward(*body.inputs())
        gradients = backward(context, image.color, image.alpha, image.depth)
        weights, colors = splat_back(context, image.color)
        results.append([*vars(image).values(), *vars(gradients).values(), weights, colors])
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    for one, two in zip(*results, strict=True):
        assert one.any()
        np.testing.assert_array_equal(one, two)


def test_tiles_are_dealt_once_each_and_evenly() -> None:
    counts = np.random.default_rng(0).integers(0, 500, 200)
    counts[::3] = 0
    starts = np.concatenate([[0], np.cumsum(counts)])
    work = deal(starts, 2)
    np.testing.assert_array_equal(np.sort(work), np.flatnonzero(counts))
    half = -(-len(work) // 2)
    first, second = counts[work[:half]].sum(), counts[work[half:]].sum()
    assert abs(first - second) <= counts.max()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("means", np.zeros((4000, 2)), r"means must have shape \(any, 3\), got \(4000, 2\)"),
        ("quats", np.zeros((4000, 3)), r"quats must have shape \(4000, 4\), got \(4000, 3\)"),
        ("scales", np.zeros((3999, 3)), r"scales must have shape \(4000, 3\), got \(3999, 3\)"),
        ("opacities", np.zeros((4000, 1)), r"opacities must have shape \(4000,\), got \(4000, 1\)"),
        ("opacities", np.full(4000, 1.5), "opacities must lie in 0..1, got 1.5"),
        ("colors", np.zeros((4000, 4)), r"colors must have shape \(4000, 3\), got \(4000, 4\)"),
        ("viewmat", np.eye(3), r"viewmat must have shape \(4, 4\), got \(3, 3\)"),
        ("viewmat", np.full((4, 4), np.nan), "viewmat must be finite, got"),
        ("K", np.eye(4), r"K must have shape \(3, 3\), got \(4, 4\)"),
        ("K", np.diag([0.0, 1, 1]), "K must have positive focal lengths, got 0.0 and 1.0"),
        ("K", [[9, 1, 5], [0, 9, 5], [0, 0, 1]], "K must have no skew, got 1.0 and 0.0"),
        ("width", 0, "width and height must be at least 1, got 0 and 110"),
    ],
)
@pytest.mark.parametrize("draw", [rasterize, rasterize_reference])
def test_wrong_inputs_are_named(body: Scene, draw, name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(*replace(body, **{name: value}).inputs())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eps2d": 0.0}, "eps2d must be positive, got 0.0"),
        ({"max_alpha": 1.0}, "max_alpha must lie between 0 and 1, got 1.0"),
        ({"near": 0.0}, "near and far must satisfy 0 < near < far, got 0.0 and"),
        ({"near": 2.0, "far": 1.0}, "near and far must satisfy 0 < near < far, got 2.0 and 1.0"),
    ],
)
def test_wrong_settings_are_named(body: Scene, settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RasterSettings(**settings)
    with pytest.raises(ValueError, match=message):
        rasterize(*body.inputs(), **settings)


def test_wrong_images_are_named(body: Scene) -> None:
    _, context = forward(*body.inputs())
    with pytest.raises(ValueError, match=r"v_color must have shape \(110, 150, 3\), got \(150, 110, 3\)"):
        backward(context, np.zeros((150, 110, 3)))
    with pytest.raises(ValueError, match=r"v_alpha must have shape \(110, 150\), got \(110,\)"):
        backward(context, np.zeros((110, 150, 3)), np.zeros(110))
    with pytest.raises(ValueError, match=r"v_depth must have shape \(110, 150\), got \(110,\)"):
        backward(context, np.zeros((110, 150, 3)), v_depth=np.zeros(110))
    with pytest.raises(ValueError, match=r"image must have shape \(110, 150, any\), got \(110, 150\)"):
        splat_back(context, np.zeros((110, 150)))
    with pytest.raises(ValueError, match=r"weight_image must have shape \(110, 150\), got \(5, 5\)"):
        contributions(context, np.zeros((5, 5)))
