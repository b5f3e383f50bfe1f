"""Where the camera stands for a portrait of a whole avatar."""

from __future__ import annotations

from math import cos, radians, sin
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..engine.avatar.arrays import Float

WIDTH, HEIGHT = 192, 256  # pixels
GREY = 0.62  # display-space; sets off dark and light clothes alike
_TAN = 0.3  # of half the angle of view upwards, as 60 mm on film: faces keep their shape
_MARGIN = 1.08  # air around the person
_STRAYS = 0.002  # share of Gaussians on either side that do not count for the frame


def portrait_camera(means: Float, azimuth: float) -> tuple[Float, Float]:
    """A camera that sees a whole person, at the height of the person's middle.

    Args:
        means: Posed, metres, body axes (Y up, Z towards the viewer). [N, 3]
        azimuth: Degrees to the person's left (+X) from straight in front (+Z).

    Returns:
        OpenCV camera from the body's axes [4, 4], and the intrinsics in pixels [3, 3].
    """
    low, high = np.quantile(means, (_STRAYS, 1 - _STRAYS), axis=0)
    center = (low + high) / 2
    around = np.linalg.norm((means - center)[:, [0, 2]], axis=1)
    radius = float(np.quantile(around, 1 - _STRAYS))
    half = float(high[1] - low[1]) / 2
    distance = radius + _MARGIN * max(half / _TAN, radius / (_TAN * WIDTH / HEIGHT))
    angle = radians(azimuth)
    away = np.array([sin(angle), 0.0, cos(angle)])
    rotation = np.array([[cos(angle), 0.0, -sin(angle)], [0.0, -1.0, 0.0], -away])  # right, down, forward
    viewmat = np.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = rotation, -rotation @ (center + distance * away)
    focal = HEIGHT / 2 / _TAN
    return viewmat, np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]])
