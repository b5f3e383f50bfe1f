"""The picture of the meshes: strip by strip, so that memory does not grow with the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .lamps import rays_of
from .shade import CHANNELS, FAR, GAP, pack_lighting, shade
from .shadows import Target, ball_around, light_camera, shadow_map, splat_ball
from .triangles import BAND, NOTHING, depth_image, project, visible
from .values import CATCHER

if TYPE_CHECKING:
    from collections.abc import Callable

    from .lamps import Ray
    from .shade import Lighting
    from .shadows import Map
    from .values import Array, Camera, Doubles, Ints, Scene

SAMPLES = 3
"""To a side of a pixel; odd, so that one is at its centre."""

_STRIP = 8  # bands at a time
_LARGE, _SMALL_MAP, _FEW = 1024, 512, 4  # texels to a side of a shadow map; of each, when there are many
_COARSE = 4  # pixels: where the receivers of shadows are looked for
_HORIZON = 5.0  # of the middle distance: what is farther gets no shadows of meshes


@dataclass(frozen=True)
class MeshPicture:
    """Two layers; see ``shade``.

    Args:
        layers: NEAR and FAR: light, alpha, normal, share. [2, H, W, 8]
        layer_z: [2, H, W]
        middle: Layer and triangle at each centre. [H, W, 2]
        middle_z: [H, W]
        index: Pass index at each centre, 0 where no mesh is. [H, W]
    """

    layers: Array
    layer_z: Doubles
    middle: Ints
    middle_z: Doubles
    index: Ints


def draw_meshes(
    scene: Scene, camera: Camera, eps2d: float, progress: Callable[[str, float, str], None]
) -> MeshPicture | None:
    """Draw all meshes that the camera sees.

    Args:
        scene: With its splats, which cast shadows.
        camera: Whose picture.
        eps2d: Of the rasterizer.
        progress: Told between steps, so that the user can stop.

    Returns:
        None where there is nothing to see.
    """
    meshes = scene.meshes.take(scene.meshes.camera)
    if meshes.count == 0:
        return None
    progress("light", 0.0, "shadows")
    lighting = _lighting(scene, camera, eps2d, progress)
    projected = project(meshes.corners, camera, SAMPLES)
    height, width = camera.height, camera.width
    layers = np.zeros((2, height, width, CHANNELS), np.float32)
    layer_z, middle_z = np.full((2, height, width), NOTHING), np.full((height, width), NOTHING)
    middle = np.empty((height, width, 2), np.int32)
    gap = GAP * (camera.squeeze or 1)
    for band in range(0, -(-height // BAND), _STRIP):
        progress("meshes", band * BAND / height, "meshes")
        rows = np.s_[band * BAND : min((band + _STRIP) * BAND, height)]
        bands = min(_STRIP, -(-height // BAND) - band)
        ids, depths = visible(projected, camera, SAMPLES, band, bands)
        shade(
            ids, depths, projected.edges, meshes, lighting, camera.eye(), SAMPLES, rows.start, gap,
            layers[:, rows], layer_z[:, rows], middle[rows], middle_z[rows],
        )  # fmt: skip
    seen = middle[..., 1] >= 0
    index = np.where(seen, meshes.index[np.maximum(middle[..., 1], 0)], 0)
    layers[FAR, ..., -1] = 1 - layers[0, ..., -1]
    return MeshPicture(layers, layer_z, middle, middle_z, index)


def _lighting(
    scene: Scene, camera: Camera, eps2d: float, progress: Callable[[str, float, str], None]
) -> Lighting:
    receivers = _receivers(scene, camera)
    rays = [ray for lamp in scene.lamps for ray in rays_of(lamp, receivers.middle)]
    casting = sum(ray.shadow for ray in rays)
    side = _LARGE if casting <= _FEW else _SMALL_MAP
    lit = []
    for number, ray in enumerate(rays):
        progress("light", number / len(rays), "shadows")
        lit.append((ray, *(_maps(scene, ray, receivers, side, eps2d) if ray.shadow else (None, None))))
    return pack_lighting(lit, scene.ambient)


def _maps(
    scene: Scene, ray: Ray, receivers: Target, side: int, eps2d: float
) -> tuple[Map | None, Map | None]:
    """What the avatars take of a light, and what the meshes take."""
    splats = scene.splats.take(scene.splats.shadow)
    avatars = meshes = None
    if len(splats.means):
        look = light_camera(ray, splat_ball(splats), side)
        avatars = shadow_map(look, scene.meshes.take(scene.meshes.shadow), splats, eps2d)
    casters = scene.meshes.take(scene.meshes.shadow & (scene.meshes.kinds != CATCHER))
    if casters.count:
        meshes = shadow_map(light_camera(ray, receivers, side), casters, None, eps2d)
    return avatars, meshes


def _receivers(scene: Scene, camera: Camera) -> Target:
    """A ball around the meshes that are seen, those near the horizon left out."""
    z = depth_image(scene.meshes.take(scene.meshes.camera).corners, camera)[::_COARSE, ::_COARSE]
    rows, columns = np.nonzero(z < NOTHING)
    if len(rows) == 0:
        return Target(np.zeros(3), 1.0)
    z = z[rows, columns]
    depth = camera.depth(z)
    close = depth <= _HORIZON * np.median(depth)
    pixels = np.stack([columns * _COARSE + 0.5, rows * _COARSE + 0.5, np.ones(len(rows))], axis=1)
    view = (pixels @ np.linalg.inv(camera.K).T) * z[:, None]
    world = np.linalg.solve(camera.viewmat[:3, :3], (view - camera.viewmat[:3, 3]).T).T
    return ball_around(world[close].astype(np.float32))
