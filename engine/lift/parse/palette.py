"""Palettes: the few colours that something has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_COLORS = 4
_SAMPLES = 3000
_ROUNDS = 12
_LIGHTNESS = 0.6  # how much lightness tells, against hue: shading changes it
_LEAST_SPREAD = 3.0  # L*a*b*: what light and the camera do to one colour
_RARE = 0.05  # share of a colour below which it is no colour of the thing
_ANY = 1e-6  # density of a colour that is in no palette: about one over the volume of all colours


@dataclass(frozen=True)
class Palette:
    """A mixture of normal distributions in L*a*b* with lightness counted less.

    Args:
        means: [K, 3]
        spreads: Standard deviations. [K, 3]
        weights: They sum to one. [K]
    """

    means: Float
    spreads: Float
    weights: Float

    @property
    def count(self) -> int:
        """Number of colours."""
        return len(self.weights)

    def cost(self, colors: Float) -> Float:
        """How little each colour is to be expected: minus the logarithm of its density. [...]

        Args:
            colors: L*a*b*. [..., 3]
        """
        scaled = colors * [_LIGHTNESS, 1.0, 1.0]
        density = np.full(colors.shape[:-1], _ANY)
        for mean, spread, weight in zip(self.means, self.spreads, self.weights, strict=True):
            away = (((scaled - mean) / spread) ** 2).sum(axis=-1)
            density += weight * np.exp(-0.5 * away) / (np.prod(spread) * (2 * np.pi) ** 1.5)
        return -np.log(density)

    def apart(self, other: Palette, limit: float, least: float = 0.0) -> NDArray[np.bool_]:
        """Which colours another palette does not have. [K]

        Args:
            other: For instance skin.
            limit: Distance below which two colours are one.
            least: Share from which a colour of the other counts.
        """
        gap = np.linalg.norm(self.means[:, None] - other.means[None, other.weights >= least], axis=-1)
        return gap.min(axis=1, initial=np.inf) > limit

    def shares(self, other: Palette, limit: float) -> Float:
        """How much of another palette looks like each colour. [K]

        Args:
            other: For instance a coat's.
            limit: Distance below which two colours look alike.
        """
        gap = np.linalg.norm(self.means[:, None] - other.means[None], axis=-1)
        return (other.weights * (gap < limit)).sum(axis=1)

    def excess(self, other: Palette, limit: float) -> float:
        """Share of these colours that another palette has not as much of.

        Args:
            other: For instance a skirt's.
            limit: Distance below which two colours are one.
        """
        return float(np.maximum(self.weights - self.shares(other, limit), 0.0).sum())

    def only(self, keep: NDArray[np.bool_]) -> Palette:
        """Some of the colours.

        Args:
            keep: At least one. [K]
        """
        return Palette(self.means[keep], self.spreads[keep], self.weights[keep] / self.weights[keep].sum())

    def around_main(self, limit: float) -> Palette:
        """This palette less the colours far from its usual one.

        Args:
            limit: L*a*b* distance.
        """
        usual = self.means[self.weights.argmax()]
        return self.only(np.linalg.norm(self.means - usual, axis=1) < limit)


def learn(colors: Float) -> Palette:
    """The palette of some pixels.

    Args:
        colors: L*a*b*. [N, 3]
    """
    scaled = (colors * [_LIGHTNESS, 1.0, 1.0]).astype(np.float32)
    scaled = scaled[:: max(1, len(scaled) // _SAMPLES)]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, _ROUNDS, 0.5)
    start = np.zeros((len(scaled), 1), np.int32)
    _, found, _ = cv2.kmeans(scaled, min(_COLORS, len(scaled)), start, stop, 1, cv2.KMEANS_PP_CENTERS)
    names = np.asarray(found, np.int64)[:, 0]
    shares = np.bincount(names) / len(names)
    kept = np.flatnonzero(shares >= _RARE)
    groups = [scaled[names == name] for name in kept]
    means = np.stack([np.median(group, axis=0) for group in groups])
    spreads = np.stack([np.sqrt(group.var(axis=0) + _LEAST_SPREAD**2) for group in groups])
    return Palette(means.astype(float), spreads.astype(float), shares[kept] / shares[kept].sum())
