"""Fill: colours for what the photo does not show.

Every unseen Gaussian is part of something: skin, hair or a garment (`dressed`). It takes the colour of that
very thing: the same place on the body's other side where that is seen; else the thing's front at the same
height, without its lettering and creases, but with its pattern; and meets the photo's colours at the seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ...avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from ...avatar.body import joint_index
from ..colour import lab
from ..labels import BOTTOM, HAIR, HAT, HELD, SHOES, SKIN
from ..parts import (
    LEFT_ARM,
    LEFT_HAND,
    LEFT_LEG,
    MIRRORED_PARTS,
    RIGHT_ARM,
    RIGHT_HAND,
    RIGHT_LEG,
    TRUNK,
)
from ..place.placed import NO_HAND
from ..sampling import sample
from .dressed import dressed
from .lettering import cloth
from .seam import blend
from .stock import SHADE, Stock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..clothe.depth import DepthMaps
    from ..observation import Observation
    from ..parse.parse import Parsed
    from ..place.placed import Placed

_HIDDEN = 0.015  # metres behind the near sheet
_GRAZING = 0.2  # cosine
_AGREES = 10.0  # L*a*b*: how far a place seen at a grazing angle may be from the rest of its thing
_MIRROR_REACH = 0.02  # metres
_SHOWN_SHARE = 0.15  # of a limb's surface; a leg seen whole from one side shows about 0.4
_SHOE_HEIGHT = 0.09  # metres above the sole
_WAISTBAND = 0.03  # metres above the hip joints
_TROUSERS = (0.16, 0.18, 0.22)
_SHOES = (0.10, 0.09, 0.09)


@dataclass(frozen=True)
class Filled:
    """A colour for every Gaussian, and where it comes from.

    Args:
        colors: Display-space RGB. [N, 3]
        seen: ``SEEN_PHOTO``, ``SEEN_MIRRORED`` or ``SEEN_FILLED``. [N]
        labels: What each is part of, as in ``parse``. [N]
        grain: Unit vectors across the stripes of the unseen in the rest pose, else zero. [N, 3]
    """

    colors: NDArray[np.float32]
    seen: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    grain: Float


def fill_colors(
    placed: Placed,
    rest: Float,
    joints: Float,
    maps: DepthMaps,
    clean: NDArray[np.float32],
    seen: Observation,
    parsed: Parsed,
) -> Filled:
    """Colour every Gaussian.

    Args:
        placed: The Gaussians in the photo's pose.
        rest: Their means in the rest pose, metres. [N, 3]
        joints: Rest joints. [55, 3]
        maps: Near and far sheet.
        clean: The photo's colours without background. [H, W, 3]
        seen: The photo.
        parsed: What each pixel of it shows.
    """
    material = cloth(clean, parsed, maps, seen)
    cosine = -(placed.normals * placed.means).sum(axis=1) / np.linalg.norm(placed.means, axis=1)
    thing = placed.hand != NO_HAND
    in_photo = parsed.at(placed.pixels)
    in_photo[thing] = HELD
    facing = np.where(placed.seen, cosine, 1.0)
    label = dressed(rest, placed.parts, in_photo, placed.seen | thing, facing, parsed.marks)
    # What stands off the head is behind what it is in front.
    off = ~placed.seen & ~placed.on_body & np.isin(in_photo, (HAIR, HAT))
    label[off] = in_photo[off]
    sharp = sample(clean, placed.pixels)
    stock = Stock(placed, rest, label, material, clean, maps, sharp, parsed.marks.eye, facing)
    colors = stock.sharp.copy()
    source = np.where(placed.seen, SEEN_PHOTO, SEEN_FILLED).astype(np.uint8)
    hidden = ~placed.seen & ~thing  # the back of a thing is like its front
    slanted = placed.seen & stock.patterned & ~stock.square & ~thing  # a pattern is smeared there
    colors[hidden | slanted] = stock.guess(np.flatnonzero(hidden | slanted))
    _mirror(rest, label, placed, stock, colors, source)
    _dress_unseen_limbs(rest, joints, placed, label, colors, source)
    # Pixels at the rim have mixed colours: what is seen there at a grazing angle looks as it does inside.
    edge_on = _edge_on(placed, cosine, maps, seen)
    rim = ((edge_on & ~placed.seen) | (placed.seen & (stock.at_rim | (cosine < _GRAZING)))) & ~thing
    rim &= ~stock.patterned
    inner, found = stock.beside(np.flatnonzero(rim))
    rows = np.flatnonzero(rim)[found]
    colors[rows] = inner[found]
    agrees = np.linalg.norm(lab(colors[rows]) - lab(stock.sharp[rows]), axis=1) < _AGREES
    source[rows[agrees]] = SEEN_PHOTO
    guessed = ((source != SEEN_PHOTO) | slanted) & ~thing
    fixed = (source == SEEN_PHOTO) & ~guessed & ~stock.front_only & (label != HELD)
    met = np.where(fixed[:, None], stock.meets(stock.calmed(colors)), colors)
    calm = blend(rest, label, guessed, fixed, met)
    colors = np.where(guessed[:, None], calm + SHADE * stock.detail(), colors)
    return Filled(colors.clip(0, 1).astype(np.float32), source, label, stock.grain(guessed))


def _edge_on(placed: Placed, facing: Float, maps: DepthMaps, seen: Observation) -> NDArray[np.bool_]:
    """Points of the body's own surface that the photo shows at a grazing angle."""
    columns, rows = np.floor(placed.pixels).astype(int).T
    height, width = maps.inside.shape
    framed = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    columns, rows = np.clip(columns, 0, width - 1), np.clip(rows, 0, height - 1)
    near = seen.camera.depth(placed.means) < maps.front[rows, columns] + _HIDDEN
    return placed.on_body & framed & maps.inside[rows, columns] & near & (facing > 0)


