"""Have the kernels compiled: the first time takes some ten seconds, later ones load."""

from __future__ import annotations

import numpy as np


def warm_up() -> None:
    """Compile, or load, every kernel: call it while nobody waits."""
    # Imported here because the rasterizer's cache folder must be named before any kernel is imported.
    from .field import weight_field
    from .surface import Surface

    triangle = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]])
    surface = Surface(triangle, np.zeros((3, 1), np.int32), np.ones((3, 1)), np.array([[0, 1, 2]]))
    weight_field(surface, resolution=8, iterations=2, margin=0.05).weights(triangle + 0.02)
