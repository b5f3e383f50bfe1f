"""Prepared photos made of arrays: what is on them is known to the pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.prepare.boxes import Box
from lhm_avatars.engine.prepare.decode import Photo
from lhm_avatars.engine.prepare.framing import Crop
from lhm_avatars.engine.prepare.keypoints import Keypoints
from lhm_avatars.engine.prepare.landmarks import LANDMARK_NAMES
from lhm_avatars.engine.prepare.mask import Matte
from lhm_avatars.engine.prepare.person import PreparedPhoto

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.arrays import Float
    from numpy.typing import NDArray

TALL = 1.7  # metres


def prepared_photo(rgb: NDArray[np.uint8], alpha: Float) -> PreparedPhoto:
    """Somebody 1.7 metres tall whose landmarks lie on the middle line of the matte; no face."""
    height, width = alpha.shape
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    share = np.linspace(0.05, 0.95, len(LANDMARK_NAMES))
    length = rows[-1] - rows[0] + 1
    points = np.stack([np.full(33, columns.mean() + 0.5), rows[0] + share * length], axis=1)
    world = np.stack([np.zeros(33), TALL * (0.5 - share), np.zeros(33)], axis=1)
    keypoints = Keypoints(points, np.ones(33), world, np.zeros(33), None, width, height)
    return PreparedPhoto(
        photo=Photo(rgb, None, "", "made.png", (width, height)),
        rgb=(rgb / 255).astype(np.float32),
        alpha=alpha.astype(np.float32),
        matte=Matte(alpha.astype(np.float32), "made"),
        keypoints=keypoints,
        crop=Crop(Box(0, 0, width, height), 1.0),
        focal=float(height),
        center=(width / 2, height / 2),
        cut=(),
        visible_ratio=1.0,
        half_body=False,
    )


def bar(height: int, width: int, box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """A matte that is 1 in a box (left, top, right, bottom). [height, width]"""
    alpha = np.zeros((height, width), np.float32)
    left, top, right, bottom = box
    alpha[top:bottom, left:right] = 1
    return alpha


def overlap(a: Float, b: Float) -> float:
    """Intersection over union of two masks."""
    one, two = a > 0.5, b > 0.5
    return float((one & two).sum() / (one | two).sum())


def box_overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)
