"""From the neutral pose to any other, exactly as the official code does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from .kinematics import apply, blend, chain, matrix_from_rotvec, quat_from_blended, quat_multiply, upward

if TYPE_CHECKING:
    from torch import Tensor

    from .body_data import BodyData
    from .gaussian_head import GaussianAttributes
    from .neutral_pose import NeutralPose


class RestPoints(NamedTuple):
    """Gaussians' means in the zero pose, where joints of any shape can take over.

    Args:
        means: With the person's shape, metres. [B, N, 3]
        zero_from_neutral: Blended for each point. [1, N, 4, 4]
    """

    means: Tensor
    zero_from_neutral: Tensor


class Posed(NamedTuple):
    """What posing changes; scales, opacities and colours stay as they are.

    Args:
        means: Metres. [B, N, 3]
        quats: w, x, y, z. [B, N, 4]
        joints: Posed, before the translation. [B, 55, 3]
        posed_from_zero: Of each joint, before the translation. [B, 55, 4, 4]
        posed_from_neutral: Of each point, before the translation. [B, N, 4, 4]
    """

    means: Tensor
    quats: Tensor
    joints: Tensor
    posed_from_zero: Tensor
    posed_from_neutral: Tensor


def rest_points(
    body: BodyData,
    neutral: NeutralPose,
    mean_offsets: Tensor,
    betas: Tensor,
    expression: Tensor | None = None,
) -> RestPoints:
    """Bring the network's answer to the zero pose and give it the person's shape.

    Args:
        body: Of the checkpoint.
        neutral: Of the model.
        mean_offsets: From the query points, neutral pose, metres. [N, 3]
        betas: [B, 10]
        expression: Added in the neutral pose; none by default. [B, 100]
    """
    means = neutral.query_points + mean_offsets
    if expression is not None:
        means = means + torch.einsum("be,nce->bnc", expression, body.expression_dirs)
    zero_from_neutral = blend(neutral.zero_from_neutral, body.joint_weights)
    means = apply(zero_from_neutral, means)
    # The shape comes after the legs are closed: it never moves what the network saw.
    return RestPoints(means + torch.einsum("bs,ncs->bnc", betas, body.shape_dirs), zero_from_neutral)


def turned(body: BodyData, posed_from_neutral: Tensor, quats: Tensor) -> Tensor:
    """Turn Gaussians with the blended matrices.

    Args:
        body: Of the checkpoint; some of its points keep their turn.
        posed_from_neutral: [B, N, 4, 4]
        quats: Neutral pose, w, x, y, z. [N, 4]

    Returns:
        w, x, y, z with w >= 0. [B, N, 4]
    """
    turn = quat_from_blended(posed_from_neutral[..., :3, :3])
    unturned = functional.pad(torch.ones_like(turn[..., :1]), (0, 3))
    turn = torch.where(body.keeps_turn[:, None], unturned, turn)
    return upward(quat_multiply(turn, quats))


def posed(
    body: BodyData,
    neutral: NeutralPose,
    attributes: GaussianAttributes,
    betas: Tensor,
    pose: Tensor,
    transl: Tensor,
    expression: Tensor | None = None,
) -> Posed:
    """Gaussians in poses. There are no pose blend shapes, although the checkpoint holds them.

    Args:
        body: Of the checkpoint.
        neutral: Of the model.
        attributes: Of the person.
        betas: [B, 10]
        pose: Axis-angle of each joint, radians. [B, 55, 3]
        transl: Metres. [B, 3]
        expression: None by default, as in the official runs. [B, 100]
    """
    rest = rest_points(body, neutral, attributes.mean_offsets, betas, expression)
    joints, posed_from_zero = chain(matrix_from_rotvec(pose), body.joints(betas))
    blended = blend(posed_from_zero, body.joint_weights)
    posed_from_neutral = blended @ rest.zero_from_neutral
    return Posed(
        means=apply(blended, rest.means) + transl[:, None],
        quats=turned(body, posed_from_neutral, attributes.quats),
        joints=joints,
        posed_from_zero=posed_from_zero,
        posed_from_neutral=posed_from_neutral,
    )
