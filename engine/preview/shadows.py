"""What stands between a light and the meshes: the view from the light.

A map holds the depth of the nearest mesh and how much of its light the splats in front of it take away, drawn
by the rasterizer. So an avatar's shadow is as soft as its splats, and a wall between the light and the avatar
keeps the shadow for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, radians, tan
from typing import TYPE_CHECKING

import numpy as np

from ..raster import rasterize
from .lamps import DIRECTION
from .triangles import NOTHING, depth_image
from .values import SQUEEZE, Camera

if TYPE_CHECKING:
    from .lamps import Ray
    from .values import Array, Doubles, Meshes, Splats

_WIDEST = radians(75)  # half of what a map of a light in the midst of things sees
_MARGIN = 1.05
_STRAYS = 0.001  # share of Gaussians on either side that no map is stretched for
_REACH = 4.0  # in standard deviations


@dataclass(frozen=True)
class Target:
    """A ball that a map must show.

    Args:
        middle: World. [3]
        radius: Metres.
    """

    middle: Doubles
    radius: float


@dataclass(frozen=True)
class Map:
    """The view from a light.

    Args:
        camera: At the light.
        depth: Of the nearest mesh, metres along the axis, huge where there is none. [side, side]
        alpha: What the splats in front of it cover. [side, side]
        texel: Side of a texel in metres; for a light at a place, at one metre's depth.
    """

    camera: Camera
    depth: Array
    alpha: Array
    texel: float


def ball_around(points: Array, reach: float = 0.0) -> Target:
    """A ball around nearly all points. [N, 3]"""
    low, high = np.quantile(points, (_STRAYS, 1 - _STRAYS), axis=0)
    return Target((low + high) / 2, float(np.linalg.norm(high - low)) / 2 + reach)


def splat_ball(splats: Splats) -> Target:
    """A ball around splats."""
    return ball_around(splats.means, _REACH * float(np.median(splats.scales.max(axis=1))))


def light_camera(ray: Ray, target: Target, side: int) -> Camera:
    """A camera at a light that sees a ball, if the light is outside of it.

    Args:
        ray: The light.
        target: The ball.
        side: Of the square picture, pixels.
    """
    radius = max(target.radius, 1e-3) * _MARGIN
    if ray.kind == DIRECTION:
        rotation = _looking(-ray.place)
        viewmat = np.eye(4)
        viewmat[:3, :3] = rotation
        viewmat[:3, 3] = -rotation @ target.middle
        viewmat[2] *= SQUEEZE
        viewmat[2, 3] += 1
        focal = side / (2 * radius)
        K = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
        return Camera(viewmat, K, side, side, near=-1e4, far=1e4, squeeze=SQUEEZE)
    away = target.middle - ray.place
    distance = max(float(np.linalg.norm(away)), 1e-6)
    half = min(asin(min(radius / distance, 1.0)), _WIDEST)
    rotation = _looking(away)
    viewmat = np.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = rotation, -rotation @ ray.place
    focal = side / (2 * tan(half))
    K = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
    return Camera(viewmat, K, side, side)


def shadow_map(camera: Camera, meshes: Meshes, splats: Splats | None, eps2d: float) -> Map:
    """Look from a light.

    Args:
        camera: At the light.
        meshes: Those that take its light away, or in the map of avatars those that the shadow falls on.
        splats: Those that cast shadows; None to leave them out.
        eps2d: Of the rasterizer.
    """
    z = depth_image(meshes.corners, camera)
    alpha = np.zeros(z.shape, np.float32)
    if splats is not None:
        alpha = rasterize(
            splats.means, splats.quats, splats.scales, splats.opacities, np.zeros_like(splats.means),
            camera.viewmat, camera.K, camera.width, camera.height,
            eps2d=eps2d, max_depth=np.where(z >= NOTHING, np.inf, z),
        ).alpha  # fmt: skip
    depth = np.where(z >= NOTHING, 1e30, camera.depth(np.minimum(z, 1e10))).astype(np.float32)
    return Map(camera, depth, alpha, 1 / float(camera.K[0, 0]))


def _looking(direction: Doubles) -> Doubles:
    """Axes of an OpenCV camera that looks along a direction. Rows. [3, 3]"""
    z = direction / np.linalg.norm(direction)
    other = np.eye(3)[np.argmin(np.abs(z))]
    x = np.cross(other, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])
