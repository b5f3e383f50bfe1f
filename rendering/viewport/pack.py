"""Gaussians as rows of texels, the way the shader reads them.

======== ======================================================== ============================
texture  texels of a splat                                        changes with
======== ======================================================== ============================
means    x · y · z, one float each                                the pose
turns    posed rotation w x y z                                   the pose
still    scales x y z, block · colour r g b, opacity              the avatar
harmonic rest rotation w x y z · one colour for each coefficient  the avatar, where it has any
blocks   the rows of world_from_local of each avatar, 3 texels    moves of the object
order    the number of the splat that is drawn as the i-th        the view and the pose
======== ======================================================== ============================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.avatar import SEEN_PHOTO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...engine.avatar.arrays import Float, Int

WIDTH = 2048
"""Texels in a row of every texture."""

FLOATS = 4  # of a texel
ROWS = 3  # texels of a block: an affine matrix without its last row


@dataclass(frozen=True)
class Cloud:
    """The posed Gaussians of one object, local axes.

    Args:
        means: Metres. [N, 3]
        turns: Rotation w, x, y, z. [N, 4]
        still: Scales, 0, display-space colour of the constant term, opacity. [N, 8]
        harmonics: Rest rotation, then one coefficient r g b 0 a row; None for plain colours. [N, K, 4]
        world_from_local: Where the object is. [4, 4]
    """

    means: Float
    turns: Float
    still: Float
    harmonics: Float | None
    world_from_local: Float

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return len(self.means)


def still_rows(scales: Float, opacities: Float, colors: Float) -> Float:
    """The rows ``still`` of a `Cloud`.

    Args:
        scales: Metres. [N, 3]
        opacities: 0..1. [N]
        colors: Display space, rgb or rgba. [N, 3] or [N, 4]
    """
    rows = np.zeros((len(scales), 2 * FLOATS), np.float32)
    rows[:, :3], rows[:, 4:7], rows[:, 7] = scales, colors[:, :3], opacities
    return rows


def harmonic_rows(rest_quats: Float, coefficients: Sequence[Float]) -> Float:
    """The rows ``harmonics`` of a `Cloud`.

    Args:
        rest_quats: w, x, y, z of the axes that the coefficients are meant in. [N, 4]
        coefficients: All but the constant one, [N, 3] each.
    """
    rows = np.zeros((len(rest_quats), 1 + len(coefficients), FLOATS), np.float32)
    rows[:, 0] = rest_quats
    for place, values in enumerate(coefficients, start=1):
        rows[:, place, :3] = values
    return rows


def confidence_colors(
    seen: Int, colors: Float, palette: Mapping[int, Sequence[float]], darkest: float, luma: Sequence[float]
) -> Float:
    """What the display nodes show in place of the photo's colours, see ``display_nodes``.

    Args:
        seen: What the photos say of each place. [N]
        colors: Display space. [N, 3]
        palette: A colour for each value.
        darkest: Share of it that is left where the photo is black.
        luma: How light a colour is. [3]
    """
    table = np.array([palette.get(value, palette[SEEN_PHOTO]) for value in range(max(palette) + 1)])
    lightness = colors @ np.asarray(luma, np.float32)
    return (table[seen] * (darkest + (1 - darkest) * lightness)[:, None]).astype(np.float32)


def joined(clouds: Sequence[Cloud], name: str) -> Float:
    """One kind of rows of all clouds; in ``still`` each splat gets the number of its block. [N, …]"""
    if len(clouds) == 1:
        return getattr(clouds[0], name)  # its block is number 0
    rows = np.concatenate([getattr(cloud, name) for cloud in clouds])
    if name == "still":
        rows[:, 3] = np.repeat(np.arange(len(clouds)), [cloud.count for cloud in clouds])
    return rows


def joined_harmonics(clouds: Sequence[Cloud]) -> Float | None:
    """The harmonics of all clouds, as many as the richest has, zero elsewhere; None if nobody has any."""
    most = max((cloud.harmonics.shape[1] for cloud in clouds if cloud.harmonics is not None), default=0)
    if not most:
        return None
    rows = np.zeros((sum(cloud.count for cloud in clouds), most, FLOATS), np.float32)
    start = 0
    for cloud in clouds:
        if cloud.harmonics is not None:
            rows[start : start + cloud.count, : cloud.harmonics.shape[1]] = cloud.harmonics
        else:
            rows[start : start + cloud.count, 0, 0] = 1  # any rotation does where there is nothing to turn
        start += cloud.count
    return rows


def blocks(clouds: Sequence[Cloud]) -> Float:
    """The rows of the clouds' matrices. [C, 3, 4]"""
    return np.stack([np.asarray(cloud.world_from_local, np.float32)[:ROWS] for cloud in clouds])


def texture_rows(values: Float, channels: int = FLOATS) -> Float:
    """Fill up to whole rows of a texture. [H, WIDTH, channels] float32

    Args:
        values: Texels, one after the other; any shape whose size is a multiple of ``channels``.
        channels: Floats of a texel.
    """
    flat = np.ascontiguousarray(values, np.float32).ravel()
    row = WIDTH * channels
    height = max(-(-flat.size // row), 1)
    if flat.size != height * row:
        filled = np.zeros(height * row, np.float32)
        filled[: flat.size] = flat
        flat = filled
    return flat.reshape(height, WIDTH, channels)
