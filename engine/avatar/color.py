"""From what photos and splats hold, display-space values, to light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Float


def linear_from_srgb(display: Float) -> Float:
    """Decode display-space values to light; any shape.

    Source: IEC 61966-2-1.
    """
    curve = ((np.maximum(display, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(display <= 0.04045, display / 12.92, curve)
