"""How far a camera plainly looks down on somebody who stands, or up at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..observation import Observation

_USUAL = np.radians(8.0)  # the detector leans people who stand before a level camera towards it by this
_LEVEL, _TILTED = np.radians(15.0), np.radians(30.0)  # off the usual
_SIDEWAYS = np.radians(40.0)  # of the trunk in the image: who leans further lies
_FEET, _HIPS, _SHOULDERS = [27, 28], [23, 24], [11, 12]


def lies(seen: Observation) -> bool:
    """Whether the trunk lies across the image or hangs head down, as of a person who does not stand."""
    x, y = seen.points[_SHOULDERS].mean(axis=0) - seen.points[_HIPS].mean(axis=0)
    return bool(seen.confidence[[*_SHOULDERS, *_HIPS]].min() > 0 and abs(np.arctan2(x, -y)) > _SIDEWAYS)


def camera_pitch(seen: Observation) -> float:
    """How far the camera looks up, radians; below 0 down, and 0 unless it is plain that it is not level.

    Who stands is upright, so the lean of the detector's points in space, head over feet, is the camera's.
    """
    if seen.confidence[[*_SHOULDERS, *_HIPS, *_FEET]].min() == 0 or lies(seen):
        return 0.0
    _, y, z = seen.world[_SHOULDERS].mean(axis=0) - seen.world[_FEET].mean(axis=0)
    lean = float(np.arctan2(z, y)) - _USUAL
    return -lean * float(np.clip((abs(lean) - _LEVEL) / (_TILTED - _LEVEL), 0, 1))
