"""What a fit is worth, and where the fitted person stands in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from .fit.doubt import FROM_BEHIND, FROM_THE_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import BodyParams
    from .fit.fit import Fit
    from .observation import Camera


def grounded(
    params: BodyParams, pelvis: Float, means: Float, up: tuple[float, float, float] = (0.0, 1.0, 0.0)
) -> tuple[BodyParams, NDArray[np.float64]]:
    """Move the person from in front of the camera to the origin, upright, soles on the ground.

    Args:
        params: In the frame of the photo's camera.
        pelvis: Its rest joint, metres. [3]
        means: Gaussians in that pose, metres. [N, 3]
        up: Against gravity, in the frame of the photo's camera. [3]

    Returns:
        The parameters moved, and the world's frame from that of the photo's camera. [4, 4]
    """
    moved = np.eye(4)
    moved[:3, :3] = upright(np.asarray(up, np.float64))
    standing = means @ moved[:3, :3].T
    floor = float(np.quantile(standing[:, 1], 0.001))
    middle = np.median(standing[:, [0, 2]], axis=0)
    moved[:3, 3] = -middle[0], -floor, -middle[1]
    orient = rotvec_from_matrix(moved[:3, :3] @ matrix_from_rotvec(params.global_orient.astype(np.float64)))
    place = moved[:3, :3] @ (pelvis + params.transl) - pelvis + moved[:3, 3]
    return (
        replace(params, global_orient=orient.astype(np.float32), transl=place.astype(np.float32)),
        moved,
    )


def upright(up: Float) -> NDArray[np.float64]:
    """The smallest turn that brings a direction to +y. [3, 3]"""
    up = up / np.linalg.norm(up)
    axis = np.cross(up, [0.0, 1.0, 0.0])
    sine = float(np.linalg.norm(axis))
    return matrix_from_rotvec(axis / max(sine, 1e-12) * np.arctan2(sine, up[1]))


def camera_metadata(camera: Camera, moved: NDArray[np.float64]) -> dict[str, Any]:
    """The photo's camera about the grounded person, so that its view can be set up again.

    Args:
        camera: Of the prepared photo.
        moved: As ``grounded`` tells it. [4, 4]
    """
    viewmat = camera.viewmat @ np.linalg.inv(moved)
    return {
        "viewmat": viewmat.tolist(),
        "K": camera.K.tolist(),
        "width": camera.width,
        "height": camera.height,
    }


def numbered(warnings: Sequence[Sequence[str]]) -> list[str]:
    """Sentences about each photo, with its number where there are several."""
    if len(warnings) == 1:
        return list(warnings[0])
    return [f"Photo {i + 1}: {text}" for i, own in enumerate(warnings) for text in own]


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


def all_warnings(fits: Sequence[Fit]) -> list[list[str]]:
    """Sentences about each photo; what one hides and another shows is not worth a word."""
    shared = set.intersection(*(set(fit.reasons) for fit in fits))
    shown = {FROM_BEHIND, FROM_THE_SIDE} - shared
    return [[text for text in fit_warnings(fit) if text not in shown] for fit in fits]
