"""Combine: several photos of one person, the best view of every place wins.

Each photo has become a whole avatar in the same rest pose. Where two show the same place, the one that looks
at it more squarely keeps it; what one merely guessed gives way to what another shows; what none shows is the
first photo's guess, drawn towards the colours around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ..avatar.avatar import SEEN_PHOTO
from ..avatar.binding import Binding
from ..avatar.gaussians import Gaussians
from ..avatar.rotations import matrix_from_quat
from ..avatar.sh import sh_from_rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from .view import View

_SAME_PLACE = 0.03  # metres: clothes lie a little differently in each photo
_BESIDE = 1.2  # spacings
_RIVALS = 8
_SQUARER = 0.08  # of a cosine that a view must be better by to take a place
_TWICE = 0.012  # metres: nearer than this two guesses are one
_LEAST_GAIN, _MOST_GAIN = 0.7, 1.4
_ENOUGH = 60  # Gaussians of a part that tell its colour
_NEIGHBOURS = 12
_ROUNDS = 30
_ANCHOR = 0.15  # how much a guess keeps of itself against the colours around it


@dataclass(frozen=True)
class Combined:
    """One avatar's Gaussians in the rest pose.

    Args:
        resting: The Gaussians.
        binding: The joints they follow.
        seen: ``SEEN_PHOTO``, ``SEEN_MIRRORED`` or ``SEEN_FILLED``. [N]
        view: Number of the photo that each comes from. [N]
        gains: What each photo's red, green and blue were multiplied by. [V, 3]
    """

    resting: Gaussians
    binding: Binding
    seen: NDArray[np.uint8]
    view: NDArray[np.int64]
    gains: Float


def combine(views: Sequence[View]) -> Combined:
    """One avatar of all photos.

    Args:
        views: Of the same person with the same betas; the first photo's light is kept.
    """
    gains = np.stack([np.ones(3)] + [_gain(views[0], other) for other in views[1:]])
    colors = [v.resting.colors() * gain for v, gain in zip(views, gains, strict=True)]
    keep = _kept(views)
    number = np.concatenate([np.full(int(rows.sum()), i) for i, rows in enumerate(keep)])
    joined = {
        name: np.concatenate([getattr(v.resting, name)[rows] for v, rows in zip(views, keep, strict=True)])
        for name in ("means", "quats", "scales", "opacities")
    }
    seen = np.concatenate([v.seen[rows] for v, rows in zip(views, keep, strict=True)])
    color = np.concatenate([c[rows] for c, rows in zip(colors, keep, strict=True)])
    if len(views) > 1:
        part = np.concatenate([v.part[rows] for v, rows in zip(views, keep, strict=True)])
        _settle(joined["means"], part, seen == SEEN_PHOTO, color)
    sh = sh_from_rgb(color.clip(0, 1).astype(np.float32))[:, None, :]
    bindings = [v.binding for v in views]
    return Combined(
        Gaussians(sh=sh, **joined),
        Binding(
            np.concatenate([b.joint_indices[rows] for b, rows in zip(bindings, keep, strict=True)]),
            np.concatenate([b.joint_weights[rows] for b, rows in zip(bindings, keep, strict=True)]),
        ),
        seen,
        number,
        gains,
    )


def _gain(first: View, other: View) -> Float:
    """What brings a photo's colours to the first one's light: the median over the body's parts. [3]

    The first photo's guess of its unseen side is compared with what the other shows there, part by part;
    parts of other garments (a coat's lining) are outliers, so the median decides.
    """
    ratios = []
    for part in np.unique(first.part):
        a = first.resting.colors()[first.part == part]
        b = other.resting.colors()[(other.part == part) & (other.seen == SEEN_PHOTO)]
        if len(a) >= _ENOUGH and len(b) >= _ENOUGH:
            ratios.append((np.median(a, axis=0) + 0.02) / (np.median(b, axis=0) + 0.02))
    if not ratios:
        return np.ones(3)
    return np.clip(np.median(ratios, axis=0), _LEAST_GAIN, _MOST_GAIN)


def _kept(views: Sequence[View]) -> list[NDArray[np.bool_]]:
    """Which Gaussians of each view stay. V times [N]"""
    shown = [v.seen == SEEN_PHOTO for v in views]
    keep = [np.ones(v.resting.count, bool) for v in views]
    for i, mine in enumerate(views):
        for j, theirs in enumerate(views):
            if i != j:
                keep[i] &= ~_better_elsewhere(mine, theirs, shown[i], shown[j], earlier=i < j)
    for i in range(1, len(views)):
        guesses = np.flatnonzero(keep[i] & ~shown[i])
        before = np.concatenate([views[j].resting.means[keep[j]] for j in range(i)])
        gap, _ = KDTree(before).query(views[i].resting.means[guesses], distance_upper_bound=_TWICE)
        keep[i][guesses[np.isfinite(gap)]] = False
    return keep


def _better_elsewhere(
    mine: View, theirs: View, shown: NDArray[np.bool_], there: NDArray[np.bool_], *, earlier: bool
) -> NDArray[np.bool_]:
    """Where another view shows the same place more squarely, or at all. [N]"""
    found = np.zeros(len(shown), bool)
    for part in np.unique(mine.part):
        own = np.flatnonzero(mine.part == part)
        other = np.flatnonzero((theirs.part == part) & there)
        if len(other) < _RIVALS:
            continue
        spots, places = theirs.resting.means[other], mine.resting.means[own]
        gap, nearest = KDTree(spots).query(places, k=_RIVALS, distance_upper_bound=_SAME_PLACE)
        near = np.isfinite(gap)
        nearest = np.where(near, nearest, 0)
        # The same place is above or below, never beside: or the seam between two views would gape.
        away = places[:, None] - spots[nearest]
        normals = matrix_from_quat(theirs.resting.quats[other])[..., 2][nearest]
        along = (away * normals).sum(axis=-1, keepdims=True)
        beside = np.linalg.norm(away - along * normals, axis=-1)
        near &= beside < _BESIDE * theirs.spacing[other][nearest]
        facing = np.where(near, theirs.facing[other][nearest], -1.0).max(axis=1)
        # Of two about equal views the earlier photo wins, so that a place is never lost in both.
        margin = _SQUARER if earlier else -_SQUARER
        found[own] = near.any(axis=1) & (~shown[own] | (facing > mine.facing[own] + margin))
    return found


def _settle(means: Float, part: Int, fixed: NDArray[np.bool_], colors: Float) -> None:
    """Draw guessed colours towards those of the photos around them, most at the seam."""
    for own in np.unique(part):
        rows = np.flatnonzero(part == own)
        free = np.flatnonzero(~fixed[rows])
        if not len(free) or len(rows) <= _NEIGHBOURS or not fixed[rows].any():
            continue
        _, nearest = KDTree(means[rows]).query(means[rows[free]], k=_NEIGHBOURS)
        guess = colors[rows[free]]
        values = colors[rows]
        for _ in range(_ROUNDS):
            values[free] = _ANCHOR * guess + (1 - _ANCHOR) * values[nearest].mean(axis=1)
        colors[rows[free]] = values[free]
