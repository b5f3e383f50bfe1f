"""The person's outline in the photo: how far from it, and where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..sampling import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..observation import Observation


def signed_distance(alpha: Float) -> NDArray[np.float32]:
    """Pixels to the mask's border, negative inside. [H, W]"""
    inside = (alpha > 0.5).astype(np.uint8)
    # Beyond the photo's border nothing is known: a border that cuts the person is no outline.
    return cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5) - cv2.distanceTransform(inside, cv2.DIST_L2, 5)


def sample_signed(image: NDArray[np.float32], pixels: Float) -> Float:
    """Read an image at pixel positions; zero outside, where the photo says nothing. [...]"""
    height, width = image.shape
    x, y = pixels[..., 0] - 0.5, pixels[..., 1] - 0.5
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return sample(image, pixels) * inside


def outline_points(seen: Observation, count: int) -> tuple[Float, Float]:
    """Evenly spaced points of the person's outline and their outward directions. [C, 2], [C, 2]"""
    mask = (seen.alpha > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate([contour[:, 0] for contour in contours]) + 0.5
    height, width = mask.shape
    inner = (points > 3).all(1) & (points[:, 0] < width - 3) & (points[:, 1] < height - 3)
    points = points[inner]
    points = points[:: max(1, len(points) // count)]
    smooth = cv2.GaussianBlur(signed_distance(seen.alpha), (0, 0), 2.0)
    gradient = np.stack([np.gradient(smooth, axis=1), np.gradient(smooth, axis=0)], axis=-1)
    at = gradient[points[:, 1].astype(int), points[:, 0].astype(int)]
    return points, at / (np.linalg.norm(at, axis=1, keepdims=True) + 1e-9)
