"""Headwear: how far hair or a hat stands off the head at each height, as the photo's outline tells.

Seen along the camera's axis a head of hair is a stack of slices: each as wide as the photo shows it, and
behind the skull as thick as beside it. Long hair hangs straight down from the back of the head; a brim is a
ring, level or tilted, all around.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from ...avatar.axes import OPENCV_FROM_BODY
from ...avatar.body import joint_index
from ..labels import HAIR, HAT
from ..parts import HEAD, TRUNK, ear_vertices, part_of_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..observation import Camera
    from .depth import DepthMaps

_ROW = 0.006  # metres of height
_FEW = 3  # pixels of a row
_LEAST_ROWS = 6
_NARROW = 0.1  # metres off the middle: the trunk's back that hair falls on
_NAPE = -0.045  # metres of the eyes' height: below, hair hangs free of the skull
_HANGS = 0.02  # metres off a back that hair hangs on
_INWARD = 0.15  # metres for each metre down
_FULLER = 1.3  # hair behind the head, against that at its sides
_ALWAYS = 0.006  # metres of the shortest hair that counts
_BRIM_WIDER = 0.025  # metres a brim is wider than what is above it
_ABOVE = 0.03  # metres above a brim
_CROWN_ROWS = 3  # slices above a brim that tell how wide the crown is
_WIDENS = 1.05  # of the crown, from there down to the brim
_BROADEST = 0.9  # of a brim's reach that the crown may take
_THIN = 0.05  # metres of height that a brim spans at most
_SKULLCAP = 0.06  # metres below the top of the skull from where hair goes on over it
_ROUND = 1.0  # of half the width: how far before the axis hair reaches over the skull
_CROWN = 1.15  # the same for a hat's crown: heads are deeper than wide
_CENTRAL = 0.02  # metres off the middle
_LEVEL = 0.015  # metres: a brim whose front edge is as far from its sides' height is tilted
_STEEPEST = 0.7  # of a brim
_FRONT = 0.5  # of half the width: how far before the axis hair at the sides reaches


@dataclass(frozen=True)
class Headwear:
    """Slices through what is worn on the head, from low to high.

    Args:
        center: A point on the head's axis, metres, body frame. [3]
        axes: Across, up and away from the camera, unit, one a row. [3, 3]
        heights: Of each slice over ``center``, metres. [R]
        sides: How far it reaches right and left of the axis across, metres; 0 where there is nothing. [R, 2]
        middle: How far behind ``center`` it is widest. [R]
        back: How far behind ``middle`` it reaches. [R]
        front: How far before ``middle``. [R]
        thick: How far it stands off the skull. [R]
        brim: Which slices are a brim. [R]
        tilt: How much a brim rises for each metre away from the camera.
        ends: Pixels of both outer ends. [R, 2, 2]
    """

    center: Float
    axes: Float
    heights: Float
    sides: Float
    middle: Float
    back: Float
    front: Float
    thick: Float
    brim: NDArray[np.bool_]
    tilt: float
    ends: Float

    @property
    def widest(self) -> int:
        """The slice in which the brim is widest."""
        return int(np.where(self.brim, self.sides.mean(axis=1), 0.0).argmax())

    @property
    def inner(self) -> float:
        """Where the brim begins, of its reach: under the crown above it."""
        above = self.sides[np.flatnonzero(self.brim)[-1] + 1 :].mean(axis=1)[:_CROWN_ROWS]
        return float(min(above.max(initial=0.0) / self.sides[self.widest].mean(), _BROADEST))

    def coordinates(self, points: Float) -> Float:
        """Across, up and away of points. [..., 3]

        Args:
            points: Body frame, metres. [..., 3]
        """
        return (points - self.center) @ self.axes.T

    def points(self, coordinates: Float) -> Float:
        """Back to the body frame. [..., 3]"""
        return coordinates @ self.axes + self.center


def head_axis(joints: Float, posed_from_rest: Float) -> tuple[Float, Float]:
    """A point on the head's axis at the eyes' height, and the axis, in the photo's pose. [3], [3]

    Args:
        joints: Rest joints. [55, 3]
        posed_from_rest: [55, 4, 4]
    """
    head = joint_index("head")
    moved = posed_from_rest[head]
    eyes = joints[[joint_index("left_eye"), joint_index("right_eye")]].mean(axis=0)
    middle = np.array([0.0, eyes[1], joints[head, 2]])  # the axis runs through the ears
    return moved[:3, :3] @ middle + moved[:3, 3], moved[:3, 1]


def headwear(
    body: Body, skin: Float, center: Float, up: Float, labels: NDArray[np.uint8], maps: DepthMaps,
    camera: Camera,
) -> Headwear | None:  # fmt: skip
    """Measure what is worn on the head.

    Args:
        body: The fitted body.
        skin: Its vertices, posed, metres. [V, 3]
        center: Between the ears at the eyes' height, posed. [3]
        up: The head's own, unit. [3]
        labels: Of each pixel. [H, W]
        maps: Near and far sheet.
        camera: The photo's.

    Returns:
        None if neither hair nor hat stands off the head.
    """
    axes = _axes(up)
    rows, columns = np.nonzero(np.isin(labels, (HAIR, HAT)) & maps.inside)
    if len(rows) < _FEW * _LEAST_ROWS:
        return None
    pixels = np.stack([columns, rows], axis=1) + 0.5
    # At the head's own depth: that of the sheet is a guess there.
    depth = np.full(len(pixels), float(camera.depth(center)))
    across, height, _ = ((camera.unproject(pixels, depth) - center) @ axes.T).T
    part = part_of_weights(body.joint_indices, body.joint_weights)
    spot = (skin - center) @ axes.T
    skull = spot[(part == HEAD) & ~ear_vertices(body)]
    rests = spot[((part == HEAD) | (part == TRUNK)) & (np.abs(spot[:, 0]) < _NARROW)]
    heights = np.arange(height.min(), height.max() + _ROW, _ROW)
    row = np.clip(np.round((height - heights[0]) / _ROW).astype(int), 0, len(heights) - 1)
    sides, ends = _ends(across, row, pixels, len(heights))
    hat = np.bincount(row[labels[rows, columns] == HAT], minlength=len(heights)) >= _FEW
    brim = _brim(sides, hat)
    sides = _under_crown(sides, hat, brim)
    own, middle, front, back = _skull(skull, heights)
    off = sides - own
    thick = np.clip(np.where((off > _ALWAYS).all(axis=1), off.mean(axis=1), 0.5 * off.max(axis=1)), 0, None)
    thick = np.where(brim, thick, gaussian_filter1d(median_filter(thick, 5), 1.5))
    there = (thick > _ALWAYS) & (sides.min(axis=1) > 0)
    if there.sum() < _LEAST_ROWS:
        return None
    width = sides.mean(axis=1)
    over = np.clip((heights - spot[part == HEAD, 1].max()) / _SKULLCAP + 1, 0, 1)
    # Beside the skull it is as thick behind as at the sides; over it there is no skull to be thick on, and it
    # is as round as wide.
    beside = middle + back + np.where(hat, 1.0, _FULLER) * thick
    reach = np.minimum(beside, (1 - over) * beside + over * (middle + _CROWN * width))
    low = heights < _NAPE
    if (low & there).any():
        reach = np.where(low, _hanging(rests, heights, float(reach[~low][0])), reach)
    share = np.where(hat, _CROWN, _FRONT + (_ROUND - _FRONT) * over)
    front = np.where(brim, front + thick, share * width)
    wear = Headwear(
        center, axes, heights, np.where(there[:, None], sides, 0.0), middle, np.maximum(reach - middle, 0.01),
        front, np.where(there, thick, 0.0), brim & there, 0.0, ends,
    )  # fmt: skip
    return replace(wear, tilt=_tilt(wear, labels, camera)) if wear.brim.any() else wear


def _tilt(wear: Headwear, labels: NDArray[np.uint8], camera: Camera) -> float:
    """How much a brim rises for each metre away from the camera.

    Seen from above its front edge is the hat's lowest line; seen from below, that line is where it meets the
    brow; seen from the side there is no telling, and it is level.
    """
    widest = wear.widest
    brow = wear.middle[widest] - wear.front[widest] + wear.thick[widest]
    spot = wear.points(np.array([0.0, wear.heights[widest], brow]))
    middle, reach = camera.project(spot)[0], _CENTRAL * camera.focal / camera.depth(spot)
    columns = np.arange(max(0, int(middle - reach)), min(labels.shape[1], int(middle + reach) + 1))
    columns = columns[(labels[:, columns] == HAT).any(axis=0)]
    if not len(columns):
        return 0.0
    lowest = len(labels) - 0.5 - (labels[::-1, columns] == HAT).argmax(axis=0)
    line = np.array([float(middle), float(np.median(lowest))])
    rise = float(wear.coordinates(camera.unproject(line, camera.depth(spot)))[1] - wear.heights[widest])
    if abs(rise) < _LEVEL:
        return 0.0
    before = wear.front[widest] - (wear.thick[widest] if rise > 0 else 0.0)
    return float(np.clip(-rise / max(before, 0.05), -_STEEPEST, _STEEPEST))


def _axes(up: Float) -> Float:
    """Across, up and away, with up as the head has it in the image. [3, 3]"""
    away = OPENCV_FROM_BODY[2].astype(float)
    away = away - (away @ up) * up
    away /= np.linalg.norm(away)
    return np.stack([np.cross(up, -away), up, away])


def _ends(
    across: Float, row: NDArray[np.int64], pixels: Float, count: int
) -> tuple[Float, NDArray[np.float64]]:
    """How far each row reaches to both sides, and the pixels there. [R, 2], [R, 2, 2]"""
    sides, ends = np.zeros((count, 2)), np.zeros((count, 2, 2))
    for number, sign in enumerate((1.0, -1.0)):
        order = np.argsort(sign * across, kind="stable")  # the last one written is the outermost
        ends[row[order], number] = pixels[order]
        np.maximum.at(sides[:, number], row, sign * across)
    return sides, ends


def _brim(sides: Float, hat: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows of a hat that are wider at both sides than those a little above. [R]"""
    width = np.where(hat[:, None], sides, 0.0)
    if not hat.any():
        return hat
    widest = int(width.min(axis=1).argmax())
    above = width[widest + round(_ABOVE / _ROW) :]
    above = above[above.min(axis=1) > 0]
    if not len(above) or (width[widest] - np.median(above, axis=0)).min() < _BRIM_WIDER:
        return np.zeros_like(hat)
    limit = 0.5 * (width[widest] + np.median(above, axis=0))
    near = np.abs(np.arange(len(hat)) - widest) * _ROW < 0.5 * _THIN
    return near & (width > limit).all(axis=1)


