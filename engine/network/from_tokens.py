"""From the network's answer to an avatar like any other: rest pose, K joints for each Gaussian."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..avatar.avatar import SEEN_FILLED, Avatar
from ..avatar.binding import DEFAULT_INFLUENCES, Binding, strongest
from ..avatar.body import JOINT_COUNT, BodyParams
from ..avatar.gaussians import Gaussians
from ..avatar.shape import ShapeSpace, padded_betas
from ..avatar.skinning import forward_kinematics, skin_means
from ..request import DIFFUSED, SURFACE
from .face import face_space
from .posing import rest_points, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from ..avatar.arrays import Float
    from .body_data import BodyData
    from .gaussian_head import GaussianAttributes
    from .neutral_pose import NeutralPose

TRIAL_POSES = 16
_TRIAL_TURN = 0.35  # radians, standard deviation of each component; a lively pose
_MILLIMETRES = 1000.0
_FIELD_INFLUENCES = 8  # joints of a point of the surface that the field starts from


@dataclass(frozen=True)
class BindingError:
    """How far Gaussians are from where all 55 joints would take them, over random poses, millimetres.

    Args:
        mean: Of all Gaussians and poses.
        percentile99: One in a hundred is farther off.
        worst: The farthest.
    """

    mean: float
    percentile99: float
    worst: float


def network_avatar(
    attributes: GaussianAttributes,
    body: BodyData,
    neutral: NeutralPose,
    params: BodyParams,
    *,
    influences: int = DEFAULT_INFLUENCES,
    binding: str = SURFACE,
    metadata: dict[str, Any] | None = None,
) -> Avatar:
    """Make the avatar.

    The rest pose is the zero pose with the person's shape, exactly as the official code exports it. When it
    is posed, our means are the official ones but for the cut to K joints. Two things differ on purpose:
    Gaussians turn by the rotation nearest to the blended matrix, and all of them turn with their joints,
    while the official code leaves some of the head's unturned even when the person turns round.

    Args:
        attributes: Of the network.
        body: Of the checkpoint; any body in SMPL-X layout.
        neutral: Of the model.
        params: Betas, as many as the model has or fewer, and the pose in the photo.
        influences: K.
        binding: ``surface`` for the weights of the place where each Gaussian begins, as the official code has
            it, or ``diffused`` for those of the place where it ends up, which suits hair and loose clothes.
        metadata: JSON values to keep with the avatar.
    """
    shape = shape_space(body)
    params = replace(params, betas=padded_betas(params.betas, shape.count))
    betas = torch.from_numpy(params.betas)[None]
    rest = rest_points(body, neutral, attributes.mean_offsets, betas)
    quats = turned(body, rest.zero_from_neutral, attributes.quats)[0]
    joints = rest_joints(body) + shape.joint_dirs.astype(np.float64) @ params.betas
    means = rest.means[0].numpy()
    weights = body.joint_weights.numpy()
    if binding == DIFFUSED:
        weights = diffused_weights(body, neutral, betas, means)
    followed = strongest(weights, influences)
    error = binding_error(means, weights, followed, joints)
    return Avatar(
        gaussians=Gaussians.from_colors(
            means,
            quats.numpy(),
            attributes.scales.numpy(),
            attributes.opacities.numpy(),
            attributes.colors.numpy(),
        ),
        binding=followed,
        params=params,
        joints=joints,
        # The network makes up everything; what the photo shows is no more certain than the rest.
        seen=np.full(len(means), SEEN_FILLED, np.uint8),
        metadata={
            **(metadata or {}),
            "binding_error_mm": {
                "influences": influences,
                "mean": error.mean,
                "percentile99": error.percentile99,
                "worst": error.worst,
            },
        },
        shape=shape,
        face=face_space(body, surface_points(body, neutral, torch.zeros_like(betas)), rest_joints(body)),
    )


def surface_points(body: BodyData, neutral: NeutralPose, betas: Tensor) -> NDArray[np.float32]:
    """Where Gaussians begin, in the zero pose, metres. [N, 3]

    Args:
        body: Of the checkpoint.
        neutral: Of the model.
        betas: [1, 10]
    """
    return rest_points(body, neutral, torch.zeros_like(neutral.query_points), betas).means[0].numpy()


def diffused_weights(
    body: BodyData, neutral: NeutralPose, betas: Tensor, means: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weights that spread from the body's surface through the air.

    Args:
        body: Of the checkpoint.
        neutral: Of the model; its query points are the surface.
        betas: [1, 10]
        means: Gaussians in the rest pose of these betas, metres. [N, 3]

    Returns:
        One column per joint, rows sum to one. [N, 55]
    """
    # It compiles kernels, which nobody needs who keeps to the official weights.
    from ..binding.field import weight_field
    from ..binding.surface import point_surface

    points = surface_points(body, neutral, betas)
    nearest = strongest(body.joint_weights.numpy(), _FIELD_INFLUENCES)
    field = weight_field(point_surface(points, nearest.joint_indices, nearest.joint_weights))
    return field.weights(means)


def rest_joints(body: BodyData) -> NDArray[np.float64]:
    """Joints of the mean shape, summed more exactly than the network does it. [55, 3]"""
    return (body.joint_regressor.double() @ body.template.double()).numpy()


def shape_space(body: BodyData) -> ShapeSpace:
    """What betas do to Gaussians and joints; they are added in the zero pose, whatever the network said."""
    regressor, directions = body.joint_regressor.double(), body.vertex_shape_dirs.double()
    return ShapeSpace(
        mean_dirs=body.shape_dirs.numpy(),
        joint_dirs=torch.einsum("jv,vcs->jcs", regressor, directions).numpy(),
    )


def binding_error(
    means: NDArray[np.float32],
    weights: NDArray[np.float32],
    binding: Binding,
    joints: Float,
    *,
    poses: int = TRIAL_POSES,
    seed: int = 0,
) -> BindingError:
    """Pose with K joints and with all of them, and compare.

    Args:
        means: Rest pose, metres. [N, 3]
        weights: One column per joint. [N, 55]
        binding: The cut.
        joints: Rest joints, metres. [55, 3]
        poses: How many random poses.
        seed: Of the poses.
    """
    rng = np.random.default_rng(seed)
    everyone = np.broadcast_to(np.arange(JOINT_COUNT), weights.shape)
    full = weights / weights.sum(axis=1, keepdims=True)
    off = np.empty((poses, len(means)))
    for each in off:
        pose = rng.normal(0, _TRIAL_TURN, (JOINT_COUNT, 3))
        posed_from_rest = forward_kinematics(joints, pose).astype(np.float32)
        cut = skin_means(means, posed_from_rest, binding.joint_indices, binding.joint_weights)
        each[:] = np.linalg.norm(cut - skin_means(means, posed_from_rest, everyone, full), axis=1)
    off *= _MILLIMETRES
    return BindingError(
        mean=round(float(off.mean()), 4),
        percentile99=round(float(np.percentile(off, 99)), 4),
        worst=round(float(off.max()), 4),
    )
