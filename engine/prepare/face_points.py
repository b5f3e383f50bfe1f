"""The points of the face mesh, looked for in a square about the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .boxes import clipped, limited, resized
from .landmarks import landmark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .models import Models

FACE_POINTS = 478
LEFT_IRIS = slice(473, 478)
"""The iris of the person's left eye: its middle, then four points on its rim."""
RIGHT_IRIS = slice(468, 473)

_REACHES = (2.2, 1.6)  # Half the square's side, in sizes of the head's landmarks.
_VIEW_SIDES = (256, 512)
_SPREAD = 0.03  # Disagreement of the looks, as a share of the face's size, at which half the trust is gone.


@dataclass(frozen=True)
class FacePoints:
    """Where the face is.

    Args:
        points: mediapipe's face mesh with irises (468..472 the person's right one, 473..477 the left one): x
            and y in pixels, centres at +0.5; depth in the same scale, smaller is nearer. [478, 3]
        confidence: 0..1: how well looks at different crops agree.
    """

    points: NDArray[np.float64]
    confidence: float


def find_face(models: Models, rgb: NDArray[np.uint8], points: NDArray[np.float64]) -> FacePoints | None:
    """The face of the person whose landmarks are given.

    Args:
        models: mediapipe.
        rgb: The picture. [H, W, 3]
        points: mediapipe's landmarks of the body, pixels. [33, 2]
    """
    head = points[: landmark("left_shoulder")]
    middle = head.mean(axis=0)
    size = max(float(np.ptp(head[:, 0])), float(np.ptp(head[:, 1])), 8.0)
    looks = [mesh for reach in _REACHES if (mesh := _look(models, rgb, middle, reach * size)) is not None]
    looks = [mesh for mesh in looks if np.linalg.norm(mesh[:, :2].mean(axis=0) - middle) < 1.1 * size]
    if not looks:
        return None
    mesh = np.mean(looks, axis=0)
    extent = max(float(np.ptp(mesh[:, :2], axis=0).max()), 1e-6)
    spread = float(np.mean([np.linalg.norm((one - mesh)[:, :2], axis=1) for one in looks])) / extent
    return FacePoints(mesh, float(len(looks) / len(_REACHES) * np.exp2(-spread / _SPREAD)))


def _look(
    models: Models, rgb: NDArray[np.uint8], middle: NDArray[np.float64], reach: float
) -> NDArray[np.float64] | None:
    """The mesh found in one square, in pixels of the picture. [478, 3]"""
    height, width = rgb.shape[:2]
    window = clipped((*(middle - reach), *(middle + reach)), (width, height))
    view = limited(rgb[window.slices], _VIEW_SIDES[1])
    scale = max(1.0, _VIEW_SIDES[0] / max(view.shape[:2]))  # Small heads are missed.
    view = resized(view, round(view.shape[1] * scale), round(view.shape[0] * scale))
    mesh = models.face_mesh(view)
    if mesh is None:
        return None
    return mesh * (window.width / view.shape[1]) + (window.left, window.top, 0.0)
