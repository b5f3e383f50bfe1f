"""Front and back depth of the whole person, also where clothes, hair or a bag reach beyond the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu

from ..zbuffer import first_layer, last_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ..observation import Camera, Observation
    from ..zbuffer import Layer

MATTE_EDGE = 0.4
_COARSE = 4  # the membrane is solved on every fourth pixel
_DEEP = 0.025  # metres from the outline from where a body's rim counts as bridged by cloth
_BRIDGED_RIM = 0.02  # metres of such a rim that the cloth replaces
_ROUND = 0.05  # metres from the outline over which front and back close


@dataclass(frozen=True)
class DepthMaps:
    """The person as two sheets over the photo's pixels.

    Args:
        inside: Pixels of the person. [H, W]
        covered: Those where the body's surface is what the photo shows. [H, W]
        front: Depth of the near sheet, metres; valid inside. [H, W]
        back: Depth of the far sheet, metres. [H, W]
        layer: The body's near side.
        body_pixel: Row and column of the body's pixel that each pixel belongs to: the nearest on a way that
            stays within the person, so that a sleeve's hem never belongs to the hip behind the gap. [2, H, W]
        beyond: Metres of that way, 0 on the body. [H, W]
        to_outline: Metres to the person's outline, 0 outside. [H, W]
    """

    inside: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    front: NDArray[np.float32]
    back: NDArray[np.float32]
    layer: Layer
    body_pixel: NDArray[np.int32]
    beyond: NDArray[np.float32]
    to_outline: NDArray[np.float32]

    def inset(self, pixels: Float) -> Float:
        """Metres from each position to the person's outline; endless where the photo does not reach. [N]"""
        columns, rows = np.floor(pixels).astype(int).T
        height, width = self.inside.shape
        framed = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
        return np.where(framed, self.to_outline[rows.clip(0, height - 1), columns.clip(0, width - 1)], np.inf)

    def pixels_per_metre(self, camera: Camera) -> float:
        """Size of a metre at the person's depth."""
        return camera.focal / float(np.median(self.front[self.inside]))


def depth_maps(vertices: Float, faces: Int, seen: Observation) -> DepthMaps:
    """Near and far sheet; beyond the body they continue as a smooth membrane that closes at the outline.

    Args:
        vertices: The clothed surface, posed, body frame, metres. [V, 3]
        faces: [F, 3]
        seen: The photo.
    """
    near, far = first_layer(vertices, faces, seen.camera), last_layer(vertices, faces, seen.camera)
    inside = seen.alpha > MATTE_EDGE
    on_body = near.covered & inside
    metres = float(np.median(near.depth[on_body])) / seen.camera.focal
    # A distance transform knows no pixels beyond the photo: a border that cuts the person is no outline.
    to_outline = metres * _distance_to(~inside)
    beyond, body_pixel = _nearest_through(inside, on_body)
    beyond *= metres
    bridged = inside & ~on_body & (to_outline > 0)
    to_bridge = metres * _distance_to(bridged)
    free = on_body & (to_bridge < _BRIDGED_RIM) & (to_outline > _DEEP)
    known = on_body & ~free
    front = _membrane(near.depth, known, inside)
    back = _membrane(far.depth, known, inside)
    middle, half = 0.5 * (front + back), 0.5 * np.maximum(back - front, 0.0)
    radius = np.clip(half, 0.01, _ROUND)
    closing = np.sqrt(1.0 - (1.0 - np.clip(to_outline / radius, 0.0, 1.0)) ** 2)
    half = np.where(on_body, half, half * closing)
    return DepthMaps(
        inside, on_body & ~free, (middle - half).astype(np.float32), (middle + half).astype(np.float32), near,
        body_pixel, beyond.astype(np.float32), to_outline.astype(np.float32),
    )  # fmt: skip


def _distance_to(mask: NDArray[np.bool_]) -> Float:
    """Pixels to the nearest pixel of the mask; large where there is none. [H, W]"""
    if not mask.any():
        return np.full(mask.shape, 1e6)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5).astype(np.float64)


def _nearest(mask: NDArray[np.bool_]) -> tuple[Float, NDArray[np.int32]]:
    """Pixels to the mask, and the row and column of the mask's nearest pixel. [H, W], [2, H, W]"""
    distance, labels = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(mask)
    place = np.zeros((labels.max() + 1, 2), np.int32)
    place[labels[rows, columns]] = np.stack([rows, columns], axis=1)
    return distance.astype(np.float64), np.moveaxis(place[labels.astype(np.int64)], -1, 0)


