"""What the checkpoint knows about the body: one row per query point, and the joints of the body model.

The rows were taken from the nearest vertex of SMPL-X's template when the points were sampled, so points and
checkpoint belong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from ..avatar.body import JOINT_COUNT

if TYPE_CHECKING:
    from torch import Tensor

    from .config import LhmConfig


class BodyData(nn.Module):
    """Buffers only. Body axes, metres.

    Attributes:
        joint_weights: Rows sum to one. [N, 55]
        shape_dirs: Metres per unit of beta. [N, 3, 10]
        expression_dirs: Metres per unit of expression. [N, 3, 100]
        is_upper_body: Points of torso and arms, whose scales are kept small. [N]
        keeps_turn: Points whose Gaussians move but do not turn with the body. [N]
        template: Vertices of the mean shape. [V, 3]
        vertex_shape_dirs: Metres per unit of beta. [V, 3, 10]
        joint_regressor: Joints from vertices. [55, V]
        parents: Parent of each joint, -1 for the pelvis. [55]
    """

    joint_weights: Tensor
    shape_dirs: Tensor
    expression_dirs: Tensor
    is_upper_body: Tensor
    keeps_turn: Tensor
    template: Tensor
    vertex_shape_dirs: Tensor
    joint_regressor: Tensor
    parents: Tensor

    def __init__(self, config: LhmConfig) -> None:
        super().__init__()
        points, vertices, shapes = config.points, config.vertices, config.shape_count
        for name, shape in {
            "joint_weights": (points, JOINT_COUNT),
            "shape_dirs": (points, 3, shapes),
            "expression_dirs": (points, 3, config.expression_count),
            "template": (vertices, 3),
            "vertex_shape_dirs": (vertices, 3, shapes),
            "joint_regressor": (JOINT_COUNT, vertices),
        }.items():
            self.register_buffer(name, torch.zeros(shape))
        for name in ("is_upper_body", "keeps_turn"):
            self.register_buffer(name, torch.zeros(points, dtype=torch.bool))
        self.register_buffer("parents", torch.zeros(JOINT_COUNT, dtype=torch.int64))

    def joints(self, betas: Tensor) -> Tensor:
        """Joints in the zero pose.

        Args:
            betas: [B, 10]

        Returns:
            Metres. [B, 55, 3]
        """
        shaped = self.template + torch.einsum("bs,vcs->bvc", betas, self.vertex_shape_dirs)
        return self.joint_regressor @ shaped
