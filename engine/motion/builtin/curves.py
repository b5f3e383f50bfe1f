"""Smooth curves from a few keys: what an animator would draw for one cycle, or for a take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.rotations import matrix_from_rotvec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_SAMPLES = 512
_HARMONICS = 24


@dataclass(frozen=True)
class Curve:
    """A periodic curve as a Fourier series; it has every derivative and closes exactly.

    Args:
        coefficients: Complex, one per harmonic from 0 on. [H]
    """

    coefficients: NDArray[np.complex128]

    def __call__(self, phase: Float) -> Float:
        """Values at phases; one cycle is 0..1, and any phase may be asked for.

        Args:
            phase: [F]

        Returns:
            [F]
        """
        turns = np.exp(2j * np.pi * np.multiply.outer(np.asarray(phase), np.arange(len(self.coefficients))))
        return (turns * self.coefficients).real.sum(axis=-1)


def curve(keys: Sequence[tuple[float, float]], softness: float = 0.03) -> Curve:
    """A closed curve along straight lines between keys, rounded by a Gaussian.

    Rounding by a Gaussian never overshoots, so a foot that is flat between two keys stays flat.

    Args:
        keys: Phase (0..1, rising) and value of each.
        softness: Standard deviation of the Gaussian, in cycles.
    """
    phases, values = np.array(keys, np.float64).T
    grid = np.arange(_SAMPLES) / _SAMPLES
    line = np.interp(grid, phases, values, period=1.0)
    coefficients = np.fft.rfft(line)[:_HARMONICS] / _SAMPLES
    coefficients[1:] *= 2
    return Curve(coefficients * np.exp(-2 * (np.pi * softness * np.arange(_HARMONICS)) ** 2))


def wave(amplitude: float, peak: float, harmonic: int = 1, mean: float = 0.0) -> Curve:
    """One cosine.

    Args:
        amplitude: Half of the way from lowest to highest.
        peak: Phase of the highest value.
        harmonic: Waves per cycle.
        mean: Value it swings about.
    """
    coefficients = np.zeros(harmonic + 1, np.complex128)
    coefficients[0] = mean
    coefficients[harmonic] += amplitude * np.exp(-2j * np.pi * harmonic * peak)
    return Curve(coefficients)


def keyed(seconds: Float, keys: Sequence[tuple[float, float]], softness: float = 0.1) -> Float:
    """An open curve along straight lines between keys, rounded by a Gaussian; level before and after them.

    Args:
        seconds: When to evaluate it. [F]
        keys: Second (rising) and value of each.
        softness: Standard deviation of the Gaussian, seconds.

    Returns:
        [F]
    """
    times, values = np.array(keys, np.float64).T
    slopes = np.r_[0.0, np.diff(values) / np.diff(times), 0.0]
    # Each bend of the line, rounded: the integral of the Gaussian's own integral.
    x = (np.asarray(seconds)[:, None] - times) / softness
    bends = x * _normal_sum(x) + np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    return values[0] + softness * bends @ np.diff(slopes)


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _normal_sum(x: Float) -> Float:
    return 0.5 * (1 + _erf(x / np.sqrt(2)))


def ease(seconds: Float, start: float, end: float) -> Float:
    """From 0 to 1 between two times, still in speed and acceleration at both. [F]"""
    s = np.clip((np.asarray(seconds) - start) / (end - start), 0.0, 1.0)
    return s**3 * (10 - 15 * s + 6 * s**2)


def hermite(
    s: Float, start: Float, end: Float, start_velocity: Float, end_velocity: Float, seconds: float
) -> Float:
    """A cubic from one point and velocity to another.

    Args:
        s: 0 at the start, 1 at the end. [F]
        start: [D]
        end: [D]
        start_velocity: Per unit of ``seconds``. [D]
        end_velocity: [D]
        seconds: How long it takes.

    Returns:
        [F, D]
    """
    s = s[:, None]
    r = 1 - s
    return (
        r * r * (1 + 2 * s) * start
        + s * s * (3 - 2 * s) * end
        + seconds * (s * r * r * start_velocity - s * s * r * end_velocity)
    )


def euler(phase: Float, x: Curve, y: Curve, z: Curve) -> Float:
    """Rotations that tilt about x, then lean about z, then turn about y.

    Args:
        phase: [F]
        x: Degrees.
        y: Degrees.
        z: Degrees.

    Returns:
        [F, 3, 3]
    """
    return tilted(x(phase), y(phase), z(phase))


def tilted(x: Float, y: Float, z: Float) -> Float:
    """Rotations that tilt about x, then lean about z, then turn about y; degrees. [F, 3, 3]"""
    about_x, about_y, about_z = (
        matrix_from_rotvec(np.radians(angle)[:, None] * axis)
        for angle, axis in zip((x, y, z), np.eye(3), strict=True)
    )
    return about_y @ about_z @ about_x