def _nearest_through(inside: NDArray[np.bool_], goal: NDArray[np.bool_]) -> tuple[Float, NDArray[np.int32]]:
    """Like :func:`_nearest`, but along ways inside the mask. [H, W], [2, H, W]

    Source: Dijkstra 1959, from all goal pixels at once, on every fourth pixel.
    """
    distance, place = _nearest(goal)
    step = _COARSE
    small_goal = goal[::step, ::step]
    small = inside[::step, ::step] | small_goal
    number = np.full(small.shape, -1)
    number[small] = np.arange(small.sum())
    a, b, length = _grid_edges(number)
    count = int(small.sum())
    graph = sparse.coo_matrix(
        (np.concatenate([length, length]), (np.r_[a, b], np.r_[b, a])), shape=(count, count)
    )
    way, _, source = dijkstra(
        graph.tocsr(), indices=number[small_goal], min_only=True, return_predecessors=True
    )
    rows, columns = np.nonzero(small)
    wanted_rows, wanted_columns = np.nonzero(inside & ~goal)
    node = number[wanted_rows // step, wanted_columns // step]
    reached = (node >= 0) & np.isfinite(way[node])
    wanted_rows, wanted_columns, node = wanted_rows[reached], wanted_columns[reached], node[reached]
    # Next to the body the straight way is exact; the coarse one is off by half a cell.
    far = way[node] * step > distance[wanted_rows, wanted_columns] + 2 * step
    wanted_rows, wanted_columns, node = wanted_rows[far], wanted_columns[far], node[far]
    distance[wanted_rows, wanted_columns] = way[node] * step
    place[:, wanted_rows, wanted_columns] = np.stack([rows[source[node]], columns[source[node]]]) * step
    return distance, place


def _grid_edges(number: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Float]:
    """Neighbours in a grid of numbered cells (-1: no cell), with diagonals, and their distances."""
    pairs = (
        (number[:, :-1], number[:, 1:], 1.0),
        (number[:-1], number[1:], 1.0),
        (number[:-1, :-1], number[1:, 1:], np.sqrt(2.0)),
        (number[:-1, 1:], number[1:, :-1], np.sqrt(2.0)),
    )
    a = np.concatenate([first.ravel() for first, _, _ in pairs])
    b = np.concatenate([second.ravel() for _, second, _ in pairs])
    length = np.concatenate([np.full(first.size, far) for first, _, far in pairs])
    linked = (a >= 0) & (b >= 0)
    return a[linked], b[linked], length[linked]


def _membrane(depth: Float, known: NDArray[np.bool_], inside: NDArray[np.bool_]) -> Float:
    """Continue a depth map smoothly from known pixels over the rest of the mask (Laplace's equation)."""
    step = _COARSE
    small_known, small_inside = known[::step, ::step], inside[::step, ::step] | known[::step, ::step]
    number = np.full(small_inside.shape, -1)
    number[small_inside] = np.arange(small_inside.sum())
    a, b, length = _grid_edges(number)
    a, b = a[length == 1.0], b[length == 1.0]
    count = int(small_inside.sum())
    links = sparse.coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
    links = (links + links.T).tocsr()
    degree = np.asarray(links.sum(axis=1)).ravel()
    laplacian = sparse.diags(degree) - links
    fixed = small_known[small_inside]
    values = depth[::step, ::step][small_inside].astype(np.float64)
    # A patch that touches no known pixel takes the person's mean depth by this faint pull.
    pull = np.where(fixed, 1e4, 1e-5)
    target = np.where(fixed, values, values[fixed].mean())
    solved = splu((laplacian + sparse.diags(pull)).tocsc()).solve(pull * target)
    coarse = np.full(small_inside.shape, np.float32(target.mean()))
    coarse[small_inside] = solved
    _, place = _nearest(small_inside)
    coarse = coarse[place[0], place[1]]  # so that enlarging does not mix in the outside
    height, width = depth.shape
    smooth = cv2.resize(
        coarse.astype(np.float32),
        (coarse.shape[1] * step, coarse.shape[0] * step),
        interpolation=cv2.INTER_LINEAR,
    )[:height, :width]
    return np.where(known, depth, smooth)
