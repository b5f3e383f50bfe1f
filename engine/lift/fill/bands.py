"""Bands: what runs around a limb or the trunk goes on around it: stripes, hems, cuffs, waistbands.

Along a stripe every colour of a row is alike; lettering has it here and there only. Stripes that the photo
shows curved, because cloth sags or the camera looks down on it, are first brought level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..colour import lab
from ..parts import LEFT_ARM, LEFT_HAND, RIGHT_ARM, RIGHT_HAND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_ACROSS = 0.06  # of a metre along the row, against a metre along the limb
_BIN = 0.003  # metres along the limb
_FEWEST = 240  # points
_SAMPLES = 2500
_FARTHEST = 0.042  # metres that a row may sag or tilt
_COARSE = 0.007  # metres
_FINE = (0.004, 0.002, 0.001)
_DEAR = 0.15  # of the energy that a metre of sag costs: periodic stripes also fit one period off
_PLAIN = 0.012  # mean difference from calm cloth that needs no explanation
_SECTORS = 8
_FEWEST_SECTORS = 5
_AGREE = 0.75  # share of the sectors that must show a row's colour
_FILLED = 0.65  # share of a sector's points that must
_LIKE, _UNLIKE = 0.45, 2.0  # times a row's colour that a sector may show
_VISIBLE = 3.5  # L*a*b* difference from the calm cloth
_MANY = 0.3  # of the rows that run level where the cloth is striped
_MOSTLY = 0.4  # of all detail that rows explain where the cloth is striped


def limb_metric(part: int) -> Float:
    """Scale of distances in the rest pose: long along the limb (arms lie along x, all else along y). [3]"""
    return np.array([1.0, _ACROSS, _ACROSS]) if lies_level(part) else np.array([_ACROSS, 1.0, _ACROSS])


def lies_level(part: int) -> bool:
    """Whether a part lies along x in the rest pose, not along y."""
    return part in (LEFT_ARM, RIGHT_ARM, LEFT_HAND, RIGHT_HAND)


@dataclass(frozen=True)
class Bands:
    """What runs level around one garment on one part of the body.

    Args:
        first: Metres along the limb where the first row begins.
        detail: How each row differs from the calm cloth. [R, 3]
        middle: Of the garment, metres along and across.
        half: Half its extent, metres along and across.
        sag: Tilt, its change along the limb, sag, its change; metres at the rim. [4]
        striped: Whether bands are most of what the cloth shows.
    """

    first: float
    detail: Float
    middle: Float
    half: Float
    sag: Float
    striped: bool

    def at(self, along: Float, across: Float, behind: NDArray[np.bool_]) -> Float:
        """The difference from the calm cloth at places around the limb. [N, 3]

        Args:
            along: Metres along the limb. [N]
            across: Metres across it. [N]
            behind: Away from the photo; rows there run straight from one side to the other. [N]
        """
        u, v = self._unit(along, across)
        square = np.where(behind, 1.0, v * v)
        row = (along - _lift(self.sag, u, v, square) - self.first) / _BIN - 0.5
        low = np.floor(row).astype(int)
        share = (row - low)[:, None]
        padded = np.vstack([np.zeros((1, 3)), self.detail, np.zeros((1, 3))])
        below, above = (padded[np.clip(low + step, 0, len(padded) - 1)] for step in (1, 2))
        return below * (1 - share) + above * share

    def _unit(self, along: Float, across: Float) -> tuple[Float, Float]:
        return (
            np.clip((along - self.middle[0]) / self.half[0], -1, 1),
            np.clip((across - self.middle[1]) / self.half[1], -1, 1),
        )


def find_bands(along: Float, across: Float, sharp: Float, calm: Float, highest: float = 1.0) -> Bands | None:
    """Find what runs level.

    Args:
        along: Metres along the limb, of what the photo shows well. [N]
        across: Metres across. [N]
        sharp: The photo's colours. [N, 3]
        calm: The same without creases and patterns. [N, 3]
        highest: Share of the garment up to which a band among plain cloth may lie.

    Returns:
        None where nothing does.
    """
    if len(along) < _FEWEST:
        return None
    spots = np.stack([along, across])
    low, high = np.quantile(spots, [0.02, 0.98], axis=1)
    middle, half = 0.5 * (low + high), np.maximum(0.5 * (high - low), 0.01)
    u, v = np.clip((spots - middle[:, None]) / half[:, None], -1, 1)
    detail = sharp - calm
    if np.abs(detail).mean() < _PLAIN:
        return None
    sag = _best_sag(along, u, v, detail)
    level = along - _lift(sag, u, v, v * v)
    first = float(level.min())
    row = ((level - first) / _BIN).astype(int)
    usual, runs = _rows(row, v, detail, calm)
    left = detail - usual[row]
    explained = 1.0 - (left**2).sum() / max(float((detail**2).sum()), 1e-9)
    striped = bool(runs.mean() > _MANY and explained > _MOSTLY)
    # One band among plain cloth must be a hem or a waistband: what is higher is a neckline, or lettering.
    kept = np.ones(len(runs), bool) if striped else runs & (np.arange(len(runs)) < highest * len(runs))
    return (
        Bands(first, np.where(kept[:, None], usual, 0.0), middle, half, sag, striped) if kept.any() else None
    )


def _lift(sag: Float, u: Float, v: Float, square: Float) -> Float:
    """How much higher than in the middle each place of a row lies, metres. [N]"""
    return (sag[0] + sag[1] * u) * v + (sag[2] + sag[3] * u) * square


def _best_sag(along: Float, u: Float, v: Float, detail: Float) -> Float:
    """Tilt and sag with which rows differ most from each other. [4]"""
    step = max(1, len(along) // _SAMPLES)
    along, u, v, detail = along[::step], u[::step], v[::step], detail[::step]
    total = float((detail**2).sum()) + 1e-9

    def gain(sag: Float) -> float:
        level = along - _lift(sag, u, v, v * v)
        row = ((level - level.min()) / _BIN).astype(int)
        count = np.bincount(row) + 3.0
        energy = sum((np.bincount(row, detail[:, c]) ** 2 / count).sum() for c in range(3))
        return float(energy) / total - _DEAR * float(np.abs(sag).sum())

    steps = np.arange(-_FARTHEST, _FARTHEST + 1e-9, _COARSE)
    starts = [np.array([tilt, 0.0, bend, 0.0]) for tilt in steps for bend in steps]
    best = max(starts, key=gain)
    value = gain(best)
    for size in _FINE:
        for move in (*np.eye(4) * size, *np.eye(4) * -size) * 2:
            while (other := gain(best + move)) > value and np.abs(best + move).max() < _FARTHEST:
                best, value = best + move, other
    return best


def _rows(row: NDArray[np.int64], v: Float, detail: Float, calm: Float) -> tuple[Float, NDArray[np.bool_]]:
    """Each row's difference from the calm cloth, and whether nearly all of the row shows it. [R, 3], [R]"""
    count = int(row.max()) + 1
    sector = np.clip((0.5 * (v + 1) * _SECTORS).astype(int), 0, _SECTORS - 1)
    cell = row * _SECTORS + sector
    number = np.bincount(cell, minlength=count * _SECTORS).reshape(count, _SECTORS)
    mean = np.stack([np.bincount(cell, detail[:, c], count * _SECTORS) for c in range(3)], axis=-1)
    mean = mean.reshape(count, _SECTORS, 3) / np.maximum(number, 1)[..., None]
    there = number > 0
    with_gaps = np.where(there[..., None], mean, np.nan)
    usual = np.zeros((count, 3))
    wide = (there.sum(axis=1) >= _FEWEST_SECTORS) & there[:, :2].any(axis=1) & there[:, -2:].any(axis=1)
    usual[wide] = np.nanmedian(with_gaps[wide], axis=1)
    filled, empty = np.flatnonzero(wide), np.flatnonzero(~there.any(axis=1))
    if len(filled):
        usual[empty] = np.stack([np.interp(empty, filled, usual[filled, c]) for c in range(3)], axis=1)
    size = np.maximum((usual**2).sum(axis=1), 1e-9)
    like = (detail * usual[row]).sum(axis=1) / size[row]
    alike = np.bincount(cell, (like > _LIKE) & (like < _UNLIKE), count * _SECTORS).reshape(count, _SECTORS)
    agrees = there & (alike >= _FILLED * number)  # each point: a letter leaves gaps, a band does not
    ends = [
        np.take_along_axis(agrees, side[:, None], axis=1)[:, 0]
        for side in (there.argmax(axis=1), _SECTORS - 1 - there[:, ::-1].argmax(axis=1))
    ]
    share = agrees.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    ground = np.stack([np.bincount(row, calm[:, c], count) for c in range(3)], axis=1)
    ground /= np.maximum(np.bincount(row, minlength=count), 1)[:, None]
    seen = np.linalg.norm(lab(ground + usual) - lab(ground), axis=1) > _VISIBLE
    runs = wide & (share >= _AGREE) & ends[0] & ends[1]
    strong = runs & seen
    # The soft border of a band, and rows between the lattice's.
    strong |= (runs | ~there.any(axis=1)) & (np.roll(strong, 1) | np.roll(strong, -1))
    return usual, strong
