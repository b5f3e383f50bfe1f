"""Curves of any source, as ARKit weights and SMPL-X coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .names import arkit_weights, coefficient_index, coefficient_name
from .presets import preset_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ...avatar.arrays import Float

LOWEST, HIGHEST = -0.5, 1.5
"""A weight may overshoot, but not so far that a face turns inside out."""
_PERCENT = 3.0  # a larger weight than this counts to 100
_LISTED = 6


@dataclass(frozen=True)
class FaceCurves:
    """What a source says of the face.

    Args:
        weights: By ARKit's names, jaw and eyes included, and ``Exp000`` ... for coefficients. [F] each
        notes: Sentences for the user.
    """

    weights: dict[str, NDArray[np.float64]]
    notes: tuple[str, ...] = ()


def face_curves(curves: Mapping[str, Float]) -> FaceCurves:
    """Recognise curves by their names; those that mean the same shape add up.

    Args:
        curves: By the names that the source has; 0..1, or 0..100 for all of them. [F] each
    """
    meant: dict[str, dict[str, float]] = {}
    weights: dict[str, NDArray[np.float64]] = {}
    unknown = []
    for name, curve in curves.items():
        number, found = coefficient_index(name), arkit_weights(name)
        found = preset_weights(name) if found is None else found
        if number is not None:
            weights[coefficient_name(number)] = np.asarray(curve, np.float64)
        elif found is not None:
            meant[name] = found
        elif np.any(curve):  # what never moves is not missed
            unknown.append(name)
    peak = max((float(np.abs(curves[name]).max()) for name in meant), default=0.0)
    unit = 0.01 if peak > _PERCENT else 1.0
    for name, shares in meant.items():
        for shape, share in shares.items():
            weights[shape] = weights.get(shape, 0.0) + unit * share * np.asarray(curves[name], np.float64)
    for shape in weights.keys() - {name for name in weights if coefficient_index(name) is not None}:
        weights[shape] = np.clip(weights[shape], LOWEST, HIGHEST)
    notes = ["The face's weights were taken as percent."] if unit != 1 else []
    if unknown:
        notes.append(counted("face curve has", "face curves have", "no counterpart", unknown))
    return FaceCurves(weights, tuple(notes))


def counted(one: str, more: str, what: str, names: Sequence[str]) -> str:
    """A sentence about some names, the first of them listed.

    Args:
        one: Subject and verb for a single one.
        more: The same for several.
        what: The end of the sentence.
        names: At least one.
    """
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    return f"{len(names)} {one if len(names) == 1 else more} {what}: {listed}."
