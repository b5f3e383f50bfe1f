"""The light that each visible piece of mesh sends to the camera, averaged over the pixel.

One pixel may show an edge: something near over something far. Splats may stand between the two, so both
sides are kept apart as two layers, each with its depth and its share of the pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from ..raster.jit import kernel, parallel_kernel
from .lamps import DIRECTION, POINT, SPOT
from .triangles import NOTHING
from .values import CATCHER, EMITTING, HOLDOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .lamps import Ray
    from .shadows import Map
    from .values import Array, Doubles, Ints, Meshes

# Channels of a layer: light, alpha and normal, times the layer's share of the pixel; and that share.
LIGHT, ALPHA, NORMAL, SHARE = np.s_[0:3], 3, np.s_[4:7], 7
CHANNELS = 8
NEAR, FAR = 0, 1

GAP = 0.02  # metres: sides of an edge that are closer than this stay one layer

# Columns of a light's row.
_KIND, _PLACE, _AXIS, _POWER, _SPOT, _AVATARS, _MESHES = 0, 1, 4, 7, 10, 12, 13
_LIGHT_COLUMNS = 14
# Columns of a map's row.
_ROWS, _FX, _FY, _CX, _CY, _SQUEEZE, _TEXEL, _ONE = 0, 12, 13, 14, 15, 16, 17, 18
_MAP_COLUMNS = 19
_ASIDE = 0.25  # pixels: where a pixel is lit that one triangle fills
_BIAS = 2e-3  # metres; with two texels it keeps a surface from shading itself


@dataclass(frozen=True)
class Lighting:
    """All lights and what is in their way, packed for the kernel.

    Args:
        lights: One row each. [L, 14]
        maps: One row each. [M, 19]
        depth: Metres. [M, side, side]
        alpha: [M, side, side]
        ambient: Light from all around. [3]
    """

    lights: Doubles
    maps: Doubles
    depth: Array
    alpha: Array
    ambient: Doubles


def pack_lighting(
    rays: Sequence[tuple[Ray, Map | None, Map | None]], ambient: tuple[float, float, float]
) -> Lighting:
    """Put lights into arrays.

    Args:
        rays: Each with its map of the avatars and its map of the meshes; all maps have the same size.
        ambient: [3]
    """
    lights, maps = np.zeros((len(rays), _LIGHT_COLUMNS)), []
    for row, (ray, *looks) in zip(lights, rays, strict=True):
        row[:_AVATARS] = ray.kind, *ray.place, *ray.axis, *ray.power, *ray.spot
        for column, look in zip((_AVATARS, _MESHES), looks, strict=True):
            row[column] = -1 if look is None else len(maps)
            maps += [] if look is None else [look]
    rows = np.zeros((len(maps), _MAP_COLUMNS))
    for row, look in zip(rows, maps, strict=True):
        K = look.camera.K
        row[:_FX] = look.camera.viewmat[:3].ravel()
        row[_FX:] = K[0, 0], K[1, 1], K[0, 2], K[1, 2], look.camera.squeeze, look.texel, look.camera.z(0)
    empty = np.zeros((0, 1, 1), np.float32)
    depth = np.stack([look.depth for look in maps]) if maps else empty
    alpha = np.stack([look.alpha for look in maps]) if maps else empty
    return Lighting(lights, rows, depth, alpha.astype(np.float32), np.array(ambient, np.float64))


def shade(
    ids: Ints, depths: Doubles, edges: Doubles, meshes: Meshes, lighting: Lighting, eye: Doubles,
    samples: int, first_row: int, gap: float, layers: Array, layer_z: Doubles, middle: Ints,
    middle_z: Doubles,
) -> None:  # fmt: skip
    """Shade some rows of a picture.

    Args:
        ids: The triangle at each sample. [h * samples or more, W * samples]
        depths: Its z. As large.
        edges: From ``triangles.project``. [T, 3, 3]
        meshes: The triangles.
        lighting: The lights.
        eye: As ``Camera.eye`` gives it. [4]
        samples: To a side of a pixel, an odd number.
        first_row: Of the picture that the samples begin at.
        gap: `GAP` in units of z.
        layers: Filled: NEAR and FAR. [2, h, W, 8]
        layer_z: Filled: mean z of what the layer shows, `NOTHING` for nothing. [2, h, W]
        middle: Filled: layer and triangle (-1 for none) at the pixel's centre. [h, W, 2]
        middle_z: Filled: z there. [h, W]
    """
    _shade(
        ids, depths, edges, meshes.corners, meshes.normals, meshes.colors, meshes.kinds,
        lighting.lights, lighting.maps, lighting.depth, lighting.alpha, lighting.ambient,
        eye, samples, first_row, gap, layers, layer_z, middle, middle_z,
    )  # fmt: skip


@parallel_kernel
def _shade(
    ids: Ints, depths: Doubles, edges: Doubles, corners: Array, normals: Array, colors: Array, kinds: Ints,
    lights: Doubles, maps: Doubles, map_depth: Array, map_alpha: Array, ambient: Doubles,
    eye: Doubles, samples: int, first_row: int, gap: float, layers: Array, layer_z: Doubles, middle: Ints,
    middle_z: Doubles,
) -> None:  # fmt: skip
    count, centre = samples * samples, (samples * samples) // 2
    for y in prange(layers.shape[1]):
        z, found = np.empty(count), np.empty(count, np.int32)
        value, one, point, normal = np.empty(4), np.empty(4), np.empty(3), np.empty(3)
        for x in range(layers.shape[2]):
            anything = False
            for s in range(count):
                row, column = y * samples + s // samples, x * samples + s % samples
                z[s], found[s] = depths[row, column], ids[row, column]
                anything = anything or found[s] >= 0
            layer_z[NEAR, y, x] = layer_z[FAR, y, x] = NOTHING
            middle[y, x, 0], middle[y, x, 1], middle_z[y, x] = FAR, -1, NOTHING
            if not anything:
                continue
            border = _border(z, gap)
            layers[NEAR, y, x, SHARE] = _mean_z(z, border, layer_z, y, x)
            middle[y, x, 0] = NEAR if z[centre] <= border else FAR
            middle[y, x, 1], middle_z[y, x] = found[centre], z[centre]
            for s in range(count):
                t = found[s]
                if t < 0:
                    continue
                total_x, total_y, near, far = 0.0, 0.0, 0, 0
                for other in range(s, count):  # all that is seen of this triangle, so it is shaded once
                    if found[other] != t:
                        continue
                    total_x += other % samples + 0.5
                    total_y += other // samples + 0.5
                    near, far = near + (z[other] <= border), far + (z[other] > border)
                    found[other] = -1
                share = 1.0 / (samples * (near + far))
                px, py = x + total_x * share, first_row + y + total_y * share
                # The edge of a shadow may cross what is seen of a triangle.
                places = 4 if maps.shape[0] > 0 and 2 * (near + far) > count else 1
                value[:] = 0.0
                for place in range(places):
                    aside = _ASIDE if places > 1 else 0.0
                    right, down = px + (2 * (place % 2) - 1) * aside, py + (2 * (place // 2) - 1) * aside
                    _surface(edges, corners, normals, t, right, down, eye, point, normal)
                    _light(t, colors, kinds, point, normal, lights, maps, map_depth, map_alpha, ambient, one)
                    for channel in range(4):
                        value[channel] += one[channel] / places
                _surface(edges, corners, normals, t, px, py, eye, point, normal)
                for layer, part in ((NEAR, near), (FAR, far)):
                    weight = part / count
                    for channel in range(4):
                        layers[layer, y, x, channel] += weight * value[channel]
                    for axis in range(3):
                        layers[layer, y, x, 4 + axis] += weight * normal[axis]


@kernel
def _border(z: Doubles, gap: float) -> float:
    """The z up to which samples belong to the near layer; below all of them where there is one layer."""
    ordered = np.sort(z)
    widest, border = gap, -NOTHING
    for k in range(ordered.shape[0] - 1):
        if ordered[k + 1] - ordered[k] > widest:
            widest, border = ordered[k + 1] - ordered[k], ordered[k]
    return border


@kernel
def _mean_z(z: Doubles, border: float, layer_z: Doubles, y: int, x: int) -> float:
    """Fill in the z of both layers and say how large the share of the near one is."""
    near, far, nears, fars = 0.0, 0.0, 0, 0
    for s in range(z.shape[0]):
        if z[s] <= border:
            near, nears = near + z[s], nears + 1
        elif z[s] < NOTHING:
            far, fars = far + z[s], fars + 1
    if nears > 0:
        layer_z[NEAR, y, x] = near / nears
    if fars > 0:
        layer_z[FAR, y, x] = far / fars
    return nears / z.shape[0]


@kernel
def _surface(
    edges: Doubles, corners: Array, normals: Array, t: int, px: float, py: float, eye: Doubles,
    point: Doubles, normal: Doubles,
) -> None:  # fmt: skip
    """Place and normal, which faces the eye, of a triangle at a pixel."""
    e0 = edges[t, 0, 0] * px + edges[t, 0, 1] * py + edges[t, 0, 2]
    e1 = edges[t, 1, 0] * px + edges[t, 1, 1] * py + edges[t, 1, 2]
    e2 = edges[t, 2, 0] * px + edges[t, 2, 1] * py + edges[t, 2, 2]
    inverse = 1.0 / (e0 + e1 + e2)
    length = 0.0
    for axis in range(3):
        point[axis] = (
            e0 * corners[t, 0, axis] + e1 * corners[t, 1, axis] + e2 * corners[t, 2, axis]
        ) * inverse
        normal[axis] = (
            e0 * normals[t, 0, axis] + e1 * normals[t, 1, axis] + e2 * normals[t, 2, axis]
        ) * inverse
        length += normal[axis] * normal[axis]
    length = 1.0 / math.sqrt(max(length, 1e-30))
    a, b = corners[t, 1] - corners[t, 0], corners[t, 2] - corners[t, 0]
    ax, ay, az, bx, by, bz = a[0], a[1], a[2], b[0], b[1], b[2]
    gx, gy, gz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    facing = (
        gx * (eye[0] - eye[3] * point[0])
        + gy * (eye[1] - eye[3] * point[1])
        + gz * (eye[2] - eye[3] * point[2])
    )
    same = gx * normal[0] + gy * normal[1] + gz * normal[2]
    if facing * same < 0.0:
        length = -length
    for axis in range(3):
        normal[axis] *= length


@kernel
def _light(
    t: int, colors: Array, kinds: Ints, point: Doubles, normal: Doubles, lights: Doubles, maps: Doubles,
    map_depth: Array, map_alpha: Array, ambient: Doubles, value: Doubles,
) -> None:  # fmt: skip
    """What a piece of surface sends out: light and alpha."""
    kind = kinds[t]
    for channel in range(4):
        value[channel] = 0.0
    if kind == HOLDOUT:
        return
    value[3] = 1.0
    if kind == EMITTING:
        for channel in range(3):
            value[channel] = colors[t, channel]
        return
    open_light = ambient[0] + ambient[1] + ambient[2]
    arrived = open_light
    for channel in range(3):
        value[channel] = ambient[channel]
    for k in range(lights.shape[0]):
        strength, dx, dy, dz = _arriving(lights, k, point)
        strength *= dx * normal[0] + dy * normal[1] + dz * normal[2]
        if strength <= 0.0:
            continue
        free = 1.0
        if lights[k, _MESHES] >= 0:
            free *= _free(maps, map_depth, map_alpha, int(lights[k, _MESHES]), point, normal, True)
        if free > 0.0 and lights[k, _AVATARS] >= 0:
            free *= _free(maps, map_depth, map_alpha, int(lights[k, _AVATARS]), point, normal, False)
        for channel in range(3):
            power = strength * lights[k, _POWER + channel]
            value[channel] += free * power
            open_light += power
            arrived += free * power
    if kind == CATCHER:
        value[0], value[1], value[2] = 0.0, 0.0, 0.0
        value[3] = max(1.0 - arrived / open_light, 0.0) if open_light > 0.0 else 0.0
        return
    for channel in range(3):
        value[channel] *= colors[t, channel]


@kernel
def _arriving(lights: Doubles, k: int, point: Doubles) -> tuple[float, float, float, float]:
    """How much of a light's power gets to a point with nothing in between, and where it comes from."""
    kind = lights[k, _KIND]
    if kind == DIRECTION:
        return 1.0, lights[k, _PLACE], lights[k, _PLACE + 1], lights[k, _PLACE + 2]
    dx, dy = lights[k, _PLACE] - point[0], lights[k, _PLACE + 1] - point[1]
    dz = lights[k, _PLACE + 2] - point[2]
    square = max(dx * dx + dy * dy + dz * dz, 1e-12)
    inverse = 1.0 / math.sqrt(square)
    dx, dy, dz = dx * inverse, dy * inverse, dz * inverse
    if kind == POINT:
        return 1.0 / square, dx, dy, dz
    along = -(dx * lights[k, _AXIS] + dy * lights[k, _AXIS + 1] + dz * lights[k, _AXIS + 2])
    if kind == SPOT:
        share = (along - lights[k, _SPOT]) / max(lights[k, _SPOT + 1], 1e-9)
        share = min(max(share, 0.0), 1.0)
        along = share * share * (3.0 - 2.0 * share)
    return max(along, 0.0) / square, dx, dy, dz


