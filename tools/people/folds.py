"""Folds of a garment, and how far its vertices are from its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .cloth import ridged

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ..example.shapes import Shape
    from .cuts import Cut
    from .wearer import Wearer


def distances(wearer: Wearer, cut: Cut, shape: Shape) -> dict[str, Float]:
    """Metres to neck, hem and sleeve ends. [V] each"""
    edges, points = shape.border_edges(), shape.vertices
    ends = points[edges].mean(axis=1)
    hem = wearer.height(cut.hem)
    high = ends[:, 1] > wearer.joint("spine3")[1]
    near = np.abs(ends[:, 0]) < 0.14
    kinds = {"neck": high & near, "hem": np.abs(ends[:, 1] - hem) < 0.012}
    kinds["end"] = ~kinds["neck"] & ~kinds["hem"]
    if cut.top == "waist":
        kinds = {"neck": ends[:, 1] > hem + 0.15, "hem": kinds["hem"], "end": np.zeros(len(ends), bool)}
    return {name: _nearest(points, ends[mask]) for name, mask in kinds.items()}


def _nearest(points: Float, spots: Float) -> Float:
    if len(spots) == 0:
        return np.full(len(points), 1.0)
    result = np.empty(len(points))
    for start in range(0, len(points), 2000):
        away = points[start : start + 2000, None] - spots[None]
        result[start : start + 2000] = np.sqrt((away**2).sum(axis=-1).min(axis=1))
    return result


def folds(
    wearer: Wearer, cut: Cut, shape: Shape, rest: Float, values: dict[str, Float], seed: int, waves: float
) -> Float:
    """Displacement along the normals, metres. [V]"""
    points = shape.vertices
    hip, knee = wearer.height(0), wearer.joint("left_knee")[1]
    shoulder, elbow = (
        wearer.person.joints[joint_index("left_shoulder")],
        wearer.person.joints[joint_index("left_elbow")],
    )
    x, y = np.abs(rest[:, 0]), points[:, 1]
    depth = cut.fold * waves
    edge = np.clip(np.minimum(values["neck"], 0.06) / 0.06, 0, 1)
    if cut.legs:
        crease = ridged(rest * [0.5, 1.0, 0.5] + rest[:, [1, 0, 2]] * [0, 0.3, 0], 0.020, 1, seed)
        long = ridged(rest * [1.0, 0.22, 1.0], 0.026, 2, seed)
        hem = wearer.height(cut.hem)
        spots = np.exp(-(((y - knee) / 0.09) ** 2)) + np.exp(-(((y - hip + 0.09) / 0.06) ** 2))
        spots += (
            1.2
            * np.exp(-(((y - hem - 0.09) / 0.08) ** 2))
            * (cut.hem > 0.8)
            * np.clip((y - hem) / 0.03, 0, 1)
        )
        return depth * edge * (np.clip(spots, 0, 1) * crease + 0.55 * long)
    hanging = points
    if cut.cone:  # along the slope: folds that fall straight down would cross a wide skirt's sides
        axis = np.array([0.0, wearer.joint("pelvis")[2]])
        away = points[:, [0, 2]] - axis
        away = 0.2 * away / (np.linalg.norm(away, axis=1, keepdims=True) + 1e-9)
        hanging = np.column_stack([away[:, 0], points[:, 1], away[:, 1]])
    hang = ridged(hanging * [1.0, 0.16, 1.0], 0.040 if cut.flare > 0.15 else 0.030, 3, seed)
    start = shoulder[1] - 0.14 if cut.top != "waist" else hip + 0.05
    start = wearer.joint("spine1")[1] if cut.nipped >= 0 else start
    low = np.clip((start - y) / 0.32, 0, 1)
    pit = np.exp(-(((x - shoulder[0]) / 0.07) ** 2) - ((rest[:, 1] - shoulder[1] + 0.07) / 0.10) ** 2)
    slanted = np.stack([x + 0.8 * rest[:, 1], 0.25 * (rest[:, 1] - x), 0.5 * rest[:, 2]], axis=1)
    sleeve = np.clip((x - shoulder[0] - 0.04) / 0.06, 0, 1)
    bent = sleeve * (0.35 + np.exp(-(((x - elbow[0]) / 0.08) ** 2)))
    across = rest * [1.0, 0.4, 0.4] + rest[:, [1, 0, 2]] * [0.35, 0, 0]
    wide = low * hang + 0.8 * pit * ridged(slanted, 0.016, 4, seed)
    wide += bent * ridged(across, 0.018, 5, seed) + 0.25 * ridged(points, 0.06, 6, seed)
    return depth * edge * wide
