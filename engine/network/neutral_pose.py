"""The pose in which the network thinks: as the zero pose, but with the legs apart.

Nothing here depends on the photo or on the person, so it is computed once per model.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from ..avatar.body import JOINT_COUNT, joint_index
from .kinematics import apply, blend, chain, matrix_from_rotvec

if TYPE_CHECKING:
    from torch import Tensor

    from .body_data import BodyData

_SPREAD = math.pi / 9  # of each hip, about the axis that points forward


class NeutralPose(NamedTuple):
    """Constants of a model.

    Args:
        query_points: On the surface of the mean shape, neutral pose, metres. [1, N, 3]
        zero_from_neutral: Of each joint. [1, 55, 4, 4]
    """

    query_points: Tensor
    zero_from_neutral: Tensor


def neutral_rotvecs() -> Tensor:
    """Rotations of all joints in the neutral pose, axis-angle, radians. [1, 55, 3]"""
    pose = torch.zeros(1, JOINT_COUNT, 3)
    pose[:, joint_index("left_hip"), 2] = _SPREAD
    pose[:, joint_index("right_hip"), 2] = -_SPREAD
    return pose


def neutral_pose(body: BodyData, surface_points: Tensor) -> NeutralPose:
    """Take the sampled points to the neutral pose, and find the way back.

    Args:
        body: Of the checkpoint.
        surface_points: The released sampling of the surface, zero pose, metres. [N, 3]
    """
    joints = body.joints(body.template.new_zeros(1, body.vertex_shape_dirs.shape[-1]))
    turns = matrix_from_rotvec(neutral_rotvecs().to(joints))
    neutral_joints, neutral_from_zero = chain(turns, joints)
    # The way back is a chain of its own from the spread joints, so the other joints stay exactly unturned.
    _, zero_from_neutral = chain(turns.mT, neutral_joints)
    query_points = apply(blend(neutral_from_zero, body.joint_weights), surface_points)
    return NeutralPose(query_points, zero_from_neutral)
