"""Combine: several photos of one person, the best view of every place wins.

Each photo has become a whole avatar in the same rest pose. Where two show the same place, the one that looks
at it more squarely keeps it; what one merely guessed gives way to what another shows; what none shows is the
first photo's guess, of the things and in the colours that are shown around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ...avatar.avatar import SEEN_PHOTO
from ...avatar.binding import Binding
from ...avatar.gaussians import Gaussians
from ...avatar.rotations import matrix_from_quat
from ...avatar.sh import sh_from_rgb
from ..fill.seam import blend
from ..labels import HELD, LABEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ..view import View

_SAME_PLACE = 0.03  # metres: clothes lie a little differently in each photo
_GUESSED_PLACE = 0.045  # metres: guesses more so
_BESIDE = 1.2  # spacings
_RIVALS = 8
_SAME_SIDE = 0.0  # cosine between two surfaces: less, and they are a thin limb's two sides
_SQUARER = 0.08  # of a cosine that a view must be better by to take a place
_LEAST_GAIN, _MOST_GAIN = 0.7, 1.4
_SHADING = 1.15  # how much darker or brighter a back may be in the same light
_ENOUGH = 60  # Gaussians of a part that tell its colour
_NEIGHBOURS = 16
_NEAR = 0.05  # metres: what is shown within this tells what a guess is of
_SURE = 0.6  # of the votes
_SOFT = 0.004  # metres


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
        part, label = (
            np.concatenate([getattr(v, name)[rows] for v, rows in zip(views, keep, strict=True)])
            for name in ("part", "label")
        )
        color = _settled(joined["means"], part, label, seen == SEEN_PHOTO, color)
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
    """What brings a photo's colours to the first one's light: the median over all things. [3]

    The first photo's colours are compared with what the other shows, garment by garment and part by part;
    garments whose back is of another colour are outliers, so the median decides. The tint is corrected whole;
    of the brightness, what the lamps' direction may explain stays as the photo shows it.
    """
    ratios = []
    mine, theirs = (v.part * len(LABEL_NAMES) + v.label for v in (first, other))
    for kind in np.unique(mine):
        a = first.resting.colors()[mine == kind]
        b = other.resting.colors()[(theirs == kind) & (other.seen == SEEN_PHOTO)]
        if len(a) >= _ENOUGH and len(b) >= _ENOUGH:
            ratios.append((np.median(a, axis=0) + 0.02) / (np.median(b, axis=0) + 0.02))
    if not ratios:
        return np.ones(3)
    gain = np.median(ratios, axis=0)
    bright = float(np.exp(np.log(gain).mean()))
    return np.clip(gain / np.clip(bright, 1 / _SHADING, _SHADING), _LEAST_GAIN, _MOST_GAIN)


def _kept(views: Sequence[View]) -> list[NDArray[np.bool_]]:
    """Which Gaussians of each view stay. V times [N]"""
    shown = [v.seen == SEEN_PHOTO for v in views]
    keep = [np.ones(v.resting.count, bool) for v in views]
    for i, mine in enumerate(views):
        for j, theirs in enumerate(views):
            if i != j:
                margin = _SQUARER if i < j else -_SQUARER
                facing = _facing_there(mine, theirs, shown[j], _SAME_PLACE)
                # Of two about equal views the earlier photo wins, so that a place is never lost in both.
                keep[i] &= ~(shown[i] & (facing > mine.facing + margin))
                keep[i] &= shown[i] | (_facing_there(mine, theirs, shown[j], _GUESSED_PLACE) < 0)
    for i in range(1, len(views)):
        for j in range(i):
            keep[i] &= shown[i] | (_facing_there(views[i], views[j], keep[j], _GUESSED_PLACE) < 0)
            # A thing in the hand is whole in one view; two halves of it never meet.
            held = np.unique(views[j].part[views[j].label == HELD])
            keep[i] &= ~((views[i].label == HELD) & np.isin(views[i].part, held))
    return keep


def _facing_there(mine: View, theirs: View, there: NDArray[np.bool_], reach: float) -> Float:
    """How squarely another view looks at each place; less than 0 where it has nothing. [N]

    Args:
        mine: Its places are asked for.
        theirs: The other view.
        there: Which of its Gaussians count.
        reach: How far above or below a place the same place may lie, metres.
    """
    result = np.full(mine.resting.count, -1.0)
    up = matrix_from_quat(mine.resting.quats)[..., 2]
    for part in np.unique(mine.part):
        own = np.flatnonzero(mine.part == part)
        other = np.flatnonzero((theirs.part == part) & there)
        if len(other) < _RIVALS:
            continue
        spots, places = theirs.resting.means[other], mine.resting.means[own]
        gap, nearest = KDTree(spots).query(places, k=_RIVALS, distance_upper_bound=reach)
        near = np.isfinite(gap)
        nearest = np.where(near, nearest, 0)
        # The same place is above or below, never beside: or the seam between two views would gape.
        away = places[:, None] - spots[nearest]
        normals = matrix_from_quat(theirs.resting.quats[other])[..., 2][nearest]
        along = (away * normals).sum(axis=-1, keepdims=True)
        beside = np.linalg.norm(away - along * normals, axis=-1)
        near &= beside < _BESIDE * theirs.spacing[other][nearest]
        near &= (normals * up[own][:, None]).sum(axis=-1) >= _SAME_SIDE
        result[own] = np.where(near, theirs.facing[other][nearest], -1.0).max(axis=1)
    return result


def _settled(means: Float, part: Int, label: Int, shown: NDArray[np.bool_], colors: Float) -> Float:
    """Guesses become what is shown around them, and meet its colours. [N, 3]"""
    label, colors = label.copy(), colors.copy()
    for own in np.unique(part):
        known = np.flatnonzero(shown & (part == own) & (label != HELD))
        free = np.flatnonzero(~shown & (part == own) & (label != HELD))
        if len(known) < _NEIGHBOURS or not len(free):
            continue
        gap, nearest = KDTree(means[known]).query(means[free], k=_NEIGHBOURS)
        nearest = known[np.asarray(nearest)]
        weight = np.where(np.asarray(gap) < _NEAR, 1.0 / (np.asarray(gap) + _SOFT), 0.0)
        votes = np.stack([(weight * (label[nearest] == k)).sum(axis=1) for k in range(len(LABEL_NAMES))], 1)
        won = votes.argmax(axis=1)
        new = (won != label[free]) & (votes.max(axis=1) > _SURE * weight.sum(axis=1)) & weight.any(axis=1)
        weight *= label[nearest] == won[:, None]
        mean = (weight[..., None] * colors[nearest]).sum(axis=1) / (weight.sum(axis=1)[:, None] + 1e-9)
        label[free[new]], colors[free[new]] = won[new], mean[new]
    return blend(means, label.astype(np.uint8), ~shown & (label != HELD), shown & (label != HELD), colors)
