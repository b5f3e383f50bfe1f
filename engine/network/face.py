"""What the face of a network's avatar can do: the checkpoint's own expressions, and ARKit's made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import joint_index
from ..binding.arkit import arkit_on
from ..binding.face import moving_only

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from ..avatar.face import FaceSpace
    from .body_data import BodyData

_HEAD = ("neck", "head", "jaw", "left_eye", "right_eye")
_SHARE = 0.5  # of a point's weights that are the head's
_FEWEST = 100  # points that a head needs to be recognised
_STILL = 5e-5  # metres: a smaller motion is none


def face_space(body: BodyData, points: Float, joints: Float) -> FaceSpace | None:
    """The face shapes of an avatar; each Gaussian moves with the place on the surface where it begins.

    Args:
        body: Of the checkpoint.
        points: On the surface of the mean shape, zero pose, metres. [N, 3]
        joints: Of the mean shape, metres. [55, 3]

    Returns:
        ``Exp000`` … for the checkpoint's coefficients, and ARKit's names; none if it has no expressions.
    """
    head = [joint_index(name) for name in _HEAD]
    rows = np.flatnonzero(body.joint_weights.numpy()[:, head].sum(axis=1) >= _SHARE)
    expressions = body.expression_dirs.numpy()[rows].astype(np.float64)
    used = np.flatnonzero(np.abs(expressions).max(axis=(0, 1), initial=0.0) > 0)
    if len(rows) < _FEWEST or not used.size:
        return None
    names, actions = arkit_on(points[rows].astype(np.float64), joints, expressions[:, :, used])
    dirs = np.concatenate([actions, expressions[:, :, used]], axis=2)
    dirs *= np.linalg.norm(dirs, axis=1, keepdims=True) > _STILL
    return moving_only([*names, *(f"Exp{k:03d}" for k in used)], rows, dirs)
