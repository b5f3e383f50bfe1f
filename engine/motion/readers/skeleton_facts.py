"""What the size and the names of a skeleton tell: the unit of length, and which way the head is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...avatar.arrays import Float

_UNITS = {1.0: "1 m", 0.01: "1 cm", 0.001: "1 mm", 0.0254: "1 inch", 0.056444: "5.6 cm, as in CMU's files"}
_REACH_M = 1.25  # of an adult, from the pelvis along the longest limb; arms and legs are nearly as long
_TOLERANCE = 1.5
_ABOVE, _BELOW = ("head",), ("toe", "foot", "feet", "ankle")


def guess_unit(parents: Sequence[int], positions: Float) -> tuple[float | None, str]:
    """The usual unit of length that makes the skeleton a person.

    Args:
        parents: -1 for a root, parents first. [J]
        positions: Some frames. [F, J, 3]

    Returns:
        Metres in one unit, or ``None`` if no usual one fits, and a sentence for the user.
    """
    reach = np.zeros(len(parents))
    for joint, parent in enumerate(parents):
        # The way from the root to a person's first joint may be any length, as in a file with a scene node.
        if parent >= 0 and parents[parent] >= 0:
            bone = np.linalg.norm(positions[:, joint] - positions[:, parent], axis=1)
            reach[joint] = reach[parent] + np.median(bone)
    longest = float(reach.max())
    if longest <= 0:
        return None, "The skeleton has no size, so its unit of length is unknown."
    unit = min(_UNITS, key=lambda metres: abs(np.log(longest * metres / _REACH_M)))
    if not 1 / _TOLERANCE < longest * unit / _REACH_M < _TOLERANCE:
        return None, "The unit of length is not stated and no usual one fits; the length of the legs tells."
    return unit, f"The unit of length is not stated; {_UNITS[unit]} fits the size of the skeleton."


def head_directions(names: Sequence[str], positions: Float) -> Float:
    """From the feet to the head, as far as the names tell which joints these are.

    Args:
        names: [J]
        positions: Some frames. [F, J, 3]

    Returns:
        Empty if there is no head or no foot. [F, 3]
    """

    def mean(words: Sequence[str]) -> Float | None:
        found = [joint for joint, name in enumerate(names) if any(word in name.lower() for word in words)]
        return positions[:, found].mean(axis=1) if found else None

    head, feet = mean(_ABOVE), mean(_BELOW)
    return np.zeros((0, 3)) if head is None or feet is None else head - feet
