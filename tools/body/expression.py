"""Stage 6: ten expressions, each a group of Anny's 52 facial actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .tpose import straighten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .samples import Samples

EXPRESSIONS: tuple[tuple[str, ...], ...] = (
    ("jawOpen",),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthFrownLeft", "mouthFrownRight"),
    ("eyeBlinkLeft", "eyeBlinkRight"),
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("browDownLeft", "browDownRight"),
    ("mouthPucker",),
    ("mouthStretchLeft", "mouthStretchRight"),
    ("cheekPuff",),
    ("noseSneerLeft", "noseSneerRight"),
)
_GAIN = 0.5  # an expression of 2 is the full action, so that coefficients have SMPL-X's usual size


def expression_names() -> list[str]:
    """One name per expression, its actions joined by plus signs."""
    return ["+".join(group) for group in EXPRESSIONS]


def make_expressions(samples: Samples) -> NDArray[np.float64]:
    """Displacements in the zero pose.

    Returns:
        Metres per unit. [10, V, 3]
    """
    # The head is not turned on the way to the zero pose; the linear part only matters below the neck.
    linear = straighten(samples.rig, samples.base_vertices, samples.base_heads).linear
    place = {name: row for row, name in enumerate(samples.action_names)}
    groups = [
        sum((samples.actions[place[name]] for name in group), np.zeros(3)) * _GAIN for group in EXPRESSIONS
    ]
    return np.einsum("vij,evj->evi", linear, np.array(groups))
