"""Face warp: move the body's face so that its eyes, nose and mouth lie under the photo's.

A Gaussian on an eyelid must belong to the eyelid, or a blink would move the cheek.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import RBFInterpolator

from ..parts import HEAD, part_of_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..fit.fit import Fit

_FEWEST = 8  # points
_SMOOTH = 4.0  # pixels squared: the points themselves are that sure
_FADE = 0.6  # of the face's size: how far around it the head follows
_MOST = 0.25  # of the face's size: farther away a point is taken for an error


def face_warped(body: Body, skin: Float, fit: Fit) -> NDArray[np.float64]:
    """The posed skin with the face where the photo has it.

    Args:
        body: The fitted body.
        skin: Its vertices, posed, in the frame of the camera, metres. [V, 3]
        fit: With the face's offsets, if a face was found.

    Returns:
        Moved sideways only, in the image's plane; depth stays the body's. [V, 3]
    """
    skin = np.asarray(skin, np.float64)
    if fit.face is None or len(fit.face.ids) < _FEWEST:
        return skin
    points, offset = fit.face.body, fit.face.offset
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    good = np.linalg.norm(offset - np.median(offset, axis=0), axis=1) < _MOST * size
    if good.sum() < _FEWEST:
        return skin
    head = np.flatnonzero(part_of_weights(body.joint_indices, body.joint_weights) == HEAD)
    pixels, depth = fit.camera.project(skin[head]), fit.camera.depth(skin[head])
    field = RBFInterpolator(
        points[good], offset[good], smoothing=_SMOOTH, kernel="thin_plate_spline", degree=1
    )
    away = np.linalg.norm(pixels - points[good].mean(axis=0), axis=1) / size
    # Behind the face the spline knows nothing: it fades out towards the ears, and to the neck.
    fade = np.clip((1.0 - (away - 0.5) / _FADE), 0, 1)
    shift = fade[:, None] * np.clip(field(pixels), -_MOST * size, _MOST * size)
    moved = skin.copy()
    moved[head] = fit.camera.unproject(pixels + shift, depth)
    return moved
