"""Spherical harmonics of the colour, degree 0 to 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Float

SH_C0 = 0.28209479177387814
"""Value of the constant harmonic: colour = 1/2 + C0 * coefficient."""


def sh_from_rgb(rgb: Float) -> Float:
    """Display-space RGB (0..1) to the constant coefficient; any shape."""
    return (rgb - 0.5) / SH_C0


def rgb_from_sh(coefficient: Float) -> Float:
    """The constant coefficient to display-space RGB, clipped at zero; any shape."""
    return np.maximum(coefficient * SH_C0 + 0.5, 0.0)
