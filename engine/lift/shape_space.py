"""What betas do to the Gaussians: what they do to the skin below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ..avatar.shape import ShapeSpace

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from ..avatar.body import Body

_NEIGHBOURS = 4
_TOUCHING = 1e-4  # metres: nearer than this a Gaussian moves with one vertex


def shape_space(body: Body, betas: Float, means: Float) -> ShapeSpace:
    """Directions of the nearest vertices, the nearer the more; clothes and hair move with the skin.

    In the rest pose no limb lies beside another, so the nearest skin is a Gaussian's own.

    Args:
        body: The body that was dressed.
        betas: Of the fit; as many directions are kept. [S]
        means: Gaussians in the rest pose, metres. [N, 3]
    """
    count = len(betas)
    distance, vertex = map(np.asarray, KDTree(body.shaped(betas)).query(means, k=_NEIGHBOURS))
    weight = 1.0 / np.maximum(distance, _TOUCHING) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    directions = body.shapedirs[:, :, :count]
    mean_dirs = np.zeros((len(means), 3, count))
    for k in range(_NEIGHBOURS):
        mean_dirs += weight[:, k, None, None] * directions[vertex[:, k]]
    return ShapeSpace(mean_dirs, np.einsum("jv,vcs->jcs", body.joint_regressor, directions))