@kernel
def _free(
    maps: Doubles, map_depth: Array, map_alpha: Array, m: int, point: Doubles, normal: Doubles, by_mesh: bool
) -> float:
    """The share of a light that nothing on its way to a point takes, over texels weighted by nearness.

    A mesh takes all of a texel or nothing, so its edge is spread over twice as many of them.
    """
    away = maps[m, 8] * point[0] + maps[m, 9] * point[1] + maps[m, 10] * point[2] + maps[m, 11]
    texel = maps[m, _TEXEL] if maps[m, _SQUEEZE] > 0.0 else maps[m, _TEXEL] * abs(away)
    push = 2.0 * texel
    x, y, z = point[0] + push * normal[0], point[1] + push * normal[1], point[2] + push * normal[2]
    u = maps[m, 0] * x + maps[m, 1] * y + maps[m, 2] * z + maps[m, 3]
    v = maps[m, 4] * x + maps[m, 5] * y + maps[m, 6] * z + maps[m, 7]
    w = maps[m, 8] * x + maps[m, 9] * y + maps[m, 10] * z + maps[m, 11]
    if w <= 1e-6:
        return 1.0
    side = map_depth.shape[1]
    px, py = maps[m, _FX] * u / w + maps[m, _CX] - 0.5, maps[m, _FY] * v / w + maps[m, _CY] - 0.5
    if px < 1.0 or py < 1.0 or px >= side - 2 or py >= side - 2:
        return 1.0
    depth = (w - maps[m, _ONE]) / maps[m, _SQUEEZE] if maps[m, _SQUEEZE] > 0.0 else w
    depth -= _BIAS + 2.0 * texel
    ix, iy = int(px), int(py)
    reach = 2.0 if by_mesh else 1.0
    total, weights = 0.0, 0.0
    for y in range(iy - 1, iy + 3):
        for x in range(ix - 1, ix + 3):
            weight = max(reach - abs(px - x), 0.0) * max(reach - abs(py - y), 0.0)
            weights += weight
            if by_mesh:
                total += weight * (1.0 if depth <= map_depth[m, y, x] else 0.0)
            else:
                total += weight * (1.0 - map_alpha[m, y, x])
    return total / weights
