"""Skin tones, from very light to very dark."""

from __future__ import annotations

from dataclasses import replace

from ..example.skin import LIGHT, Complexion


def _darker(
    base: tuple[float, float, float], iris: tuple[float, float, float] = (0.035, 0.02, 0.012)
) -> Complexion:
    """Red, lips and shadow follow from the ground colour."""
    r, g, b = base
    return Complexion(
        base=base, red=(r * 1.02, g * 0.72, b * 0.76), lips=(r * 0.78, g * 0.50, b * 0.56),
        shadow=(r * 0.58, g * 0.58, b * 0.62), scalp=(0.016, 0.011, 0.009), iris=iris,
    )  # fmt: skip


COMPLEXIONS: dict[str, Complexion] = {
    "pale": replace(
        LIGHT, base=(0.56, 0.345, 0.27), red=(0.54, 0.225, 0.19), lips=(0.46, 0.17, 0.16),
        shadow=(0.40, 0.25, 0.20), iris=(0.07, 0.12, 0.17),
    ),
    "light": LIGHT,
    "golden": _darker((0.44, 0.245, 0.135)),
    "olive": _darker((0.34, 0.185, 0.105), (0.06, 0.04, 0.02)),
    "brown": _darker((0.215, 0.108, 0.060)),
    "dark": _darker((0.105, 0.050, 0.029)),
    "deep": _darker((0.055, 0.027, 0.018)),
}  # fmt: skip
