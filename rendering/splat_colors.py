"""The colours that an avatar with spherical harmonics shows to a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.rotations import matrix_from_quat
from ..engine.avatar.sh import colors_from_sh, sh_from_rgb
from ..rigging.pointcloud import read_attribute

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

_COUNTS = (4, 9, 16)  # coefficients of degree 1 to 3


def seen_colors(cloud: bpy.types.PointCloud, means: Float, quats: Float, colors: Float, eye: Float) -> Float:
    """Display-space colours seen from one place.

    The harmonics stand in the axes of the rest pose, and the display nodes drop them, so they come from the
    avatar's own data: a direction is turned back by as much as its Gaussian has been turned since.

    Args:
        cloud: The avatar's data at rest; may be anything else, and then nothing happens.
        means: Posed, its own space. [N, 3]
        quats: Posed orientations. [N, 4]
        colors: That all sides share, as they are shown now: where they are no longer the avatar's own (the
            confidence is shown), they stay. [N, 3]
        eye: Of the camera, its own space, as ``View.eye`` gives it. [4]

    Returns:
        [N, 3]
    """
    attributes = getattr(cloud, "attributes", {})
    names = ("sh_1", "rest_rotation", "gs_color")
    if any(name not in attributes for name in names) or len(attributes["sh_1"].data) != len(means):
        return colors
    own = read_attribute(cloud, "gs_color")[:, :3]
    if not np.array_equal(own, colors):
        return colors
    count = next((n for n in reversed(_COUNTS) if f"sh_{n - 1}" in attributes), 1)
    extra = [read_attribute(cloud, f"sh_{k}") for k in range(1, count)]
    sh = np.stack([sh_from_rgb(own), *extra], axis=1)
    away = eye[3] * means - eye[:3]  # towards the mean; parallel rays are the same for all
    rest = matrix_from_quat(read_attribute(cloud, "rest_rotation"))
    posed = matrix_from_quat(quats)
    turned = np.einsum("nij,nkj,nk->ni", rest, posed, away)
    return colors_from_sh(sh, turned.astype(np.float32)).astype(np.float32)
