"""A small picture of an avatar in its pose, drawn with numpy: needs no camera, no window and no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .splats import collect_splats

if TYPE_CHECKING:
    import bpy
    from numpy.typing import NDArray

    from ..engine.avatar.arrays import Float

SIDE = 128
"""Pixels."""
_FINER = 2  # drawn so many times as large, for smooth edges
_MARGIN = 0.04  # of the side
_SOLID = 0.3  # opacity of what is drawn
_REACH = 1.5  # standard deviations
_WIDEST = 5  # pixels to each side, of what is drawn


def pose_picture(
    depsgraph: bpy.types.Depsgraph, armature: bpy.types.Object, cloud: bpy.types.Object
) -> NDArray[np.float32] | None:
    """The avatar as it stands, from the front of its armature; ``None`` while it is hidden.

    Args:
        depsgraph: Evaluated.
        armature: Of the avatar.
        cloud: Its point cloud.

    Returns:
        Display-space RGBA, the lowest row first. [128, 128, 4]
    """
    splats = collect_splats(depsgraph, avatars=(cloud,))
    splats = splats.take((splats.owner == 0) & (splats.opacities > _SOLID))
    if not splats.count:
        return None
    body_from_world = np.linalg.inv(np.array(armature.evaluated_get(depsgraph).matrix_world))
    places = splats.means @ body_from_world[:3, :3].T + body_from_world[:3, 3]
    factor = np.cbrt(abs(np.linalg.det(body_from_world[:3, :3])))
    return drawn(places, splats.colors, factor * splats.scales.max(axis=1))


def drawn(places: Float, colors: Float, sizes: Float) -> NDArray[np.float32]:
    """Squares of colour seen along -z, the nearest on top, as large as the picture allows.

    Args:
        places: x to the right, y up, z towards the viewer. [N, 3]
        colors: Display-space RGB. [N, 3]
        sizes: Standard deviations. [N]

    Returns:
        RGBA, the lowest row first, transparent where nothing is. [128, 128, 4]
    """
    side = SIDE * _FINER
    low, high = places[:, :2].min(axis=0), places[:, :2].max(axis=0)
    step = max(float((high - low).max()), 1e-9) / (side * (1 - 2 * _MARGIN))
    pixels = (places[:, :2] - (low + high) / 2) / step + side / 2
    reach = np.clip(np.round(_REACH * sizes / step), 1, _WIDEST).astype(int)
    order = np.argsort(places[:, 2], kind="stable")
    picture, depth = np.zeros((side, side, 4), np.float32), np.full((side, side), -1)
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    column, row = np.floor(pixels).astype(int).T
    for across in range(-_WIDEST, _WIDEST + 1):
        for up in range(-_WIDEST, _WIDEST + 1):
            wide = reach >= max(abs(across), abs(up))
            x, y = column[wide] + across, row[wide] + up
            inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
            np.maximum.at(depth, (y[inside], x[inside]), rank[wide][inside])
    shown = depth >= 0
    picture[shown, :3], picture[shown, 3] = np.clip(colors[order[depth[shown]]], 0, 1), 1
    small = picture.reshape(SIDE, _FINER, SIDE, _FINER, 4).mean(axis=(1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    return small


def set_preview(item: bpy.types.ID, picture: Float) -> None:
    """Give an asset its picture.

    Args:
        item: Any data-block.
        picture: RGBA, the lowest row first. [H, W, 4]
    """
    preview = item.preview_ensure()
    preview.image_size = picture.shape[1::-1]
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(picture, np.float32).ravel())
