"""Place: the Gaussians in the photo's pose, each with its joints and its pixel.

What the photo shows becomes a lattice over its pixels, so that the front is as sharp and as whole as the
photo. What it does not show becomes evenly spread points of the body's surface, and the far sheet of whatever
reaches beyond the body.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...avatar.binding import Binding, dense
from ...avatar.body import JOINT_COUNT, joint_index
from ..clothe.lathe import turned
from ..clothe.wall import wall
from ..parts import HEAD, LEFT_ARM, LEFT_HAND, LEFT_LEG, RIGHT_ARM, RIGHT_HAND, RIGHT_LEG, part_of_weights
from ..sampling import sample
from ..surface import THINNED_DENSITY, sample_surface, vertex_normals
from .held import held_layer
from .lattice import lattice
from .placed import NO_HAND, Placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ...avatar.body import Body
    from ..clothe.depth import DepthMaps
    from ..clothe.drape import Drape
    from ..clothe.headwear import Headwear
    from ..observation import Observation
    from .held import Held

_FRONT_SHARE = 0.6  # of all Gaussians
_LEAST_LEFT = 0.25  # for the body's surface, whatever is worn and held
_HEAD_DENSITY = 3.0  # Gaussians per pixel on the head, against the body
_GRAZING = 0.5  # cosine below which the lattice leaves gaps seen from the side
_HIDDEN = 0.015  # metres behind the near sheet
_WALL = 1.5  # of the lattice's spacing: cloth that the photo does not show squarely
_PULL_IN = 0.05  # metres outside the outline that a surface point may be moved in by
_UNSEEN_SHARE = 0.76  # of the surface: what is not seen, and the lining's share of the rest
_LINING_SHARE = 0.4  # of the points: nobody sees it, but through gaps
_LINING = 0.008  # metres under the lattice
_WEIGHT_STEP = 8  # pixels: the joint weights beyond the body are blurred on a coarse image
_WEIGHT_BLUR = 0.05  # metres
_SPLIT = 0.025  # metres: a gap narrower than twice this is a crease between limbs, not cloth that joins them
_FEET = [joint_index(f"{side}_{joint}") for side in ("left", "right") for joint in ("ankle", "foot")]
_OF_FOOT = 0.8  # weight of their joints
_SOLE = 0.025  # metres
_SURE = 0.6  # confidence of a landmark that the photo shows
# mediapipe's wrists and ankles, and what lies before them.
_LIMB_ENDS = {
    15: (LEFT_ARM, LEFT_HAND), 16: (RIGHT_ARM, RIGHT_HAND), 27: (LEFT_LEG,), 28: (RIGHT_LEG,),
}  # fmt: skip


def place(
    body: Body,
    vertices: Float,
    maps: DepthMaps,
    seen: Observation,
    count: int,
    rng: np.random.Generator,
    wear: Headwear | None,
    held: Held,
    cloth: Drape | None,
    *,
    keep_held: bool = True,
) -> Placed:
    """All Gaussians.

    Args:
        body: The body whose mesh it is.
        vertices: The clothed surface, posed, body frame, metres. [V, 3]
        maps: Near and far sheet of the person.
        seen: The photo.
        count: About how many.
        rng: For the unseen points.
        wear: What stands off the head.
        held: What is in the hands; it hides the person, and is none of it.
        cloth: What hangs loose about the legs.
        keep_held: Whether it becomes part of the avatar.
    """
    joints = _PixelJoints(body, maps, seen)
    front, pitch = _front(body, vertices, maps, seen, joints, ~held.mask, int(_FRONT_SHARE * count))
    things = [held_layer(held, seen, pitch)] if keep_held else []
    if cloth is not None:
        things.append(wall(cloth, joints.at, _WALL * float(np.median(front.spacing)), seen))
    sheet = _far_sheet(front, maps, seen, cloth)
    around = turned(front, wear)
    made = [front, sheet, around, *things]
    left = max(count - sum(len(group.means) for group in made), int(_LEAST_LEFT * count))
    return _joined([*made, _unseen_surface(body, vertices, maps, seen, ~held.mask, left, rng)])


def _joined(groups: list[Placed]) -> Placed:
    names = [field.name for field in fields(Placed)]
    return Placed(**{name: np.concatenate([getattr(group, name) for group in groups]) for name in names})


class _PixelJoints:
    """Joint weights at any pixel of the person: the body's own there, a smooth continuation beyond."""

    def __init__(self, body: Body, maps: DepthMaps, seen: Observation) -> None:
        self.maps = maps
        self.dense = _dense(body)
        self.faces = body.faces
        rows, columns = np.mgrid[0 : seen.camera.height : _WEIGHT_STEP, 0 : seen.camera.width : _WEIGHT_STEP]
        inside = maps.inside[rows, columns]
        coarse = (
            self._sharp(rows.ravel(), columns.ravel()).reshape(*rows.shape, JOINT_COUNT) * inside[..., None]
        )
        sigma = _WEIGHT_BLUR * maps.pixels_per_metre(seen.camera) / _WEIGHT_STEP
        blurred = [
            cv2.GaussianBlur(np.ascontiguousarray(coarse[..., j]), (0, 0), sigma) for j in range(JOINT_COUNT)
        ]
        self.blurred = np.stack(blurred, axis=-1).astype(np.float32, copy=False)

    def at(self, pixels: Float) -> Float:
        """Weights at pixel positions. [N, 55]"""
        columns, rows = pixels.astype(int).T
        sharp = self._sharp(rows, columns)
        spots = (pixels / _WEIGHT_STEP).astype(np.float32)
        soft = sample(self.blurred, spots + 0.5)  # a node stands at its own number
        soft /= np.maximum(soft.sum(axis=1, keepdims=True), 1e-9)
        away = np.clip((self.maps.beyond[rows, columns] - _SPLIT) / _WEIGHT_BLUR, 0, 1)[:, None]
        weights = (1 - away) * sharp + away * np.where(soft.sum(axis=1, keepdims=True) > 0.5, soft, sharp)
        return weights / weights.sum(axis=1, keepdims=True)

    def _sharp(self, rows: Int, columns: Int) -> Float:
        rows, columns = self.maps.body_pixel[:, rows, columns]
        layer = self.maps.layer
        corners = self.dense[self.faces[layer.face[rows, columns]]]
        return np.einsum("nk,nkj->nj", layer.corners[rows, columns], corners)


