"""Which triangle is seen where: a depth buffer in float64, without clipping.

Source: Olano and Greer 1997, Triangle Scan Conversion using 2D Homogeneous Coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from ..raster.jit import parallel_kernel

if TYPE_CHECKING:
    from .values import Camera, Doubles, Ints

NOTHING = 1e300  # z where no triangle is
BAND = 16  # rows of pixels that one thread does at a time
_ON_EDGE = 1e-9  # share of a corner: a sample on the edge of two triangles must not fall between them
_FLAT = 1e-14  # of a triangle's extent cubed: it is seen from the edge and has no area


@dataclass(frozen=True)
class Projected:
    """T triangles on the picture.

    Args:
        edges: Rows e_k with e_k (x, y, 1) = share of corner k divided by z, pixels. [T, 3, 3]
        boxes: First and one past the last sample across, then down. [T, 4]
        starts: Where each band's entries begin. [bands + 1]
        entries: Triangles of each band.
    """

    edges: Doubles
    boxes: Ints
    starts: Ints
    entries: Ints


def project(corners: Doubles, camera: Camera, samples: int) -> Projected:
    """Put triangles on a picture.

    Args:
        corners: World. [T, 3, 3]
        camera: Whose picture.
        samples: To a side of each pixel.
    """
    view = camera.to_view(np.asarray(corners, np.float64))
    flat = np.stack(
        [
            camera.K[0, 0] * view[..., 0] + camera.K[0, 2] * view[..., 2],
            camera.K[1, 1] * view[..., 1] + camera.K[1, 2] * view[..., 2],
            view[..., 2],
        ],
        axis=-1,
    )
    edges = np.cross(np.roll(flat, -1, axis=1), np.roll(flat, -2, axis=1))
    volume = np.einsum("tk,tk->t", flat[:, 0], edges[:, 0])
    size = np.abs(flat).max(axis=(1, 2), initial=0)
    drawn = np.abs(volume) > _FLAT * size**3
    edges /= np.where(drawn, volume, 1)[:, None, None]
    boxes = _boxes(flat, camera, samples)
    boxes[~drawn] = 0
    return Projected(edges, boxes, *_bands(boxes, camera.height, samples))


def _boxes(flat: Doubles, camera: Camera, samples: int) -> Ints:
    """The samples that each triangle may cover, of the part in front of the near plane. [T, 4]"""
    near = camera.z(camera.near)
    z, nxt = flat[..., 2], np.roll(flat, -1, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (near - z) / (nxt[..., 2] - z)
        crossing = flat + share[..., None] * (nxt - flat)
        points = np.concatenate([flat, crossing], axis=1)
        points = points[..., :2] / points[..., 2:]
    there = np.concatenate([z >= near, (z >= near) != (nxt[..., 2] >= near)], axis=1)[..., None]
    low = np.where(there, points, np.inf).min(axis=1) * samples - 0.5
    high = np.where(there, points, -np.inf).max(axis=1) * samples - 0.5
    limit = np.array([camera.width, camera.height]) * samples
    first = np.clip(np.ceil(low - 1e-6), 0, limit)
    end = np.clip(np.floor(high + 1e-6) + 1, 0, limit)
    boxes = np.stack([first[:, 0], end[:, 0], first[:, 1], end[:, 1]], axis=1).astype(np.int32)
    boxes[(boxes[:, 0] >= boxes[:, 1]) | (boxes[:, 2] >= boxes[:, 3])] = 0
    return boxes


def _bands(boxes: Ints, height: int, samples: int) -> tuple[Ints, Ints]:
    """List the triangles of each band of rows, in their own order."""
    rows, count = BAND * samples, -(-height // BAND)
    first, end = boxes[:, 2] // rows, -(-boxes[:, 3] // rows)
    spans = np.where(boxes[:, 3] > 0, end - first, 0)
    entries = np.repeat(np.arange(len(boxes), dtype=np.int32), spans)
    position = np.arange(len(entries)) - np.repeat(np.cumsum(spans) - spans, spans)
    band = np.repeat(first, spans) + position
    order = np.argsort(band, kind="stable")
    starts = np.searchsorted(band[order], np.arange(count + 1)).astype(np.int32)
    return starts, entries[order]


def visible(
    projected: Projected, camera: Camera, samples: int, first_band: int, bands: int
) -> tuple[Ints, Doubles]:
    """The nearest triangle at each sample of some bands, -1 for none, and its z, `NOTHING` for none.

    Args:
        projected: By this camera with as many samples.
        camera: Has the clip range.
        samples: To a side of each pixel.
        first_band: Where to begin.
        bands: How many; the last may reach beyond the picture.

    Returns:
        Both [bands * BAND * samples, width * samples].
    """
    shape = bands * BAND * samples, camera.width * samples
    ids, depths = np.full(shape, -1, np.int32), np.full(shape, NOTHING)
    _fill(
        projected.starts, projected.entries, projected.edges, projected.boxes, first_band, bands, samples,
        camera.z(camera.near), camera.z(camera.far), ids, depths,
    )  # fmt: skip
    return ids, depths


@parallel_kernel
def _fill(
    starts: Ints,
    entries: Ints,
    edges: Doubles,
    boxes: Ints,
    first_band: int,
    bands: int,
    samples: int,
    near: float,
    far: float,
    ids: Ints,
    depths: Doubles,
) -> None:
    rows, step = BAND * samples, 1.0 / samples
    for number in prange(bands):
        band = first_band + number
        begin = band * rows
        for entry in range(starts[band], starts[band + 1]):
            t = entries[entry]
            for y in range(max(boxes[t, 2], begin), min(boxes[t, 3], begin + rows)):
                py, row = (y + 0.5) * step, y - first_band * rows
                c0 = edges[t, 0, 1] * py + edges[t, 0, 2]
                c1 = edges[t, 1, 1] * py + edges[t, 1, 2]
                c2 = edges[t, 2, 1] * py + edges[t, 2, 2]
                for x in range(boxes[t, 0], boxes[t, 1]):
                    px = (x + 0.5) * step
                    e0 = edges[t, 0, 0] * px + c0
                    e1 = edges[t, 1, 0] * px + c1
                    e2 = edges[t, 2, 0] * px + c2
                    inverse = e0 + e1 + e2
                    least = -_ON_EDGE * inverse
                    if e0 < least or e1 < least or e2 < least or inverse <= 0.0:
                        continue
                    z = 1.0 / inverse
                    if near < z < far and z < depths[row, x]:
                        depths[row, x], ids[row, x] = z, t


def depth_image(corners: Doubles, camera: Camera) -> Doubles:
    """The z of the nearest triangle at pixel centres, `NOTHING` where there is none. [H, W]"""
    bands = -(-camera.height // BAND)
    _, depths = visible(project(corners, camera, 1), camera, 1, 0, bands)
    return depths[: camera.height]
