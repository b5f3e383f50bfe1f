"""Find a skirt, a dress or a coat in the photo: rows where the matte fills the gap of the fitted legs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.arrays import require_shape
from ..avatar.body import JOINT_COUNT, joint_index
from .rows import Spans, row_spans, runs_outside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int

NONE, SKIRT, COAT = "none", "skirt", "coat"
KNEE_SHARE = 0.5

# Lengths as shares of the leg's from hip to ankle in the photo, which is about 0.88 m.
_GAP = 0.03  # a gap between the legs that tells something
_FLARE = (0.035, 0.06)  # cloth beyond the legs on each side, where they show no gap: trousers, skirt
_THICK = 0.03  # trousers, where an arm hides how thick they are
_CLOSED = 1.3  # of the cloth's thickness on each side of a gap that may be closed without a skirt
_COVERED = (0.45, 0.9)  # of the gap: trousers, skirt
_WHOLE = 0.95  # of the gap: above a hem
_HEM = 0.05  # a hem ends the cloth at once; between the legs of wide shorts a wedge opens little by little
_SHORTEST = 0.12  # of a skirt below the crotch; the seat of wide trousers hangs lower than the body's
_LEAST = 0.06  # of the rows that must speak for it
_COAT = 0.045  # cloth beyond the trunk on each side makes it a coat
_UPRIGHT = 0.7  # cosine of the legs' direction in the image against straight down
_OPAQUE = 0.5

_LEGS = tuple(
    tuple(joint_index(f"{side}_{name}") for name in ("hip", "knee", "ankle", "foot"))
    for side in ("left", "right")
)
_ARMS = tuple(
    joint_index(f"{side}_{name}") for side in ("left", "right") for name in ("shoulder", "elbow", "wrist")
) + tuple(range(joint_index("left_index1"), JOINT_COUNT))
_TRUNK = tuple(joint_index(name) for name in ("pelvis", "spine1", "spine2", "spine3"))


@dataclass(frozen=True)
class LooseRegion:
    """Where loose cloth hangs, as places along the legs.

    0 are the hips, 0.5 the knees, 1 the ankles; -1 is a leg's length above the hips.

    Args:
        kind: ``none``, ``skirt`` (or a dress) or ``coat``, which also stands off the trunk.
        waist: Where it begins to hang.
        hem: Where it ends; 1 or more if it covers the ankles.
        strength: 0.5 to 1, how clearly the photo shows it; 0 for ``none``.
        waist_row: The same in pixels of the photo.
        hem_row: The same.
    """

    kind: str
    waist: float
    hem: float
    strength: float
    waist_row: float
    hem_row: float


NOTHING_LOOSE = LooseRegion(NONE, 0.0, 0.0, 0.0, 0.0, 0.0)


def find_loose(alpha: Float, pixels: Float, faces: Int, owners: Int, joints: Float) -> LooseRegion:
    """Look for loose cloth below the waist.

    Args:
        alpha: The person's matte, 0..1. [H, W]
        pixels: The fitted body's vertices in the photo, x and y. [V, 2]
        faces: Of the body. [F, 3]
        owners: The joint that each vertex follows most. [V]
        joints: The fitted body's joints in the photo, x and y. [55, 2]

    Returns:
        ``NOTHING_LOOSE`` for trousers, for legs that do not hang down, and where the photo shows no legs.

    Raises:
        ValueError: If a shape is wrong.
    """
    for name, array, shape in (
        ("alpha", alpha, (None, None)), ("pixels", pixels, (None, 2)), ("faces", faces, (None, 3)),
        ("owners", owners, (len(pixels),)), ("joints", joints, (JOINT_COUNT, 2)),
    ):  # fmt: skip
        require_shape(name, array, shape)
    hip, knee, ankle = (joints[[leg[n] for leg in _LEGS]].mean(axis=0) for n in range(3))
    length = float(np.linalg.norm(ankle - hip))
    if length < 1 or (ankle - hip)[1] < _UPRIGHT * length:
        return NOTHING_LOOSE
    view = _View(np.asarray(alpha) > _OPAQUE, pixels, faces, owners, length)
    crotch = _lowest(pixels[np.isin(owners, _TRUNK), 1])
    first, last = round(max(crotch, 0)), round(min(ankle[1], len(alpha) - 1))
    if last - first < _SHORTEST * length:
        return NOTHING_LOOSE
    verdict = view.verdicts[first : last + 1]
    # The hem parts rows that speak for cloth from rows that speak for legs.
    balance = np.cumsum(verdict)
    rows = int(balance.argmax()) + 1
    if balance[rows - 1] < _LEAST * length or rows < _SHORTEST * length or view.is_wedge(first, first + rows):
        return NOTHING_LOOSE
    told = verdict[:rows][verdict[:rows] != 0]
    waist_row, hem_row = float(joints[joint_index("spine1")][1]), float(first + rows)
    stations = [hip[1], max(knee[1], hip[1] + 1), max(ankle[1], knee[1] + 1, hip[1] + 2)]
    hem = float(np.interp(hem_row, stations, [0, KNEE_SHARE, 1]))
    waist = min(0.0, (waist_row - hip[1]) / length)
    kind = COAT if view.stands_off_trunk(waist_row, joints) else SKIRT
    # To the last row that can speak: the ankles themselves are covered.
    hem = 1.1 if first + rows >= last else hem
    strength = 0.5 + 0.5 * float(np.clip(told.mean(), 0, 1))
    return LooseRegion(kind, waist, hem, strength, waist_row, hem_row)


class _View:
    """The matte beside the rows that the body's parts cover."""

    def __init__(
        self, opaque: NDArray[np.bool_], pixels: Float, faces: Int, owners: Int, length: float
    ) -> None:
        self.opaque, self.length = opaque, length

        def spans(joints: tuple[int, ...]) -> Spans:
            own = np.isin(owners, joints)[faces].all(axis=1)
            return row_spans(pixels, faces[own], len(opaque))

        one, two = (spans(leg) for leg in _LEGS)
        swapped = one.low > two.low
        self.near = Spans(np.where(swapped, two.low, one.low), np.where(swapped, two.high, one.high))
        self.far = Spans(np.where(swapped, one.low, two.low), np.where(swapped, one.high, two.high))
        self.arms = [spans(_ARMS[:3] + _ARMS[6:21]), spans(_ARMS[3:6] + _ARMS[21:])]
        self.trunk = spans(_TRUNK)

    @cached_property
    def verdicts(self) -> NDArray[np.int64]:
        """1 for rows with cloth over both legs, -1 for two legs, 0 for rows that do not tell. [H]"""
        both, gap, covered = self.near.there & self.far.there, self.gap, self.covered
        flare = self._flare(
            Spans(np.minimum(self.near.low, self.far.low), np.maximum(self.near.high, self.far.high))
        )
        apart = gap > _GAP * self.length
        # Trousers' legs close a gap as narrow as they are thick, and they are as thick on the outside.
        thick = np.where(np.isnan(flare), _THICK, flare)
        bridged = (0.5 * gap > _CLOSED * thick * self.length) | (thick > _FLARE[1])
        by_gap = np.where(covered < _COVERED[0], -1, np.where((covered > _COVERED[1]) & bridged, 1, 0))
        by_flare = np.where(flare > _FLARE[1], 1, np.where(flare < _FLARE[0], -1, 0))
        return np.where(both, np.where(apart, by_gap, np.where(np.isnan(flare), 0, by_flare)), 0)

    @cached_property
    def gap(self) -> Float:
        """Pixels between the legs. [H]"""
        return np.where(self.near.there & self.far.there, self.far.low - self.near.high, 0.0)

    @cached_property
    def covered(self) -> Float:
        """Share of the gap that the matte covers. [H]"""
        width = self.opaque.shape[1]
        total = np.concatenate([np.zeros((len(self.opaque), 1)), self.opaque.cumsum(axis=1)], axis=1)
        start = np.clip(np.nan_to_num(np.ceil(self.near.high)), 0, width).astype(int)
        end = np.clip(np.nan_to_num(np.floor(self.far.low)), 0, width).astype(int)
        rows = np.arange(len(total))
        return (total[rows, end] - total[rows, start]) / np.maximum(end - start, 1)

    def is_wedge(self, first: int, hem: int) -> bool:
        """Whether the gap opens little by little around a row, as between the legs of wide shorts."""
        apart = self.gap > _GAP * self.length
        opened = np.flatnonzero(apart[first:] & (self.covered[first:] < _COVERED[0])) + first
        opened = opened[opened >= hem - _HEM * self.length]
        if not len(opened):
            return False
        whole = np.flatnonzero(apart[first : opened[0]] & (self.covered[first : opened[0]] > _WHOLE)) + first
        return bool(len(whole)) and opened[0] - whole[-1] > _HEM * self.length

    def stands_off_trunk(self, waist_row: float, joints: Float) -> bool:
        """Whether cloth stands off the trunk above the waist, too."""
        chest = joints[joint_index("spine3")][1]
        rows = slice(*sorted((max(0, int(chest)), max(0, int(waist_row)))))
        flare = self._flare(self.trunk)[rows]
        return bool(np.isfinite(flare).any() and np.nanmedian(flare) > _COAT)

    def _flare(self, spans: Spans) -> Float:
        """Matte beyond each row's span, mean of the sides without an arm, over the legs' length. [H]"""
        left, right = runs_outside(self.opaque, spans)
        for arm in self.arms:
            left[arm.there & (arm.high > spans.low - left - 1) & (arm.low < spans.low + 1)] = np.nan
            right[arm.there & (arm.low < spans.high + right + 1) & (arm.high > spans.high - 1)] = np.nan
        # A run to the photo's border has no end.
        left[spans.low - left <= 1] = np.nan
        right[spans.high + right >= self.opaque.shape[1] - 1] = np.nan
        known = np.isfinite(left).astype(int) + np.isfinite(right)
        total = np.nan_to_num(left) + np.nan_to_num(right)
        return np.where(known > 0, total / np.maximum(known, 1), np.nan) / self.length


def _lowest(rows: Float) -> float:
    """The lowest row of many, but for a few strays."""
    return float(np.quantile(rows, 0.999)) if len(rows) else 0.0