def _front(
    body: Body,
    vertices: Float,
    maps: DepthMaps,
    seen: Observation,
    joints: _PixelJoints,
    free: NDArray[np.bool_],
    count: int,
) -> tuple[Placed, float]:
    """A lattice over the person's free pixels, finer on the head, and its pitch in pixels."""
    rows, columns = maps.body_pixel
    face = maps.layer.face[rows, columns]
    part = part_of_weights(body.joint_indices, body.joint_weights)
    inside = maps.inside & free
    head = inside & (part[body.faces[face][..., 0]] == HEAD)
    rest = inside & ~head
    step = np.sqrt((rest.sum() + head.sum() * _HEAD_DENSITY) / (count * np.sqrt(0.75)))
    fine = step / np.sqrt(_HEAD_DENSITY)
    groups = [lattice(rest, step), lattice(head, fine)]
    pixels = np.concatenate(groups)
    pitch = np.concatenate(
        [np.full(len(group), size) for group, size in zip(groups, (step, fine), strict=True)]
    )
    columns, rows = pixels.astype(int).T
    depth = maps.front[rows, columns]
    normals = _pixel_normals(body, vertices, maps, seen)[rows, columns]
    front = Placed(
        means=seen.camera.unproject(pixels, depth),
        normals=normals,
        spacing=pitch * depth / seen.camera.focal,
        weights=joints.at(pixels),
        pixels=pixels,
        seen=np.ones(len(pixels), bool),
        on_body=maps.covered[rows, columns],
        under=np.zeros(len(pixels), bool),
        hand=np.full(len(pixels), NO_HAND),
    )
    return front, float(step)


def _pixel_normals(body: Body, vertices: Float, maps: DepthMaps, seen: Observation) -> Float:
    """The body's normals where it is seen, the sheet's beyond. [H, W, 3]"""
    height, width = maps.inside.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    depth = np.asarray(cv2.GaussianBlur(maps.front, (0, 0), 3.0), np.float32)
    points = seen.camera.unproject(np.stack([x, y], axis=-1), depth)
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normals = np.cross(down, across)
    smooth = vertex_normals(vertices, body.faces)
    rows, columns = np.nonzero(maps.covered)
    corners = smooth[body.faces[maps.layer.face[rows, columns]]]
    normals[rows, columns] = np.einsum("nk,nkc->nc", maps.layer.corners[rows, columns], corners)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-12
    return normals


def _far_sheet(front: Placed, maps: DepthMaps, seen: Observation, cloth: Drape | None) -> Placed:
    """The back of what reaches beyond the body: hair, hat brim, bag; cloth about the legs has its own."""
    columns, rows = front.pixels.astype(int).T
    there = ~front.on_body & (maps.beyond[rows, columns] > 0.004)
    if cloth is not None:
        there &= ~cloth.mask[rows, columns]
    beyond = np.flatnonzero(there)[::2]
    columns, rows = columns[beyond], rows[beyond]
    back = maps.back[rows, columns]
    return Placed(
        means=seen.camera.unproject(front.pixels[beyond], back),
        normals=front.normals[beyond] * [1, 1, -1],
        spacing=front.spacing[beyond] * np.sqrt(2.0),
        weights=front.weights[beyond],
        pixels=front.pixels[beyond],
        seen=np.zeros(len(beyond), bool),
        on_body=np.zeros(len(beyond), bool),
        under=np.zeros(len(beyond), bool),
        hand=np.full(len(beyond), NO_HAND),
    )


