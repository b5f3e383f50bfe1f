"""Forward kinematics and linear blend skinning.

``posed_from_rest`` are rigid transforms, one per joint; everything stays in body axes and metres.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .arrays import require_shape
from .body import JOINT_PARENTS
from .rotations import matrix_from_rotvec, polar_rotation, quat_from_matrix, quat_multiply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .arrays import Float, Int
    from .binding import Binding
    from .gaussians import Gaussians


def forward_kinematics(
    joints: Float, pose: Float, transl: Float | None = None, parents: Sequence[int] = JOINT_PARENTS
) -> Float:
    """Where each joint's frame goes when the person takes a pose; poses may come in batches.

    Args:
        joints: Rest joints, metres. [..., J, 3]
        pose: Local rotation of each joint, axis-angle, radians. [..., J, 3]
        transl: Added at the end, metres; zero by default. [..., 3]
        parents: Parent of each joint, -1 for the root; parents come first.

    Returns:
        ``posed_from_rest``. [..., J, 4, 4]

    Raises:
        ValueError: If a shape is wrong.

    Source: Loper et al. 2015, eq. 3 and 4.
    """
    count = len(parents)
    joints, pose = np.asarray(joints), np.asarray(pose)
    for name, array in (("joints", joints), ("pose", pose)):
        if array.shape[-2:] != (count, 3):
            raise ValueError(f"{name} must have shape (..., {count}, 3), got {array.shape}")
    local = matrix_from_rotvec(pose)
    transl = np.zeros(3, local.dtype) if transl is None else np.asarray(transl)
    batch = np.broadcast_shapes(joints.shape[:-2], pose.shape[:-2], transl.shape[:-1])
    posed_from_rest = np.zeros((*batch, count, 4, 4), np.result_type(joints, local))
    rotations = posed_from_rest[..., :3, :3]
    heads = np.empty((*batch, count, 3), posed_from_rest.dtype)  # posed joint positions
    for joint, parent in enumerate(parents):
        if parent < 0:
            rotations[..., joint, :, :], heads[..., joint, :] = local[..., joint, :, :], joints[..., joint, :]
            continue
        turn = rotations[..., parent, :, :]
        rotations[..., joint, :, :] = turn @ local[..., joint, :, :]
        bone = joints[..., joint, :] - joints[..., parent, :]
        heads[..., joint, :] = heads[..., parent, :] + (turn @ bone[..., None])[..., 0]
    posed_from_rest[..., :3, 3] = heads - (rotations @ joints[..., None])[..., 0]
    posed_from_rest[..., :3, 3] += transl[..., None, :]
    posed_from_rest[..., 3, 3] = 1
    return posed_from_rest


def posed_joints(joints: Float, posed_from_rest: Float) -> Float:
    """Joint positions after posing; poses may come in batches.

    Args:
        joints: Rest joints, metres. [J, 3]
        posed_from_rest: [..., J, 4, 4]

    Returns:
        Metres. [..., J, 3]
    """
    return np.einsum("...jab,jb->...ja", posed_from_rest[..., :3, :3], joints) + posed_from_rest[..., :3, 3]


def blend_transforms(posed_from_rest: Float, joint_indices: Int, joint_weights: Float) -> Float:
    """The weighted mean of each row's joint transforms; its 3x3 part is no rotation any more.

    Args:
        posed_from_rest: [J, 4, 4]
        joint_indices: [N, K]
        joint_weights: Rows sum to one. [N, K]

    Returns:
        [N, 4, 4]

    Source: Loper et al. 2015, eq. 2.
    """
    require_shape("posed_from_rest", posed_from_rest, (None, 4, 4))
    flat = posed_from_rest.reshape(-1, 16)
    # One influence at a time: K gathers of [N, 16] are faster than one of [N, K, 16] that must be reduced.
    blended = joint_weights[:, :1] * flat[joint_indices[:, 0]]
    for k in range(1, joint_indices.shape[1]):
        blended += joint_weights[:, k : k + 1] * flat[joint_indices[:, k]]
    return blended.reshape(-1, 4, 4)


def skin_means(means: Float, posed_from_rest: Float, joint_indices: Int, joint_weights: Float) -> Float:
    """Move points with their joints (linear blend skinning).

    Args:
        means: Rest pose, metres, body axes. [N, 3]
        posed_from_rest: One rigid transform per joint. [J, 4, 4]
        joint_indices: The K joints each point follows. [N, K]
        joint_weights: Rows sum to one. [N, K]

    Returns:
        Posed points, same axes. [N, 3]

    Source: Loper et al. 2015, eq. 2.
    """
    blended = blend_transforms(posed_from_rest, joint_indices, joint_weights)
    return np.einsum("nab,nb->na", blended[:, :3, :3], means) + blended[:, :3, 3]


def skin_quats(quats: Float, posed_from_rest: Float, joint_indices: Int, joint_weights: Float) -> Float:
    """Turn Gaussians with their joints: by the rotation nearest to the blended matrix.

    Args:
        quats: Rest orientation, w, x, y, z. [N, 4]
        posed_from_rest: [J, 4, 4]
        joint_indices: [N, K]
        joint_weights: Rows sum to one. [N, K]

    Returns:
        Posed orientation. [N, 4]
    """
    blended = blend_transforms(posed_from_rest, joint_indices, joint_weights)
    return quat_multiply(quat_from_matrix(polar_rotation(blended[:, :3, :3])), quats)


def skin_gaussians(gaussians: Gaussians, binding: Binding, posed_from_rest: Float) -> Gaussians:
    """Pose Gaussians: means and orientations move, scales, opacities and colours stay.

    Args:
        gaussians: Rest pose, body axes.
        binding: The joints they follow.
        posed_from_rest: [J, 4, 4]

    Returns:
        The same Gaussians, posed.
    """
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights)
    means = np.einsum("nab,nb->na", blended[:, :3, :3], gaussians.means) + blended[:, :3, 3]
    quats = quat_multiply(quat_from_matrix(polar_rotation(blended[:, :3, :3])), gaussians.quats)
    return replace(gaussians, means=means, quats=quats)
