"""Standing about: the weight goes from leg to leg, the eyes wander."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .curves import curve
from .lower_body import about, leg
from .pieces import assembled, frames_in, require_cycles
from .standing import Acting, acted, checked

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion

_SECONDS = 8.0
_SWAY = 0.036  # of the pelvis towards the leg that carries, in lengths of the leg
# Shares over a cycle: 1 is on the left leg. A person shifts in a second, and then stays.
_WEIGHT = curve(
    [(0.0, 0.0), (0.10, 0.85), (0.28, 1.0), (0.40, 0.9), (0.56, -0.9), (0.75, -1.0), (0.88, -0.8)], 0.035
)
_LATER = 0.02  # of a cycle: the chest follows
# Degrees; where the head turns, the eyes have gone before.
_LOOK = curve(
    [(0.0, 0.0), (0.12, 7.0), (0.30, 9.0), (0.42, -1.0), (0.60, -8.0), (0.78, -5.0), (0.92, 0.0)], 0.025
)
_EYES_BEFORE = 0.02
_EYES = 0.6  # of the way the head goes


def idle(joints: Float, fps: float = 24.0, cycles: int = 1) -> Motion:
    """Stand about; after its last frame it starts again without a jump.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second.
        cycles: Of 8 s: two breaths, the weight on each leg once.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` or ``cycles`` leave nothing to show.
    """
    joints, frames = checked(joints), frames_in(_SECONDS, fps)
    require_cycles(cycles)
    phase = np.arange(cycles * frames) / frames
    weight, later = _WEIGHT(phase), _WEIGHT(phase - _LATER)
    look, still = _LOOK(phase), np.zeros(len(phase))
    acting = Acting(
        count=len(phase),
        way=_SWAY * leg(joints, "left").length * np.stack([weight, still, 0.12 * weight**2], axis=1),
        # The hip of the leg that carries is the higher one; the shoulders lean against that.
        pelvis=(0.0, -2.0 * weight, 2.8 * weight),
        chest=(-0.4 * later**2, 1.5 * later, -1.6 * later),
        head=(0.7 * later**2, look, 1.0 * later),
        arms={
            "left": {"forward": 1.2 * later, "elbow": 2.0 * later, "down": -1.0 * later},
            "right": {"forward": -1.2 * later, "elbow": -2.0 * later, "down": 1.0 * later},
        },
    )
    pose, transl = acted(joints, fps, acting)
    gaze = about("y", np.radians(_EYES * (_LOOK(phase + _EYES_BEFORE) - look)))
    return assembled({**pose, "left_eye": gaze, "right_eye": gaze}, transl, fps, "Idle")
