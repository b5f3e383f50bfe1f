"""Stock: what the photo shows of each thing, as material for what it does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from .bands import band_colors, limb_metric
from .labels import HAIR, HAT, HELD, SKIN
from .parts import HEAD, MIRRORED_PARTS, TRUNK
from .sampling import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from .depth import DepthMaps
    from .lettering import Cloth
    from .placed import Placed

_DEPTH_COUNTS = 0.15  # of a metre sideways
_NEIGHBOURS = 6
_ENOUGH = 250  # Gaussians of the own body part that speak for it against more of another
_TEXTURE_NEIGHBOURS = 2
_IN_DEPTH = np.array([1.0, 1.0, 0.3])  # so that bands come from the front as much as from the rims
_HAIR_METRIC = (0.4, 1.0, 0.15)  # height decides: dyed tips stay at the tips
_HAIR_NEIGHBOURS = 24
_LEVEL = 0.5  # of light and shade that is taken back
_SHADE = 0.93  # light mostly comes from behind the camera
_INSET = 0.006  # metres from the outline where colours are the person's alone
_BESIDE = 0.025  # metres
_BROW = 0.04  # metres above the eyes
_HAIR_UNKNOWN = 0.15


class Stock:
    """What the photo shows, as material for what it does not.

    Attributes:
        sharp: The photo's colour at each Gaussian's pixel. [N, 3]
        soft: The same without creases and lettering. [N, 3]
        usable: Whether it may be copied. [N]
        at_rim: Whether its pixel lies at the outline, where colours are mixed. [N]
        eye: Height of the eyes in the rest pose, metres.
        textured: Whether it is part of something whose pattern goes on. [N]
    """

    def __init__(
        self, placed: Placed, rest: Float, label: NDArray[np.uint8], material: Cloth,
        maps: DepthMaps, sharp: Float, eye: float,
    ) -> None:  # fmt: skip
        self.rest, self.label, self.part, self.eye = rest, label, placed.parts, eye
        self.sharp, self.soft = sharp, sample(material.soft, placed.pixels)
        columns, rows = np.floor(placed.pixels).astype(int).T
        height, width = material.front_only.shape
        only = material.front_only[rows.clip(0, height - 1), columns.clip(0, width - 1)]
        self.at_rim = maps.inset(placed.pixels) < _INSET
        self.usable = placed.seen & ~only & ~self.at_rim & (label != HELD)
        self.inner = placed.seen & ~self.at_rim & (label != HELD)
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
        return _SHADE * result

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
