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

from ..avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from ..avatar.body import joint_index
from .bands import band_colors, limb_metric
from .colour import lab
from .dressed import dressed
from .labels import BOTTOM, HAIR, HAT, HELD, SHOES, SKIN
from .lettering import cloth
from .parts import (
    HEAD,
    LEFT_ARM,
    LEFT_HAND,
    LEFT_LEG,
    MIRRORED_PARTS,
    RIGHT_ARM,
    RIGHT_HAND,
    RIGHT_LEG,
    TRUNK,
)
from .placed import NO_HAND
from .sampling import sample
from .seam import blend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from .depth import DepthMaps
    from .lettering import Cloth
    from .observation import Observation
    from .parse import Parsed
    from .placed import Placed

_HIDDEN = 0.015  # metres behind the near sheet
_AGREES = 10.0  # L*a*b*: how far a place seen at a grazing angle may be from the rest of its thing
_MIRROR_REACH = 0.02  # metres
_DEPTH_COUNTS = 0.15  # of a metre sideways
_NEIGHBOURS = 6
_TEXTURE_NEIGHBOURS = 2
_IN_DEPTH = np.array([1.0, 1.0, 0.3])  # so that bands come from the front as much as from the rims
_HAIR_METRIC = (0.4, 1.0, 0.15)  # height decides: dyed tips stay at the tips
_HAIR_NEIGHBOURS = 24
_LEVEL = 0.5
_INSET = 0.006  # metres from the outline where colours are the person's alone
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
    """

    colors: NDArray[np.float32]
    seen: NDArray[np.uint8]
    labels: NDArray[np.uint8]


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
    facing = -(placed.normals * placed.means).sum(axis=1) / np.linalg.norm(placed.means, axis=1)
    shown = placed.seen | _edge_on(placed, facing, maps, seen)
    in_photo = parsed.at(placed.pixels)
    thing = placed.hand != NO_HAND
    in_photo[thing] = HELD
    facing = np.where(placed.seen, facing, 1.0)
    label = dressed(rest, placed.parts, in_photo, shown | thing, facing, parsed.marks)
    stock = _Stock(placed, rest, label, parsed, material, maps, sample(clean, placed.pixels))
    colors = stock.sharp.copy()
    source = np.where(shown, SEEN_PHOTO, SEEN_FILLED).astype(np.uint8)
    wanted = ~placed.seen & ~thing  # the back of a thing is like its front
    guess = stock.guess(np.flatnonzero(wanted))
    # Seen at a grazing angle, a pixel may be its neighbour's: it must look like the rest of its thing.
    doubtful = shown & ~placed.seen
    doubtful[wanted] &= np.linalg.norm(lab(guess) - lab(colors[wanted]), axis=1) > _AGREES
    source[doubtful] = SEEN_FILLED
    open_ = (source == SEEN_FILLED) & ~thing
    colors[open_] = guess[open_[wanted]]
    _mirror(rest, label, placed, stock, colors, source)
    _dress_unseen_limbs(rest, joints, placed, label, colors, source, parsed)
    free = ~stock.textured & (source != SEEN_PHOTO) & ~thing
    fixed = ~stock.textured & placed.seen & (label != HELD)
    colors = np.where(free[:, None], blend(rest, label, free, fixed, colors), colors)
    return Filled(colors.clip(0, 1).astype(np.float32), source, label)


def _edge_on(placed: Placed, facing: Float, maps: DepthMaps, seen: Observation) -> NDArray[np.bool_]:
    """Points of the body's own surface that the photo shows at a grazing angle."""
    columns, rows = np.floor(placed.pixels).astype(int).T
    height, width = maps.inside.shape
    framed = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    columns, rows = np.clip(columns, 0, width - 1), np.clip(rows, 0, height - 1)
    near = seen.camera.depth(placed.means) < maps.front[rows, columns] + _HIDDEN
    return placed.on_body & framed & maps.inside[rows, columns] & near & (facing > 0)


