"""Canvas: Gaussians as a photo's camera sees them, and the outline that they have there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ..observation import Camera
    from ..view import View

_ROWS = 420  # pixels that the person is high
_CLOSED = 5  # pixels: gaps between Gaussians
_SPECK = 20  # pixels around
_SOFT = 2.0  # pixels: over which the outline's direction is told
_MARGIN = 0.15  # metres around the person
_BORDER = 0.01  # of the photo's height


@dataclass(frozen=True)
class Outline:
    """The rim of a cloud of Gaussians, seen with a photo's camera.

    Args:
        points: Metres across the camera's axis at the depth of the person. [N, 2]
        normals: Outward, unit. [N, 2]
        owner: The Gaussian at each. [N]
    """

    points: Float
    normals: Float
    owner: Int


@dataclass(frozen=True)
class Canvas:
    """An image across a photo's camera's axis at the depth of the person, in steps of some millimetres.

    Args:
        camera: The photo's.
        depth: Of the person, metres.
        low: Its corner, metres. [2]
        pitch: Metres a pixel.
        size: Width and height, pixels.
    """

    camera: Camera
    depth: float
    low: Float
    pitch: float
    size: tuple[int, int]

    def flat(self, points: Float) -> NDArray[np.float64]:
        """Points seen as if at the canvas's depth, metres. [N, 2]"""
        return points[:, :2].astype(np.float64) * (self.depth / -points[:, 2:])

    def cells(self, flat: Float) -> NDArray[np.int64]:
        """Column and row, clamped. [N, 2]"""
        return np.clip(np.floor((flat - self.low) / self.pitch), 0, np.array(self.size) - 1).astype(np.int64)

    def mask(self, means: Float) -> NDArray[np.uint8]:
        """Where Gaussians are, without the gaps between them. [height, width]"""
        mask = np.zeros(self.size[::-1], np.uint8)
        columns, rows = self.cells(self.flat(means)).T
        mask[rows, columns] = 1
        return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc()), np.uint8)

    def framed(self, points: Float) -> NDArray[np.bool_]:
        """Whether the photo looks there; its border tells nothing. [N]"""
        pixels = self.camera.project(points)
        edge = _BORDER * self.camera.height
        most = np.array([self.camera.width, self.camera.height]) - edge
        return np.asarray(((pixels > edge) & (pixels < most)).all(axis=1))


def canvas_of(view: View) -> Canvas:
    """The canvas of a photo's camera, around what the photo made."""
    means = view.posed.means.astype(np.float64)
    depth = float(np.median(-means[:, 2]))
    flat = means[:, :2] * (depth / -means[:, 2:])
    pitch = float(np.ptp(flat[:, 1])) / _ROWS
    low = flat.min(axis=0) - _MARGIN
    width, height = np.ceil((flat.max(axis=0) + _MARGIN - low) / pitch).astype(int)
    return Canvas(view.fit.camera, depth, low, pitch, (int(width), int(height)))


def outline_of(canvas: Canvas, mask: NDArray[np.uint8], means: Float, owners: NDArray[np.bool_]) -> Outline:
    """The rim of a mask, and which Gaussians make it.

    Args:
        canvas: What the mask is drawn on.
        mask: [height, width]
        means: In the frame of the camera. [N, 3]
        owners: Which of them may make it. [N]
    """
    mask = np.asarray(
        cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc()), np.uint8
    )  # without fingers and fringes
    found, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    pixels = np.concatenate([np.asarray(c, np.int64)[:, 0] for c in found if len(c) > _SPECK])
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _SOFT)
    slopes = np.stack([cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)], axis=-1)
    normals = -slopes[pixels[:, 1], pixels[:, 0]].astype(np.float64)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    points = (pixels + 0.5) * canvas.pitch + canvas.low
    able = np.flatnonzero(owners)
    _, nearest = KDTree(canvas.flat(means[able])).query(points)
    owner = able[np.asarray(nearest)]
    framed = canvas.framed(means[owner])
    return Outline(points[framed], normals[framed], owner[framed])


def _disc() -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_CLOSED, _CLOSED)), np.uint8)
