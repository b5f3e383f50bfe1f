"""Stage 6: Anny's 52 facial actions in the zero pose, and ten expressions, each a group of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .skeleton import joint_weights
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
_EYES = ("left_eye", "right_eye")
_GAIN = 0.5  # an expression of 2 is the full action, so that coefficients have SMPL-X's usual size


def expression_names() -> list[str]:
    """One name per expression, its actions joined by plus signs."""
    return ["+".join(group) for group in EXPRESSIONS]


def make_expressions(samples: Samples) -> NDArray[np.float64]:
    """Displacements in the zero pose.

    Returns:
        Metres per unit. [10, V, 3]
    """
    place = {name: row for row, name in enumerate(samples.action_names)}
    groups = [
        sum((samples.actions[place[name]] for name in group), np.zeros(3)) * _GAIN for group in EXPRESSIONS
    ]
    return _in_zero_pose(samples, np.array(groups))


def make_face_actions(samples: Samples) -> NDArray[np.float64]:
    """Displacements of all actions at full strength in the zero pose; eyeballs turn by their joints only.

    Returns:
        Metres. [A, V, 3]
    """
    moved = _in_zero_pose(samples, samples.actions)
    eyeballs = joint_weights(samples.rig)[:, [joint_index(eye) for eye in _EYES]].max(axis=1) > 0.5
    moved[:, eyeballs] = 0.0
    return moved


def _in_zero_pose(samples: Samples, moved: NDArray[np.floating]) -> NDArray[np.float64]:
    # The head is not turned on the way to the zero pose; the linear part only matters below the neck.
    linear = straighten(samples.rig, samples.base_vertices, samples.base_heads).linear
    return np.einsum("vij,evj->evi", linear, moved)
