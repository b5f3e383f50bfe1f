"""Spherical harmonics of the colour, degree 0 to 3."""

from __future__ import annotations

from math import isqrt, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from .arrays import require_shape

if TYPE_CHECKING:
    from .arrays import Float

MAX_DEGREE = 3

SH_C0 = 0.28209479177387814
"""Value of the constant harmonic: colour = 1/2 + C0 * coefficient."""

# What normalises the real harmonics of degree 1, 2, 3 to an integral of 1 over the sphere, by order |m|.
_C1 = sqrt(3 / (4 * pi))
_C2 = (sqrt(5 / (16 * pi)), sqrt(15 / (4 * pi)), sqrt(15 / (16 * pi)))
_C3 = (sqrt(7 / (16 * pi)), sqrt(21 / (32 * pi)), sqrt(105 / (16 * pi)), sqrt(35 / (32 * pi)))


def sh_from_rgb(rgb: Float) -> Float:
    """Display-space RGB (0..1) to the constant coefficient; any shape."""
    return (rgb - 0.5) / SH_C0


def rgb_from_sh(coefficient: Float) -> Float:
    """The constant coefficient to display-space RGB, clipped at zero; any shape."""
    return np.maximum(coefficient * SH_C0 + 0.5, 0.0)


def colors_from_sh(sh: Float, directions: Float) -> Float:
    """The colours that Gaussians show to a camera.

    The coefficients of a posed Gaussian stay as they are: turn the direction back into its rest pose instead.

    Args:
        sh: Coefficients, display space; K = 1, 4, 9 or 16. [N, K, 3]
        directions: From the camera's centre to each mean, in the axes of the coefficients; any length. [N, 3]

    Returns:
        Display-space RGB, 0 and up. [N, 3]

    Raises:
        ValueError: If a shape is wrong or K is not the square of 1 to 4.

    Source: Kerbl et al. 2023, section 4; order and signs as in their files.
    """
    require_shape("sh", sh, (None, None, 3))
    require_shape("directions", directions, (len(sh), 3))
    degree = isqrt(sh.shape[1]) - 1
    if sh.shape[1] != (degree + 1) ** 2 or not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"sh must have 1, 4, 9 or 16 coefficients, got {sh.shape[1]}")
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    basis = sh_basis(directions / np.where(lengths > 0, lengths, 1), degree)
    return np.maximum(np.einsum("nk,nkc->nc", basis, sh) + 0.5, 0.0)


def sh_basis(directions: Float, degree: int) -> Float:
    """Values of the harmonics, by degree, then by order from -degree to degree.

    The harmonics of odd order have the sign that the field's files have (Condon and Shortley's phase).

    Args:
        directions: Of length 1. [N, 3]
        degree: Highest, 0 to 3.

    Returns:
        [N, (degree + 1)^2], in the precision of the directions.

    Raises:
        ValueError: If the shape or the degree is wrong.

    Source: Sloan 2008, Stupid Spherical Harmonics Tricks, appendix A2.
    """
    require_shape("directions", directions, (None, 3))
    if not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"degree must lie in 0..{MAX_DEGREE}, got {degree}")
    x, y, z = directions.T
    values = [np.full_like(x, SH_C0)]
    if degree >= 1:
        values += [-_C1 * y, _C1 * z, -_C1 * x]
    if degree >= 2:
        values += _second(x, y, z)
    if degree >= 3:
        values += _third(x, y, z)
    return np.stack(values, axis=1)


def _second(x: Float, y: Float, z: Float) -> list[Float]:
    along, once, twice = _C2
    return [
        2 * twice * x * y,
        -once * y * z,
        along * (3 * z * z - 1),
        -once * x * z,
        twice * (x * x - y * y),
    ]


def _third(x: Float, y: Float, z: Float) -> list[Float]:
    along, once, twice, thrice = _C3
    slant = 5 * z * z
    return [
        -thrice * y * (3 * x * x - y * y),
        2 * twice * x * y * z,
        -once * y * (slant - 1),
        along * z * (slant - 3),
        -once * x * (slant - 1),
        twice * z * (x * x - y * y),
        -thrice * x * (x * x - 3 * y * y),
    ]
