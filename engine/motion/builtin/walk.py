"""Walking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .curves import curve, wave
from .feet import Step
from .gait import Gait

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion

DEFAULT_FPS = 24.0

_STEP = Step(
    stance=0.62,
    toe_out=np.radians(6.0),
    pitch=curve(
        [(0, -20), (0.08, 0), (0.37, 0), (0.46, 15), (0.62, 58), (0.68, 62), (0.82, 6), (0.90, -12),
         (0.97, -22)],
        softness=0.018,
    ),
    toes=curve([(0.0, -8), (0.08, 0), (0.66, 0), (0.78, -12), (0.95, -14)], softness=0.02),
    grip=curve([(0.0, 0.2), (0.2, 1), (0.62, 1), (0.76, 0.3)], softness=0.02),
    lift=0.06,
    rise=1.5,
)  # fmt: skip
_WALK = Gait(
    name="Walk",
    seconds=1.1,
    stride=1.40,
    sway=wave(0.022, peak=0.30),
    bob=wave(0.024, peak=0.31, harmonic=2),
    reach=0.994,
    track=0.55,
    passing=0.29,
    step=_STEP,
    # A slight forward tilt; the side that lands goes first; the swinging side drops. The shoulder opposite to
    # the landing foot comes forward.
    pelvis=(wave(1.0, peak=0.05, harmonic=2, mean=2.0), wave(-5.0, peak=0.02), wave(3.5, peak=0.17)),
    chest=(wave(1.0, peak=0.08, harmonic=2, mean=3.0), wave(4.5, peak=0.02), wave(1.2, peak=0.70)),
    head=(wave(0.6, peak=0.30, harmonic=2, mean=2.0), wave(0.8, peak=0.05), wave(0.4, peak=0.20)),
    # The left arm is foremost half a cycle after the left heel has landed.
    arm={
        "collar_forward": wave(2.5, peak=0.52),
        "down": wave(1.0, peak=0.30, harmonic=2, mean=72.0),
        "forward": wave(19.0, peak=0.52, mean=-1.0),
        "twist": wave(4.0, peak=0.52, mean=12.0),  # thumbs a little inwards
        "elbow": wave(10.0, peak=0.58, mean=24.0),
        "wrist": wave(5.0, peak=0.66, mean=2.0),
    },
    curl=1.0,
)


def walk(joints: Float, fps: float = DEFAULT_FPS, cycles: int = 2, *, travel: bool = False) -> Motion:
    """Make a walk for a person; after its last frame it starts again without a jump.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second. A cycle takes a whole number of frames, about 1.1 s.
        cycles: Pairs of steps.
        travel: Walk forward (+z), feet standing still on the ground; else on the spot.

    Returns:
        A motion whose soles touch the height they have in the rest pose; the left heel lands at frame 0.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` or ``cycles`` leave nothing to show.
    """
    return _WALK.motion(joints, fps, cycles, travel=travel)
