"""Lettering: what a garment shows in front only, and whether the rest of it has a pattern.

The back of a garment looks like its sides. Colours of the middle that never occur at the sides of the same
garment at about the same height are lettering, badges, ties, buttons, or the shirt under an open coat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..colour import lab
from ..labels import BOTTOM, COAT, HAIR, HAT, SHOES, SKIN, TOP
from ..parts import LEFT_ARM, RIGHT_ARM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ..clothe.depth import DepthMaps
    from ..observation import Observation
    from ..parse.parse import Parsed

_GARMENTS = (TOP, BOTTOM, COAT)
_SMALL = 150.0  # pixels per metre of the image that is searched
_ROW = 0.03  # metres: heights over which the rim is measured
_SIDE, _RIM = 0.6, 0.8  # of the way from a part's middle to its rim
_SIDE_COUNTS = 3.0  # times the middle
_LIGHTNESS = 0.5  # how much lightness tells: folds change it
_FOREIGN = 11.0  # L*a*b* distance to the usual colour there
_ROUNDS = 12
_WIDE = 40.0  # L*a*b*
_GROWN = 0.012  # metres around lettering that its blurred edge reaches
_LINE = 0.01  # metres
_RESTLESS = 9.0  # L*a*b* spread along a line
_SOFT = 0.03  # metres over which creases are levelled
_TILE = 0.05  # metres
_CONTRAST = 3.5  # L*a*b* spread in most tiles of a pattern
_EVEN = 0.5  # its least contrast against its most: letters and folds are here and there
_ENOUGH = 120  # pixels


@dataclass(frozen=True)
class Cloth:
    """The photo as material for what it does not show.

    Args:
        soft: Colours without creases and folds; every label has its own. [H, W, 3]
        front_only: Pixels whose colours the sides do not have. [H, W]
        patterned: Labels whose texture must go on.
    """

    soft: NDArray[np.float32]
    front_only: NDArray[np.bool_]
    patterned: frozenset[int]


def cloth(clean: NDArray[np.float32], parsed: Parsed, maps: DepthMaps, seen: Observation) -> Cloth:
    """Look at the garments.

    Args:
        clean: The photo's colours without background. [H, W, 3]
        parsed: What each pixel shows.
        maps: The person's sheets.
        seen: The photo.
    """
    scale = maps.pixels_per_metre(seen.camera)
    factor = min(1.0, _SMALL / scale)
    height, width = parsed.labels.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    unit = scale * factor
    labels = np.asarray(cv2.resize(parsed.labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    rest = np.asarray(cv2.resize(parsed.rest, size, interpolation=cv2.INTER_NEAREST), np.float32)
    part = cv2.resize(parsed.part, size, interpolation=cv2.INTER_NEAREST)
    rgb = cv2.resize(clean, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    colors = lab(rgb.reshape(-1, 3)).reshape(rgb.shape)
    patterned = frozenset(label for label in _GARMENTS if is_patterned(colors, labels == label, unit))
    foreign = np.zeros(labels.shape, bool)
    for label in set(_GARMENTS) - patterned:
        for own in np.unique(part[labels == label]):
            foreign |= _foreign(rest, colors, (labels == label) & (part == own), own in (LEFT_ARM, RIGHT_ARM))
    grown = 2 * max(1, round(_GROWN * unit)) + 1
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grown, grown))
    front_only = cv2.dilate(foreign.astype(np.uint8), ellipse) > 0
    soft = _soft(rgb, labels, front_only, _SOFT * unit)
    return Cloth(
        np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32),
        cv2.resize(front_only.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0,
        patterned,
    )


def _foreign(rest: Float, colors: Float, rows: NDArray[np.bool_], arm: bool) -> NDArray[np.bool_]:
    """Where a garment on one body part has not its usual colour, unless that runs level to both sides.

    The usual colour is a quadratic surface over the part, for light and shade; the sides count most, so that
    it is the coat's colour and not that of the shirt beneath. [H, W]
    """
    count = int(rows.sum())
    foreign = np.zeros(rows.shape, np.uint8)
    if count < _ENOUGH:
        return foreign > 0
    along, across = (rest[rows][:, i] for i in ((0, 1) if arm else (1, 0)))
    u, v = _outward(along, across), (along - along.mean()) / max(float(np.ptp(along)), 1e-3)
    terms = np.column_stack([np.ones(count), u, v, u * v, u * u, v * v])
    values = colors[rows] * [_LIGHTNESS, 1, 1]
    trust = first = np.where(np.abs(u) > _SIDE, _SIDE_COUNTS, 1.0)
    away, usual = np.zeros(count), values
    for scale in np.geomspace(
        _WIDE, 0.4 * _FOREIGN, _ROUNDS
    ):  # the usual colour is found before it is fitted
        weighted = terms * trust[:, None]
        usual = terms @ np.linalg.solve(terms.T @ weighted + 1e-3 * np.eye(6), weighted.T @ values)
        away = np.linalg.norm(values - usual, axis=1)
        trust = first / (1 + (away / scale) ** 2) ** 2
    foreign[rows] = (away > _FOREIGN) & ~_goes_on(values, usual, away > _FOREIGN, along, u)
    return foreign > 0


def _goes_on(
    values: Float, usual: Float, odd: NDArray[np.bool_], along: Float, u: Float
) -> NDArray[np.bool_]:
    """Odd colours that run level to the sides: a yoke, a hem, a band; letters change along their line. [N]"""
    row = np.floor((along - along.min()) / _LINE).astype(int)
    count = row.max() + 1
    amount = np.maximum(np.bincount(row[odd], minlength=count), 1)
    mean, square = np.zeros((count, 3)), np.zeros((count, 3))
    apart = values - usual
    np.add.at(mean, row[odd], apart[odd])
    np.add.at(square, row[odd], apart[odd] ** 2)
    mean /= amount[:, None]
    restless = np.sqrt(np.maximum(square / amount[:, None] - mean**2, 0).sum(axis=1))
    level = restless < _RESTLESS
    for side in (u > _RIM, u < -_RIM):
        share = np.bincount(row[side & odd], minlength=count) / np.maximum(
            np.bincount(row[side], minlength=count), 1
        )
        level &= share > 0.5
    level |= np.roll(level, 1) | np.roll(level, -1)  # the line that holds its border
    return level[row] & (np.linalg.norm(apart - mean[row], axis=1) < _FOREIGN)


def _outward(along: Float, across: Float) -> Float:
    """-1 and 1 at the sides of a part, by rows along it. [N]"""
    row = np.floor((along - along.min()) / _ROW).astype(int)
    low, high = np.full(row.max() + 1, np.inf), np.full(row.max() + 1, -np.inf)
    np.minimum.at(low, row, across)
    np.maximum.at(high, row, across)
    middle, half = 0.5 * (low + high)[row], 0.5 * np.maximum(high - low, 1e-3)[row]
    return (across - middle) / half


def is_patterned(colors: Float, rows: NDArray[np.bool_], unit: float) -> bool:
    """Whether a garment has a pattern: about the same contrast everywhere.

    Args:
        colors: L*a*b*. [H, W, 3]
        rows: The garment. [H, W]
        unit: Pixels of a metre.
    """
    size = max(2, round(_TILE * unit))
    mask = rows.astype(np.float32)
    weight = cv2.GaussianBlur(mask, (0, 0), 0.5 * size)
    enough = rows & (weight > 0.6)
    if enough.sum() < _ENOUGH:
        return False
    values = np.where(rows[..., None], colors * [_LIGHTNESS, 1, 1], 0).astype(np.float32)
    mean = cv2.GaussianBlur(values, (0, 0), 0.5 * size) / np.maximum(weight, 1e-3)[..., None]
    detail = np.where(rows[..., None], values - mean, 0)
    spread = np.sqrt(
        cv2.GaussianBlur((detail**2).sum(axis=-1), (0, 0), 0.5 * size) / np.maximum(weight, 1e-3)
    )
    low, middle, high = np.quantile(spread[enough], (0.1, 0.5, 0.8))
    return bool(middle > _CONTRAST and low > _EVEN * high)


def _soft(
    rgb: NDArray[np.float32], labels: NDArray[np.uint8], front_only: NDArray[np.bool_], sigma: float
) -> NDArray[np.float32]:
    """Colours averaged over neighbours of the same label. [H, W, 3]"""
    result = rgb.copy()
    for label in (SKIN, HAIR, TOP, BOTTOM, SHOES, HAT, COAT):
        rows = labels == label
        mask = (rows & ~front_only).astype(np.float32)
        if not mask.any():
            continue
        weight = cv2.GaussianBlur(mask, (0, 0), sigma)
        mean = cv2.GaussianBlur(rgb * mask[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
        known = rows & (weight > 1e-3)
        result[known] = mean[known]
    return result
