"""Stock: what the photo shows of each thing, as material for what it does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ..labels import BOTTOM, COAT, HAIR, HAT, HELD, SHOES, SKIN, TOP
from ..parts import HEAD, LEFT_ARM, LEFT_LEG, MIRRORED_PARTS, RIGHT_ARM, RIGHT_LEG, TRUNK
from ..sampling import sample
from .bands import find_bands, lies_level
from .weave import pixels_of_pattern, unrolled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ..clothe.depth import DepthMaps
    from ..place.placed import Placed
    from .lettering import Cloth

_DEPTH_COUNTS = 0.15  # of a metre sideways
_NEIGHBOURS = 6
_ENOUGH = 250  # Gaussians of the own body part that speak for it against more of another
_SQUARE = 0.4  # cosine above which the photo shows a pattern undistorted
_BORDER = 8  # neighbours that are all the same thing away from its border
_HEMS = 0.5  # of the trunk's height
_CLOTHED = (TRUNK, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG)
_WORN = (TOP, BOTTOM, COAT, SHOES)
_HAIR_METRIC = (0.15, 1.0, 0.15)  # height decides: dyed tips stay at the tips, shine and shade do not go on
_HAIR_NEIGHBOURS, _HAIR_SOURCES = 32, 1500
_SHINE = 0.1  # of display-space RGB: how far hair beside the unseen may differ from its usual colour
_LEVEL = 0.5  # of light and shade that is taken back
SHADE = 0.87  # light mostly comes from behind the camera
_INSET = 0.006  # metres from the outline where colours are the person's alone
_BESIDE = 0.025  # metres
_BROW = 0.04  # metres above the eyes
_HAIR_UNKNOWN = 0.15


class Stock:
    """What the photo shows, as material for what it does not.

    Attributes:
        sharp: The photo's colour at each Gaussian's pixel. [N, 3]
        soft: The same without creases and lettering. [N, 3]
        calm: Soft, with half of the light and shade taken back. [N, 3]
        usable: Whether it may be copied. [N]
        square: Whether the photo shows it squarely. [N]
        front_only: Whether it is lettering and the like. [N]
        at_rim: Whether its pixel lies at the outline, where colours are mixed. [N]
        eye: Height of the eyes in the rest pose, metres.
        patterned: Whether it is part of something whose pattern goes on. [N]
        level: Whether that pattern runs around the body. [N]
    """

    def __init__(
        self, placed: Placed, rest: Float, label: NDArray[np.uint8], material: Cloth, clean: Float,
        maps: DepthMaps, sharp: Float, eye: float, facing: Float,
    ) -> None:  # fmt: skip
        self.rest, self.label, self.part, self.eye = rest, label, placed.parts, eye
        self.sharp, self.soft = sharp, sample(material.soft, placed.pixels)
        self._clean, self._material, self._pixels = clean, material, placed.pixels
        columns, rows = np.floor(placed.pixels).astype(int).T
        height, width = material.front_only.shape
        self.front_only = material.front_only[rows.clip(0, height - 1), columns.clip(0, width - 1)]
        self.at_rim = maps.inset(placed.pixels) < _INSET
        self.inner = placed.seen & ~self.at_rim & (label != HELD)
        self.usable = self.inner & ~self.front_only
        self.square = self.inner & (facing > _SQUARE)
        self._seen = placed.seen
        self.calm = self.soft.copy()
        self._level()
        self.patterned, self.level = np.zeros(len(rest), bool), np.zeros(len(rest), bool)
        self._banded = self._find_bands()
        self.patterned |= np.isin(label, list(material.patterned)) & np.isin(self.part, _CLOTHED)

    def _level(self) -> None:
        """Take back half of light and shade: they belong to the side that faces the photo.

        Light from one side leaves one arm in the dark; behind, both have what lies between.
        """
        keys = self.part.astype(int) * 100 + self.label
        for key in np.unique(keys[self.usable]):
            rows = self.usable & (keys == key)
            twin = self.usable & (keys == MIRRORED_PARTS[key // 100] * 100 + key % 100)
            sides = [np.median(self.soft[side], axis=0) for side in (rows, twin if twin.any() else rows)]
            self.calm[rows] += _LEVEL * (np.mean(sides, axis=0) - self.soft[rows])

    def _find_bands(self) -> Float:
        """What level bands add to the calm cloth; marks what they cover. [N, 3]"""
        result = np.zeros((len(self.rest), 3))
        for own in _CLOTHED:
            along, across = _axes(own)
            for label in _WORN:
                rows = (self.part == own) & (self.label == label)
                shown = rows & self.square
                height, side = self.rest[shown, along], self.rest[shown, across]
                highest = _HEMS if own == TRUNK else 1.0
                bands = find_bands(height, side, self.sharp[shown], self.soft[shown], highest)
                if bands is None:
                    continue
                spots = self.rest[rows]
                result[rows] = bands.at(spots[:, along], spots[:, across], ~self._seen[rows])
                if bands.striped:
                    self.patterned[rows] = self.level[rows] = True
        return result

    def detail(self) -> Float:
        """How the pattern of each place differs from its calm colour. [N, 3]"""
        result = self._banded.copy()
        for parts, label in self._woven():
            rows = np.flatnonzero(np.isin(self.part, parts) & (self.label == label) & ~self.level)
            if not len(rows):
                continue
            along, across = _axes(parts[0])
            around = unrolled(self.rest[rows, along], self.rest[rows, across], self.rest[rows, 2])
            wanted = np.flatnonzero(~self.square[rows])
            pixels = pixels_of_pattern(around, self.square[rows], self._pixels[rows], wanted)
            if pixels is not None:
                result[rows[wanted]] = sample(self._clean, pixels) - sample(self._material.soft, pixels)
        return result

    def meets(self, colors: Float) -> Float:
        """Colours that the unseen has to meet at the seam: those of the calm cloth under patterns. [N, 3]"""
        calm = self.patterned | (np.abs(self._banded).max(axis=1) > 0)
        return np.where(calm[:, None], self.soft, colors)

    def grain(self, guessed: NDArray[np.bool_]) -> Float:
        """The axis of the limb where level bands or the border of two things run, else zero. [N, 3]"""
        result = np.zeros((len(self.rest), 3))
        runs = self.level | (np.abs(self._banded).max(axis=1) > 0)
        for own in _CLOTHED:
            around, rows = np.flatnonzero(self.part == own), np.flatnonzero(guessed & (self.part == own))
            if len(around) < _BORDER or not len(rows):
                continue
            _, nearest = KDTree(self.rest[around]).query(self.rest[rows], k=_BORDER)
            border = (self.label[around[nearest]] != self.label[rows][:, None]).any(axis=1)
            result[rows[border | runs[rows]], _axes(own)[0]] = 1.0
        return result

    def _woven(self) -> list[tuple[tuple[int, ...], int]]:
        """Parts and labels that are one piece of cloth with a pattern all over."""
        legs = [(TRUNK, LEFT_LEG, RIGHT_LEG)] if TOP in self._material.patterned else []
        pieces = [((own,), label) for label in self._material.patterned for own in _CLOTHED]
        skirts = [(parts, TOP) for parts in legs]
        return [piece for piece in pieces if not (piece[1] == TOP and piece[0][0] in legs[0])] + skirts

    def guess(self, wanted: Int) -> Float:
        """Colours from the same thing, at best from the same body part. [len(wanted), 3]"""
        result = np.zeros((len(wanted), 3))
        keys = self.part[wanted].astype(int) * 100 + self.label[wanted]
        for key in np.unique(keys):
            own, label = divmod(int(key), 100)
            rows = np.flatnonzero(keys == key)
            result[rows] = self._from(own, label, self.rest[wanted[rows]])
        return SHADE * result

    def _from(self, own: int, label: int, spots: Float) -> Float:
        alike = self.usable & (self.label == label)
        mirrored = MIRRORED_PARTS[own]
        metric, count = np.array([1, 1, _DEPTH_COUNTS]), _NEIGHBOURS
        if label == SKIN and own in (HEAD, TRUNK):  # the chin's shadow lies in front only
            bare = alike & ((self.part == HEAD) | (self.part == own))
            if bare.sum() >= _NEIGHBOURS:
                return np.tile(np.median(self.soft[bare], axis=0), (len(spots), 1))
        if label == HAIR and alike.sum() < _NEIGHBOURS:
            return np.tile(self._brows(), (len(spots), 1))
        if label in (HAIR, HAT):
            metric, count = np.array(_HAIR_METRIC), _HAIR_NEIGHBOURS
            places = ((alike & (self.part == HEAD), 1), (alike, 1))
        else:
            places = ((alike & (self.part == own), 1), (alike & (self.part == mirrored), -1), (alike, 1))
        for rows, sign in (*places, (self.usable & (self.part == own), 1), (self.usable, 1)):
            sources = np.flatnonzero(rows)
            # A few trousers' pixels under a shirt's hem lie in its shadow: the legs know their colour better.
            enough = _ENOUGH if (alike & ~rows).sum() > len(sources) else _NEIGHBOURS
            if len(sources) < enough:
                continue
            if label in (HAIR, HAT):  # every so many: what is usual at a height needs no more
                sources = sources[:: max(1, len(sources) // _HAIR_SOURCES)]
            gap, nearest = KDTree(self.rest[sources] * metric).query(
                spots * [sign, 1, 1] * metric, k=min(count, len(sources))
            )
            if label in (HAIR, HAT):  # a few of them are forehead
                return np.median(self.sharp[sources[nearest.reshape(len(spots), -1)]], axis=1)
            weight = 1.0 / (gap + 0.005)
            weight /= weight.sum(axis=1, keepdims=True)
            return np.einsum("nk,nkc->nc", weight, self.calm[sources[nearest]])
        return np.full((len(spots), 3), 0.5)

    def calmed(self, colors: Float) -> Float:
        """Colours with hair and hats near what is usual at their height: light on one side ends there.

        Args:
            colors: [N, 3]
        """
        rows = np.flatnonzero(np.isin(self.label, (HAIR, HAT)))
        result = colors.copy()
        if len(rows):
            usual = self.guess(rows)
            off = colors[rows] - usual
            size = np.linalg.norm(off, axis=1, keepdims=True)
            result[rows] = usual + off * np.minimum(1.0, _SHINE / np.maximum(size, 1e-6))
        return result

    def _brows(self) -> Float:
        """The colour of hair that a hat hides: that of the eyebrows. [3]"""
        above = self.rest[:, 1] - self.eye
        face = self.usable & (self.part == HEAD) & (self.label == SKIN) & (above > 0) & (above < _BROW)
        if face.sum() < _NEIGHBOURS:
            return np.full(3, _HAIR_UNKNOWN)
        colors = self.sharp[face]
        order = np.argsort(colors.sum(axis=1))
        return np.median(colors[order[: max(1, len(order) // 8)]], axis=0)

    def beside(self, wanted: Int) -> tuple[Float, NDArray[np.bool_]]:
        """The photo's colours of the same thing just beside, and where there are any. [n, 3], [n]"""
        result, found = np.zeros((len(wanted), 3)), np.zeros(len(wanted), bool)
        keys = self.part.astype(int) * 100 + self.label
        for key in np.unique(keys[wanted]):
            rows, sources = np.flatnonzero(keys[wanted] == key), np.flatnonzero(self.inner & (keys == key))
            if len(sources) < _NEIGHBOURS:
                continue
            gap, nearest = KDTree(self.rest[sources]).query(self.rest[wanted[rows]], k=_NEIGHBOURS)
            result[rows] = self.sharp[sources[nearest]].mean(axis=1)
            found[rows] = gap[:, -1] < _BESIDE
        return result, found


def _axes(part: int) -> tuple[int, int]:
    """Axes of the rest pose along a part, and across it as seen from the front."""
    return (0, 1) if lies_level(part) else (1, 0)
