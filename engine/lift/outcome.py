"""What a fit is worth, and where the fitted person stands in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import BodyParams
    from .fit import Fit
    from .observation import Camera


def grounded(params: BodyParams, means: Float) -> tuple[BodyParams, NDArray[np.float64]]:
    """Move the person from in front of the camera to the origin, soles on the ground.

    Args:
        params: In the frame of the photo's camera.
        means: Gaussians in that pose, metres. [N, 3]

    Returns:
        The parameters moved, and by how much, metres. [3]
    """
    floor = float(np.quantile(means[:, 1], 0.001))
    middle = np.median(means[:, [0, 2]], axis=0)
    shift = np.array([-middle[0], -floor, -middle[1]], np.float64)
    return replace(params, transl=(params.transl + shift).astype(np.float32)), shift


def camera_metadata(camera: Camera, shift: NDArray[np.float64]) -> dict[str, Any]:
    """The photo's camera about the grounded person, so that its view can be set up again.

    Args:
        camera: Of the prepared photo.
        shift: As ``grounded`` tells it.
    """
    viewmat = camera.viewmat.copy()
    viewmat[:3, 3] = -viewmat[:3, :3] @ shift
    return {
        "viewmat": viewmat.tolist(),
        "K": camera.K.tolist(),
        "width": camera.width,
        "height": camera.height,
    }


def fit_warnings(fit: Fit) -> list[str]:
    """Sentences for the artist where the fit is poor."""
    warnings = []
    if fit.landmark_error > 0.02:
        warnings.append(
            "The body does not follow the pose in the photo well. "
            "A photo of a standing person, seen whole from the front, works best."
        )
    if fit.outline_iou < 0.6:
        warnings.append(
            "The body and the person's outline differ much. "
            "Check the mask; wide clothes and bags also do this."
        )
    return [*warnings, *fit.reasons]
