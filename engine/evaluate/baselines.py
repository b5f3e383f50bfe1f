"""What an avatar must beat: the same Gaussians with colours that take no thought.

- ``flat colour``: all have the person's mean colour.
- ``plain projection``: what the photo shows takes the photo's pixel under it, the rest the mean colour.
- ``front copied to back``: every Gaussian takes the pixel under it, seen or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.avatar import SEEN_PHOTO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.avatar import Avatar
    from .photo_camera import PhotoCamera

FLAT, PROJECTED, COPIED = "flat colour", "plain projection", "front copied to back"
BASELINES = (FLAT, PROJECTED, COPIED)


def baseline_colors(
    avatar: Avatar, photo: NDArray[np.float32], camera: PhotoCamera
) -> dict[str, NDArray[np.float32]]:
    """Colours for each baseline.

    Args:
        avatar: As the engine made it; its own pose and its marks of what was seen are used.
        photo: The photo it was made from, 0..1. [H, W, 3]
        camera: The photo's, as the engine found it.

    Returns:
        By the name of the baseline. [N, 3]
    """
    height, width = photo.shape[:2]
    columns, rows = np.floor(camera.project(avatar.posed(avatar.params).means)).astype(int).T
    under = photo[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    seen = avatar.seen == SEEN_PHOTO
    mean = (under[seen] if seen.any() else under).mean(axis=0)
    flat = np.broadcast_to(mean, under.shape)
    return {FLAT: flat, PROJECTED: np.where(seen[:, None], under, flat), COPIED: under}