def _mirror(
    rest: Float,
    label: NDArray[np.uint8],
    placed: Placed,
    stock: Stock,
    colors: Float,
    source: NDArray[np.uint8],
) -> None:
    """Take the colour of the same place on the other side of the body, where the photo shows that."""
    mirrored_part = np.array(MIRRORED_PARTS)
    part = stock.part
    for own in np.unique(part):
        known = np.flatnonzero(stock.usable & (part == mirrored_part[own]))
        wanted = np.flatnonzero((source == SEEN_FILLED) & (part == own) & placed.on_body)
        if not len(known) or not len(wanted):
            continue
        gap, nearest = KDTree(rest[known]).query(rest[wanted] * [-1, 1, 1])
        good = (gap < _MIRROR_REACH) & (label[known[nearest]] == label[wanted])
        colors[wanted[good]] = stock.calm[known[nearest][good]]
        source[wanted[good]] = SEEN_MIRRORED


def _dress_unseen_limbs(
    rest: Float, joints: Float, placed: Placed, label: NDArray[np.uint8], colors: Float,
    source: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Limbs of which the photo shows next to nothing: plain trousers and shoes, sleeves, skin for hands."""
    part = placed.parts
    shown = [_is_shown(part == own, placed) for own in range(len(MIRRORED_PARTS))]
    trunk = placed.seen & (part == TRUNK)
    for own in (LEFT_LEG, RIGHT_LEG):
        rows = (part == own) & (source != SEEN_PHOTO)
        if shown[own] or shown[MIRRORED_PARTS[own]]:
            continue
        colors[rows], label[rows] = _TROUSERS, BOTTOM
        feet = rows & (rest[:, 1] < rest[part == own, 1].min() + _SHOE_HEIGHT)
        colors[feet], label[feet] = _SHOES, SHOES
    if not shown[LEFT_LEG] and not shown[RIGHT_LEG]:
        waist = joints[[joint_index("left_hip"), joint_index("right_hip")], 1].mean() + _WAISTBAND
        rows = (part == TRUNK) & (source == SEEN_FILLED) & (rest[:, 1] < waist)
        colors[rows], label[rows] = _TROUSERS, BOTTOM
    skin = placed.seen & (label == SKIN)
    for own, like in ((LEFT_ARM, trunk), (RIGHT_ARM, trunk), (LEFT_HAND, skin), (RIGHT_HAND, skin)):
        rows = (part == own) & (source == SEEN_FILLED) & (label != HELD)
        if not shown[own] and not shown[MIRRORED_PARTS[own]] and like.any():
            colors[rows] = np.median(colors[like], axis=0)
            label[rows] = SKIN if own in (LEFT_HAND, RIGHT_HAND) else label[rows]


def _is_shown(rows: NDArray[np.bool_], placed: Placed) -> bool:
    """Whether the photo shows a fair part of a limb's surface, or of the cloth that hangs over it."""
    area = np.where(rows, placed.spacing**2, 0.0)
    return bool(area[placed.seen].sum() > _SHOWN_SHARE * area[placed.on_body].sum())
