"""Spherical harmonics: what defines them, cases known by hand, and scipy's as a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.sh import SH_C0, colors_from_sh, rgb_from_sh, sh_basis, sh_from_rgb

AXES = np.eye(3)


def directions(count: int = 500) -> np.ndarray:
    vectors = np.random.default_rng(3).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_harmonics_are_orthonormal_over_the_sphere() -> None:
    # Gauss-Legendre along z times equal steps around it integrates products of degree 6 exactly.
    heights, weights = np.polynomial.legendre.leggauss(8)
    angles = np.arange(16) * np.pi / 8
    z = np.repeat(heights, 16)
    r = np.sqrt(1 - z**2)
    points = np.stack([r * np.tile(np.cos(angles), 8), r * np.tile(np.sin(angles), 8), z], axis=1)
    values = sh_basis(points, 3)
    products = (values * np.repeat(weights * np.pi / 8, 16)[:, None]).T @ values
    np.testing.assert_allclose(products, np.eye(16), atol=1e-14)


def test_they_equal_scipys_complex_harmonics() -> None:
    special = pytest.importorskip("scipy.special", reason="Blender's Python has no scipy")
    if not hasattr(special, "sph_harm_y"):
        pytest.skip("this scipy has sph_harm_y not yet")
    points = directions()
    polar, around = np.arccos(points[:, 2]), np.arctan2(points[:, 1], points[:, 0])
    expected = []
    for n in range(4):
        for m in range(-n, n + 1):
            y = special.sph_harm_y(n, abs(m), polar, around)  # with the phase (-1)^m
            expected.append(y.real if m == 0 else np.sqrt(2) * (y.imag if m < 0 else y.real))
    np.testing.assert_allclose(sh_basis(points, 3), np.stack(expected, axis=1), atol=1e-13)


def test_values_along_the_axes() -> None:
    first = np.sqrt(3 / (4 * np.pi))
    np.testing.assert_allclose(sh_basis(AXES, 1)[:, 0], SH_C0)
    np.testing.assert_allclose(
        sh_basis(AXES, 1)[:, 1:], [[0, 0, -first], [-first, 0, 0], [0, first, 0]], atol=1e-16
    )
    pole = sh_basis(AXES[2:], 3)[0]  # only the zonal ones, sqrt((2n + 1) / 4 pi), are there
    expected = np.zeros(16)
    expected[[0, 2, 6, 12]] = np.sqrt(np.array([1, 3, 5, 7]) / (4 * np.pi))
    np.testing.assert_allclose(pole, expected, atol=1e-15)


def test_constant_colour_is_the_same_from_everywhere() -> None:
    rgb = np.random.default_rng(0).uniform(size=(50, 3))
    padded = np.zeros((50, 16, 3))
    padded[:, 0] = sh_from_rgb(rgb)
    np.testing.assert_allclose(colors_from_sh(padded, directions(50)), rgb, atol=1e-15)
    np.testing.assert_allclose(colors_from_sh(padded[:, :1], directions(50)), rgb_from_sh(padded[:, 0]))


def test_the_length_of_a_direction_does_not_matter_and_precision_is_kept() -> None:
    sh = np.random.default_rng(1).normal(size=(40, 16, 3)).astype(np.float32)
    towards = directions(40).astype(np.float32)
    colors = colors_from_sh(sh, towards)
    assert colors.dtype == np.float32
    np.testing.assert_allclose(colors_from_sh(sh, 7 * towards), colors, atol=2e-6)


def test_no_colour_is_below_zero() -> None:
    sh = np.zeros((1, 4, 3))
    sh[0, 2] = [4, -4, 0]
    np.testing.assert_allclose(
        colors_from_sh(sh, AXES[2:]), [[0.5 + 4 * np.sqrt(3 / (4 * np.pi)), 0, 0.5]], atol=1e-15
    )


def test_gaussians_none_at_all() -> None:
    assert colors_from_sh(np.zeros((0, 9, 3)), np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("count", [0, 2, 5, 25])
def test_a_wrong_number_of_coefficients_is_named(count: int) -> None:
    with pytest.raises(ValueError, match=f"1, 4, 9 or 16 coefficients, got {count}"):
        colors_from_sh(np.zeros((3, count, 3)), np.ones((3, 3)))


def test_a_wrong_degree_and_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"degree must lie in 0\.\.3, got 4"):
        sh_basis(AXES, 4)
    with pytest.raises(ValueError, match=r"directions must have shape \(2, 3\), got \(3, 3\)"):
        colors_from_sh(np.zeros((2, 1, 3)), AXES)