def _under_crown(sides: Float, hat: NDArray[np.bool_], brim: NDArray[np.bool_]) -> Float:
    """Above a brim the outline is that of its raised front: the crown goes on behind. [R, 2]"""
    if not brim.any():
        return sides
    last = int(np.flatnonzero(brim)[-1])
    first = last + 1 + round(_ABOVE / _ROW)
    crown = sides[first : first + _CROWN_ROWS]
    result = sides.copy()
    if len(crown):
        result[last + 1 : first] = np.minimum(sides[last + 1 : first], _WIDENS * crown.max(axis=0))
    return np.where(hat[:, None], result, sides)


def _skull(skull: Float, heights: Float) -> tuple[Float, Float, Float, Float]:
    """Half widths to both sides, the middle, and how far the head reaches before and behind it."""
    count = len(heights)
    row = np.round((skull[:, 1] - heights[0]) / _ROW).astype(int)
    table = np.full((4, count), -np.inf)
    inside = (row >= 0) & (row < count)
    for number, values in enumerate((skull[:, 0], -skull[:, 0], skull[:, 2], -skull[:, 2])):
        np.maximum.at(table[number], row[inside], values[inside])
    known = np.isfinite(table).all(axis=0)
    top = skull[:, 1].max()
    if known.sum() < 2:
        return np.zeros((count, 2)), np.zeros(count), np.full(count, 0.08), np.full(count, 0.08)
    filled = np.stack([np.interp(heights, heights[known], line[known]) for line in table])
    filled = gaussian_filter1d(filled, 1.0, axis=1)
    filled[:2] = np.where(heights < top, filled[:2], 0.0)
    middle = 0.5 * (filled[2] - filled[3])
    # Below the jaw and above the skull what hangs and stands keeps to the head's own middle.
    broad = known & (heights > _NAPE) & (heights < top - 0.04)
    middle = np.full(count, float(np.median(middle[broad])) if broad.any() else 0.0)
    half = np.clip(filled[2] - middle, 0.0, None), np.clip(filled[3] + middle, 0.0, None)
    return filled[:2].T, middle, half[1], half[0]


def _hanging(rests: Float, heights: Float, start: float) -> Float:
    """How far away from the camera hair lies that falls from the back of the head. [R]"""
    row = np.round((rests[:, 1] - heights[0]) / _ROW).astype(int)
    surface = np.full(len(heights), -np.inf)
    inside = (row >= 0) & (row < len(heights))
    np.maximum.at(surface, row[inside], rests[inside, 2])
    known = np.isfinite(surface)
    surface = (
        np.interp(heights, heights[known], surface[known]) if known.any() else np.full(len(heights), 0.0)
    )
    nape = int(np.searchsorted(heights, _NAPE))
    straight = start - _INWARD * (heights[min(nape, len(heights) - 1)] - heights)
    return np.maximum(surface + _HANGS, straight)
