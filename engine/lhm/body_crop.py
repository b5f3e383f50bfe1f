"""The person on white, in one step from the photo's own pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..prepare.boxes import clipped
from ..prepare.reach import pixels_per_metre
from .edges import own_colors
from .sampling import inside, moved, sample, stretched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..prepare.person import PreparedPhoto

    Pixels = NDArray[np.float32]
    Edges = tuple[float, float, float, float]

_ROOM = 8  # pixels about the crop that cubic interpolation and edge cleaning look at


def composed(
    prepared: PreparedPhoto, rgb: NDArray[np.uint8], rectangle: Edges, size: tuple[int, int]
) -> tuple[Pixels, Pixels]:
    """Cut a person out.

    Args:
        prepared: Whose matte counts.
        rgb: The photo with all its pixels. [height, width, 3]
        rectangle: What to show: left, top, right, bottom, pixels of ``rgb``; white beyond its borders.
        size: Height and width of the answer.

    Returns:
        The person on white [H, W, 3], and their mask [H, W], both 0..1.
    """
    height, width = rgb.shape[:2]
    left, top, right, bottom = rectangle
    room = _ROOM * max(1.0, (bottom - top) / size[0])
    view = clipped((left - room, top - room, right + room, bottom + room), (width, height))
    factor = max(1, int((bottom - top) / size[0]))  # whole pixels first: means of means are the same means
    shape = (-(-view.height // factor), -(-view.width // factor))
    extent = (view.left, view.top, view.left + shape[1] * factor, view.top + shape[0] * factor)
    color = sample(rgb[view.slices].astype(np.float32) / 255, moved(extent, view.left, view.top), shape)
    small = prepared.photo.width / width  # the matte has the working photo's size
    alpha = np.clip(sample(prepared.matte.alpha, stretched(extent, small), shape), 0, 1)
    unit = pixels_per_metre(prepared.keypoints) / prepared.crop.scale / small / factor
    color = own_colors(color, alpha, unit)
    target = stretched(moved(rectangle, view.left, view.top), 1 / factor)
    both = sample(np.concatenate([color * alpha[..., None], alpha[..., None]], axis=2), target, size)
    across = inside(left, (right - left) / size[1], size[1], width)
    down = inside(top, (bottom - top) / size[0], size[0], height)
    both = np.clip(both, 0, 1) * (down[:, None] * across)[..., None]
    cover = both[..., 3]
    return np.clip(both[..., :3] + (1 - cover)[..., None], 0, 1), np.ascontiguousarray(cover)
