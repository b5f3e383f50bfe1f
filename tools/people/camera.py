"""Cameras that see a person whole; viewmats and K as the engine wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float

_SHARE, _WIDEST = 0.85, 0.93  # of the picture's height and width
_ROUNDS = 40


@dataclass(frozen=True)
class View:
    """A pinhole camera.

    Args:
        viewmat: Camera from body axes, OpenCV. [4, 4]
        focal: Pixels.
        width: Pixels.
        height: Pixels.
    """

    viewmat: Float
    focal: float
    width: int
    height: int

    def matrix(self) -> Float:
        """K; pixel centres are at +0.5. [3, 3]"""
        return np.array([[self.focal, 0, self.width / 2], [0, self.focal, self.height / 2], [0, 0, 1.0]])

    def project(self, points: Float) -> Float:
        """Pixels. [N, 2]"""
        seen = points @ self.viewmat[:3, :3].T + self.viewmat[:3, 3]
        return self.focal * seen[:, :2] / seen[:, 2:] + [self.width / 2, self.height / 2]

    def resized(self, width: int, height: int) -> View:
        """The same camera and vertical field of view in another format."""
        return View(self.viewmat, self.focal * height / self.height, width, height)


def frame_person(points: Float, azimuth: float, fov: float, height: float, size: int) -> View:
    """A square view in which points fill the usual share of the picture.

    Args:
        points: Of the person, body axes. [N, 3]
        azimuth: Degrees from +z towards +x.
        fov: Vertical, degrees.
        height: Of the camera, body axes, metres.
        size: Pixels.
    """
    a = np.radians(azimuth)
    out = np.array([np.sin(a), 0.0, np.cos(a)])
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    focal = 0.5 * size / np.tan(np.radians(fov) / 2)
    away, aim = 3.0, middle.copy()
    for _ in range(_ROUNDS):
        view = View(_look(_place(middle, away, out, height), aim), focal, size, size)
        pixels = view.project(points)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        extent = high - low
        share = max(extent[1] / (_SHARE * size), extent[0] / (_WIDEST * size))
        off = (0.5 * (low + high) - 0.5 * size) / focal * away
        aim = aim - 0.8 * off[1] * np.array([0, 1.0, 0]) + 0.8 * off[0] * np.array([np.cos(a), 0, -np.sin(a)])
        away *= 1 + 0.8 * (share - 1)
    return View(_look(_place(middle, away, out, height), aim), focal, size, size)


def _place(middle: Float, away: float, out: Float, height: float) -> Float:
    return middle * [1, 0, 1] + away * out + np.array([0, height, 0])


def _look(place: Float, aim: Float) -> Float:
    """OpenCV camera from world: x right, y down, z ahead. [4, 4]"""
    ahead = (aim - place) / np.linalg.norm(aim - place)
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(ahead, right), ahead])
    viewmat = np.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = turn, -turn @ place
    return viewmat
