"""The photo's light, found again after it was put on a known pattern of colours."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.color import linear_from_srgb
from lhm_avatars.rendering.relight.albedo import photo_light


def _directions(count: int, rng: np.random.Generator) -> np.ndarray:
    directions = rng.normal(size=(count, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )


@pytest.mark.parametrize("slope", [(0.3, 0.0, 0.2), (-0.2, 0.4, 0.0), (0.0, 0.0, 0.45)])
def test_a_known_light_is_found_and_taken_off(slope: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(0)
    count = 9000
    normals = np.repeat(_directions(count // 3, rng), 3, axis=0)
    cloth = np.array([[0.45, 0.42, 0.4], [0.05, 0.08, 0.2], [0.4, 0.25, 0.2]])
    albedo = cloth[np.arange(count) % 3] * rng.uniform(0.9, 1.1, (count, 1))
    lit = albedo * (1 + normals @ slope)[:, None]
    seen = normals[:, 2] > -0.2  # one photo does not show the back
    light, found = photo_light(_srgb(lit), normals, seen)
    np.testing.assert_allclose(found, slope, atol=0.1)
    before, after = lit / lit.mean() - albedo / albedo.mean(), lit / light[:, None]
    after = after / after.mean() - albedo / albedo.mean()
    assert np.sqrt(np.mean(after[seen] ** 2)) < 0.5 * np.sqrt(np.mean(before[seen] ** 2))


def test_dark_trousers_below_a_light_shirt_are_not_taken_for_shade() -> None:
    rng = np.random.default_rng(1)
    normals = _directions(6000, rng)
    colors = np.where(rng.uniform(size=(6000, 1)) < 0.5, 0.8, 0.2) * np.ones(3)
    light, slope = photo_light(colors, normals, np.ones(6000, bool))
    assert np.linalg.norm(slope) < 0.1  # of chance: half of the colours are four times as bright
    np.testing.assert_allclose(light, 1, atol=0.1)


def test_without_a_photo_there_is_no_light_to_take_off() -> None:
    light, slope = photo_light(
        np.full((50, 3), 0.5), _directions(50, np.random.default_rng(2)), np.zeros(50, bool)
    )
    assert not slope.any()
    assert (light == 1).all()


def test_decoding_is_the_inverse_of_the_srgb_curve() -> None:
    linear = np.linspace(0, 1, 101)
    np.testing.assert_allclose(linear_from_srgb(_srgb(linear)), linear, atol=1e-6)
