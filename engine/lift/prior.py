"""What a body does when the photo does not say: hang its arms, stand straight, bend as joints bend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import BODY_JOINT_COUNT, joint_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..avatar.arrays import Float

_HANGING_ARM = 1.1  # radians below the zero pose's spread arm
_UNSEEN_FACTOR = 10.0
# Landmark that tells a joint's rotation.
_MOVED_BY = {
    13: "left_shoulder", 14: "right_shoulder", 15: "left_elbow", 16: "right_elbow", 25: "left_hip",
    26: "right_hip", 27: "left_knee", 28: "right_knee", 31: "left_ankle", 32: "right_ankle",
    19: "left_wrist", 20: "right_wrist",
}  # fmt: skip


def prior_mean() -> Float:
    """The pose that unseen joints fall back to: standing with hanging arms. [21, 3]"""
    mean = np.zeros((BODY_JOINT_COUNT, 3))
    mean[_BODY_JOINTS["left_shoulder"], 2] = -_HANGING_ARM
    mean[_BODY_JOINTS["right_shoulder"], 2] = _HANGING_ARM
    return mean


def unseen_factor(confidence: Float) -> Float:
    """How much stronger the prior is where the photo shows nothing of the limb. [21]"""
    factor = np.ones(BODY_JOINT_COUNT)
    for landmark, name in _MOVED_BY.items():
        if confidence[landmark] == 0:
            factor[_BODY_JOINTS[name]] = _UNSEEN_FACTOR
    return factor


def prior_weights() -> Float:
    """How strongly each rotation is drawn to zero. [21, 3]"""
    weights = np.full((BODY_JOINT_COUNT, 3), 0.6)
    by_name = {
        "spine1": 4.0, "spine2": 4.0, "spine3": 4.0, "neck": 2.5, "head": 2.0, "shoulder": 0.4,
        "wrist": 2.0, "foot": 6.0, "ankle": 1.5, "collar": 4.0,
    }  # fmt: skip
    for part, weight in by_name.items():
        for side in ("", "left_", "right_"):
            name = side + part
            if name in _BODY_JOINTS:
                weights[_BODY_JOINTS[name]] = weight
    for side in ("left_", "right_"):
        weights[_BODY_JOINTS[side + "hip"], 0] = 3.0
        weights[_BODY_JOINTS[side + "hip"], 1] = 1.5  # turned-out legs: the image says little about it
        weights[_BODY_JOINTS[side + "knee"]] = (4.0, 6.0, 6.0)
        weights[_BODY_JOINTS[side + "elbow"]] = (1.5, 0.4, 4.0)
    return weights


_BODY_JOINTS = {
    name: joint_index(name) - 1
    for name in (
        "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
        "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
        "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    )
}  # fmt: skip

# Knees bend backwards (+x), elbows forwards (left -y, right +y): the other way costs.
LIMITS: tuple[Callable[[Float], Float], ...] = (
    lambda pose: np.minimum(pose[:, _BODY_JOINTS["left_knee"], 0], 0.0),
    lambda pose: np.minimum(pose[:, _BODY_JOINTS["right_knee"], 0], 0.0),
    lambda pose: np.maximum(pose[:, _BODY_JOINTS["left_elbow"], 1], 0.0),
    lambda pose: np.minimum(pose[:, _BODY_JOINTS["right_elbow"], 1], 0.0),
)