def _unseen_surface(
    body: Body,
    vertices: Float,
    maps: DepthMaps,
    seen: Observation,
    free: NDArray[np.bool_],
    count: int,
    rng: np.random.Generator,
) -> Placed:
    """Even points of the body's surface: what the photo does not show, and a lining under what it does."""
    area = _surface_area(vertices, body.faces)
    spacing = float(np.sqrt(_UNSEEN_SHARE * area * THINNED_DENSITY / max(count, 1)))
    face, corner = sample_surface(vertices, body.faces, spacing, rng)
    corners = body.faces[face]
    means = np.einsum("nk,nkc->nc", corner, vertices[corners])
    normals = np.einsum("nk,nkc->nc", corner, vertex_normals(vertices, body.faces)[corners])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    pixels, depth = seen.camera.project(means), seen.camera.depth(means)
    columns, rows, framed = _in_frame(pixels, maps.inside.shape)
    facing = -(normals * means).sum(axis=1) / np.linalg.norm(means, axis=1)
    in_view = framed & maps.inside[rows, columns]
    visible = (
        in_view & free[rows, columns] & (facing > _GRAZING) & (depth < maps.front[rows, columns] + _HIDDEN)
    )
    # The photo shows nothing there although it looks there: move the point in, or leave it out.
    stray = framed & ~maps.inside[rows, columns]
    shift, found = _pulled_in(pixels, depth, maps, seen)
    weights = np.einsum("nk,nkj->nj", corner, _dense(body)[corners])
    stray &= ~(_of_hidden_limb(weights, seen) | _sole_below(weights, shift))
    means = np.where((stray & found)[:, None], means + shift, means)
    # Under the photo's lattice lies a lining, or its gaps would show the far side to the next camera.
    means = np.where(visible[:, None], means - _LINING * normals, means)
    thin = rng.random(len(means)) < _LINING_SHARE
    keep = (~visible | thin) & (~visible | (depth > maps.front[rows, columns] - _LINING)) & (~stray | found)
    wider = np.where(visible[keep], spacing / np.sqrt(_LINING_SHARE), spacing)
    return Placed(
        means=means[keep], normals=normals[keep], spacing=wider, weights=weights[keep],
        pixels=seen.camera.project(means[keep]), seen=np.zeros(keep.sum(), bool),
        on_body=np.ones(keep.sum(), bool), under=visible[keep], hand=np.full(keep.sum(), NO_HAND),
    )  # fmt: skip


def _of_hidden_limb(weights: Float, seen: Observation) -> NDArray[np.bool_]:
    """Points of limbs whose end the photo hardly shows: a guess, so no outline cuts them. [N]"""
    part = part_of_weights(np.broadcast_to(np.arange(JOINT_COUNT), weights.shape), weights)
    hidden = [own for end, parts in _LIMB_ENDS.items() if seen.confidence[end] < _SURE for own in parts]
    return np.isin(part, hidden)


def _sole_below(weights: Float, shift: Float) -> NDArray[np.bool_]:
    """Points of the feet a little below the outline: pulled in, a flat sole would fray. [N]"""
    foot = weights[:, _FEET].sum(axis=1) > _OF_FOOT
    return foot & (shift[:, 1] > np.abs(shift[:, 0])) & (shift[:, 1] < _SOLE)


def _pulled_in(
    pixels: Float, depth: Float, maps: DepthMaps, seen: Observation
) -> tuple[Float, NDArray[np.bool_]]:
    """The way from each point to the person's outline, and whether it is short enough. [N, 3], [N]"""
    _, labels = cv2.distanceTransformWithLabels(
        (~maps.inside).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(maps.inside)
    place_of = np.zeros((labels.max() + 1, 2))
    place_of[labels[rows, columns]] = np.stack([columns, rows], axis=1) + 0.5
    at_columns, at_rows, _ = _in_frame(pixels, maps.inside.shape)
    goal = place_of[labels[at_rows, at_columns].astype(np.int64)]
    way = (goal - pixels) * (depth / seen.camera.focal)[:, None] * [1, -1]
    return np.concatenate([way, np.zeros((len(way), 1))], axis=1), np.linalg.norm(way, axis=1) < _PULL_IN


def _in_frame(pixels: Float, shape: tuple[int, ...]) -> tuple[Int, Int, NDArray[np.bool_]]:
    """Column and row of each point, clamped, and whether it lies in the image."""
    columns, rows = np.floor(pixels).astype(int).T
    inside = (columns >= 0) & (rows >= 0) & (columns < shape[1]) & (rows < shape[0])
    return np.clip(columns, 0, shape[1] - 1), np.clip(rows, 0, shape[0] - 1), inside


def _surface_area(vertices: Float, faces: Int) -> float:
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(0.5 * np.linalg.norm(cross, axis=1).sum())


def _dense(body: Body) -> Float:
    return dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
