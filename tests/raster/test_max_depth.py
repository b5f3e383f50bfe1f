"""Gaussians behind a pixel's depth are not drawn, those in front as ever: closed forms and the reference."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.bench.raster_scene import body_scene
from lhm_avatars.engine.raster import backward, forward, rasterize
from lhm_avatars.engine.raster.reference import rasterize_reference

SIDE = 37  # two whole tiles and a part of a third
K = np.array([[100.0, 0, SIDE / 2], [0, 100, SIDE / 2], [0, 0, 1]])
UNTURNED = [1.0, 0, 0, 0]


def gaussian(opacity: float, deviation: float) -> np.ndarray:
    """Alpha of one on the optical axis, by its formula. Pixels."""
    steps = np.arange(SIDE) + 0.5 - SIDE / 2
    alpha = opacity * np.exp(-(steps[None] ** 2 + steps[:, None] ** 2) / (2 * (deviation**2 + 0.3)))
    return np.where(alpha >= 1 / 255, alpha, 0)


def two(max_depth: np.ndarray | None):
    means, scales = [[0, 0, 4.0], [0, 0, 2.0]], [[0.16] * 3, [0.08] * 3]  # equal on the image
    colors = [[1, 0, 0], [0, 1, 0]]
    return rasterize(
        means, [UNTURNED] * 2, scales, [0.9, 0.6], colors, np.eye(4), K, SIDE, SIDE, max_depth=max_depth
    )


def test_a_wall_half_way_hides_the_one_behind_it_only_where_it_stands() -> None:
    wall = np.full((SIDE, SIDE), np.inf)
    wall[:, 20:] = 3.0
    image = two(wall)
    front, back = gaussian(0.6, 4), gaussian(0.9, 4)
    np.testing.assert_allclose(image.color[..., 1], front, atol=3e-6)
    np.testing.assert_allclose(image.color[:, :20, 0], ((1 - front) * back)[:, :20], atol=3e-6)
    assert not image.color[:, 20:, 0].any()
    np.testing.assert_allclose(image.alpha[:, 20:], front[:, 20:], atol=3e-6)
    np.testing.assert_allclose(image.depth[:, 20:], 2 * front[:, 20:], atol=6e-6)


@pytest.mark.parametrize(("depth", "drawn"), [(1.0, 0), (3.0, 1), (5.0, 2), (1e10, 2), (-1.0, 0)])
def test_an_even_wall(depth: float, drawn: int) -> None:
    image = two(np.full((SIDE, SIDE), depth))
    assert [bool(image.color[..., channel].any()) for channel in (1, 0)] == [drawn > 0, drawn > 1]


def test_no_wall_is_the_same_picture_to_the_bit() -> None:
    scene = body_scene(2000, 64)
    args = *scene.gaussians(), scene.viewmat, scene.K, 64, 64
    plain, far = rasterize(*args), rasterize(*args, max_depth=np.full((64, 64), np.inf))
    for name in ("color", "alpha", "depth"):
        assert (getattr(plain, name) == getattr(far, name)).all()


def test_a_slanted_wall_through_a_body_agrees_with_the_reference() -> None:
    width, height = 75, 90
    scene = body_scene(3000, 90)
    depths = scene.gaussians()[0] @ scene.viewmat[2, :3] + scene.viewmat[2, 3]
    low, high = np.quantile(depths, (0.05, 0.95))
    wall = np.linspace(low, high, width)[None] + np.linspace(0, 0.1, height)[:, None]
    args = *scene.gaussians(), scene.viewmat, scene.K, width, height
    image, whole = rasterize(*args, max_depth=wall), rasterize(*args)
    expected = rasterize_reference(*args, max_depth=wall)
    assert 0.2 < image.alpha.sum() / whole.alpha.sum() < 0.95
    for name in ("color", "alpha", "depth"):
        np.testing.assert_allclose(getattr(image, name), getattr(expected, name), atol=6e-3)
        error = getattr(image, name) - getattr(expected, name)
        assert np.sqrt((error**2).mean()) < 1e-4


def test_what_is_cut_has_no_gradient() -> None:
    wall = np.full((SIDE, SIDE), 3.0)
    ones, plane = np.ones((2, 3)), np.ones((SIDE, SIDE), np.float32)
    means = [[0, 0, 4.0], [0, 0, 2.0]]
    _, context = forward(
        means, [UNTURNED] * 2, ones * 0.1, [0.9, 0.6], ones, np.eye(4), K, SIDE, SIDE, max_depth=wall
    )
    gradients = backward(context, np.repeat(plane[..., None], 3, axis=2), plane, plane)
    assert not gradients.colors[0].any()
    assert gradients.colors[1].all()


def test_wrong_depths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"max_depth must have shape \(37, 37\), got \(3, 37\)"):
        two(np.ones((3, SIDE)))
    with pytest.raises(ValueError, match="max_depth must hold numbers, got nan"):
        two(np.full((SIDE, SIDE), np.nan))
    with pytest.raises(ValueError, match="max_depth needs the processor"):
        rasterize(
            np.ones((1, 3)), [UNTURNED], np.ones((1, 3)), [0.5], np.ones((1, 3)), np.eye(4), K, SIDE, SIDE,
            max_depth=np.ones((SIDE, SIDE)), backend="gsplat",
        )  # fmt: skip
