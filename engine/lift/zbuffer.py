"""Depth and face maps of a mesh: which face the camera meets first, and which it would meet last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..raster.jit import exact_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from .observation import Camera

NO_FACE = -1


@dataclass(frozen=True)
class Layer:
    """One side of a mesh in an image.

    Args:
        face: Face at each pixel, ``NO_FACE`` where there is none. [H, W]
        depth: Along the viewing axis, metres; 0 where there is none. [H, W]
        corners: Barycentric weights of the face's corners. [H, W, 3]
    """

    face: NDArray[np.int32]
    depth: NDArray[np.float32]
    corners: NDArray[np.float32]

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Pixels with a face. [H, W]"""
        return self.face != NO_FACE


def first_layer(vertices: Float, faces: Int, camera: Camera) -> Layer:
    """What the camera sees of the mesh.

    Args:
        vertices: Body frame, metres. [V, 3]
        faces: [F, 3]
        camera: The camera.
    """
    return _layer(vertices, faces, camera, 1.0)


def last_layer(vertices: Float, faces: Int, camera: Camera) -> Layer:
    """The mesh's far side, seen through everything before it.

    Args:
        vertices: Body frame, metres. [V, 3]
        faces: [F, 3]
        camera: The camera.
    """
    return _layer(vertices, faces, camera, -1.0)


def _layer(vertices: Float, faces: Int, camera: Camera, sign: float) -> Layer:
    shape = (camera.height, camera.width)
    face, depth = np.full(shape, NO_FACE, np.int32), np.zeros(shape, np.float32)
    corners = np.zeros((*shape, 3), np.float32)
    pixels, z = camera.project(vertices), camera.depth(vertices)
    _fill(pixels, z, np.ascontiguousarray(faces, np.int32), sign, face, depth, corners)
    return Layer(face, depth, corners)


@exact_kernel
def _fill(
    pixels: Float, z: Float, faces: Int, sign: float, face: Int, depth: Float, corners: Float
) -> None:  # pragma: no cover - compiled
    height, width = face.shape
    for f in range(len(faces)):
        a, b, c = faces[f]
        if z[a] <= 0.0 or z[b] <= 0.0 or z[c] <= 0.0:
            continue
        ax, ay, bx, by, cx, cy = (
            pixels[a, 0],
            pixels[a, 1],
            pixels[b, 0],
            pixels[b, 1],
            pixels[c, 0],
            pixels[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        x_first, x_last = max(0, int(min(ax, bx, cx) - 0.5)), min(width - 1, int(max(ax, bx, cx) + 0.5))
        y_first, y_last = max(0, int(min(ay, by, cy) - 0.5)), min(height - 1, int(max(ay, by, cy) + 0.5))
        for y in range(y_first, y_last + 1):
            for x in range(x_first, x_last + 1):
                px, py = x + 0.5, y + 0.5
                u = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area
                v = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area
                w = 1.0 - u - v
                if u < 0.0 or v < 0.0 or w < 0.0:
                    continue
                # Perspective: one over depth is linear in the image, so barycentrics are divided by depth.
                inverse = u / z[a] + v / z[b] + w / z[c]
                here = 1.0 / inverse
                if face[y, x] == NO_FACE or sign * here < sign * depth[y, x]:
                    face[y, x] = f
                    depth[y, x] = here
                    corners[y, x, 0] = u / z[a] * here
                    corners[y, x, 1] = v / z[b] * here
                    corners[y, x, 2] = w / z[c] * here
