"""Running: for a while both feet are in the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .curves import curve, wave
from .feet import Step
from .gait import Gait

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..motion import Motion

_STEP = Step(
    stance=0.36,
    toe_out=np.radians(4.0),
    pitch=curve(
        [(0, -3), (0.05, 0), (0.17, 0), (0.27, 22), (0.36, 60), (0.46, 88), (0.56, 92), (0.70, 40), (0.84, 0),
         (0.93, -7)],
        softness=0.022,
    ),
    toes=curve([(0.0, -6), (0.06, 0), (0.38, 0), (0.5, -4), (0.9, -8)], softness=0.02),
    grip=curve([(0.0, 0.2), (0.12, 1), (0.36, 1), (0.46, 0.1)], softness=0.02),
    lift=0.155,
    rise=2,
)  # fmt: skip
_RUN = Gait(
    name="Run",
    seconds=0.72,
    stride=2.2,
    sway=wave(0.008, peak=0.20),
    # Between two steps the body is thrown: at its highest it falls with 1 g.
    bob=wave(0.033, peak=0.435, harmonic=2),
    reach=0.985,
    track=0.34,
    passing=0.145,
    step=_STEP,
    pelvis=(wave(2.0, peak=0.36, harmonic=2, mean=7.0), wave(-8.0, peak=0.40), wave(3.0, peak=0.14)),
    chest=(wave(1.5, peak=0.16, harmonic=2, mean=10.0), wave(9.0, peak=0.42), wave(2.0, peak=0.64)),
    head=(wave(1.0, peak=0.16, harmonic=2, mean=4.0), wave(1.0, peak=0.42), wave(0.4, peak=0.2)),
    arm={
        "collar_forward": wave(4.0, peak=0.92),
        "down": wave(3.0, peak=0.42, mean=66.0),
        "forward": wave(33.0, peak=0.92, mean=-8.0),
        "twist": wave(6.0, peak=0.92, mean=14.0),
        "elbow": wave(12.0, peak=0.94, mean=88.0),
        "forearm": wave(0.0, peak=0.0, mean=-8.0),
        "wrist": wave(4.0, peak=0.05, mean=6.0),
    },
    curl=2.0,
)


def run(joints: Float, fps: float = 24.0, cycles: int = 4, *, travel: bool = False) -> Motion:
    """Make a run for a person; after its last frame it starts again without a jump.

    Args:
        joints: Rest joints, metres, body axes. [55, 3]
        fps: Frames per second. A cycle takes a whole number of frames, about 0.7 s.
        cycles: Pairs of steps.
        travel: Run forward (+z), feet standing still on the ground; else on the spot.

    Returns:
        A motion whose soles touch the height they have in the rest pose; the left foot lands at frame 0.

    Raises:
        ValueError: If the shape of the joints is wrong, or ``fps`` or ``cycles`` leave nothing to show.
    """
    return _RUN.motion(joints, fps, cycles, travel=travel)
