"""Small scenes of triangles and splats, and a camera that looks at them."""

from __future__ import annotations

import numpy as np
from lhm_avatars.engine.preview.values import (
    MATTE,
    SQUEEZE,
    Camera,
    Lamp,
    Meshes,
    Splats,
)

SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)


def camera(side: int = 64, z: float = 5.0, focal: float = 1.5, width: int | None = None) -> Camera:
    """At height z, looking down: x to the right, y up in the picture."""
    viewmat = np.diag([1.0, -1, -1, 1])
    viewmat[2, 3] = z
    width = width or side
    return Camera(
        viewmat, np.array([[focal * side, 0, width / 2], [0, focal * side, side / 2], [0, 0, 1]]), width, side
    )


def parallel(side: int = 64, z: float = 5.0, span: float = 4.0) -> Camera:
    """The same with parallel rays, `span` metres high."""
    looking = camera(side, z)
    viewmat = looking.viewmat.copy()
    viewmat[2] *= SQUEEZE
    viewmat[2, 3] += 1
    K = np.array([[side / span, 0, side / 2], [0, side / span, side / 2], [0, 0, 1]])
    return Camera(viewmat, K, side, side, squeeze=SQUEEZE)


def meshes(corners: np.ndarray, color=(1.0, 1.0, 1.0), kind: int = MATTE, index: int = 0, **flags) -> Meshes:
    """Triangles of one colour with flat normals."""
    corners = np.asarray(corners, np.float32)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    count = len(corners)
    return Meshes(
        corners,
        np.repeat(normals[:, None], 3, axis=1).astype(np.float32),
        np.full((count, 3), color, np.float32),
        np.full(count, kind, np.uint8),
        np.full(count, index, np.int32),
        np.full(count, flags.get("camera", True)),
        np.full(count, flags.get("shadow", True)),
    )


def square(z: float = 0.0, size: float = 1.0, x: float = 0.0, **keywords) -> Meshes:
    """A level square, its half side `size`."""
    corners = SQUARE * [size, size, 0] + [x, 0, z]
    return meshes(corners[[[0, 1, 2], [0, 2, 3]]], **keywords)


def joined(*parts: Meshes) -> Meshes:
    return Meshes(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    )


def ball_mesh(radius: float = 1.0, rings: int = 24) -> np.ndarray:
    """Corners of a sphere's triangles. [T, 3, 3]"""
    u, v = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, 2 * rings + 1))
    points = radius * np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)], axis=-1)
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    corners = np.concatenate(
        [np.stack([a, b, c], 2).reshape(-1, 3, 3), np.stack([a, c, d], 2).reshape(-1, 3, 3)]
    )
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return corners[area > 1e-9]


def splats(means, scale=0.05, opacity=0.95, color=(1.0, 0, 0), **values) -> Splats:
    """Round Gaussians of one colour."""
    means = np.atleast_2d(np.asarray(means, np.float32))
    count = len(means)
    default = {
        "quats": np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        "scales": np.full((count, 3), scale, np.float32),
        "opacities": np.full(count, opacity, np.float32),
        "colors": np.full((count, 3), color, np.float32),
        "holdout": np.zeros(count, np.float32),
        "owner": np.zeros(count, np.int32),
        "seen": np.zeros(count, np.int32),
        "camera": np.ones(count, bool),
        "shadow": np.ones(count, bool),
    }
    return Splats(means=means, **default | values)


def no_splats() -> Splats:
    return splats(np.zeros((0, 3)))


def sun(strength: float = np.pi, towards=(0.0, 0.0, 1.0), angle: float = 0.0, **keywords) -> Lamp:
    """A sun that stands in a direction."""
    z = np.array(towards, float) / np.linalg.norm(towards)
    x = np.cross(np.eye(3)[np.argmin(np.abs(z))], z)
    x /= np.linalg.norm(x)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    return Lamp("SUN", matrix, np.full(3, float(strength)), (angle, angle), **keywords)
