"""Hats, from the outline of the head they sit on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..example.shapes import Shape
from .cloth import ANGLES, lofted, merged, outline_radius

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float

RIMS = {"cap": 0.088, "brimmed": 0.086, "beanie": 0.066}
"""How high the edge of a hat is over the head's joint, in head sizes."""
_TILT = {"cap": 0.10, "brimmed": 0.06, "beanie": 0.16}
_GAPS = {"cap": 0.011, "brimmed": 0.012, "beanie": 0.009}


def make_hat(kind: str, skull: Float, joint: Float, size: float) -> Shape:
    """A hat, one layer.

    Args:
        kind: cap, brimmed or beanie.
        skull: Points of the head, arms half lowered. [N, 3]
        joint: The head's joint. [3]
        size: Of the head against the usual.
    """
    rim, tilt = RIMS[kind] * size, _TILT[kind]
    local = skull - joint
    high = local[local[:, 1] > rim - 0.004]
    middle = 0.5 * (high[:, [0, 2]].min(axis=0) + high[:, [0, 2]].max(axis=0))
    radius = outline_radius(high[:, [0, 2]], middle) + _GAPS[kind]
    top = local[:, 1].max() + {"cap": 0.014, "brimmed": 0.035, "beanie": 0.020}[kind]
    rings = []
    for t in np.linspace(0, 1, 22)[::-1]:
        if kind == "brimmed":  # steep sides, a flat pinched crown
            share = (1 - 0.10 * t) * (1 - np.clip((t - 0.80) / 0.20, 0, 1) ** 2.2) ** 0.5
            y = rim + (top - rim) * min(1.0, t * 1.12) - 0.020 * np.clip((t - 0.86) / 0.14, 0, 1)
        else:
            share, y = np.sqrt(1 - min(t, 0.9999) ** 2.4), rim + (top - rim) * t
        line = radius * max(share, 0.004)
        x, z = middle[0] + np.sin(ANGLES) * line, middle[1] + np.cos(ANGLES) * line
        rings.append(np.stack([x, y + tilt * z * (1 - 0.6 * t), z], axis=1))
    crown = lofted(np.array(rings), capped=False)
    crown = Shape(crown.vertices, [*crown.polygons, tuple(range(len(ANGLES)))])
    parts = [crown]
    if kind == "brimmed":
        parts.append(_brim(rings[-1], middle, 0.068, 0.016, np.ones(len(ANGLES))))
    elif kind == "cap":
        front = np.clip(np.cos(ANGLES) * 1.9 - 0.75, 0, 1)
        parts.append(_brim(rings[-1], middle, 0.070, 0.016, np.sqrt(front)))
    shape = merged(parts)
    return shape.moved(shape.vertices + joint)


def _brim(edge: Float, middle: Float, width: float, droop: float, reach: Float) -> Shape:
    """A brim from the edge of the crown outwards; ``reach``: share of its width by angle. [96]"""
    away = edge[:, [0, 2]] - middle
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    rings = []
    for t in np.linspace(0, 1, 8):
        out = width * t * reach
        wave = 0.006 * t * np.sin(2 * ANGLES + 0.6) - droop * (t * reach) ** 1.6
        rings.append(edge + np.stack([away[:, 0] * out, wave * (reach > 0), away[:, 1] * out], axis=1))
    shape = lofted(np.array(rings), capped=False)
    if (reach > 0).all():
        return shape
    n = len(ANGLES)
    kept = [p for p in shape.polygons if reach[[v % n for v in p]].max() > 0.02]
    return Shape(shape.vertices, kept).kept(np.ones(len(shape.vertices), bool))