class _Stock:
    """What the photo shows, as material for what it does not.

    Attributes:
        sharp: The photo's colour at each Gaussian's pixel. [N, 3]
        soft: The same without creases and lettering. [N, 3]
        usable: Whether it may be copied. [N]
        textured: Whether it is part of something whose pattern goes on. [N]
    """

    def __init__(
        self, placed: Placed, rest: Float, label: NDArray[np.uint8], parsed: Parsed, material: Cloth,
        maps: DepthMaps, sharp: Float,
    ) -> None:  # fmt: skip
        self.rest, self.label, self.part, self.parsed = rest, label, placed.parts, parsed
        self.sharp, self.soft = sharp, sample(material.soft, placed.pixels)
        columns, rows = np.floor(placed.pixels).astype(int).T
        height, width = material.front_only.shape
        only = material.front_only[rows.clip(0, height - 1), columns.clip(0, width - 1)]
        inset = maps.inset(placed.pixels) > _INSET
        self.usable = placed.seen & ~only & inset & (label != HELD)
        banded_soft, self.banded = band_colors(rest, self.part, self.usable, self.sharp, self.soft)
        self.copied = np.where(self.banded[:, None], banded_soft, self.soft)
        self.textured = np.isin(label, list(material.patterned)) & ~self.banded
        self.copied[self.textured] = self.sharp[self.textured]
        self.textured |= self.banded
        self._level()

    def _level(self) -> None:
        """Take back half of light and shade: they belong to the side that faces the photo."""
        keys = self.part.astype(int) * 100 + self.label
        for key in np.unique(keys[self.usable]):
            rows = self.usable & (keys == key)
            self.copied[rows] += _LEVEL * (np.median(self.soft[rows], axis=0) - self.soft[rows])

    def guess(self, wanted: Int) -> Float:
        """Colours from the same thing, at best from the same body part. [len(wanted), 3]"""
        result = np.zeros((len(wanted), 3))
        keys = self.part[wanted].astype(int) * 100 + self.label[wanted]
        for key in np.unique(keys):
            own, label = divmod(int(key), 100)
            rows = np.flatnonzero(keys == key)
            result[rows] = self._from(own, label, self.rest[wanted[rows]])
        return result

    def _from(self, own: int, label: int, spots: Float) -> Float:
        alike = self.usable & (self.label == label)
        mirrored = MIRRORED_PARTS[own]
        metric, count = np.array([1, 1, _DEPTH_COUNTS]), _NEIGHBOURS
        if label == SKIN and own in (HEAD, TRUNK):  # the chin's shadow lies in front only
            bare = alike & ((self.part == HEAD) | (self.part == own))
            if bare.sum() >= _NEIGHBOURS:
                return np.tile(np.median(self.soft[bare], axis=0), (len(spots), 1))
        if label in (HAIR, HAT):
            metric, count = np.array(_HAIR_METRIC), _HAIR_NEIGHBOURS
            places = ((alike & (self.part == HEAD), 1), (alike, 1))
        else:
            places = ((alike & (self.part == own), 1), (alike & (self.part == mirrored), -1), (alike, 1))
        for rows, sign in (*places, (self.usable & (self.part == own), 1), (self.usable, 1)):
            sources = np.flatnonzero(rows)
            if len(sources) < _NEIGHBOURS:
                continue
            if self.banded[sources].all():
                metric = limb_metric(own) * _IN_DEPTH
            elif self.textured[sources].all():
                count = _TEXTURE_NEIGHBOURS
            gap, nearest = KDTree(self.rest[sources] * metric).query(
                spots * [sign, 1, 1] * metric, k=min(count, len(sources))
            )
            if label in (HAIR, HAT):  # a few of them are forehead
                return np.median(self.sharp[sources[nearest.reshape(len(spots), -1)]], axis=1)
            weight = 1.0 / (gap + 0.005)
            weight /= weight.sum(axis=1, keepdims=True)
            return np.einsum("nk,nkc->nc", weight, self.copied[sources[nearest]])
        return np.full((len(spots), 3), 0.5)


def _mirror(
    rest: Float,
    label: NDArray[np.uint8],
    placed: Placed,
    stock: _Stock,
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
        colors[wanted[good]] = stock.copied[known[nearest][good]]
        source[wanted[good]] = SEEN_MIRRORED


def _dress_unseen_limbs(
    rest: Float, joints: Float, placed: Placed, label: NDArray[np.uint8], colors: Float,
    source: NDArray[np.uint8], parsed: Parsed,
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
    """Whether the photo shows a fair part of a limb's surface."""
    area = np.where(rows & placed.on_body, placed.spacing**2, 0.0)
    return bool(area[placed.seen].sum() > _SHOWN_SHARE * area.sum())
