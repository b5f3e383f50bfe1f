"""Means over people, the aims beside them, the worst, and what changed since another run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .baselines import BASELINES
from .drive import DRIVES, PHOTO_POSE
from .people import POSE, VIEW
from .protocol import PSNR_MASKED
from .score import AVATAR, IOU

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .score import PersonScore, ShotScore

PHOTO_VIEW, NEAR, AROUND, POSES = "photo's view", "within ±30°", "all around", "new poses"
SECTIONS: dict[str, Callable[[ShotScore], bool]] = {
    PHOTO_VIEW: lambda shot: shot.kind == VIEW and abs(shot.azimuth) < 1,
    NEAR: lambda shot: shot.kind == VIEW and abs(abs(shot.azimuth) - 30) < 1,
    AROUND: lambda shot: shot.kind == VIEW,
    POSES: lambda shot: shot.kind == POSE,
}
"""Which pictures each row is the mean of."""


@dataclass(frozen=True)
class Row:
    """The mean over people of the means over their pictures.

    Args:
        drive: One of ``DRIVES``, or ``PHOTO_POSE``.
        method: ``AVATAR`` or a baseline.
        section: One of ``SECTIONS``, or an angle such as ``+90°``.
        people: How many.
        values: By the name of the measure.
    """

    drive: str
    method: str
    section: str
    people: int
    values: dict[str, float]


@dataclass(frozen=True)
class Aim:
    """A number to reach.

    Args:
        what: In words.
        wanted: In words, with its unit.
        got: The figure, in the same unit.
        reached: Whether it is.
    """

    what: str
    wanted: str
    got: str
    reached: bool


def rows(scores: Sequence[PersonScore]) -> list[Row]:
    """Every drive, method and section that was measured."""
    orders = [(drive, method) for drive in (*DRIVES, PHOTO_POSE) for method in (AVATAR, *BASELINES)]
    found = [
        _row(scores, drive, method, section)
        for drive, method in orders
        for section in ((PHOTO_VIEW,) if drive == PHOTO_POSE else SECTIONS)
    ]
    return [row for row in found if row is not None]


def angle_rows(scores: Sequence[PersonScore], drive: str) -> list[Row]:
    """The avatar's mean at each angle around the person, from the photo's on."""
    angles = sorted(
        {round(s.azimuth) for p in scores for s in p.shots if s.kind == VIEW}, key=lambda a: a % 360
    )
    found = [
        _mean(
            scores, drive, AVATAR, f"{angle:+d}°", lambda s, a=angle: s.kind == VIEW and round(s.azimuth) == a
        )
        for angle in angles
    ]
    return [row for row in found if row is not None]


def value(scores: Sequence[PersonScore], drive: str, method: str, section: str, measure: str) -> float | None:
    """One figure of one row, if it was measured."""
    row = _row(scores, drive, method, section)
    return None if row is None else row.values.get(measure)


def joint_means(scores: Sequence[PersonScore]) -> dict[str, float]:
    """Joint errors, the mean over the people who have any."""
    known = [score.joints for score in scores if score.joints]
    return {name: float(np.mean([joints[name] for joints in known])) for name in known[0]} if known else {}


def aims(scores: Sequence[PersonScore], drive: str, photos: int = 1) -> list[Aim]:
    """The aims that can be judged, with one or two photos of each person."""
    got: list[Aim] = []
    wanted = {AROUND: 22.0} if photos > 1 else {PHOTO_VIEW: 27.0, NEAR: 22.0, AROUND: 19.0}
    for section, least in wanted.items():
        figure = value(scores, drive, AVATAR, section, PSNR_MASKED)
        if figure is not None:
            got.append(_at_least(f"{section}, {PSNR_MASKED}", figure, least, "dB"))
    around = value(scores, drive, AVATAR, AROUND, PSNR_MASKED)
    poses = value(scores, drive, AVATAR, POSES, PSNR_MASKED)
    known = [value(scores, drive, name, AROUND, PSNR_MASKED) for name in BASELINES]
    beaten = [figure for figure in known if figure is not None]
    if around is not None and beaten:
        got.append(_at_least("all around, above the best baseline", around - max(beaten), 2.0, "dB"))
    if around is not None and poses is not None:
        got.append(_at_least("new poses, against all around", poses - around, -1.0, "dB"))
    iou = value(scores, PHOTO_POSE, AVATAR, PHOTO_VIEW, IOU)
    if iou is not None:
        got.append(_at_least("photo's view, own pose, silhouette IoU", iou, 0.96, "", 3))
    joints = joint_means(scores)
    if joints:
        got.append(_at_most("joints in space, pelvis aligned", joints["mean"], 60.0, "mm"))
        got.append(_at_most("joints in the photo, of its height", 100 * joints["image"], 1.5, "%", 2))
    for name, most, unit, size in (("seconds", 60.0, "s", 1.0), ("peak_memory_bytes", 2.5, "GB", 1e-9)):
        costs = [size * score.costs[name] for score in scores if score.costs.get(name)]
        if costs:
            got.append(_at_most(f"largest {'time' if unit == 's' else 'memory'}", max(costs), most, unit))
    return got


def worst(
    scores: Sequence[PersonScore], drive: str, count: int = 5
) -> list[tuple[PersonScore, float, list[str]]]:
    """The people with the lowest PSNR all around: the score, its dB, and what stands out about them."""
    ranked = sorted(
        ((score, figure) for score in scores if (figure := _around(score, drive)) is not None),
        key=lambda pair: pair[1],
    )
    return [(score, figure, reasons(score, drive)) for score, figure in ranked[:count]]


def reasons(score: PersonScore, drive: str) -> list[str]:
    """What of a person misses its aim, in words, and what is special about them."""
    found = []
    if score.joints and score.joints["mean"] > 60:
        found.append(f"pose {score.joints['mean']:.0f} mm off")
    for name, where in ((PHOTO_POSE, "own pose"), (drive, "true pose")):
        iou = value([score], name, AVATAR, PHOTO_VIEW, IOU)
        if iou is not None and iou < (0.96 if name == PHOTO_POSE else 0.85):
            found.append(f"outline IoU {iou:.2f} in the {where}")
    front, around = (value([score], drive, AVATAR, s, PSNR_MASKED) for s in (PHOTO_VIEW, AROUND))
    if front is not None and around is not None and front - around > 6:
        found.append(f"sides and back {front - around:.1f} dB below the photo's view")
    return [*found, *score.tags]


def common(
    new: Sequence[PersonScore], old: Sequence[PersonScore]
) -> tuple[list[PersonScore], list[PersonScore]]:
    """The people that both runs measured, in one order."""
    before = {score.name: score for score in old}
    kept = [score for score in new if score.name in before]
    return kept, [before[score.name] for score in kept]


def _around(score: PersonScore, drive: str) -> float | None:
    return value([score], drive, AVATAR, AROUND, PSNR_MASKED)


def _row(scores: Sequence[PersonScore], drive: str, method: str, section: str) -> Row | None:
    return _mean(scores, drive, method, section, SECTIONS[section])


def _mean(
    scores: Sequence[PersonScore], drive: str, method: str, section: str, belongs: Callable[[ShotScore], bool]
) -> Row | None:
    means: list[dict[str, float]] = []
    for score in scores:
        shots = [s for s in score.shots if s.drive == drive and s.method == method and belongs(s)]
        if shots:
            means.append({name: float(np.mean([s.values[name] for s in shots])) for name in shots[0].values})
    if not means:
        return None
    names = [name for name in means[0] if all(name in values for values in means)]
    return Row(
        drive,
        method,
        section,
        len(means),
        {n: float(np.mean([values[n] for values in means])) for n in names},
    )


def _at_least(what: str, got: float, least: float, unit: str, digits: int = 1) -> Aim:
    return Aim(what, f"≥ {least:g} {unit}".rstrip(), f"{got:.{digits}f} {unit}".rstrip(), got >= least)


def _at_most(what: str, got: float, most: float, unit: str, digits: int = 1) -> Aim:
    return Aim(what, f"≤ {most:g} {unit}".rstrip(), f"{got:.{digits}f} {unit}".rstrip(), got <= most)
